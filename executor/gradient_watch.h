#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace cadastre {

/// Tells during a backward pass which gradients are final, as PyTorch's DistributedDataParallel
/// finds it out: by hooks behind the nodes of autograd's graph that add to a parameter's gradient
/// (torch/csrc/distributed/c10d/reducer.cpp).
class GradientWatch {
 public:
  /// `groups`: parameters (leaves that require a gradient), in the order in which the groups are to
  /// be told of.
  explicit GradientWatch(const std::vector<std::vector<at::Tensor>>& groups);
  ~GradientWatch();
  GradientWatch(const GradientWatch&) = delete;
  GradientWatch& operator=(const GradientWatch&) = delete;

  /// Runs `backward`, one pass of autograd, and calls `on_final(group)` for every group, in order,
  /// in the thread that computes: as soon as its gradients are final and those of the groups before
  /// it; after the pass for what the pass did not reach.
  void run(const std::function<void()>& backward,
           const std::function<void(std::size_t group)>& on_final);

 private:
  struct State;
  class Hook;
  std::shared_ptr<State> state_;
};

}  // namespace cadastre
