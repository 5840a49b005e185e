#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "executor/scene/modality_reader.h"
#include "executor/scene/reference_grid.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/model_family/model_family.h"
#include "planner/refusal.h"
#include "planner/scene.h"
#include "planner/table.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// Enough to see a field or a roof around a pixel, and little enough for many patches a second.
constexpr std::int64_t kDefaultPatch = 11;

struct ModelRequest : VerbOptions {
  fs::path scene;
  fs::path rasters;
  fs::path output;
  Names only;
  Names settings;  ///< KEY=VALUE
  std::string family;
  std::string fusion;
  std::string target;
  std::int64_t patch = 0;
  std::int64_t batch_norm_group_samples = 16;
};

Names modality_names(const Scene& scene) {
  Names names;
  for (const Modality& modality : scene.modalities) names.push_back(modality.name);
  return names;
}

std::vector<Modality> chosen_modalities(const Scene& scene, const Names& only) {
  const Names names = modality_names(scene);
  for (const std::string& name : only)
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string listed;
      for (const std::string& known : names) listed += (listed.empty() ? "" : ", ") + known;
      throw InputError("", "",
                       "--only: expected a modality of the scene (" + listed + "), found " +
                           in_quotes(name) + did_you_mean(name, names));
    }
  std::vector<Modality> chosen;
  for (const Modality& modality : scene.modalities)
    if (only.empty() || std::find(only.begin(), only.end(), modality.name) != only.end())
      chosen.push_back(modality);
  return chosen;
}

/// The part of a document that `--set KEY=VALUE` puts there: VALUE is JSON, or a text as it is.
void set(nlohmann::json& family, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError("", "", "--set: expected KEY=VALUE, found " + in_quotes(setting));
  const std::string text = setting.substr(equals + 1);
  nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) value = text;
  std::string pointer = "/";
  for (const char letter : setting.substr(0, equals)) pointer += letter == '.' ? '/' : letter;
  family[nlohmann::json::json_pointer(pointer)] = std::move(value);
}

nlohmann::json model_document(const ModelRequest& request) {
  const Scene scene = read_scene(request.scene, request.rasters);
  const ReferenceGrid reference = reference_grid(scene);
  nlohmann::json family = {{"name", request.family},
                           {"num_classes", scene.classes.size()},
                           {"patch", request.patch}};
  if (!request.fusion.empty()) family["fusion"] = request.fusion;
  if (!request.target.empty()) family["target"] = request.target;
  for (const std::string& setting : request.settings) set(family, setting);

  nlohmann::json inputs = nlohmann::json::array();
  std::string name = scene.name + "-" + request.family;
  const std::vector<Modality> chosen = chosen_modalities(scene, request.only);
  for (const Modality& modality : chosen) {
    const std::int64_t side = request.patch * ModalityReader(modality, reference).scale();
    inputs.push_back({{"name", modality.name}, {"shape", {modality.num_bands, side, side}}});
    if (!request.only.empty()) name += "-" + modality.name;
  }
  return {{"format", "cadastre-model/1"},
          {"name", name},
          {"inputs", std::move(inputs)},
          {"family", std::move(family)},
          {"batch_norm_group_samples", request.batch_norm_group_samples}};
}

void make_model(ModelRequest request) {
  if (request.patch == 0) request.patch = kDefaultPatch;
  const nlohmann::json document = model_document(request);
  const ModelGraph model = model_from_json(JsonPlace(document, request.output.string(), ""));
  std::int64_t num_parameters = 0;
  for (const std::int64_t bytes : parameter_bytes(model)) num_parameters += bytes / kBytesPerElement;
  write_file(request.output, json_text(document));

  std::string text = model.name + ": " + std::to_string(model.layers.size()) + " layers, " +
                     std::to_string(num_parameters) + " parameters, " +
                     std::to_string(num_classes(model)) + " classes\n";
  nlohmann::json inputs = nlohmann::json::object();
  for (const ModelInput& input : model.inputs) {
    inputs[input.name] = input.shape;
    text += "  " + input.name + ": " + std::to_string(input.shape[0]) + " bands, " +
            std::to_string(input.shape[1]) + " x " + std::to_string(input.shape[2]) + " pixels\n";
  }
  print_result(request,
               {{"model", request.output.string()},
                {"name", model.name},
                {"num_layers", model.layers.size()},
                {"num_parameters", num_parameters},
                {"num_classes", num_classes(model)},
                {"inputs", std::move(inputs)}},
               text + "wrote " + request.output.string() + "\n");
}

}  // namespace

void add_model_verb(CLI::App& program) {
  auto request = std::make_shared<ModelRequest>();
  request->family = "residual";
  CLI::App* verb =
      add_verb(program, "model", "Make a model for a scene's modalities and classes",
               "cadastre model --data scene --fusion late -o model.json", request,
               [request] { make_model(*request); });
  verb->add_option("--data", request->scene, "A scene's directory or document")->required();
  verb->add_option("--rasters", request->rasters, "Directory of the scene's rasters");
  verb->add_option("--only", request->only,
                   "A modality to use, others not; give it again for more");
  verb->add_option("--family", request->family, "residual, or paper")->capture_default_str();
  verb->add_option("--fusion", request->fusion, "Where modalities meet: early, middle or late");
  verb->add_option("--target", request->target,
                   "pixel: the patch's middle is classified; dense: every pixel of it");
  verb->add_option("--patch", request->patch, "Side of a patch, in pixels of the reference grid")
      ->check(integer_from(1, 1 << 16));
  verb->add_option("--set", request->settings,
                   "KEY=VALUE for any other parameter of the family, such as width=48 or "
                   "widths.optical=64; give it again for more");
  verb->add_option("--batch-norm-group-samples", request->batch_norm_group_samples,
                   "Samples over which batch norm takes statistics")
      ->check(integer_from(1, 1 << 16))
      ->capture_default_str();
  verb->add_option("-o,--output", request->output, "Where the model goes")->required();
}

}  // namespace cadastre
