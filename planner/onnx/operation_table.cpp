#include "planner/onnx/operation_table.h"

#include <map>

namespace cadastre::onnx_import {

namespace {

using enum OperationClass;

const std::map<std::string, OperationFacts>& table() {
  static const std::map<std::string, OperationFacts> all = [] {
    std::map<std::string, OperationFacts> facts;
    const auto add = [&](const OperationFacts& of_all, const auto&... names) {
      (facts.emplace(names, of_all), ...);
    };
    add({kView}, "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Optional",
        "OptionalGetElement");
    add({kElementwise, 1, 0}, "Add", "Sub", "Sum", "Mean", "Neg");
    // Two gradients of a product, each one multiplication.
    add({kElementwise, 1, 1, Keeps::kInputs}, "Mul", "Max", "Min", "Where", "PRelu", "Mod");
    add({kElementwise, 1, 2, Keeps::kInputs}, "Div", "Pow", "Softplus", "Softsign", "Erf",
        "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Clip",
        "Abs", "Log", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos", "Atan", "Asinh", "Acosh",
        "Atanh", "Shrink", "Gelu", "Mish", "Swish");
    add({kElementwise, 1, 1, Keeps::kOutput}, "Relu", "Exp");
    add({kElementwise, 1, 3, Keeps::kOutput}, "Sigmoid", "Tanh", "Sqrt", "Reciprocal");
    // Greatest, difference and exponential, sum, quotient; backward product, sum, difference.
    add({kElementwise, 5, 4, Keeps::kOutput}, "Softmax", "LogSoftmax", "Hardmax");
    // No gradient goes through these.
    add({kElementwise, 1, 0}, "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And",
        "Or", "Xor", "Not", "Sign", "Floor", "Ceil", "Round", "IsNaN", "IsInf", "BitShift");
    add({kElementwise, 0, 0}, "Cast", "CastLike");
    // As BatchNorm2d of native models: sum, square and sum, subtract, scale and shift; backward the
    // two sums of its equation and the gradient from them.
    add({kNormalization, 7, 9, Keeps::kInputs}, "BatchNormalization", "InstanceNormalization",
        "LayerNormalization", "GroupNormalization", "MeanVarianceNormalization", "LpNormalization");
    add({kReduction, 1, 1}, "ReduceMean", "ReduceSum", "GlobalAveragePool");
    add({kReduction, 1, 1, Keeps::kInputs}, "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
        "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "GlobalMaxPool",
        "GlobalLpPool", "ArgMax", "ArgMin", "TopK", "CumSum");
    add({kWindow, 1, 1}, "MaxPool", "AveragePool");
    add({kWindow, 2, 2, Keeps::kInputs}, "LpPool", "LRN");
    add({kDropout, 3, 1}, "Dropout");
    add({kSelection}, "Slice", "Gather", "GatherElements", "GatherND", "Compress", "CenterCropPad");
    add({kMove}, "Concat", "Split", "Transpose", "Pad", "Expand", "Tile", "DepthToSpace",
        "SpaceToDepth", "Resize", "Upsample", "Scatter", "ScatterElements", "ScatterND",
        "ReverseSequence", "Trilu", "OneHot", "NonZero", "EyeLike");
    return facts;
  }();
  return all;
}

}  // namespace

const OperationFacts* operation_facts(const std::string& operation) {
  const auto found = table().find(operation);
  return found != table().end() ? &found->second : nullptr;
}

}  // namespace cadastre::onnx_import
