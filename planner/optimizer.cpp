#include "planner/optimizer.h"

#include <algorithm>

#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"sgd", "adamw"};
  return names;
}

const std::string& optimizer_name(OptimizerKind kind) {
  return optimizer_names()[static_cast<std::size_t>(kind)];
}

OptimizerKind optimizer_option(const std::string& name) {
  const auto found = std::find(optimizer_names().begin(), optimizer_names().end(), name);
  if (found == optimizer_names().end())
    throw InputError("--optimizer", "",
                     "expected sgd or adamw, found " + in_quotes(name) +
                         did_you_mean(name, optimizer_names()));
  return static_cast<OptimizerKind>(found - optimizer_names().begin());
}

std::int64_t copies_of_parameters(const Optimizer& optimizer) {
  const std::int64_t copies = optimizer.kind == OptimizerKind::kAdamW ? 4 : 3;
  return copies + (optimizer.averages_weights ? 1 : 0);
}

}  // namespace cadastre
