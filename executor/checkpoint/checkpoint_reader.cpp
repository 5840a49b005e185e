#include "executor/checkpoint/checkpoint_reader.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "planner/checksum.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPrefix = "step-";
constexpr const char* kFinished = "finished";

/// "conv1" of "conv1.weight", "mean/conv1.weight": what a tensor's name says before its last dot.
std::string layer_of(const std::string& tensor, const SlotLayers& slots) {
  const std::size_t begin = tensor.find('/') + 1;  // 0 without one
  const auto slot = slots.find(tensor.substr(begin));
  if (slot != slots.end()) return slot->second;
  return tensor.substr(begin, tensor.rfind('.') - begin);
}

SoundCheckpoint read_sound(const fs::path& directory) {
  SoundCheckpoint checkpoint;
  checkpoint.directory = directory;
  checkpoint.manifest = read_checkpoint(directory / kManifestName);
  for (const CheckpointPart& part : checkpoint.manifest.parts) {
    const fs::path file = directory / part.file;
    const std::string bytes = read_file(file);
    if (static_cast<std::int64_t>(bytes.size()) != part.bytes)
      throw InputError(file.string(), "",
                       "expected " + std::to_string(part.bytes) + " bytes, found " +
                           std::to_string(bytes.size()));
    if (checksum_text(bytes) != part.checksum)
      throw InputError(file.string(), "",
                       "expected checksum " + part.checksum + ", found " + checksum_text(bytes));
    checkpoint.parts.push_back(weights_from(bytes, file.string()));
  }
  const auto num_steps = static_cast<std::int64_t>(checkpoint.history().losses.size());
  if (num_steps != checkpoint.manifest.num_steps)
    throw InputError((directory / kManifestName).string(), "/num_steps",
                     "expected " + std::to_string(num_steps) + ", as the history has, found " +
                         std::to_string(checkpoint.manifest.num_steps));
  return checkpoint;
}

}  // namespace

SlotLayers slot_layers(const ModelGraph& model) {
  SlotLayers layers;
  for (const Layer& layer : model.layers)
    if (const auto* script = std::get_if<TorchScript>(&layer.operation))
      for (const auto* slots : {&script->parameters, &script->buffers})
        for (const TensorSlot& slot : *slots) layers[slot.name] = layer.id;
  return layers;
}

TrainingState SoundCheckpoint::state_of(const std::vector<std::string>& layers, int replica,
                                        int num_replicas, const SlotLayers& slot_layers) const {
  const std::set<std::string> wanted(layers.begin(), layers.end());
  std::set<std::string> found;
  TrainingState state;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const CheckpointPart& part = manifest.parts[i];
    const bool is_weights = part.kind == CheckpointPart::Kind::kWeights;
    if (!is_weights && part.kind != CheckpointPart::Kind::kOptimizer) continue;
    const int of_replica = part.num_replicas == num_replicas ? replica : 0;
    if (!is_weights && part.replica != of_replica) continue;
    Weights& to = is_weights ? state.weights : state.optimizer;
    for (const auto& [name, tensor] : parts[i])
      if (wanted.count(layer_of(name, slot_layers)) != 0) to.emplace(name, tensor);
    if (is_weights)
      for (const std::string& layer : part.layers)
        if (wanted.count(layer) != 0) found.insert(layer);
  }
  for (const std::string& layer : layers)
    if (found.count(layer) == 0)
      throw InputError((directory / kManifestName).string(), "/parts",
                       "expected a part with layer " + in_quotes(layer) + ", found none");
  return state;
}

StepHistory SoundCheckpoint::history() const {
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (manifest.parts[i].kind == CheckpointPart::Kind::kHistory)
      return history_from(parts[i], (directory / manifest.parts[i].file).string());
  throw InputError((directory / kManifestName).string(), "/parts",
                   "expected a part of kind \"history\", found none");
}

Weights SoundCheckpoint::best_weights() const {
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (manifest.parts[i].kind == CheckpointPart::Kind::kBest) return parts[i];
  return {};
}

fs::path checkpoint_directory(const fs::path& directory, std::int64_t num_steps) {
  char name[40];
  std::snprintf(name, sizeof name, "%s%09lld", kPrefix, static_cast<long long>(num_steps));
  return directory / name;
}

std::vector<fs::path> checkpoint_directories(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    const std::string digits = name.substr(std::min(name.size(), std::string(kPrefix).size()));
    if (name.rfind(kPrefix, 0) == 0 && !digits.empty() &&
        digits.find_first_not_of("0123456789") == std::string::npos)
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_finished(const fs::path& directory) { return fs::exists(directory / kFinished); }

void mark_finished(const fs::path& directory) {
  if (!checkpoint_directories(directory).empty())
    write_file(directory / kFinished, "the run came to its end: nothing is lost without these\n");
}

void unmark_finished(const fs::path& directory) {
  std::error_code ignored;
  fs::remove(directory / kFinished, ignored);
}

std::optional<SoundCheckpoint> newest_checkpoint(const fs::path& directory,
                                                 std::vector<std::string>& notes) {
  std::vector<fs::path> directories = checkpoint_directories(directory);
  std::reverse(directories.begin(), directories.end());
  for (const fs::path& candidate : directories) {
    try {
      return read_sound(candidate);
    } catch (const InputError& error) {
      notes.push_back(std::string(error.what()) + ": this checkpoint was passed over");
    }
  }
  return std::nullopt;
}

}  // namespace cadastre
