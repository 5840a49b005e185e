#pragma once

#include <string>

namespace cadastre {

/// Prepares the process for numerical work with `num_threads` threads (at least 1), LibTorch's and
/// the BLAS's alike; the same for profiling, training and prediction, so that their times compare.
/// Denormal numbers are flushed to zero: they slow a processor tenfold and mean nothing here.
void prepare_process(int num_threads);

/// From here on this thread computes alone, whatever `prepare_process` said of the others.
void use_one_thread_here();

/// From here on this thread's work can wait: it takes what processor time others leave, and about a
/// tenth of what they want.
void yield_to_others_here();

/// The processor's name from /proc/cpuinfo, such as "AMD EPYC"; "unknown processor" without one.
[[nodiscard]] std::string device_name();

}  // namespace cadastre
