#include "executor/wire_format.h"

#include <algorithm>
#include <cstdint>

namespace cadastre {

namespace {

/// ATen gives pieces of 32,768 elements and more to its threads (at::internal::GRAIN_SIZE).
constexpr std::int64_t kMostElements = 16384;

template <typename Action>
void in_pieces(const at::Tensor& from, const at::Tensor& to, const Action& action) {
  for (std::int64_t begin = 0; begin < from.numel(); begin += kMostElements) {
    const std::int64_t size = std::min(kMostElements, from.numel() - begin);
    at::Tensor piece = to.narrow(0, begin, size);
    action(from.narrow(0, begin, size), piece);
  }
}

void copy_in_pieces(const at::Tensor& from, const at::Tensor& to) {
  in_pieces(from, to, [](const at::Tensor& source, at::Tensor& piece) { piece.copy_(source); });
}

template <typename Number>
void add(const at::Tensor& received, const at::Tensor& values) {
  const Number* const from = received.data_ptr<Number>();
  Number* const to = values.data_ptr<Number>();
  const std::int64_t size = values.numel();
  for (std::int64_t i = 0; i < size; ++i) to[i] += from[i];
}

}  // namespace

void to_wire(const at::Tensor& values, at::Tensor wire) { copy_in_pieces(values, wire); }

void from_wire(const at::Tensor& wire, at::Tensor values) { copy_in_pieces(wire, values); }

void add_received(const at::Tensor& received, at::Tensor values) {
  if (received.scalar_type() != values.scalar_type())
    in_pieces(received, values,
              [](const at::Tensor& source, at::Tensor& piece) { piece.add_(source); });
  else if (values.scalar_type() == at::kDouble)
    add<double>(received, values);
  else
    add<float>(received, values);
}

}  // namespace cadastre
