#include "executor/checkpoint/run_checkpoints.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "executor/launch/rank_hello.h"
#include "executor/rank_interpreter.h"
#include "planner/checkpoint_interval.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

RunCheckpoints::RunCheckpoints(const RunRequest& request, const CheckedRun& run)
    : run_(run),
      training_(request.training),
      model_(fingerprint(to_json(run.plan.profile.model).dump())) {
  const Plan& plan = run.plan.plan;
  const fs::path directory = request.output / "checkpoints";
  every_ = request.checkpoint_every ? *request.checkpoint_every : checkpoint_every(run.plan);
  // Replicas agree where they have averaged.
  if (plan.averaging_period > 0)
    every_ = (every_ + plan.averaging_period - 1) / plan.averaging_period * plan.averaging_period;
  if (request.resumes)
    resume(request);
  else
    begin_anew(directory);
  if (!resumed_ && is_imported(run.plan.profile.model) && run.initial_weights.empty() &&
      !request.random_weights)
    throw InputError("", "",
                     "expected --model with the file that " + run.plan.profile.model.name +
                         " was imported from, whose weights training begins with, or "
                         "--random-weights, found none");
  if (every_ > 0) writer_.emplace(directory, request.num_checkpoints);
  for (const Stage& stage : plan.stages)
    num_parts_ += 1 + (plan.averaging_period > 0 ? stage.replicas.size() : 1);
  if (every_ > 0) next_ = due_after(first_step() / every_ * every_);
}

std::int64_t RunCheckpoints::due_after(std::int64_t num_steps) const {
  const std::int64_t regular = num_steps + every_;
  if (halt_) return num_steps < *halt_ ? std::min(regular, *halt_) : kNever;
  return regular < run_.schedule.num_steps ? regular : kNever;
}

void RunCheckpoints::begin_anew(const fs::path& directory) {
  const std::vector<fs::path> found = checkpoint_directories(directory);
  if (found.empty()) return;
  if (!is_finished(directory))
    throw InputError(directory.string(), "",
                     "expected no checkpoints of a run that was not finished, found " +
                         found.back().filename().string() +
                         ": go on from it with --resume, or give another directory");
  std::error_code ignored;
  for (const fs::path& old : found) fs::remove_all(old, ignored);
}

void RunCheckpoints::resume(const RunRequest& request) {
  const fs::path directory = request.output / "checkpoints";
  resumed_ = newest_checkpoint(directory, notes_);
  if (!resumed_) {
    notes_.push_back("there is no checkpoint in " + directory.string() +
                     " to go on from: training began anew");
    return;
  }
  const Checkpoint& found = resumed_->manifest;
  const std::string file = (resumed_->directory / kManifestName).string();
  if (found.model != model_)
    throw InputError(file, "/model",
                     "expected a checkpoint of the plan's model, " + run_.plan.profile.model.name +
                         ", found one of another");
  if (found.batch_size != run_.plan.plan.batch_size)
    throw InputError(file, "/batch_size",
                     "expected " + std::to_string(run_.plan.plan.batch_size) +
                         ", as the plan has, found " + std::to_string(found.batch_size));
  if (found.training != training_)
    throw InputError(file, "/training",
                     "expected the settings of this run, found others: " +
                         nlohmann::json::diff(to_json(training_), to_json(found.training)).dump());
  if (found.num_steps >= run_.schedule.num_steps)
    throw InputError(file, "/num_steps",
                     "expected less than the " + std::to_string(run_.schedule.num_steps) +
                         " steps of this run, found " + std::to_string(found.num_steps));
  history_ = resumed_->history();
  validation_ = found.validation;
  samples_ = found.samples;
  notes_.push_back("went on from " + resumed_->directory.string());
  // Those after it are not sound, and would be taken for newer than what is written now.
  std::error_code ignored;
  for (const fs::path& other : checkpoint_directories(directory))
    if (every_ > 0 && other > resumed_->directory) fs::remove_all(other, ignored);
}

void RunCheckpoints::halt_after(std::int64_t num_steps) {
  halt_ = num_steps;
  next_ = std::min(next_, num_steps);
}

std::vector<std::pair<int, TrainingState>> RunCheckpoints::states_of(int rank) const {
  const Plan& plan = run_.plan.plan;
  const ModelGraph& model = run_.plan.profile.model;
  const SlotLayers slots = slot_layers(model);
  std::vector<std::pair<int, TrainingState>> states;
  for (const RankPart& part : run_.program.ranks[static_cast<std::size_t>(rank)].parts) {
    std::vector<std::string> layers;
    for (const int layer : stage_layers(plan, model, part.stage))
      layers.push_back(model.layers[static_cast<std::size_t>(layer)].id);
    const auto num_replicas =
        static_cast<int>(plan.stages[static_cast<std::size_t>(part.stage)].replicas.size());
    if (resumed_)
      states.emplace_back(part.stage, resumed_->state_of(layers, part.replica, num_replicas, slots));
    else
      states.emplace_back(part.stage, TrainingState{.weights = weights_of(layers), .optimizer = {}});
  }
  return states;
}

Weights RunCheckpoints::weights_of(const std::vector<std::string>& layers) const {
  const ModelGraph& model = run_.plan.profile.model;
  Weights weights;
  for (const std::string& id : layers)
    if (const auto* script = std::get_if<TorchScript>(
            &model.layers[static_cast<std::size_t>(layer_index(model, id))].operation))
      for (const auto* slots : {&script->parameters, &script->buffers})
        for (const TensorSlot& slot : *slots)
          weights[slot.name] = run_.initial_weights.at(slot.name);
  return weights;
}

void RunCheckpoints::check_samples(const std::string& samples) {
  if (resumed_ && samples != samples_)
    throw InputError(
        (resumed_->directory / kManifestName).string(), "/samples",
        "expected the training samples of this run (" + samples + "), found " + samples_);
  samples_ = samples;
}

void RunCheckpoints::add(int rank, const Frame& frame) {
  if (auto part = pieces_.add(rank, frame)) parts_[part->first].push_back(std::move(part->second));
}

bool RunCheckpoints::is_complete(std::int64_t num_steps) const {
  const auto found = parts_.find(num_steps);
  return found != parts_.end() && found->second.size() == num_parts_;
}

void RunCheckpoints::write(const StepHistory& history, const Validation* validation,
                           const Weights* best) {
  Checkpoint checkpoint;
  checkpoint.num_steps = next_;
  checkpoint.model = model_;
  checkpoint.samples = samples_;
  checkpoint.batch_size = run_.plan.plan.batch_size;
  checkpoint.training = training_;
  std::vector<CheckpointBytes> parts = std::move(parts_.at(next_));
  parts_.erase(next_);
  if (validation != nullptr) {
    checkpoint.validation = *validation;
    CheckpointBytes part;
    part.part.kind = CheckpointPart::Kind::kBest;
    part.bytes = weights_bytes(*best);
    parts.push_back(std::move(part));
  }
  parts.push_back(history_part(history));
  writer_->write(
      std::move(checkpoint), std::move(parts),
      next_ == halt_ ? CheckpointWriter::WhenBusy::kWait : CheckpointWriter::WhenBusy::kLeaveOut);
  next_ = due_after(next_);
}

std::vector<std::string> RunCheckpoints::take_notes() {
  std::vector<std::string> notes = std::exchange(notes_, {});
  if (writer_)
    for (std::string& note : writer_->take_notes()) notes.push_back(std::move(note));
  return notes;
}

void RunCheckpoints::finish() {
  if (writer_) writer_->finish();
}

fs::path RunCheckpoints::newest() const { return writer_ ? writer_->newest() : fs::path(); }

}  // namespace cadastre
