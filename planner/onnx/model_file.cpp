#include "planner/onnx/model_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <onnx/defs/schema.h>

#include <limits>
#include <string>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/onnx/static_values.h"
#include "planner/refusal.h"

namespace cadastre::onnx_import {

namespace {

constexpr int kMostFileBytes = std::numeric_limits<int>::max();  // that a protobuf may have

bool says_shapes(const onnx::TensorProto& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t extent : tensor.dims()) {
    if (extent < 0 || extent > kMostStaticNumbers) return false;
    count *= extent;
    if (count > kMostStaticNumbers) return false;
  }
  return true;
}

void drop_weights(onnx::GraphProto& graph) {
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
    if (says_shapes(tensor)) continue;
    tensor.clear_raw_data();
    tensor.clear_float_data();
    tensor.clear_double_data();
    tensor.clear_int32_data();
    tensor.clear_int64_data();
    tensor.clear_uint64_data();
  }
}

/// Throws InputError when `version` of `domain` is newer than what the library has.
void check_operations(const std::string& domain, std::int64_t version, const std::string& file) {
  const auto& ranges = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  const auto range = ranges.find(domain);
  if (range == ranges.end() || version <= range->second.second) return;
  throw InputError(file, "",
                   "expected operations of at most version " +
                       std::to_string(range->second.second) +
                       ", the newest that this program's ONNX library knows, found version " +
                       std::to_string(version) +
                       "; export the model for that one (opset_version in torch.onnx.export)");
}

}  // namespace

onnx::ModelProto read_model_file(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string content = read_file(path);
  if (content.size() > static_cast<std::size_t>(kMostFileBytes))
    throw InputError(file, "",
                     "expected at most 2 GB in one file, found " + std::to_string(content.size()) +
                         " bytes; save the weights as external data, which need not be there");
  onnx::ModelProto model;
  google::protobuf::io::CodedInputStream stream(
      reinterpret_cast<const std::uint8_t*>(content.data()), static_cast<int>(content.size()));
  stream.SetTotalBytesLimit(kMostFileBytes);
  // Text can be read as a protobuf of unknown fields: what every model has must be there, too.
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage() ||
      model.ir_version() < 1 || !model.has_graph())
    throw InputError(file, "", "expected an ONNX model, found another file, or a damaged one");
  if (model.ir_version() > onnx::IR_VERSION)
    throw InputError(file, "",
                     "expected a model of ONNX's format version " +
                         std::to_string(onnx::IR_VERSION) + " or older, found version " +
                         std::to_string(model.ir_version()) +
                         "; export it for that one, or with an older exporter");
  for (const onnx::OperatorSetIdProto& set : model.opset_import())
    check_operations(set.domain() == "ai.onnx" ? "" : set.domain(), set.version(), file);
  if (model.graph().node_size() == 0)
    throw InputError(file, "", "expected a graph with operations, found none");
  drop_weights(*model.mutable_graph());
  return model;
}

}  // namespace cadastre::onnx_import
