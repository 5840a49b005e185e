#include "executor/stage_part.h"
#include "planner/saved_bytes.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "planner/saved_bytes.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr std::uint64_t kSeed = 11;
constexpr std::int64_t kBatch = 64;
constexpr std::int64_t kScoreBytes = kBatch * small::kNumClasses * kBytesPerElement;

/// Counts the bytes of the tensors that this thread makes and lets go of.
class LiveBytes {
 public:
  LiveBytes()
      : counter_(std::make_shared<Counter>()),
        guard_(c10::DebugInfoKind::PROFILER_STATE, counter_) {}

  [[nodiscard]] std::int64_t now() const { return counter_->now; }

  /// The most since the last call.
  [[nodiscard]] std::int64_t take_most() { return std::exchange(counter_->most, counter_->now); }

 private:
  struct Counter : c10::MemoryReportingInfoBase {
    std::int64_t now = 0;
    std::int64_t most = 0;

    // LibTorch 1.13 counts in int64_t, 2 in size_t: one of the two overrides.
    void reportMemoryUsage(void* /*ptr*/, std::int64_t bytes, std::int64_t /*allocated*/,
                           std::int64_t /*reserved*/, c10::Device /*device*/) {
      count(bytes);
    }

    void reportMemoryUsage(void* /*ptr*/, std::int64_t bytes, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device /*device*/) {
      count(bytes);
    }

    void count(std::int64_t bytes) {
      now += bytes;
      most = std::max(most, now);
    }

    [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }
  };

  std::shared_ptr<Counter> counter_;
  c10::DebugInfoGuard guard_;
};

std::vector<int> all_layers(const ModelGraph& model) {
  std::vector<int> layers(model.layers.size());
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

/// The whole network as one part.
StagePart whole(const ModelGraph& model, Kept kept) {
  return StagePart(model, all_layers(model), kSeed, kBatch, kept);
}

LoadedSamples samples_of(const ModelGraph& model) {
  return {.inputs = small::random_inputs(model, kBatch),
          .class_indices = torch::arange(kBatch).remainder(small::kNumClasses)};
}

void forward(StagePart& part, const LoadedSamples& samples) {
  part.load(0, samples);
  part.forward(0, 3, {.begin = 0, .end = kBatch}, [](int) { return at::Tensor(); });
  part.outputs_sent(0);
}

void backward(StagePart& part) {
  part.backward(0, [](int) { return at::Tensor(); });
}

}  // namespace

TEST_CASE("a part that recomputes keeps its inputs and the loss's gradient alone", "[executor]") {
  const ModelGraph model = small::every_kind();
  const LoadedSamples samples = samples_of(model);
  StagePart keeping = whole(model, Kept::kActivations);
  StagePart recomputing = whole(model, Kept::kInputs);
  // What LibTorch allocates once.
  forward(keeping, samples);
  backward(keeping);
  keeping.forget(0);

  std::int64_t input_bytes = 0;
  for (const at::Tensor& input : samples.inputs)
    input_bytes += static_cast<std::int64_t>(input.nbytes());
  const std::vector<std::int64_t> per_sample = saved_bytes_per_sample(model);
  // The inputs were there before.
  const std::int64_t saved_bytes =
      kBatch * std::accumulate(per_sample.begin(), per_sample.end(), std::int64_t{0}) - input_bytes;

  LiveBytes live;
  forward(keeping, samples);
  CHECK(live.now() >= saved_bytes);
  const std::int64_t most_keeping = live.take_most();
  backward(keeping);
  keeping.forget(0);
  CHECK(live.now() == 0);

  static_cast<void>(live.take_most());
  forward(recomputing, samples);
  CHECK(live.now() == kScoreBytes);
  // Nor does the pass hold all its tensors at the same time.
  CHECK(live.take_most() < most_keeping);
  recomputing.recompute(0);
  CHECK(live.now() >= saved_bytes + kScoreBytes);
  backward(recomputing);
  CHECK(live.now() == kScoreBytes);
  recomputing.forget(0);
  CHECK(live.now() == 0);
}

TEST_CASE("recomputing gives the same gradients, and counts statistics and loss once",
          "[executor]") {
  const ModelGraph model = small::every_kind();  // with dropout
  const LoadedSamples samples = samples_of(model);
  StagePart keeping = whole(model, Kept::kActivations);
  StagePart recomputing = whole(model, Kept::kInputs);
  forward(keeping, samples);
  forward(recomputing, samples);
  const at::Tensor statistics = recomputing.network().pending_statistics().clone();
  recomputing.recompute(0);
  CHECK(torch::equal(statistics, recomputing.network().pending_statistics()));
  CHECK(torch::equal(statistics, keeping.network().pending_statistics()));
  backward(keeping);
  backward(recomputing);
  CHECK(keeping.network().gradients().abs().max().item<double>() > 0);
  CHECK(torch::equal(keeping.network().gradients(), recomputing.network().gradients()));
  const double loss = keeping.take_loss_sum();
  CHECK(loss > 0);
  CHECK(recomputing.take_loss_sum() == loss);
  CHECK(recomputing.take_loss_sum() == 0);
}

TEST_CASE("an input on which the loss does not depend gets a gradient of zeros", "[executor]") {
  // The second stage reads a.relu1's output, but nothing goes back through it.
  const ModelGraph model = small::every_kind();
  std::vector<int> first;
  std::vector<int> second;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    (i <= 2 ? first : second).push_back(static_cast<int>(i));
  StagePart part(model, second, kSeed, kBatch, Kept::kInputs);
  const LoadedSamples samples = samples_of(model);
  part.load(0, samples);
  part.forward(0, 0, {.begin = 0, .end = kBatch}, [](int) { return at::ones({kBatch, 6, 8, 8}); });
  CHECK(torch::equal(part.input_gradient(2, 0), at::zeros({kBatch, 6, 8, 8})));
  part.recompute(0);
  backward(part);
  CHECK(part.input_gradient(2, 0).abs().max().item<double>() > 0);
}
