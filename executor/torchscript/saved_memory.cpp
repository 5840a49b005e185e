#include "executor/torchscript/saved_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <memory>

namespace cadastre {

namespace {

/// Sums up what this thread allocates and frees.
class MemoryCount : public c10::MemoryReportingInfoBase {
 public:
  // Versions of LibTorch differ in the type of the totals: one of these is the virtual function.
  void reportMemoryUsage(void* /*memory*/, std::int64_t size, std::int64_t /*total*/,
                         std::int64_t /*reserved*/, c10::Device /*device*/) {
    bytes_ += size;
  }

  void reportMemoryUsage(void* /*memory*/, std::int64_t size, std::size_t /*total*/,
                         std::size_t /*reserved*/, c10::Device /*device*/) {
    bytes_ += size;
  }

  bool memoryProfilingEnabled() const override { return true; }

  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_ = 0;
};

/// How many hold the tensor or its memory.
std::int64_t uses(const at::Tensor& tensor) {
  return static_cast<std::int64_t>(tensor.use_count() + tensor.storage().use_count());
}

}  // namespace

SavedMemory saved_memory(const std::vector<at::Tensor>& inputs,
                         const std::function<at::Tensor(const std::vector<at::Tensor>&)>& forward) {
  const at::AutoGradMode with_graph(true);
  std::vector<at::Tensor> made;
  // As what another layer gives: no made, which autograd would hold for their gradients.
  for (const at::Tensor& input : inputs)
    made.push_back(at::mul(input.detach().requires_grad_(), 1));
  std::vector<std::int64_t> uses_before;
  for (const at::Tensor& input : made) uses_before.push_back(uses(input));

  SavedMemory saved;
  const auto count = std::make_shared<MemoryCount>();
  at::Tensor output;
  {
    const c10::DebugInfoGuard counting(c10::DebugInfoKind::PROFILER_STATE, count);
    output = forward(made);
  }
  const bool learns = output.requires_grad();
  saved.is_view = !made.empty() && output.storage().data() == made.front().storage().data();
  for (std::size_t i = 0; i < made.size(); ++i) {
    // A view holds its base, and shares its memory.
    const bool shares = output.storage().data() == made[i].storage().data();
    if (learns && uses(made[i]) > uses_before[i] + (shares ? 2 : 0))
      saved.kept_inputs.push_back(static_cast<int>(i));
  }
  saved.keeps_output = learns && !saved.is_view && output.storage().use_count() > 1;
  const auto output_bytes = static_cast<std::int64_t>(output.storage().nbytes());
  saved.bytes = std::max<std::int64_t>(0, count->bytes() - (saved.is_view ? 0 : output_bytes));
  return saved;
}

}  // namespace cadastre
