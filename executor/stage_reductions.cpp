#include "executor/stage_reductions.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cadastre {

namespace {

at::Tensor bucket_values(const Program& program, const ReductionBucket& bucket,
                         StageNetwork& network) {
  if (bucket.layers.empty()) return network.pending_statistics();
  return program.averaging_period > 0 ? network.flat_state() : network.gradients_of(bucket.layers);
}

}  // namespace

at::ScalarType scalar_type(WireDtype dtype) {
  switch (dtype) {
    case WireDtype::kFloat32:
      return at::kFloat;
    case WireDtype::kBfloat16:
      return at::kBFloat16;
    case WireDtype::kFloat16:
      return at::kHalf;
  }
  return at::kFloat;
}

StageReductions::StageReductions(const Program& program, int rank, int stage, StagePart* part,
                                 Communicator& communicator) {
  const std::vector<int> ranks = reducing_ranks(program, stage);
  AllReducePlace place{
      .place = static_cast<int>(std::find(ranks.begin(), ranks.end(), rank) - ranks.begin()),
      .ranks = ranks,
      .tag = program.num_messages + stage,
      .contributes = part != nullptr};
  const Collective collective(reduction_shape(program, stage));
  const at::Tensor scratch = TensorAllReduce::make_scratch();
  const std::vector<ReductionBucket>& buckets =
      program.stage_buckets[static_cast<std::size_t>(stage)];
  std::vector<TensorAllReduce> reductions;
  std::vector<std::vector<at::Tensor>> watched;
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    const bool is_statistics = buckets[b].layers.empty();
    place.wire = is_statistics ? at::kDouble : scalar_type(program.wire_dtype);
    const auto wire_element_bytes = static_cast<std::int64_t>(c10::elementSize(place.wire));
    at::Tensor values = part == nullptr ? at::zeros({buckets[b].bytes / wire_element_bytes},
                                                    is_statistics ? at::kDouble : at::kFloat)
                                        : bucket_values(program, buckets[b], part->network());
    if (values.numel() * wire_element_bytes != buckets[b].bytes)
      throw std::logic_error("bucket " + std::to_string(b) + " of stage " + std::to_string(stage) +
                             " has another size than its program says");
    reductions.emplace_back(collective, place, std::move(values), scratch);
    if (part == nullptr || is_statistics) continue;
    watched_.push_back(static_cast<int>(b));
    std::vector<at::Tensor>& parameters = watched.emplace_back();
    for (const int layer : buckets[b].layers)
      for (at::Tensor& parameter : part->network().layer_parameters(layer))
        parameters.push_back(std::move(parameter));
  }
  if (part != nullptr && program.averaging_period == 0)
    watch_ = std::make_unique<GradientWatch>(watched);
  reducer_ = std::make_unique<StageReducer>(communicator, std::move(reductions));
}

void StageReductions::run_last_backward(const std::function<void()>& backward,
                                        const std::function<void()>& read) {
  const std::size_t last = watched_.size() - 1;
  watch_->run(backward, [&](std::size_t group) {
    if (group != last) read();
    start(watched_[group]);
    if (group != last) read();
  });
  // What the pass still does after the last bucket belongs to that bucket's part of it.
  read();
  read();
}

}  // namespace cadastre
