#include "executor/torchscript/export.h"

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <sstream>
#include <utility>

#include "executor/torchscript/archive.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

/// The module that holds the tensor of this path, and the tensor's name in it; none where the path
/// leads elsewhere.
std::optional<std::pair<torch::jit::Module, std::string>> holder(const torch::jit::Module& module,
                                                                 const std::string& path) {
  torch::jit::Module at = module;
  std::size_t begin = 0;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    const std::string name = path.substr(begin, dot - begin);
    if (!at.hasattr(name) || !at.attr(name).isModule()) return std::nullopt;
    at = at.attr(name).toModule();
    begin = dot + 1;
  }
  const std::string name = path.substr(begin);
  if (!at.hasattr(name) || !at.attr(name).isTensor()) return std::nullopt;
  return std::pair(at, name);
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& model,
                         const std::string& found) {
  throw InputError(file.string(), "",
                   "expected the file that " + model + " was imported from, found " + found);
}

}  // namespace

void export_model(const std::filesystem::path& from, const ModelGraph& model,
                  const Weights& weights, std::int64_t num_steps, const std::filesystem::path& to) {
  if (!is_imported(model))
    throw InputError(
        from.string(), "",
        "expected a run of a model that PyTorch saved, found one of the document " + model.name);
  const torch::jit::Module module = load_archive(from);
  const at::NoGradGuard no_grad;
  const auto set = [&](const TensorSlot& slot, bool is_parameter) {
    const auto found = holder(module, slot.name);
    if (!found) {
      // Constants of the code are no attributes.
      if (is_parameter) refuse(from, model.name, "none with " + in_quotes(slot.name));
      return;
    }
    at::Tensor tensor = found->first.attr(found->second).toTensor();
    if (tensor.sizes() != at::IntArrayRef(slot.shape))
      refuse(from, model.name, "another shape of " + in_quotes(slot.name));
    tensor.detach().copy_(weights.at(slot.name));
  };
  for (const Layer& layer : model.layers) {
    const auto& script = std::get<TorchScript>(layer.operation);
    for (const TensorSlot& slot : script.parameters) set(slot, true);
    for (const RunningStatistics& norm : script.batch_norms) {
      const TensorSlot& mean = script.buffers[static_cast<std::size_t>(norm.mean)];
      set(mean, true);
      set(script.buffers[static_cast<std::size_t>(norm.variance)], true);
      const std::string counter =
          mean.name.substr(0, mean.name.rfind('.') + 1) + "num_batches_tracked";
      if (const auto found = holder(module, counter))
        found->first.attr(found->second).toTensor().fill_(num_steps);
    }
  }
  std::ostringstream archive;
  module.save(archive);
  write_file(to, archive.str());
}

}  // namespace cadastre
