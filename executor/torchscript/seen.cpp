#include "executor/torchscript/seen.h"

#include <ATen/core/jit_type.h>

#include <utility>

#include "executor/torchscript/tensor_facts.h"

namespace cadastre {

namespace {

/// A sequence's or dictionary's elements as LibTorch has them.
c10::IValue put_together(const Seen& seen, std::vector<c10::IValue> values) {
  if (seen.kind == Seen::Kind::kDictionary) {
    const auto type = seen.type->expect<c10::DictType>();
    c10::impl::GenericDict dictionary(type->getKeyType(), type->getValueType());
    for (std::size_t i = 0; i < values.size(); ++i) dictionary.insert(seen.keys[i], values[i]);
    return dictionary;
  }
  if (seen.type->kind() == c10::TypeKind::ListType) {
    c10::impl::GenericList list(seen.type->containedType(0));
    for (c10::IValue& value : values) list.push_back(std::move(value));
    return list;
  }
  return c10::ivalue::Tuple::create(std::move(values));
}

}  // namespace

bool is_fixed(const Seen& seen) {
  if (seen.kind != Seen::Kind::kPlain || !seen.tried || !seen.is_derived) return false;
  const auto& [small, large] = *seen.tried;
  if (small.tagKind() != large.tagKind()) return false;
  if (small.isNone()) return true;
  if (small.isInt()) return small.toInt() == large.toInt();
  if (small.isBool()) return small.toBool() == large.toBool();
  if (small.isString()) return small.toStringRef() == large.toStringRef();
  if (small.isDevice()) return small.toDevice() == large.toDevice();
  if (small.isDouble()) {
    const double a = small.toDouble();
    const double b = large.toDouble();
    return a == b || (a != a && b != b);
  }
  return false;
}

const c10::IValue& fixed_value(const Seen& seen) { return seen.tried->front(); }

std::optional<std::int64_t> samples_factor(const Seen& seen) {
  if (seen.kind != Seen::Kind::kPlain || !seen.tried || !seen.is_derived) return std::nullopt;
  const auto& [small, large] = *seen.tried;
  if (!small.isInt() || !large.isInt()) return std::nullopt;
  const std::int64_t factor = large.toInt() / kLargeBatch;
  if (factor == 0 || factor * kLargeBatch != large.toInt() || factor * kSmallBatch != small.toInt())
    return std::nullopt;
  return factor;
}

std::optional<std::array<c10::IValue, 2>> tried_values(const Seen& seen) {
  if (seen.kind == Seen::Kind::kPlain) return seen.tried;
  if (seen.kind == Seen::Kind::kModule) return std::array{seen.module, seen.module};
  std::array<std::vector<c10::IValue>, 2> values;
  for (const SeenValue& element : seen.elements) {
    const auto both = tried_values(*element);
    if (!both) return std::nullopt;
    for (std::size_t run = 0; run < 2; ++run) values[run].push_back((*both)[run]);
  }
  return std::array{put_together(seen, std::move(values[0])),
                    put_together(seen, std::move(values[1]))};
}

bool is_derived(const Seen& seen) {
  if (seen.kind == Seen::Kind::kPlain) return seen.is_derived;
  if (seen.kind == Seen::Kind::kModule) return true;
  for (const SeenValue& element : seen.elements)
    if (!is_derived(*element)) return false;
  return true;
}

SeenValue plain(std::array<c10::IValue, 2> tried, c10::TypePtr type, bool is_derived) {
  auto seen = std::make_shared<Seen>();
  seen->type = std::move(type);
  seen->tried = std::move(tried);
  seen->is_derived = is_derived;
  return seen;
}

SeenValue constant(const c10::IValue& value, c10::TypePtr type) {
  return plain({value, value}, std::move(type), true);
}

SeenValue sequence(std::vector<SeenValue> elements, c10::TypePtr type) {
  auto seen = std::make_shared<Seen>();
  seen->kind = Seen::Kind::kSequence;
  seen->type = std::move(type);
  seen->elements = std::move(elements);
  return seen;
}

}  // namespace cadastre
