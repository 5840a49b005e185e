#pragma once

#include <vector>

#include "planner/device.h"
#include "planner/pass_work.h"
#include "planner/profile.h"

namespace cadastre {

// What nobody measured, on a device's roofline. Not modelled: caches, kernels that miss the
// roofline, threads that wait for each other.

/// Seconds of passes that follow each other, each with the device's overhead where it does
/// anything, at batch sizes from 1 to 1,024; spreads are 0.
[[nodiscard]] std::vector<Measurement> roofline_measurements(const Device& device,
                                                             const std::vector<LayerWork>& passes);

/// Sets what a profile, whose model is checked, says of the whole step. Loading a sample is reading
/// and writing its bytes; the optimizer is SGD with momentum (three tensors read, three written).
void set_roofline_step_costs(Profile& profile, const Device& device);

/// Bytes of a sample of all the model's inputs.
[[nodiscard]] double input_bytes(const ModelGraph& model);

}  // namespace cadastre
