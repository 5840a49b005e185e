// The program of `import onnx`; the front door `cadastre` starts it with its own arguments.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/onnx/import.h"
#include "planner/refusal.h"
#include "planner/table.h"

namespace {

using namespace cadastre;

struct ImportVerb : VerbOptions {
  std::string format;
  std::filesystem::path file;
  std::filesystem::path output;
  std::filesystem::path device;
  std::vector<std::string> input_shapes;
};

/// `NAME=C,H,W` or `C,H,W`.
onnx_import::InputShape input_shape(const std::string& text) {
  onnx_import::InputShape shape;
  std::size_t begin = text.rfind('=');
  if (begin != std::string::npos) shape.name = text.substr(0, begin);
  begin = begin == std::string::npos ? 0 : begin + 1;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::int64_t extent = 0;
    const char* last = text.data() + end;
    const auto [stop, error] = std::from_chars(text.data() + begin, last, extent);
    constexpr std::int64_t kMostExtent = std::int64_t{1} << 32;
    if (error != std::errc() || stop != last || extent < 1 || extent > kMostExtent)
      throw InputError("--input-shape", "",
                       "expected extents without the samples, such as 3,64,64 or image=3,64,64, "
                       "found " +
                           in_quotes(text));
    shape.shape.push_back(extent);
    begin = end + 1;
  }
  return shape;
}

void run_import(const ImportVerb& verb) {
  if (verb.device.empty())
    throw InputError("--device", "", "expected a device to estimate costs on, found none");
  check_can_write(verb.output);
  std::vector<onnx_import::InputShape> shapes;
  for (const std::string& text : verb.input_shapes) shapes.push_back(input_shape(text));
  const onnx_import::OnnxImport imported =
      onnx_import::import_model(verb.file, read_device(verb.device), shapes);
  const Profile& profile = imported.profile;
  std::int64_t parameter_bytes = 0;
  for (const LayerProfile& layer : profile.layers) parameter_bytes += layer.parameter_bytes;
  write_file(verb.output, json_text(to_json(profile)));
  if (!verb.quiet)
    for (const std::string& note : imported.notes)
      std::fprintf(stderr, "note: %s: %s\n", verb.file.c_str(), note.c_str());
  constexpr double kGiga = 1e9;
  constexpr double kMega = 1e6;
  print_result(verb,
               {{"profile", verb.output.string()},
                {"model", profile.model.name},
                {"num_layers", profile.layers.size()},
                {"num_inputs", profile.model.inputs.size()},
                {"num_operations", imported.num_nodes},
                {"product_flops_per_sample", imported.product_flops_per_sample},
                {"forward_flops_per_sample", imported.forward_flops_per_sample},
                {"backward_flops_per_sample", imported.backward_flops_per_sample},
                {"parameter_bytes", parameter_bytes},
                {"notes", imported.notes}},
               std::to_string(profile.layers.size()) + " layers of " +
                   std::to_string(imported.num_nodes) + " operations and " +
                   std::to_string(profile.model.inputs.size()) + " inputs, " +
                   fixed(imported.forward_flops_per_sample / kGiga, 3) + " GFLOP forward and " +
                   fixed(imported.backward_flops_per_sample / kGiga, 3) + " backward a sample, " +
                   fixed(static_cast<double>(parameter_bytes) / kMega, 3) +
                   " MB of parameters, written to " + verb.output.string() + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Turns an ONNX model into a cadastre profile", "cadastre-onnx");
  program.require_subcommand(1);
  const auto verb = std::make_shared<ImportVerb>();
  CLI::App* app = add_verb(program, "import", "Turn an ONNX model and a device into a profile",
                           "cadastre import onnx model.onnx --device "
                           "scenarios/devices/server-core.json -o profile.json",
                           verb, [verb] { run_import(*verb); });
  app->add_option("format", verb->format, "Whose it is: onnx")
      ->required()
      ->check(CLI::IsMember({"onnx"}));
  app->add_option("file", verb->file, "The model")->required();
  app->add_option("-o,--output", verb->output, "Where the profile is written")->required();
  app->add_option("--device", verb->device,
                  "A cadastre-device document, whose roofline tells the costs");
  app->add_option("--input-shape", verb->input_shapes,
                  "Extents of an input that the file leaves open, without the samples: 3,64,64, or "
                  "NAME=3,64,64 for each of several")
      ->allow_extra_args(false);
  return run_program(program, argc, argv);
}
