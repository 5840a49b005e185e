#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "executor/launch/host_facts.h"
#include "executor/profiler.h"
#include "executor/torchscript/archive.h"
#include "executor/torchscript/import_options.h"
#include "executor/torchscript/layer_function.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/progress.h"
#include "planner/table.h"

namespace cadastre {

namespace {

struct ProfileRequest : VerbOptions {
  std::string model;
  std::string scene;
  std::string rasters;
  std::string output;
  std::vector<std::int64_t> batch_sizes = ProfileOptions{}.batch_sizes;
  int num_threads = 1;
  int repeats = ProfileOptions{}.repeats;
  double quantile = ProfileOptions{}.quantile;
  ImportArguments import;
};

/// A document's model, or one that PyTorch saved.
ImportedModel given_model(const ProfileRequest& request) {
  if (looks_like_archive(request.model))
    return import_model(request.model, import_options(request.import));
  if (!request.import.shapes.empty())
    throw InputError("", "",
                     "--input-shape: expected a model that PyTorch saved, found the document " +
                         request.model + ", which has the shapes of its inputs");
  ImportedModel given;
  given.model = read_model(request.model);
  check_executable(given.model, request.model, "");
  check_layer_codes(given.model, request.model, "");
  return given;
}

/// Weights and their gradients are all held at once. Returns whether those of parts fit, too.
bool check_memory(const ModelGraph& model, const std::string& file) {
  // Twice the weights and gradients, as a whole and layer by layer, and the state of the
  // optimizers; and of parts all but SGD's.
  constexpr std::int64_t kCopies = 8;
  constexpr std::int64_t kCopiesOfParts = 5;
  std::int64_t parameters = 0;
  for (const std::int64_t bytes : parameter_bytes(model)) parameters += bytes;
  const std::int64_t needed = kCopies * parameters;
  const std::int64_t available = host_facts().available_memory_bytes;
  if (needed <= available) return needed + kCopiesOfParts * parameters <= available;
  constexpr double kGiga = 1e9;
  const auto gigabytes = [](std::int64_t bytes) {
    return fixed(static_cast<double>(bytes) / kGiga, 3) + " GB";
  };
  throw InputError(
      file, "",
      "expected a model whose weights, gradients and optimizers fit in this machine's memory, of "
      "which " +
          gigabytes(available) + " are free, found one that takes " + gigabytes(needed) +
          "; profile it on a machine with more");
}

double step_s(const Measurement& measured) { return measured.forward_s + measured.backward_s; }

/// The layers that take longest at the greatest batch size.
std::string heaviest_layers_text(const Profile& profile) {
  constexpr std::size_t kNumShown = 10;
  std::vector<std::size_t> order(profile.layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto measured = [&](std::size_t i) -> const Measurement& {
    return profile.layers[i].measurements.back();
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return step_s(measured(a)) > step_s(measured(b));
  });
  double total_s = 0;
  for (const std::size_t i : order) total_s += step_s(measured(i));
  char line[200];
  std::snprintf(line, sizeof line, "  %-28s %-14s %11s %11s %6s %11s %7s\n", "layer", "kind",
                "forward ms", "backward ms", "share", "parameters", "fit err");
  std::string text = line;
  for (std::size_t k = 0; k < std::min(kNumShown, order.size()); ++k) {
    const std::size_t i = order[k];
    const LayerProfile& layer = profile.layers[i];
    std::snprintf(line, sizeof line, "  %-28.60s %-14s %11.3f %11.3f %5.1f%% %9.1fKi %6.1f%%\n",
                  layer.layer.c_str(), kind_name(profile.model.layers[i].operation).c_str(),
                  1e3 * measured(i).forward_s, 1e3 * measured(i).backward_s,
                  total_s > 0 ? 100 * step_s(measured(i)) / total_s : 0.0,
                  static_cast<double>(layer.parameter_bytes) / 1024, 100 * layer.fit_error);
    text += line;
  }
  return text;
}

std::string result_text(const ProfileResult& result, const std::string& output) {
  const Profile& profile = result.profile;
  char line[240];
  std::snprintf(line, sizeof line, "%s: %zu layers on %s, %d thread%s\n",
                profile.model.name.c_str(), profile.layers.size(), profile.device.c_str(),
                profile.num_threads, profile.num_threads == 1 ? "" : "s");
  std::string text = line;
  for (const WholeNetworkTime& whole : result.whole) {
    std::snprintf(line, sizeof line,
                  "  batch %4lld: forward %8.2f ms, backward %8.2f ms; %.2f and %.2f of its "
                  "layers one by one\n",
                  static_cast<long long>(whole.batch_size), 1e3 * whole.forward_s,
                  1e3 * whole.backward_s, whole.forward_ratio, whole.backward_ratio);
    text += line;
  }
  std::snprintf(line, sizeof line, "heaviest layers at batch %lld:\n",
                static_cast<long long>(result.whole.back().batch_size));
  text += line;
  text += heaviest_layers_text(profile);
  std::snprintf(line, sizeof line,
                "loading %.1f us and %.2f us per sample, loss %.1f us and %.2f us per sample; "
                "optimizer %.3f ns per parameter byte\n",
                1e6 * profile.load_s_per_micro_batch, 1e6 * profile.load_s_per_sample,
                1e6 * profile.loss_s_per_micro_batch, 1e6 * profile.loss_s_per_sample,
                1e9 * profile.optimizer_s_per_parameter_byte);
  text += line;
  return text + "wrote " + output + "\n";
}

nlohmann::json result_json(const ProfileResult& result, const std::string& output) {
  nlohmann::json whole = nlohmann::json::array();
  for (const WholeNetworkTime& time : result.whole)
    whole.push_back({{"batch_size", time.batch_size},
                     {"forward_s", time.forward_s},
                     {"backward_s", time.backward_s},
                     {"forward_ratio", time.forward_ratio},
                     {"backward_ratio", time.backward_ratio}});
  return {{"profile", output}, {"device", result.profile.device}, {"whole_network", whole}};
}

void profile(const ProfileRequest& request) {
  const ImportedModel given = given_model(request);
  const ModelGraph& model = given.model;
  const bool parts_fit = check_memory(model, request.model);
  std::optional<TrainingData> data;
  if (!request.scene.empty()) {
    std::set<std::size_t> inputs;
    for (std::size_t i = 0; i < model.inputs.size(); ++i) inputs.insert(i);
    data.emplace(read_scene(request.scene, request.rasters), model, inputs,
                 recommended_training(OptimizerKind::kAdamW), 1);
  }
  ProfileOptions options;
  options.batch_sizes = request.batch_sizes;
  options.num_threads = request.num_threads;
  options.repeats = request.repeats;
  options.quantile = request.quantile;
  options.parts = parts_fit;
  options.data = data && data->num_samples() > 0 ? &*data : nullptr;
  ProfileResult result;
  {
    std::optional<Progress> progress;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      if (!progress)
        progress.emplace("profiling", total,
                         request.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
      progress->update(done);
    };
    result = profile_model(model, options);
  }
  write_file(request.output, json_text(to_json(result.profile)));
  nlohmann::json told = result_json(result, request.output);
  std::string text;
  if (!given.notes.empty()) told["notes"] = given.notes;
  for (const std::string& note : given.notes) text += "note: " + note + "\n";
  print_result(request, told, text + result_text(result, request.output));
}

}  // namespace

void add_profile_verb(CLI::App& program) {
  auto request = std::make_shared<ProfileRequest>();
  CLI::App* verb =
      add_verb(program, "profile", "Measure what each layer of a model costs on this machine",
               "cadastre profile scenarios/models/multimodal-cnn.json --data scene -o profile.json",
               request, [request] { profile(*request); });
  verb->add_option("MODEL", request->model,
                   "A cadastre-model document, or a model that PyTorch saved (torch.jit)")
      ->required();
  add_import_options(*verb, request->import);
  verb->add_option("--data", request->scene, "Scene whose patches to time the loading of");
  verb->add_option("--rasters", request->rasters, "Directory of the scene's rasters");
  verb->add_option("--batch-sizes", request->batch_sizes, "Micro-batch sizes to measure")
      ->delimiter(',')
      ->check(integer_from(1, 65536))
      ->capture_default_str();
  verb->add_option("--repeats", request->repeats,
                   "Steps of each size that count, all of as many samples as the largest")
      ->check(integer_from(1, 100000))
      ->capture_default_str();
  verb->add_option("--quantile", request->quantile,
                   "Which of their times is taken: 0.5 the median; less where other work disturbs")
      ->check(number_from(0, 1))
      ->capture_default_str();
  verb->add_option("--threads", request->num_threads, "Threads per process")
      ->check(integer_from(1, 1024))
      ->capture_default_str();
  verb->add_option("-o,--output", request->output, "Profile to write")->required();
}

}  // namespace cadastre
