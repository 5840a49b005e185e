#include "planner/pipedream/import.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "planner/error.h"
#include "planner/free_name.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"

namespace cadastre::pipedream {

namespace {

class Importer {
 public:
  Importer(const GraphFile& graph, std::int64_t batch_size, const std::string& file)
      : graph_(graph), batch_size_(batch_size), file_(file) {}

  Profile import() {
    const std::vector<bool> ignored = ignored_nodes(graph_);
    for (const GraphNode& node : graph_.nodes) taken_.insert(node.id);
    profile_.device = "as measured in " + std::filesystem::path(file_).filename().string();
    ModelGraph& model = profile_.model;
    model.name = std::filesystem::path(file_).stem().string();
    if (model.name.empty()) model.name = "pipedream";

    std::vector<bool> is_read(graph_.nodes.size(), false);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!ignored[i])
        for (const int input : graph_.nodes[i].inputs)
          is_read[static_cast<std::size_t>(input)] = true;
    std::vector<std::string> last_layers;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const GraphNode& node = graph_.nodes[i];
      if (is_input(node)) {
        if (is_read[i])
          model.inputs.push_back(
              {.name = node.id, .shape = {num_elements(node, node.activation_bytes, batch_size_)}});
      } else if (!ignored[i]) {
        add_layer(node);
        if (!is_read[i]) last_layers.push_back(node.id);
      }
    }
    if (last_layers.empty())
      throw InputError(file_, "",
                       "expected a node that is neither an input nor an item that nobody reads, "
                       "found none");
    if (!constant_.empty()) model.inputs.push_back({.name = constant_, .shape = {1}});
    model.output = last_layers.size() == 1 ? last_layers.front() : add_join(last_layers);
    return finished();
  }

 private:
  std::int64_t num_elements(const GraphNode& node, double bytes, std::int64_t divisor) const {
    const double count =
        std::ceil(bytes / static_cast<double>(divisor) / static_cast<double>(kBytesPerElement));
    constexpr double kMost = 1e12;  // below the 2^40 that a tensor may have
    if (count > kMost)
      throw InputError(file_, "",
                       "expected at most 10^12 elements a tensor, found " + number_text(count) +
                           " of node " + in_quotes(node.id));
    return std::max(std::int64_t{1}, static_cast<std::int64_t>(count));
  }

  void add_layer(const GraphNode& node) {
    Profiled operation{.description = node.description,
                       .output_elements = num_elements(node, node.activation_bytes, batch_size_)};
    if (node.parameter_bytes > 0)
      operation.parameter_elements = num_elements(node, node.parameter_bytes, 1);
    std::vector<std::string> inputs;
    for (const int input : node.inputs)
      inputs.push_back(graph_.nodes[static_cast<std::size_t>(input)].id);
    if (inputs.empty()) {
      if (constant_.empty()) constant_ = free_name("constant", taken_);
      inputs.push_back(constant_);
    }
    add(node.id, std::move(operation), std::move(inputs), node.forward_s, node.backward_s);
  }

  std::string add_join(const std::vector<std::string>& last_layers) {
    const std::string id = free_name("join", taken_);
    add(id, {.description = "joins what nobody reads"}, last_layers, 0, 0);
    return id;
  }

  void add(const std::string& id, Profiled operation, std::vector<std::string> inputs,
           double forward_s, double backward_s) {
    const std::int64_t activation_bytes = operation.output_elements * kBytesPerElement;
    layers_[id] = {.layer = id,
                   .measurements = {{.batch_size = batch_size_,
                                     .forward_s = forward_s,
                                     .backward_s = backward_s}},
                   .activation_bytes_per_sample = activation_bytes,
                   .saved_bytes_per_sample = activation_bytes,
                   .parameter_bytes = operation.parameter_elements * kBytesPerElement};
    profile_.model.layers.push_back({.id = id,
                                     .operation = std::move(operation),
                                     .inputs = std::move(inputs),
                                     .output_shape = {}});
  }

  Profile finished() {
    const nlohmann::json document = to_json(profile_.model);
    check_model(profile_.model, JsonPlace(document, file_, ""));
    for (const Layer& layer : profile_.model.layers)
      profile_.layers.push_back(std::move(layers_.at(layer.id)));
    return std::move(profile_);
  }

  const GraphFile& graph_;
  std::int64_t batch_size_;
  const std::string& file_;
  Profile profile_;
  std::unordered_map<std::string, LayerProfile> layers_;
  std::set<std::string> taken_;
  std::string constant_;  ///< the model input of layers that read nothing
};

}  // namespace

Profile import_profile(const GraphFile& graph, std::int64_t batch_size, const std::string& file) {
  return Importer(graph, batch_size, file).import();
}

}  // namespace cadastre::pipedream
