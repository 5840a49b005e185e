#include "executor/process_setup.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace cadastre {

namespace {

/// The Debian build of LibTorch does not know which BLAS it was given, so it cannot tell it.
void set_blas_threads(int num_threads) {
  using SetThreads = void (*)(int);
  if (const auto set_threads =
          reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set_threads(num_threads);
}

}  // namespace

void prepare_process(int num_threads) {
  at::set_num_threads(num_threads);
  set_blas_threads(num_threads);
  at::globalContext().setFlushDenormal(true);
}

void use_one_thread_here() {
  // LibTorch gives each thread the process's number as it first asks for it, and would give it to
  // all that come later, if asked for another; OpenMP's own setting is the thread's.
  static_cast<void>(at::get_num_threads());
  using SetThreads = void (*)(int);
  if (const auto set_threads =
          reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "omp_set_num_threads")))
    set_threads(1);
}

void yield_to_others_here() {
  constexpr int kNiceness = 10;
  // To Linux, niceness is a thread's.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
}

std::string device_name() {
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; std::getline(processors, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace cadastre
