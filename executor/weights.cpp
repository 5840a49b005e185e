#include "executor/weights.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>
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

/// What torch.save writes for a dict of tensors. torch::pickle_save would also note the dict's
/// C++ type, which torch.load refuses under `weights_only`, its default since 2.6.
std::string archive_bytes(const Weights& weights) {
  c10::Dict<std::string, at::Tensor> dictionary;
  for (const auto& [name, tensor] : weights) dictionary.insert(name, tensor);
  std::string pickled;
  torch::jit::Pickler pickler(
      [&](const char* bytes, std::size_t size) { pickled.append(bytes, size); }, nullptr, nullptr,
      nullptr, nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dictionary);
  pickler.stop();

  // With what the archive adds to each tensor: its name twice, and padding.
  constexpr std::size_t kMostBeside = 512;
  std::string archive;
  std::size_t expected_bytes = pickled.size() + kMostBeside;
  for (const auto& [name, tensor] : weights) expected_bytes += tensor.nbytes() + kMostBeside;
  archive.reserve(expected_bytes);
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* bytes, std::size_t size) {
    archive.append(static_cast<const char*>(bytes), size);
    return size;
  });
  const std::vector<at::Tensor>& tensors = pickler.tensorData();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const torch::jit::WriteableTensorData data = torch::jit::getWriteableTensorData(tensors[i]);
    writer.writeRecord("data/" + std::to_string(i), data.data(), data.sizeInBytes());
  }
  writer.writeRecord("data.pkl", pickled.data(), pickled.size());
  writer.writeEndOfFile();
  return archive;
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
  write_file(file, archive_bytes(weights));
}

std::string weights_bytes(const Weights& weights) { return archive_bytes(weights); }

Weights read_weights(const std::filesystem::path& file) {
  return weights_from(read_file(file), file.string());
}

Weights weights_from(const std::string& bytes, const std::string& file) {
  Weights weights;
  try {
    const at::IValue value = torch::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
    for (const auto& entry : value.toGenericDict())
      weights[entry.key().toStringRef()] = entry.value().toTensor();
  } catch (const std::exception&) {
    // LibTorch's own message is a page about archives; the file's name says more.
    throw InputError(file, "",
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
