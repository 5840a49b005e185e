#pragma once

// Small ONNX models, written down in a few lines.

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "planner/model_graph.h"

namespace cadastre::test {

using Extents = std::vector<std::int64_t>;

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, Extents, std::string> value;
};

class OnnxBuilder {
 public:
  OnnxBuilder();

  /// A float input; an extent of 0 is left open.
  OnnxBuilder& input(const std::string& name, const Extents& shape);
  /// A float weight of zeros.
  OnnxBuilder& weight(const std::string& name, const Extents& shape);
  /// A vector of int64, such as the shape that Reshape wants.
  OnnxBuilder& integers(const std::string& name, const Extents& values);
  OnnxBuilder& node(const std::string& operation, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs,
                    const std::vector<OnnxAttribute>& attributes = {});
  OnnxBuilder& output(const std::string& name);

  /// Writes the model as a file.
  void save(const std::filesystem::path& file) const;

  onnx::ModelProto model;
};

/// A native model as PyTorch would export it, with `num_samples` samples in its inputs.
[[nodiscard]] OnnxBuilder onnx_of(const ModelGraph& model, std::int64_t num_samples);

}  // namespace cadastre::test
