#include "executor/gradient_watch.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

namespace cadastre {

struct GradientWatch::State {
  std::vector<std::size_t> num_parameters;  ///< by group
  /// Variables know these weakly: without an owner they, and their hooks, go with each graph.
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators;
  std::vector<std::size_t> num_left;  ///< by group, in the pass that runs
  std::size_t next_group = 0;
  const std::function<void(std::size_t)>* on_final = nullptr;  ///< null between passes

  void tell() {
    for (; next_group < num_left.size() && num_left[next_group] == 0; ++next_group)
      (*on_final)(next_group);
  }
};

class GradientWatch::Hook : public torch::autograd::FunctionPostHook {
 public:
  Hook(std::weak_ptr<State> state, std::size_t group) : state_(std::move(state)), group_(group) {}

  torch::autograd::variable_list operator()(
      const torch::autograd::variable_list& outputs,
      const torch::autograd::variable_list& /*inputs*/) override {
    const std::shared_ptr<State> state = state_.lock();
    if (state && state->on_final != nullptr) {
      --state->num_left[group_];
      state->tell();
    }
    return outputs;
  }

 private:
  std::weak_ptr<State> state_;
  std::size_t group_;
};

GradientWatch::GradientWatch(const std::vector<std::vector<at::Tensor>>& groups)
    : state_(std::make_shared<State>()) {
  for (std::size_t group = 0; group < groups.size(); ++group) {
    state_->num_parameters.push_back(groups[group].size());
    for (const at::Tensor& parameter : groups[group]) {
      std::shared_ptr<torch::autograd::Node> accumulator =
          torch::autograd::impl::grad_accumulator(parameter);
      accumulator->add_post_hook(std::make_unique<Hook>(state_, group));
      state_->accumulators.push_back(std::move(accumulator));
    }
  }
}

GradientWatch::~GradientWatch() = default;

void GradientWatch::run(const std::function<void()>& backward,
                        const std::function<void(std::size_t group)>& on_final) {
  // Also when autograd throws.
  struct Pass {
    State& state;

    ~Pass() { state.on_final = nullptr; }
  };

  state_->num_left = state_->num_parameters;
  state_->next_group = 0;
  state_->on_final = &on_final;
  const Pass pass{*state_};
  backward();
  state_->num_left.assign(state_->num_left.size(), 0);
  state_->tell();
}

}  // namespace cadastre
