#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/pipedream/graph_file.h"
#include "planner/pipedream/import.h"
#include "planner/profile_estimate.h"
#include "planner/refusal.h"
#include "planner/subprocess.h"
#include "planner/table.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct ImportVerb {
  std::string format;
  std::filesystem::path file;
  std::filesystem::path output;
  std::int64_t batch_size = 1;
  std::filesystem::path device;
  // Of simgrid, which the simulator's program imports.
  std::string memory;
  std::string reference_speed;
  // Of onnx, which a program of its own imports.
  std::vector<std::string> input_shapes;
};

constexpr const char* kSimgrid = "simgrid";
constexpr const char* kOnnx = "onnx";
constexpr const char* kPytorch = "pytorch";  // which the executor's program imports
constexpr const char* kOnnxProgram = "cadastre-onnx";

struct Format {
  std::string name;
  Profile (*import)(const ImportVerb& verb);
};

void refuse_device(const ImportVerb& verb) {
  if (!verb.device.empty())
    throw InputError("--device", "", "expected no such option with a profile that was measured");
}

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {.name = "pipedream",
       .import =
           [](const ImportVerb& verb) {
             refuse_device(verb);
             return pipedream::import_profile(pipedream::read_graph_file(verb.file),
                                              verb.batch_size, verb.file.string());
           }},
      {.name = "model", .import = [](const ImportVerb& verb) {
         if (verb.device.empty())
           throw InputError("--device", "", "expected a device to estimate costs on, found none");
         return estimated_profile(read_model(verb.file), read_device(verb.device),
                                  verb.file.string(), "");
       }}};
  return all;
}

const Format& format_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Format& format : formats()) {
    if (format.name == name) return format;
    names.push_back(format.name);
  }
  names.emplace_back(kSimgrid);
  names.emplace_back(kOnnx);
  names.emplace_back(kPytorch);
  std::string message = "expected a format (" + listed(names) + "), found ";
  message += in_quotes(name);
  message += did_you_mean(name, names);
  throw InputError("", "", message);
}

/// Returns only by throwing InputError: also where ONNX was not there when cadastre was built.
[[noreturn]] void become_onnx_importer(char** argv) {
  const std::filesystem::path program = program_directory() / kOnnxProgram;
  if (!std::filesystem::exists(program))
    throw InputError("", "",
                     "expected a cadastre that was built with ONNX, found no " + program.string() +
                         "; install libonnx-dev and libprotobuf-dev (Debian's names), and build "
                         "again");
  become_sister(kOnnxProgram, argv);
}

void run_import(const ImportVerb& verb, const VerbOptions& options, char** argv) {
  if (verb.format == kSimgrid) become_sister("cadastre-simulator", argv);
  if (verb.format == kOnnx) become_onnx_importer(argv);
  const Format& format = format_named(verb.format);
  for (const auto& [option, value] :
       {std::pair("--memory", &verb.memory), std::pair("--reference-speed", &verb.reference_speed)})
    if (!value->empty()) throw InputError(option, "", "expected no such option but with simgrid");
  if (!verb.input_shapes.empty())
    throw InputError("--input-shape", "", "expected no such option but with onnx and pytorch");
  const Profile profile = format.import(verb);
  double sum_s = 0;
  std::int64_t parameter_bytes = 0;
  for (const LayerProfile& layer : profile.layers) {
    const LayerCost cost = layer_cost(layer, verb.batch_size);
    sum_s += cost.forward_s + cost.backward_s;
    parameter_bytes += layer.parameter_bytes;
  }
  write_file(verb.output, json_text(to_json(profile)));
  constexpr double kMilli = 1e3;
  constexpr double kMega = 1e6;
  const std::string text = std::to_string(profile.layers.size()) + " layers of " +
                           std::to_string(profile.model.inputs.size()) + " inputs, " +
                           fixed(sum_s * kMilli, 3) + " ms forward and backward for " +
                           std::to_string(verb.batch_size) + " samples, " +
                           fixed(static_cast<double>(parameter_bytes) / kMega, 3) +
                           " MB of parameters, written to " + verb.output.string() + "\n";
  print_result(options,
               {{"profile", verb.output.string()},
                {"model", profile.model.name},
                {"num_layers", profile.layers.size()},
                {"num_inputs", profile.model.inputs.size()},
                {"batch_size", verb.batch_size},
                {"forward_and_backward_s", sum_s},
                {"parameter_bytes", parameter_bytes}},
               text);
}

}  // namespace

void add_import_verb(CLI::App& program, char** argv) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<ImportVerb>();
  CLI::App* app = add_verb(program, "import",
                           "Turn another tool's profile, or a model (of cadastre, or ONNX) and a "
                           "device, into a cadastre profile, a platform of SimGrid into a "
                           "cluster, or a model that PyTorch saved into a cadastre model",
                           "cadastre import pipedream graph.txt --batch-size 128 -o profile.json",
                           options, [verb, options, argv] { run_import(*verb, *options, argv); });
  app->add_option("format", verb->format,
                  "Whose it is: pipedream, simgrid, onnx, pytorch, or model to estimate one")
      ->required();
  app->add_option("file", verb->file,
                  "For pipedream its graph.txt, for simgrid a platform, for model, onnx and pytorch a "
                  "model")
      ->required();
  app->add_option("-o,--output", verb->output, "Where the profile or cluster is written")
      ->required();
  app->add_option("--device", verb->device,
                  "For model and onnx: a cadastre-device document, whose roofline tells the costs");
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;
  app->add_option("--batch-size", verb->batch_size,
                  "Samples of the mini-batch that was measured; without it, the mini-batch counts "
                  "as one sample")
      ->check(integer_from(1, kMostSamples));
  app->add_option("--memory", verb->memory,
                  "For simgrid: memory of each host whose platform does not say it, such as 16GiB");
  app->add_option("--reference-speed", verb->reference_speed,
                  "For simgrid: speed of a core whose relative speed is 1, such as 2.5Gf; without "
                  "it, that of the fastest host");
  app->add_option("--input-shape", verb->input_shapes,
                  "For pytorch the extents of an input, and for onnx those that the file leaves "
                  "open, without the samples: 3,64,64, or NAME=3,64,64 for each of several")
      ->allow_extra_args(false);
}

}  // namespace cadastre
