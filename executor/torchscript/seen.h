#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/ir/ir.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cadastre {

struct Seen;
/// Shared as Python shares objects: a list that is appended to is longer for all who hold it.
using SeenValue = std::shared_ptr<Seen>;

/// What is known of a value of a model's code while its forward is tried.
struct Seen {
  enum class Kind { kPlain, kSequence, kDictionary, kModule };

  Kind kind = Kind::kPlain;
  c10::TypePtr type;

  /// Plain: what it was for the small and the large batch; none inside code that was not run.
  std::optional<std::array<c10::IValue, 2>> tried;
  /// It follows from constants and shapes alone.
  bool is_derived = false;
  /// Its value in the lifted graph; none where it is written as a constant or put together.
  torch::jit::Value* lifted = nullptr;
  /// A slot's: index into `LiftedGraph::slots`.
  std::optional<std::size_t> slot;

  std::vector<SeenValue> elements;  ///< of a tuple, list or dictionary
  std::vector<c10::IValue> keys;    ///< of a dictionary
  c10::IValue module;               ///< the object
  std::string path;                 ///< of the module: "layer3.0.conv1"
};

/// Plain, derived and the same for both batches, and no tensor: it can be written as a constant.
[[nodiscard]] bool is_fixed(const Seen& seen);

/// The value of what is fixed.
[[nodiscard]] const c10::IValue& fixed_value(const Seen& seen);

/// k, where it is k times the number of samples.
[[nodiscard]] std::optional<std::int64_t> samples_factor(const Seen& seen);

/// Both values, a sequence's put together; none where an element has none.
[[nodiscard]] std::optional<std::array<c10::IValue, 2>> tried_values(const Seen& seen);

/// All of it follows from constants and shapes.
[[nodiscard]] bool is_derived(const Seen& seen);

[[nodiscard]] SeenValue plain(std::array<c10::IValue, 2> tried, c10::TypePtr type, bool is_derived);
[[nodiscard]] SeenValue constant(const c10::IValue& value, c10::TypePtr type);
[[nodiscard]] SeenValue sequence(std::vector<SeenValue> elements, c10::TypePtr type);

}  // namespace cadastre
