#include "planner/onnx/node_work.h"
#include "planner/onnx/product_work.h"
#include "tests/planner/onnx/model_builder.h"
#include "tests/support/catch.h"

using namespace cadastre;
using namespace cadastre::onnx_import;
using test::Extents;
using test::OnnxAttribute;

namespace {

/// Depends on the model's inputs.
Tensor value(const Extents& shape, bool learns = true) {
  return {.has_shape = true, .shape = shape, .learns = learns};
}

Tensor parameter(const Extents& shape) {
  return {.has_shape = true,
          .shape = shape,
          .is_static = true,
          .learns = true,
          .parameters = {"weight"}};
}

Tensor constant(const Extents& shape) {
  return {.has_shape = true, .shape = shape, .is_static = true};
}

NodeCost cost(const std::string& operation, const std::vector<Tensor>& inputs, const Tensor& output,
              const std::vector<OnnxAttribute>& attributes = {}, std::int64_t num_samples = 1) {
  test::OnnxBuilder builder;
  builder.node(operation, {}, {}, attributes);
  NodeTensors tensors{
      .node = &builder.model.graph().node(0), .outputs = {&output}, .num_samples = num_samples};
  for (const Tensor& input : inputs) tensors.inputs.push_back(&input);
  REQUIRE(is_known_operation(*tensors.node));
  REQUIRE(has_all_operands(tensors));
  return node_cost(tensors);
}

double flops(const NodeCost& of_node) { return of_node.work.forward.flops_per_sample; }

double backward_flops(const NodeCost& of_node) { return of_node.work.backward.flops_per_sample; }

}  // namespace

TEST_CASE("a convolution's operations go with groups, kernel and what it gives",
          "[planner][onnx]") {
  // 12 * 4 * 4 outputs (stride 2), each a sum of 8 / 2 channels of 3 * 3, and a bias; 2 samples.
  const Tensor output = value({2, 12, 4, 4});
  const NodeCost conv =
      cost("Conv", {value({2, 8, 9, 9}), parameter({12, 4, 3, 3}), parameter({12})}, output,
           {{"group", std::int64_t{2}}, {"strides", Extents{2, 2}}}, 2);
  CHECK(conv.product_flops_per_sample == 12 * 16 * 2 * 4 * 9);
  CHECK(flops(conv) == 12 * 16 * (2 * 4 * 9 + 1));
  // One gradient each for the weights and for the input.
  CHECK(backward_flops(conv) == 12 * 16 * (2 * 2 * 4 * 9 + 1));
  CHECK(conv.work.forward.bytes_per_sample == 4 * (8 * 81 + 12 * 16));
  CHECK(conv.work.forward.bytes == 4 * (12 * 4 * 9 + 12));

  // A dilated kernel has holes, but no more operations: 5 * 5 outputs of 9 - 4 pixels a side.
  const Tensor dilated = value({1, 1, 5, 5});
  CHECK(flops(cost("Conv", {value({1, 1, 9, 9}), parameter({1, 1, 3, 3})}, dilated,
                   {{"dilations", Extents{2, 2}}})) == 25 * 2 * 9);

  // Of one dimension, and of three.
  CHECK(flops(cost("Conv", {value({1, 4, 10}), parameter({6, 4, 3})}, value({1, 6, 8}))) ==
        6 * 8 * 2 * 4 * 3);
  CHECK(flops(cost("Conv", {value({1, 2, 4, 4, 4}), parameter({3, 2, 2, 2, 2})},
                   value({1, 3, 3, 3, 3}))) == 3 * 27 * 2 * 2 * 8);
}

TEST_CASE("a transposed convolution multiplies every input", "[planner][onnx]") {
  // 8 * 5 * 5 inputs, each into 6 channels of 2 * 2.
  CHECK(flops(cost("ConvTranspose", {value({1, 8, 5, 5}), parameter({8, 6, 2, 2})},
                   value({1, 6, 10, 10}), {{"strides", Extents{2, 2}}})) == 200 * 2 * 6 * 4);
}

TEST_CASE("a matrix product's operations go with its inner extent", "[planner][onnx]") {
  const NodeCost gemm = cost("Gemm", {value({4, 20}), parameter({10, 20}), parameter({10})},
                             value({4, 10}), {{"transB", std::int64_t{1}}}, 4);
  CHECK(flops(gemm) == 10 * (2 * 20 + 1));
  CHECK(backward_flops(gemm) == 10 * (2 * 2 * 20 + 1));
  CHECK(flops(cost("Gemm", {value({20, 4}), parameter({20, 10})}, value({4, 10}),
                   {{"transA", std::int64_t{1}}})) == 40 * 2 * 20);

  // Of two activations, in 3 heads: both have gradients, and keep the other for it.
  const NodeCost scores =
      cost("MatMul", {value({2, 3, 7, 5}), value({2, 3, 5, 7})}, value({2, 3, 7, 7}), {}, 2);
  CHECK(flops(scores) == 3 * 49 * 2 * 5);
  CHECK(backward_flops(scores) == 2 * flops(scores));
  CHECK(scores.keeps_input == std::vector<bool>{true, true});
  // Of the model's input, only the weights' gradient is asked for, which needs the input.
  const NodeCost first = cost("MatMul", {value({1, 5}, false), parameter({5, 2})}, value({1, 2}));
  CHECK(backward_flops(first) == flops(first));
  CHECK(first.keeps_input == std::vector<bool>{true, false});

  CHECK(flops(cost("Einsum", {value({2, 3, 4}), value({2, 4, 5})}, value({2, 3, 5}),
                   {{"equation", std::string("bij,bjk->bik")}})) == 2 * 2 * 3 * 4 * 5);
}

TEST_CASE("a recurrent layer multiplies by both its matrices at every time", "[planner][onnx]") {
  // 6 times, 2 samples, 4 gates of 8 from 5 inputs and 8 states.
  const NodeCost lstm =
      cost("LSTM", {value({6, 2, 5}), parameter({1, 32, 5}), parameter({1, 32, 8})},
           value({6, 1, 2, 8}), {}, 2);
  CHECK(flops(lstm) == 6 * 32 * 2 * (5 + 8));
  CHECK(lstm.own_bytes_per_sample == 4 * 6 * 32);
}

TEST_CASE("pooling and reductions go with what they look at", "[planner][onnx]") {
  const Tensor output = value({1, 3, 4, 4});
  const NodeCost pool =
      cost("MaxPool", {value({1, 3, 8, 8})}, output, {{"kernel_shape", Extents{3, 2}}});
  CHECK(flops(pool) == 48 * 6);
  CHECK(pool.own_bytes_per_sample == 4 * 48);
  CHECK(flops(cost("AveragePool", {value({1, 3, 8, 8})}, output,
                   {{"kernel_shape", Extents{2, 2}}})) == 48 * (4 + 1));
  CHECK(flops(cost("GlobalAveragePool", {value({1, 3, 8, 8})}, value({1, 3, 1, 1}))) == 192 + 3);
  CHECK(flops(cost("ReduceMean", {value({1, 3, 8})}, value({1, 3, 1}))) == 24 + 3);
}

TEST_CASE("element-wise operations count an operation an element", "[planner][onnx]") {
  const Tensor output = value({2, 6});
  const NodeCost add = cost("Add", {value({2, 6}), value({2, 6})}, output, {}, 2);
  CHECK(flops(add) == 6);
  CHECK(add.work.forward.bytes_per_sample == 4 * 18);
  CHECK(add.keeps_input == std::vector<bool>{false, false});
  CHECK(flops(cost("Sum", {output, output, output}, output, {}, 2)) == 12);

  // A bias: read once for all samples, and its gradient is the sum over them.
  const NodeCost bias = cost("Add", {value({2, 6}), parameter({6})}, output, {}, 2);
  CHECK(bias.work.forward.bytes_per_sample == 4 * 12);
  CHECK(bias.work.forward.bytes == 4 * 6);
  CHECK(backward_flops(bias) == 6);

  // A product keeps what the gradient of the other factor needs.
  CHECK(cost("Mul", {value({2, 6}), constant({1})}, output).keeps_input ==
        std::vector<bool>{false, true});
  CHECK(cost("Relu", {value({2, 6})}, output).keeps_output);
}

TEST_CASE("what learns nothing has no backward pass and keeps nothing", "[planner][onnx]") {
  const NodeCost relu = cost("Relu", {value({1, 6}, false)}, value({1, 6}, false));
  CHECK(relu.work.backward == PassWork{});
  CHECK_FALSE(relu.keeps_output);
}

TEST_CASE("views cost nothing, nor does padding by nothing", "[planner][onnx]") {
  CHECK(cost("Reshape", {value({1, 6}), constant({2})}, value({1, 2, 3})).kind == NodeKind::kView);
  CHECK(cost("Pad", {value({1, 6}), constant({4})}, value({1, 6})).kind == NodeKind::kView);
  const NodeCost padded = cost("Pad", {value({1, 6}), constant({4})}, value({1, 8}));
  CHECK(padded.kind == NodeKind::kOther);
  CHECK(padded.work.forward.bytes_per_sample == 4 * 14);
}

TEST_CASE("a look-up reads only what it gives, and its gradient clears the table",
          "[planner][onnx]") {
  const NodeCost found =
      cost("Gather", {parameter({1000, 8}), value({2, 3}, false)}, value({2, 3, 8}), {}, 2);
  CHECK(found.work.forward.bytes_per_sample == 4 * 2 * 24);
  CHECK(found.work.forward.bytes == 0);
  CHECK(found.work.backward.bytes == 4 * 8000);
}
