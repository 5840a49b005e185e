#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "executor/torchscript/export.h"
#include "executor/torchscript/import_options.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/run_record.h"

namespace cadastre {

namespace {

struct PytorchRequest : VerbOptions {
  std::string format;
  std::filesystem::path file;  ///< the archive to import, or the run to export
  std::filesystem::path model;
  std::filesystem::path output;
  ImportArguments import;
};

void import_pytorch(const PytorchRequest& request) {
  const ImportedModel imported = import_model(request.file, import_options(request.import));
  write_file(request.output, json_text(to_json(imported.model)));
  std::int64_t num_parameters = 0;
  for (const std::int64_t bytes : parameter_bytes(imported.model))
    num_parameters += bytes / kBytesPerElement;
  std::string text;
  for (const std::string& note : imported.notes) text += "note: " + note + "\n";
  text += imported.model.name + ": " + std::to_string(imported.model.layers.size()) + " layers, " +
          std::to_string(num_parameters) + " parameters, " +
          std::to_string(num_classes(imported.model)) + " classes\nwrote " +
          request.output.string() + "\n";
  print_result(request,
               {{"model", request.output.string()},
                {"name", imported.model.name},
                {"num_layers", imported.model.layers.size()},
                {"num_parameters", num_parameters},
                {"num_classes", num_classes(imported.model)},
                {"notes", imported.notes}},
               text);
}

void export_pytorch(const PytorchRequest& request) {
  const RunRecord run = read_run(request.file / "run.json");
  const Weights weights = read_weights(request.file / "weights.pt");
  export_model(request.model, run.model, weights, static_cast<std::int64_t>(run.steps.size()),
               request.output);
  print_result(request, {{"model", request.output.string()}},
               "wrote " + request.output.string() + ", which torch.jit.load reads\n");
}

std::shared_ptr<PytorchRequest> add_pytorch_verb(CLI::App& program, const char* name,
                                                 const char* description, const char* example,
                                                 void (*work)(const PytorchRequest&),
                                                 CLI::App*& verb) {
  auto request = std::make_shared<PytorchRequest>();
  verb = add_verb(program, name, description, example, request, [request, work] {
    if (request->format != "pytorch")
      throw InputError("", "", "expected the format pytorch, found \"" + request->format + "\"");
    work(*request);
  });
  verb->add_option("format", request->format, "pytorch")->required();
  return request;
}

}  // namespace

void add_pytorch_verbs(CLI::App& program) {
  CLI::App* verb = nullptr;
  auto request = add_pytorch_verb(
      program, "import", "Turn a model that PyTorch saved into a cadastre model",
      "cadastre import pytorch model.pt --input-shape 3,64,64 -o model.json", import_pytorch, verb);
  verb->add_option("file", request->file, "What torch.jit.trace or torch.jit.script saved")
      ->required();
  add_import_options(*verb, request->import);
  verb->add_option("-o,--output", request->output, "Model to write")->required();

  request = add_pytorch_verb(
      program, "export", "Put what a run trained into the PyTorch model that it began with",
      "cadastre export pytorch run --model model.pt -o trained.pt", export_pytorch, verb);
  verb->add_option("run", request->file, "The run's directory")->required();
  verb->add_option("--model", request->model, "The model that the run began with")->required();
  verb->add_option("-o,--output", request->output, "Model to write, as torch.jit.load reads it")
      ->required();
}

}  // namespace cadastre
