#include "executor/weights.h"

#include <torch/torch.h>

#include <exception>
#include <sstream>
#include <stdexcept>

#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

template <typename Visit>
void visit_tensors(const StageNetwork& stage, const Visit& visit) {
  for (const NamedTensor& parameter : stage.parameters()) visit(parameter);
  for (const NamedTensor& buffer : stage.buffers()) visit(buffer);
}

}  // namespace

Weights stage_weights(const StageNetwork& stage) {
  Weights weights;
  visit_tensors(stage, [&](const NamedTensor& named) {
    weights[named.name] = named.tensor.detach().clone();
  });
  return weights;
}

Weights merge_weights(const std::vector<Weights>& parts) {
  Weights merged;
  for (const Weights& part : parts)
    for (const auto& [name, tensor] : part)
      if (!merged.emplace(name, tensor).second)
        throw std::invalid_argument("two stages hold the parameter " + name);
  return merged;
}

void write_weights(const std::filesystem::path& file, const Weights& weights) {
  c10::Dict<std::string, at::Tensor> dictionary;
  for (const auto& [name, tensor] : weights) dictionary.insert(name, tensor);
  const std::vector<char> bytes = torch::pickle_save(dictionary);
  write_file(file, std::string(bytes.begin(), bytes.end()));
}

Weights read_weights(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  Weights weights;
  try {
    const at::IValue value = torch::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
    for (const auto& entry : value.toGenericDict())
      weights[entry.key().toStringRef()] = entry.value().toTensor();
  } catch (const std::exception&) {
    // LibTorch's own message is a page about archives; the file's name says more.
    throw InputError(file.string(), "",
                     "expected weights as PyTorch saves them, found " +
                         std::string(bytes.empty() ? "an empty file" : "a damaged or other file"));
  }
  return weights;
}

void set_weights(StageNetwork& stage, const Weights& weights, const std::filesystem::path& file) {
  // All are checked before any is copied: a refused file changes nothing.
  visit_tensors(stage, [&](const NamedTensor& named) {
    const auto found = weights.find(named.name);
    if (found == weights.end())
      throw InputError(file.string(), "", "expected a tensor \"" + named.name + "\", found none");
    if (found->second.sizes() != named.tensor.sizes())
      throw InputError(file.string(), "",
                       "expected \"" + named.name + "\" with shape " +
                           shape_text(named.tensor.sizes()) + ", found " +
                           shape_text(found->second.sizes()));
  });
  const at::NoGradGuard no_grad;
  visit_tensors(stage, [&](const NamedTensor& named) {
    at::Tensor tensor = named.tensor;
    tensor.copy_(weights.at(named.name));
  });
}

}  // namespace cadastre
