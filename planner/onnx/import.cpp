#include "planner/onnx/import.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "planner/error.h"
#include "planner/free_name.h"
#include "planner/json_reader.h"
#include "planner/onnx/graph.h"
#include "planner/onnx/groups.h"
#include "planner/onnx/model_file.h"
#include "planner/onnx/module_path.h"
#include "planner/refusal.h"
#include "planner/roofline.h"

namespace cadastre::onnx_import {

namespace {

class Importer {
 public:
  Importer(const onnx::GraphProto& graph, const WorkGraph& work, std::int64_t num_samples,
           const Device& device, const std::string& file)
      : graph_(graph), work_(work), num_samples_(num_samples), device_(device), file_(file) {}

  OnnxImport import() {
    find_owners();
    groups_ = group_nodes(grouped_nodes(), shared_parameters());
    for (std::size_t i = 0; i < groups_.size(); ++i)
      for (const int node : groups_[i]) group_of_[node] = static_cast<int>(i);
    add_inputs();
    count_saved();
    for (std::size_t i = 0; i < groups_.size(); ++i) name_group(i);
    for (std::size_t i = 0; i < groups_.size(); ++i) add_layer(i);
    add_output();
    return finished();
  }

 private:
  /// Whose memory a value is: views are looked through.
  [[nodiscard]] const std::string& owner(const std::string& value) const {
    const auto found = owner_.find(value);
    return found != owner_.end() ? found->second : value;
  }

  void find_owners() {
    for (std::size_t i = 0; i < work_.nodes.size(); ++i) {
      const WorkNode& node = work_.nodes[i];
      for (const std::string& output : node.node->output()) {
        if (output.empty()) continue;
        producer_[output] = static_cast<int>(i);
        if (node.cost.kind == NodeKind::kView && !node.inputs.empty())
          owner_[output] = owner(node.inputs.front());
      }
    }
  }

  [[nodiscard]] std::vector<GroupedNode> grouped_nodes() const {
    std::vector<GroupedNode> nodes;
    for (const WorkNode& work : work_.nodes) {
      GroupedNode node{.inputs = {},
                       .is_view = work.cost.kind == NodeKind::kView,
                       .is_cheap = work.cost.kind == NodeKind::kElementwise,
                       .module = module_path(work.node->name())};
      for (const std::string& input : work.inputs) {
        const auto producer = producer_.find(input);
        if (producer == producer_.end())
          node.reads_model_input = true;
        else
          node.inputs.push_back(producer->second);
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  [[nodiscard]] std::vector<std::vector<int>> shared_parameters() {
    std::map<std::string, std::vector<int>> readers;
    for (std::size_t i = 0; i < work_.nodes.size(); ++i)
      for (const std::string& parameter : work_.nodes[i].parameters)
        readers[parameter].push_back(static_cast<int>(i));
    std::vector<std::vector<int>> together;
    for (const auto& [parameter, nodes] : readers) {
      if (nodes.size() < 2) continue;
      together.push_back(nodes);
      shared_.emplace_back(parameter, nodes.front());
    }
    return together;
  }

  [[nodiscard]] std::int64_t elements_per_sample(const std::string& value) const {
    const double elements = std::ceil(work_.tensors.at(value).bytes() /
                                      static_cast<double>(num_samples_ * kBytesPerElement));
    constexpr double kMost = 1e12;  // below the 2^40 that a tensor may have
    if (elements > kMost)
      throw InputError(file_, "",
                       "expected at most 10^12 elements a tensor, found " + number_text(elements) +
                           " of " + in_quotes(value));
    return std::max(std::int64_t{1}, static_cast<std::int64_t>(elements));
  }

  void add_inputs() {
    std::set<std::string> read;
    for (const WorkNode& node : work_.nodes) read.insert(node.inputs.begin(), node.inputs.end());
    for (const onnx::ValueInfoProto* input : model_inputs(graph_)) {
      if (!read.contains(input->name())) {
        result_.notes.push_back("input " + in_quotes(input->name()) +
                                " is left out: no output depends on it");
        continue;
      }
      const Tensor& tensor = work_.tensors.at(input->name());
      Shape shape(tensor.shape.begin() + 1, tensor.shape.end());
      if (shape.empty() || tensor.element_bytes != kBytesPerElement)
        shape = {elements_per_sample(input->name())};
      taken_.insert(input->name());
      result_.profile.model.inputs.push_back({.name = input->name(), .shape = std::move(shape)});
    }
  }

  /// What is kept for the backward pass, each tensor once: at the layer that makes it, or at the
  /// first that keeps it of the model's inputs.
  void count_saved() {
    saved_bytes_.assign(groups_.size(), 0);
    std::set<std::string> kept;
    const auto keep = [&](const std::string& value, int keeper) {
      const std::string& whose = owner(value);
      if (work_.tensors.at(whose).is_static || !kept.insert(whose).second) return;
      const auto producer = producer_.find(whose);
      const int group = group_of_.at(producer != producer_.end() ? producer->second : keeper);
      saved_bytes_[static_cast<std::size_t>(group)] +=
          kBytesPerElement * elements_per_sample(whose);
    };
    for (std::size_t i = 0; i < work_.nodes.size(); ++i) {
      const WorkNode& node = work_.nodes[i];
      const int index = static_cast<int>(i);
      for (int k = 0; k < node.node->input_size(); ++k)
        if (node.cost.keeps_input[static_cast<std::size_t>(k)] && !node.node->input(k).empty())
          keep(node.node->input(k), index);
      if (node.cost.keeps_output) keep(node.node->output(0), index);
      saved_bytes_[static_cast<std::size_t>(group_of_.at(index))] +=
          static_cast<std::int64_t>(std::ceil(node.cost.own_bytes_per_sample));
    }
  }

  /// The node that a layer is named after: the one that computes most, or the first.
  [[nodiscard]] const WorkNode& main_node(const std::vector<int>& group) const {
    const WorkNode* main = &work_.nodes[static_cast<std::size_t>(group.front())];
    for (const int index : group) {
      const WorkNode& node = work_.nodes[static_cast<std::size_t>(index)];
      if (node.cost.product_flops_per_sample > main->cost.product_flops_per_sample) main = &node;
    }
    return *main;
  }

  void name_group(std::size_t index) {
    const onnx::NodeProto& main = *main_node(groups_[index]).node;
    std::string wish = module_path(main.name());
    // Two layers of a module are told apart by what they do.
    if (wish.empty() || taken_.contains(wish)) wish += (wish.empty() ? "" : ".") + main.op_type();
    if (!main.name().empty() && !main.name().starts_with('/')) wish = main.name();
    ids_.push_back(free_name(wish, taken_));
  }

  void add_layer(std::size_t index) {
    Profiled operation;
    std::set<std::string> inputs_seen;
    std::vector<std::string> inputs;
    std::set<std::string> parameters;
    std::vector<LayerWork> passes;
    for (const int number : groups_[index]) {
      const WorkNode& node = work_.nodes[static_cast<std::size_t>(number)];
      if (node.cost.kind != NodeKind::kView)
        operation.description += (operation.description.empty() ? "" : ", ") + node.node->op_type();
      passes.push_back(node.cost.work);
      add_flops(node.cost);
      parameters.insert(node.parameters.begin(), node.parameters.end());
      for (const std::string& input : node.inputs) {
        const auto producer = producer_.find(input);
        std::string from = input;
        if (producer != producer_.end()) {
          const int group = group_of_.at(producer->second);
          if (group == static_cast<int>(index)) continue;
          from = ids_[static_cast<std::size_t>(group)];
        }
        if (inputs_seen.insert(from).second) inputs.push_back(from);
      }
    }
    if (operation.description.empty()) operation.description = "view";
    operation.output_elements = output_elements(index);
    for (const std::string& parameter : parameters)
      operation.parameter_elements += static_cast<std::int64_t>(
          std::ceil(work_.tensors.at(parameter).bytes() / static_cast<double>(kBytesPerElement)));
    add(ids_[index], std::move(operation), std::move(inputs), passes, saved_bytes_[index]);
  }

  void add_flops(const NodeCost& cost) {
    ++result_.num_nodes;
    result_.product_flops_per_sample += cost.product_flops_per_sample;
    result_.forward_flops_per_sample += cost.work.forward.flops_per_sample;
    result_.backward_flops_per_sample += cost.work.backward.flops_per_sample;
  }

  /// Of what other layers read, or the graph gives, of a layer: each tensor in memory once.
  [[nodiscard]] std::int64_t output_elements(std::size_t index) {
    if (read_outside_.empty()) find_read_outside();
    std::int64_t elements = 0;
    for (const std::string& value : read_outside_[index]) elements += elements_per_sample(value);
    return std::max<std::int64_t>(elements, 1);
  }

  void find_read_outside() {
    read_outside_.resize(groups_.size());
    const auto read = [&](const std::string& value, int reader) {
      const auto producer = producer_.find(value);
      if (producer == producer_.end()) return;
      const int group = group_of_.at(producer->second);
      if (group == reader) return;
      // A view in a layer of its own stands for what it looks at.
      const auto owner_producer = producer_.find(owner(value));
      const bool is_own =
          owner_producer != producer_.end() && group_of_.at(owner_producer->second) == group;
      read_outside_[static_cast<std::size_t>(group)].insert(is_own ? owner(value) : value);
    };
    for (std::size_t i = 0; i < work_.nodes.size(); ++i)
      for (const std::string& input : work_.nodes[i].inputs)
        read(input, group_of_.at(static_cast<int>(i)));
    for (const auto& output : graph_.output()) read(output.name(), -1);
  }

  /// The scores: of the layer that gives them, or of one that joins several outputs, and layers
  /// that are read besides.
  void add_output() {
    std::vector<std::string> last;
    for (const auto& output : graph_.output()) {
      const auto producer = producer_.find(output.name());
      if (producer == producer_.end()) continue;
      const std::string& id = ids_[static_cast<std::size_t>(group_of_.at(producer->second))];
      if (std::find(last.begin(), last.end(), id) == last.end()) last.push_back(id);
    }
    std::set<std::string> read;
    for (const Layer& layer : result_.profile.model.layers)
      read.insert(layer.inputs.begin(), layer.inputs.end());
    if (last.size() == 1 && !read.contains(last.front())) {
      result_.profile.model.output = last.front();
      return;
    }
    const std::string id = free_name("join", taken_);
    std::int64_t elements = 0;
    for (const auto& output : graph_.output())
      if (producer_.contains(output.name())) elements += elements_per_sample(output.name());
    if (last.size() > 1)
      result_.notes.push_back("the " + std::to_string(last.size()) +
                              " outputs are joined by layer " + in_quotes(id) +
                              ", which costs nothing");
    add(id, {.description = "joins the outputs", .output_elements = elements}, last, {}, 0);
    result_.profile.model.output = id;
  }

  void add(const std::string& id, Profiled operation, std::vector<std::string> inputs,
           const std::vector<LayerWork>& passes, std::int64_t saved_bytes) {
    LayerProfile layer{.layer = id,
                       .measurements = roofline_measurements(device_, passes),
                       .activation_bytes_per_sample = kBytesPerElement * operation.output_elements,
                       .saved_bytes_per_sample = saved_bytes,
                       .parameter_bytes = kBytesPerElement * operation.parameter_elements};
    layer.fit_error = leave_one_out_error(layer.measurements);
    layers_[id] = std::move(layer);
    result_.profile.model.layers.push_back({.id = id,
                                            .operation = std::move(operation),
                                            .inputs = std::move(inputs),
                                            .output_shape = {}});
  }

  OnnxImport finished() {
    std::map<std::size_t, std::vector<std::string>> shared_in;  // by layer
    for (const auto& [parameter, node] : shared_)
      shared_in[static_cast<std::size_t>(group_of_.at(node))].push_back(in_quotes(parameter));
    for (const auto& [group, parameters] : shared_in)
      result_.notes.push_back("the " + std::to_string(groups_[group].size()) + " operations of " +
                              in_quotes(ids_[group]) + " are one layer, as they share " +
                              listed(parameters) + " or lie between those that do");
    Profile& profile = result_.profile;
    profile.device = device_.name;
    profile.model.name = std::filesystem::path(file_).stem().string();
    if (profile.model.name.empty()) profile.model.name = "onnx";
    const nlohmann::json document = to_json(profile.model);
    check_model(profile.model, JsonPlace(document, file_, ""));
    for (const Layer& layer : profile.model.layers)
      profile.layers.push_back(std::move(layers_.at(layer.id)));
    set_roofline_step_costs(profile, device_);
    return std::move(result_);
  }

  const onnx::GraphProto& graph_;
  const WorkGraph& work_;
  std::int64_t num_samples_;
  const Device& device_;
  const std::string& file_;
  std::map<std::string, std::string> owner_;         // of views
  std::map<std::string, int> producer_;              // node of each value
  std::vector<std::vector<int>> groups_;             // the layers' nodes
  std::map<int, int> group_of_;                      // node to layer
  std::vector<std::set<std::string>> read_outside_;  // by layer
  std::vector<std::int64_t> saved_bytes_;            // by layer
  std::vector<std::string> ids_;                     // of layers
  std::set<std::string> taken_;
  std::vector<std::pair<std::string, int>> shared_;  // parameter and a node that reads it
  std::map<std::string, LayerProfile> layers_;
  OnnxImport result_;
};

}  // namespace

OnnxImport import_model(const std::filesystem::path& path, const Device& device,
                        const std::vector<InputShape>& given) {
  const std::string file = path.string();
  onnx::ModelProto model = read_model_file(path);
  const InferredShapes inferred = infer_shapes(model, given, file);
  const WorkGraph work = work_graph(model.graph(), inferred, file);
  return Importer(model.graph(), work, inferred.num_samples, device, file).import();
}

}  // namespace cadastre::onnx_import
