#include "executor/checkpoint/checkpoint_frames.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "executor/process_setup.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr const char* kSteps = "steps";
constexpr const char* kCoordinator = "the coordinator's checkpoint";
/// Not many: a rank that cannot send them as fast as they are asked for is to be slowed down.
constexpr std::size_t kMostJobs = 4;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

}  // namespace

CheckpointSender::CheckpointSender(RankLink& link)
    : link_(link), jobs_(kMostJobs), thread_([this] { run(); }) {}

CheckpointSender::~CheckpointSender() {
  jobs_.close();
  thread_.join();
}

void CheckpointSender::send(std::int64_t num_steps, const CheckpointPart& part, TrainingState state,
                            bool with_weights) {
  jobs_.push({.num_steps = num_steps,
              .part = part,
              .state = std::move(state),
              .with_weights = with_weights});
}

void CheckpointSender::finish() {
  jobs_.close();
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([] {});  // for the destructor to join
}

void CheckpointSender::run() {
  yield_to_others_here();
  try {
    while (std::optional<Job> job = jobs_.pop()) {
      CheckpointPart part = job->part;
      if (job->with_weights) {
        part.kind = CheckpointPart::Kind::kWeights;
        send_pieces(job->num_steps, part, weights_bytes(job->state.weights));
      }
      part.kind = CheckpointPart::Kind::kOptimizer;
      send_pieces(job->num_steps, part, weights_bytes(job->state.optimizer));
    }
  } catch (const std::exception& error) {
    jobs_.fail(std::make_exception_ptr(std::runtime_error(error.what())));
  }
}

void CheckpointSender::send_pieces(std::int64_t num_steps, const CheckpointPart& part,
                                   const std::string& bytes) {
  std::size_t begin = 0;
  do {
    const std::size_t end = std::min(bytes.size(), begin + kPieceBytes);
    link_.send({{"type", "checkpoint"},
                {"num_steps", num_steps},
                {"kind", static_cast<int>(part.kind)},
                {"replica", part.replica},
                {"num_replicas", part.num_replicas},
                {"layers", part.layers},
                {"part_bytes", bytes.size()}},
               std::string_view(bytes).substr(begin, end - begin));
    begin = end;
  } while (begin < bytes.size());
}

std::optional<std::pair<std::int64_t, CheckpointBytes>> CheckpointPieces::add(int rank,
                                                                              const Frame& frame) {
  std::string& bytes = unfinished_[rank];
  const auto part_bytes = frame.header.at("part_bytes").get<std::size_t>();
  bytes.reserve(part_bytes);
  bytes += frame.payload;
  if (bytes.size() < part_bytes) return std::nullopt;
  CheckpointBytes complete;
  complete.bytes = std::exchange(bytes, {});
  complete.part.kind = static_cast<CheckpointPart::Kind>(frame.header.at("kind").get<int>());
  complete.part.replica = frame.header.at("replica").get<int>();
  complete.part.num_replicas = frame.header.at("num_replicas").get<int>();
  complete.part.layers = frame.header.at("layers").get<std::vector<std::string>>();
  return std::pair(frame.header.at("num_steps").get<std::int64_t>(), std::move(complete));
}

CheckpointBytes history_part(const StepHistory& history) {
  const auto num_steps = static_cast<std::int64_t>(history.losses.size());
  const at::Tensor steps = at::empty({num_steps, 2}, at::kDouble);
  auto values = steps.accessor<double, 2>();
  for (std::int64_t i = 0; i < num_steps; ++i) {
    values[i][0] = history.losses[static_cast<std::size_t>(i)];
    values[i][1] = history.ends_s[static_cast<std::size_t>(i)];
  }
  CheckpointBytes complete;
  complete.part.kind = CheckpointPart::Kind::kHistory;
  complete.bytes = weights_bytes({{kSteps, steps}});
  return complete;
}

StepHistory history_from(const Weights& part, const std::string& file) {
  const auto found = part.find(kSteps);
  if (found == part.end() || found->second.scalar_type() != at::kDouble ||
      found->second.dim() != 2 || found->second.size(1) != 2)
    throw InputError(file, "", "expected a tensor \"steps\" of float64 (steps, 2), found another");
  StepHistory history;
  const auto values = found->second.accessor<double, 2>();
  for (std::int64_t i = 0; i < found->second.size(0); ++i) {
    history.losses.push_back(values[i][0]);
    history.ends_s.push_back(values[i][1]);
  }
  return history;
}

Frame resume_frame(int stage, const TrainingState& state) {
  const std::string weights = weights_bytes(state.weights);
  return {.header = {{"type", "resume"}, {"stage", stage}, {"weights_bytes", weights.size()}},
          .payload = weights + weights_bytes(state.optimizer)};
}

std::pair<int, TrainingState> resume_from(const Frame& frame) {
  const auto size = frame.header.at("weights_bytes").get<std::size_t>();
  TrainingState state;
  state.weights = weights_from(frame.payload.substr(0, size), kCoordinator);
  state.optimizer =
      weights_from(frame.payload.substr(std::min(size, frame.payload.size())), kCoordinator);
  return {frame.header.at("stage").get<int>(), std::move(state)};
}

}  // namespace cadastre
