#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cadastre {

/// How parameters follow their gradients.
enum class OptimizerKind {
  kSgd,    ///< with momentum, as torch.optim.SGD
  kAdamW,  ///< Loshchilov and Hutter 2019
};

[[nodiscard]] const std::vector<std::string>& optimizer_names();  ///< in the enum's order
[[nodiscard]] const std::string& optimizer_name(OptimizerKind kind);
/// The value of `--optimizer`. Throws InputError for another name.
[[nodiscard]] OptimizerKind optimizer_option(const std::string& name);

/// What is kept of every parameter beside itself and its gradient: memory and time follow from it.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::kSgd;
  bool averages_weights = false;  ///< a moving average of the parameters, too
  bool operator==(const Optimizer&) const = default;
};

/// Tensors as large as the parameters: these, their gradients, and the optimizer's (one momentum,
/// or AdamW's two; the average).
[[nodiscard]] std::int64_t copies_of_parameters(const Optimizer& optimizer);

}  // namespace cadastre
