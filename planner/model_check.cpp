#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/depth_first_search.hpp>
#include <map>

#include "planner/error.h"
#include "planner/model_graph.h"
#include "planner/model_shapes.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

std::string layer_pointer(std::size_t index) { return "/layers/" + std::to_string(index); }

void check_names(const ModelGraph& model, const JsonPlace& place) {
  std::map<std::string, std::string> where;  // name -> pointer of its first use
  const auto add = [&](const std::string& name, const std::string& pointer) {
    const auto [first, is_new] = where.emplace(name, pointer);
    if (!is_new)
      refuse(place, pointer,
             "expected a name used once, found " + in_quotes(name) + " again (first at " +
                 place.pointer() + first->second + ")");
  };
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    add(model.inputs[i].name, "/inputs/" + std::to_string(i) + "/name");
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    add(model.layers[i].id, layer_pointer(i) + "/id");
}

std::vector<std::string> layer_ids(const ModelGraph& model) {
  std::vector<std::string> ids;
  for (const Layer& layer : model.layers) ids.push_back(layer.id);
  return ids;
}

void check_inputs_exist(const ModelGraph& model, const JsonPlace& place) {
  std::vector<std::string> names = layer_ids(model);
  for (const ModelInput& input : model.inputs) names.push_back(input.name);
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::vector<std::string>& inputs = model.layers[i].inputs;
    if (inputs.empty())
      refuse(place, layer_pointer(i) + "/inputs", "expected at least 1 input, found none");
    for (std::size_t k = 0; k < inputs.size(); ++k)
      if (!std::binary_search(sorted.begin(), sorted.end(), inputs[k]))
        refuse(place, layer_pointer(i) + "/inputs/" + std::to_string(k),
               "expected a layer or model input, found " + in_quotes(inputs[k]) +
                   did_you_mean(inputs[k], names));
  }
}

/// Edges go from a layer to the layers that it reads, so that layers finish after what they read.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

Graph graph_of(const ModelGraph& model) {
  Graph graph(model.layers.size());
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (const Source& source : sources[i])
      if (!source.is_model_input) boost::add_edge(i, static_cast<std::size_t>(source.index), graph);
  return graph;
}

/// Collects the finishing order, which is topological, and the first cycle met.
class OrderVisitor : public boost::dfs_visitor<> {
 public:
  OrderVisitor(std::vector<std::size_t>& order, std::vector<std::size_t>& path,
               std::vector<std::size_t>& cycle)
      : order_(&order), path_(&path), cycle_(&cycle) {}

  void discover_vertex(std::size_t layer, const Graph&) { path_->push_back(layer); }

  void finish_vertex(std::size_t layer, const Graph&) {
    path_->pop_back();
    order_->push_back(layer);
  }

  void back_edge(const Graph::edge_descriptor& edge, const Graph& graph) {
    if (!cycle_->empty()) return;
    cycle_->assign(std::find(path_->begin(), path_->end(), boost::target(edge, graph)),
                   path_->end());
  }

 private:
  std::vector<std::size_t>* order_;
  std::vector<std::size_t>* path_;
  std::vector<std::size_t>* cycle_;
};

/// `a -> b -> a`, the way the tensors go, from the layer that comes first in the document.
std::string cycle_text(const ModelGraph& model, std::vector<std::size_t> cycle) {
  std::reverse(cycle.begin(), cycle.end());
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  cycle.push_back(cycle.front());
  std::string text;
  for (const std::size_t layer : cycle)
    text += (text.empty() ? "" : " -> ") + model.layers[layer].id;
  return text;
}

/// The layers' indices in topological order. Layers are visited as they are given, so an order that
/// is topological already is kept.
std::vector<std::size_t> topological_order(const ModelGraph& model, const JsonPlace& place) {
  const Graph graph = graph_of(model);
  std::vector<std::size_t> order;
  std::vector<std::size_t> path;
  std::vector<std::size_t> cycle;
  boost::depth_first_search(graph, boost::visitor(OrderVisitor(order, path, cycle)));
  if (!cycle.empty())
    refuse(place, "/layers",
           "expected an acyclic graph, found the cycle " + cycle_text(model, std::move(cycle)));
  return order;
}

/// Sets every output shape; `order` holds the layers' places in the document.
void derive_shapes(ModelGraph& model, const std::vector<std::size_t>& order,
                   const JsonPlace& place) {
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    std::vector<NamedShape> inputs;
    for (const Source& source : sources[i]) {
      const auto index = static_cast<std::size_t>(source.index);
      if (source.is_model_input)
        inputs.push_back({.name = model.inputs[index].name, .shape = model.inputs[index].shape});
      else
        inputs.push_back(
            {.name = model.layers[index].id, .shape = model.layers[index].output_shape});
    }
    model.layers[i].output_shape = layer_output_shape(
        model.layers[i], inputs, model.batch_norm_group_samples, place, layer_pointer(order[i]));
  }
}

void check_output(const ModelGraph& model, const JsonPlace& place) {
  const int index = layer_index(model, model.output);
  if (index < 0)
    refuse(place, "/output",
           "expected a layer, found " + in_quotes(model.output) +
               did_you_mean(model.output, layer_ids(model)));
  const Shape& shape = model.layers[static_cast<std::size_t>(index)].output_shape;
  if (shape.size() != 1 && (shape.size() != 3 || shape[1] != shape[2]))
    refuse(place, "/output",
           "expected a layer that gives class scores (num_classes), or those of a square of pixels "
           "(num_classes, P, P), found " +
               shape_text(shape) + " of " + in_quotes(model.output));
}

void check_all_used(const ModelGraph& model, const std::vector<std::size_t>& order,
                    const JsonPlace& place) {
  std::vector<bool> is_read(model.inputs.size(), false);
  for (const std::vector<Source>& sources : layer_sources(model))
    for (const Source& source : sources)
      if (source.is_model_input) is_read[static_cast<std::size_t>(source.index)] = true;
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    if (!is_read[i])
      refuse(place, "/inputs/" + std::to_string(i),
             "expected an input that a layer reads, found no reader of " +
                 in_quotes(model.inputs[i].name));

  // In a DAG every layer leads to the output when no other layer is a last one.
  const std::vector<std::vector<int>> consumers = layer_consumers(model);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (consumers[i].empty() && model.layers[i].id != model.output)
      refuse(place, layer_pointer(order[i]),
             "expected a layer that leads to the output " + in_quotes(model.output) +
                 ", found no reader of " + in_quotes(model.layers[i].id));
}

std::string summary(const ModelGraph& model) {
  return model.name + " (" + std::to_string(model.layers.size()) + " layers)";
}

}  // namespace

void check_model(ModelGraph& model, const JsonPlace& place) {
  check_names(model, place);
  check_inputs_exist(model, place);
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    check_tensor_size(model.inputs[i].shape, place, "/inputs/" + std::to_string(i) + "/shape");
  const std::vector<std::size_t> order = topological_order(model, place);
  std::vector<Layer> layers;
  layers.reserve(order.size());
  for (const std::size_t layer : order) layers.push_back(std::move(model.layers[layer]));
  model.layers = std::move(layers);
  derive_shapes(model, order, place);
  check_output(model, place);
  check_all_used(model, order, place);
}

void check_executable(const ModelGraph& model, const std::string& file,
                      const std::string& pointer) {
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (std::holds_alternative<Profiled>(model.layers[i].operation))
      throw InputError(file, pointer + layer_pointer(i),
                       "expected a layer that can be executed, found " +
                           in_quotes(model.layers[i].id) +
                           ", of which an imported profile tells only what it costs; such a model "
                           "can be planned and simulated");
}

void check_same_model(const ModelGraph& of_plan, const ModelGraph& given, const std::string& file) {
  const std::string expected = "expected the model that the plan was made for";
  if (of_plan.name != given.name || of_plan.layers.size() != given.layers.size())
    throw InputError(file, "",
                     expected + " (" + of_plan.name + ", " + std::to_string(of_plan.layers.size()) +
                         " layers), found " + summary(given));
  for (std::size_t i = 0; i < of_plan.layers.size(); ++i)
    if (of_plan.layers[i] != given.layers[i])
      throw InputError(file, "",
                       expected + " (" + of_plan.name + "), found another layer " +
                           std::to_string(i) + ": " + in_quotes(given.layers[i].id));
  if (of_plan != given)
    throw InputError(file, "",
                     expected + " (" + of_plan.name +
                         "), found other inputs, another output or batch_norm_group_samples");
}

}  // namespace cadastre
