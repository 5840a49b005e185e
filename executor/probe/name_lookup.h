#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "executor/probe/measurements.h"

namespace cadastre {

/// Looks names up beside other work: a resolver may take many seconds for a name that it does not
/// know.
class NameLookup {
 public:
  /// Begins, in a thread that nothing waits for. Numeric addresses are passed over.
  explicit NameLookup(const std::vector<std::string>& names);

  /// Those found until now, or within `patience`, that stand for a loopback address.
  [[nodiscard]] std::vector<LoopbackName> loopback_names(std::chrono::milliseconds patience) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cadastre
