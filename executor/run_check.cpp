#include "executor/run_check.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "executor/scene_data.h"
#include "executor/torchscript/archive.h"
#include "executor/torchscript/import.h"
#include "executor/torchscript/layer_function.h"
#include "planner/error.h"
#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/program_check.h"
#include "planner/refusal.h"
#include "planner/table.h"

namespace cadastre {

namespace {

void check_classes(const RunRequest& request, const ModelGraph& model, const Scene& scene) {
  if (num_classes(model) != static_cast<std::int64_t>(scene.classes.size()))
    throw InputError(request.scene.string(), "/classes",
                     "expected " + std::to_string(num_classes(model)) +
                         " classes, as the model has outputs, found " +
                         std::to_string(scene.classes.size()));
}

/// A model that scores every pixel of its patch must score those of the reference grid.
void check_patch(const RunRequest& request, const ModelGraph& model, std::int64_t pixels) {
  const Shape& scores =
      model.layers[static_cast<std::size_t>(layer_index(model, model.output))].output_shape;
  if (scores.size() != 3 || (scores[1] == pixels && scores[2] == pixels)) return;
  const std::string side = std::to_string(pixels);
  throw InputError(request.plan.string(), "/profile/model/output",
                   "expected scores of (" + std::to_string(scores[0]) + ", " + side + ", " + side +
                       "), a pixel of the scene each, found (" + std::to_string(scores[0]) + ", " +
                       std::to_string(scores[1]) + ", " + std::to_string(scores[2]) + ")");
}

/// The weights of the file, if it holds any, which must be of the plan's model.
Weights checked_weights(const std::filesystem::path& file, const ModelGraph& model) {
  if (!looks_like_archive(file)) {
    check_same_model(model, read_model(file), file.string());
    return {};
  }
  ImportOptions options;
  options.inputs = model.inputs;
  options.batch_norm_group_samples = model.batch_norm_group_samples;
  options.depth = ImportDepth::kWeights;
  ImportedModel imported = import_model(file, options);
  imported.model.name = model.name;  // a file's name is no part of it
  // Nor is what was measured where the plan's profile was made.
  for (std::size_t i = 0; i < std::min(model.layers.size(), imported.model.layers.size()); ++i) {
    const auto* planned = std::get_if<TorchScript>(&model.layers[i].operation);
    if (planned == nullptr) continue;
    auto& given = std::get<TorchScript>(imported.model.layers[i].operation);
    given.saved_bytes_per_sample = planned->saved_bytes_per_sample;
    given.kept_inputs = planned->kept_inputs;
    given.keeps_output = planned->keeps_output;
    given.is_view = planned->is_view;
  }
  check_same_model(model, imported.model, file.string());
  return std::move(imported.weights);
}

/// The pre-flight check of memory, on the hosts as the plan has them.
void check_planned_memory(const RunRequest& request, const CheckedRun& run) {
  const auto gigabytes = [](std::int64_t bytes) {
    return fixed(static_cast<double>(bytes) / 1e9, 3) + " GB";
  };
  for (std::size_t r = 0; r < run.program.ranks.size(); ++r) {
    const auto index = static_cast<std::size_t>(run.program.ranks[r].host_index);
    const Host& host = run.plan.cluster.hosts[index];
    if (run.peak_memory_bytes[r] > host.memory_bytes)
      throw InputError(request.plan.string(),
                       "/cluster/hosts/" + std::to_string(index) + "/memory_bytes",
                       "expected at least the " + gigabytes(run.peak_memory_bytes[r]) + " that " +
                           rank_name(run.program, static_cast<int>(r)) + " needs, found " +
                           gigabytes(host.memory_bytes));
  }
}

}  // namespace

CheckedRun check_run(const RunRequest& request) {
  return check_run(request, read_plan(request.plan));
}

CheckedRun check_run(const RunRequest& request, PlanDocument plan) {
  CheckedRun run{.plan = std::move(plan)};
  const ModelGraph& model = run.plan.profile.model;
  check_executable(model, request.plan.string(), "/profile/model");
  check_layer_codes(model, request.plan.string(), "/profile/model");
  if (request.wire_dtype) run.plan.plan.wire_dtype = *request.wire_dtype;
  // The optimizer's state is in the memory that is checked below.
  run.plan.plan.optimizer = {.kind = request.training.optimizer,
                             .averages_weights = request.training.average_decay > 0};
  run.program = lower(run.plan.plan, model, run.plan.cluster);
  check_program(run.program);
  run.peak_memory_bytes =
      peak_memory_bytes(run.program, run.plan.plan, run.plan.profile, run.plan.cluster);
  check_planned_memory(request, run);
  if (!request.model.empty()) run.initial_weights = checked_weights(request.model, model);
  run.scene = read_scene(request.scene, request.rasters);
  check_classes(request, model, run.scene);
  check_patch(request, model, patch_size(run.scene, model.inputs).reference_pixels);
  // Only labels and split here: enough to know the number of steps.
  const SceneData samples = load_scene(run.scene, {});
  run.num_validation_samples = static_cast<std::int64_t>(samples.validation.size());
  run.schedule = training_schedule(
      request.training, static_cast<std::int64_t>(samples.train.size()),
      run.num_validation_samples, run.plan.plan.batch_size, run.plan.plan.averaging_period);
  return run;
}

std::string rank_name(const Program& program, int rank) {
  const RankProgram& of_rank = program.ranks[static_cast<std::size_t>(rank)];
  std::string name = "rank " + std::to_string(rank) + " (host " + of_rank.host;
  for (const RankPart& part : of_rank.parts) {
    const bool is_first = &part == &of_rank.parts.front();
    name += is_first ? (of_rank.parts.size() == 1 ? ", stage " : ", stages ") : ", ";
    name += std::to_string(part.stage);
  }
  name += ')';
  return name;
}

}  // namespace cadastre
