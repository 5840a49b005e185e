#include "executor/layer_forward.h"

#include <stdexcept>
#include <variant>

#include "executor/batch_norm.h"
#include "executor/max_pool.h"
#include "executor/torchscript/layer_function.h"

namespace cadastre {

namespace {

struct Forward {
  const LayerTensors& tensors;
  const std::vector<at::Tensor>& inputs;
  const LayerContext& context;

  [[nodiscard]] const at::Tensor& x() const { return inputs.front(); }

  at::Tensor operator()(const Conv2d& conv) const {
    return at::conv2d(x(), tensors.weight, tensors.bias, conv.stride, conv.padding,
                      conv.dilation, conv.groups);
  }

  at::Tensor operator()(const BatchNorm2d& norm) const {
    if (context.mode == ForwardMode::kEvaluation)
      return at::batch_norm(x(), tensors.weight, tensors.bias, tensors.running_mean,
                            tensors.running_variance, /*training=*/false, norm.momentum, norm.eps,
                            /*cudnn_enabled=*/false);
    return group_batch_norm(
        x(), tensors.weight, tensors.bias, context.batch_norm_group_samples, norm.eps,
        context.mode == ForwardMode::kRecomputation ? at::Tensor() : tensors.pending);
  }

  at::Tensor operator()(const Relu&) const {
    if (!context.may_overwrite_input) return at::relu(x());
    at::Tensor overwritten = x();
    return at::relu_(overwritten);
  }

  at::Tensor operator()(const MaxPool2d& pool) const { return max_pool(x(), pool); }

  at::Tensor operator()(const AdaptiveAvgPool2d& pool) const {
    return at::adaptive_avg_pool2d(x(), {pool.output_size, pool.output_size});
  }

  at::Tensor operator()(const CenterCrop2d& crop) const {
    // A copy: what reads it may write to it, and what it is of is let go of.
    return x()
        .narrow(2, center_crop_begin(x().size(2), crop.size), crop.size)
        .narrow(3, center_crop_begin(x().size(3), crop.size), crop.size)
        .clone(at::MemoryFormat::Contiguous);
  }

  at::Tensor operator()(const Flatten&) const { return at::flatten(x(), 1); }

  at::Tensor operator()(const Linear&) const {
    return at::linear(x(), tensors.weight, tensors.bias);
  }

  at::Tensor operator()(const Dropout& dropout) const {
    if (context.mode == ForwardMode::kEvaluation || dropout.p == 0) return x();
    return x() * dropout_mask(x(), dropout.p, context.dropout);
  }

  at::Tensor operator()(const Concat&) const { return at::cat(inputs, 1); }

  at::Tensor operator()(const Add&) const {
    at::Tensor sum = inputs.front();
    for (std::size_t i = 1; i < inputs.size(); ++i) sum = sum + inputs[i];
    return sum;
  }

  at::Tensor operator()(const Profiled&) const {
    // `check_executable` refuses such models where they are read.
    throw std::logic_error("a layer known only by its profile cannot be executed");
  }

  at::Tensor operator()(const TorchScript&) const {
    return (*tensors.function)(inputs, tensors.script, context);
  }
};

}  // namespace

at::Tensor layer_forward(const Operation& operation, const LayerTensors& tensors,
                         const std::vector<at::Tensor>& inputs, const LayerContext& context) {
  return std::visit(Forward{tensors, inputs, context}, operation);
}

}  // namespace cadastre
