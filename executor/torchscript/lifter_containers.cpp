// Tuples, lists and dictionaries are taken apart: what is in them goes its own way.

#include <algorithm>

#include "executor/torchscript/lifter.h"

namespace cadastre {

namespace aten = c10::aten;
namespace prim = c10::prim;

namespace {

/// An index from the end is made one from the beginning; none where it is outside.
std::optional<std::size_t> index_in(std::int64_t index, std::size_t size) {
  const auto length = static_cast<std::int64_t>(size);
  if (index < 0) index += length;
  if (index < 0 || index >= length) return std::nullopt;
  return static_cast<std::size_t>(index);
}

std::size_t find_key(const Seen& dictionary, const c10::IValue& key) {
  for (std::size_t i = 0; i < dictionary.keys.size(); ++i)
    if (dictionary.keys[i] == key) return i;
  return dictionary.keys.size();
}

}  // namespace

bool Lifter::visit_container(const Node& node, Frame& frame) {
  const auto kind = node.kind();
  if (kind == prim::TupleConstruct || kind == prim::ListConstruct) {
    set(node, frame, sequence(inputs_of(node, frame), node.output()->type()));
    return true;
  }
  if (kind == prim::DictConstruct) {
    SeenValue made = sequence({}, node.output()->type());
    made->kind = Seen::Kind::kDictionary;
    const std::vector<SeenValue> inputs = inputs_of(node, frame);
    for (std::size_t i = 0; i + 1 < inputs.size(); i += 2) {
      if (!is_fixed(*inputs[i])) refuse(node, "keys that are constants", "another");
      made->keys.push_back(fixed_value(*inputs[i]));
      made->elements.push_back(inputs[i + 1]);
    }
    set(node, frame, std::move(made));
    return true;
  }
  if (kind == prim::unchecked_cast || kind == prim::unchecked_unwrap_optional ||
      kind == aten::_unwrap_optional) {
    set(node, frame, seen(node.input(0), frame));
    return true;
  }
  if (node.inputs().empty()) return false;
  const SeenValue container = seen(node.input(0), frame);
  if (container->kind == Seen::Kind::kPlain || container->kind == Seen::Kind::kModule) return false;
  std::vector<SeenValue>& elements = container->elements;
  const bool is_dictionary = container->kind == Seen::Kind::kDictionary;

  if (kind == prim::TupleUnpack || kind == prim::ListUnpack) {
    if (elements.size() != node.outputs().size())
      refuse(node, std::to_string(node.outputs().size()) + " elements",
             std::to_string(elements.size()));
    for (std::size_t i = 0; i < elements.size(); ++i) frame.values[node.outputs()[i]] = elements[i];
    return true;
  }
  if (kind == aten::len) {
    set(node, frame, constant(static_cast<std::int64_t>(elements.size()), c10::IntType::get()));
    return true;
  }
  if (kind == prim::TupleIndex || kind == aten::__getitem__) {
    const SeenValue& index = seen(node.input(1), frame);
    if (!is_fixed(*index)) return false;
    if (is_dictionary) {
      const std::size_t found = find_key(*container, fixed_value(*index));
      if (found == elements.size()) refuse(node, "a key that is there", "another");
      set(node, frame, elements[found]);
      return true;
    }
    const auto found = index_in(fixed_value(*index).toInt(), elements.size());
    if (!found)
      refuse(node, "an index below " + std::to_string(elements.size()),
             std::to_string(fixed_value(*index).toInt()));
    set(node, frame, elements[*found]);
    return true;
  }
  if (kind == aten::__contains__ && is_dictionary) {
    const SeenValue& key = seen(node.input(1), frame);
    if (!is_fixed(*key)) return false;
    set(node, frame,
        constant(find_key(*container, fixed_value(*key)) < elements.size(), c10::BoolType::get()));
    return true;
  }
  if (kind == aten::values && is_dictionary) {
    set(node, frame, sequence(elements, node.output()->type()));
    return true;
  }
  if (kind == aten::_set_item) {
    const SeenValue& index = seen(node.input(1), frame);
    if (!is_fixed(*index)) refuse(node, "a place that constants and shapes decide", "another");
    const SeenValue value = seen(node.input(2), frame);
    if (is_dictionary) {
      const std::size_t found = find_key(*container, fixed_value(*index));
      if (found == elements.size()) {
        container->keys.push_back(fixed_value(*index));
        elements.push_back(value);
      } else {
        elements[found] = value;
      }
    } else {
      const auto found = index_in(fixed_value(*index).toInt(), elements.size());
      if (!found) refuse(node, "an index inside the list", "one outside");
      elements[*found] = value;
    }
    if (!node.outputs().empty()) set(node, frame, container);
    return true;
  }
  if (is_dictionary) return false;
  if (kind == aten::append) {
    elements.push_back(seen(node.input(1), frame));
    if (!node.outputs().empty()) set(node, frame, container);
    return true;
  }
  const bool extends = kind == c10::Symbol::aten("extend");
  if (extends || (kind == aten::add && node.inputs().size() == 2)) {
    const SeenValue other = seen(node.input(1), frame);
    if (other->kind != Seen::Kind::kSequence) return false;
    std::vector<SeenValue> joined = elements;
    joined.insert(joined.end(), other->elements.begin(), other->elements.end());
    if (extends)
      elements = std::move(joined);
    else
      set(node, frame, sequence(std::move(joined), container->type));
    return true;
  }
  if (kind == aten::pop) {
    const SeenValue& index = seen(node.input(1), frame);
    const auto found =
        is_fixed(*index) ? index_in(fixed_value(*index).toInt(), elements.size()) : std::nullopt;
    if (!found) refuse(node, "an index inside the list", "another");
    const SeenValue value = elements[*found];
    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(*found));
    set(node, frame, value);
    return true;
  }
  if (kind == aten::slice && node.inputs().size() == 4) {
    std::array<std::int64_t, 3> bounds{0, static_cast<std::int64_t>(elements.size()), 1};
    for (std::size_t i = 0; i < 3; ++i) {
      const SeenValue& bound = seen(node.input(i + 1), frame);
      if (!is_fixed(*bound)) return false;
      if (!fixed_value(*bound).isNone()) bounds[i] = fixed_value(*bound).toInt();
    }
    const auto size = static_cast<std::int64_t>(elements.size());
    for (std::size_t i = 0; i < 2; ++i) {
      if (bounds[i] < 0) bounds[i] += size;
      bounds[i] = std::clamp<std::int64_t>(bounds[i], 0, size);
    }
    std::vector<SeenValue> part;
    for (std::int64_t i = bounds[0]; i < bounds[1] && bounds[2] > 0; i += bounds[2])
      part.push_back(elements[static_cast<std::size_t>(i)]);
    set(node, frame, sequence(std::move(part), container->type));
    return true;
  }
  if (kind == aten::list || kind == aten::copy) {
    set(node, frame, sequence(elements, node.output()->type()));
    return true;
  }
  return false;
}

}  // namespace cadastre
