#include "planner/plan_check.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "planner/refusal.h"

namespace cadastre {

namespace {

/// Where a layer lies in a plan's stages.
struct Position {
  std::size_t stage = 0;
  std::size_t place = 0;  ///< among the stage's layers

  [[nodiscard]] std::string pointer() const {
    return "/stages/" + std::to_string(stage) + "/layers/" + std::to_string(place);
  }
};

std::string replica_pointer(std::size_t stage, std::size_t replica) {
  return "/stages/" + std::to_string(stage) + "/replicas/" + std::to_string(replica);
}

std::vector<std::string> layer_ids(const ModelGraph& model) {
  std::vector<std::string> ids;
  for (const Layer& layer : model.layers) ids.push_back(layer.id);
  return ids;
}

/// Each layer's position, by id. Every layer has one.
std::map<std::string, Position> positions(const std::vector<Stage>& stages, const ModelGraph& model,
                                          const JsonPlace& place) {
  std::map<std::string, int> index_of;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    index_of[model.layers[i].id] = static_cast<int>(i);
  std::map<std::string, Position> found;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    int previous = -1;
    for (std::size_t k = 0; k < stages[s].layers.size(); ++k) {
      const std::string& id = stages[s].layers[k];
      const Position position{.stage = s, .place = k};
      const auto known = index_of.find(id);
      if (known == index_of.end())
        refuse(place, position.pointer(),
               "expected a layer of the model " + in_quotes(model.name) + ", found " +
                   in_quotes(id) + did_you_mean(id, layer_ids(model)));
      const auto [first, is_new] = found.emplace(id, position);
      if (!is_new)
        refuse(place, position.pointer(),
               "expected each layer once, found " + in_quotes(id) + " again (first at " +
                   place.pointer() + first->second.pointer() + ")");
      const int index = known->second;
      if (index < previous)
        refuse(place, position.pointer(),
               "expected layers in the model's order, found " + in_quotes(id) + " after " +
                   in_quotes(stages[s].layers[k - 1]));
      previous = index;
    }
  }
  std::vector<std::string> missing;
  for (const Layer& layer : model.layers)
    if (!found.contains(layer.id)) missing.push_back(layer.id);
  if (!missing.empty())
    refuse(place, "/stages",
           "expected every layer of the model on a stage, found none with " + listed(missing));
  return found;
}

void check_layers(const std::vector<Stage>& stages, const ModelGraph& model,
                  const JsonPlace& place) {
  if (stages.empty()) refuse(place, "/stages", "expected at least 1 stage, found none");
  for (std::size_t s = 0; s < stages.size(); ++s)
    if (stages[s].layers.empty())
      refuse(place, "/stages/" + std::to_string(s) + "/layers",
             "expected at least 1 layer, found none");

  const std::map<std::string, Position> where = positions(stages, model, place);
  const std::vector<std::vector<Source>> sources = layer_sources(model);
  // Stages that no tensor goes back between are convex, too.
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Position& reader = where.at(model.layers[i].id);
    for (const Source& source : sources[i]) {
      if (source.is_model_input) continue;
      const std::string& read = model.layers[static_cast<std::size_t>(source.index)].id;
      const std::size_t from = where.at(read).stage;
      if (from > reader.stage)
        refuse(place, reader.pointer(),
               "expected a layer that reads from its own or an earlier stage, found " +
                   in_quotes(model.layers[i].id) + ", which reads " + in_quotes(read) +
                   " of stage " + std::to_string(from));
    }
  }
}

void check_shares(const std::vector<Stage>& stages, const JsonPlace& place) {
  constexpr double kTolerance = 1e-6;  // shares written by hand, such as 0.333333
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const std::vector<Replica>& replicas = stages[s].replicas;
    const std::string pointer = "/stages/" + std::to_string(s) + "/replicas";
    if (replicas.empty()) refuse(place, pointer, "expected at least 1 replica, found none");
    double sum = 0;
    for (std::size_t r = 0; r < replicas.size(); ++r) {
      const double share = replicas[r].share;
      if (!(share > 0 && share <= 1))
        refuse(place, replica_pointer(s, r) + "/share",
               "expected a number > 0 and <= 1, found " + number_text(share));
      sum += share;
    }
    if (std::abs(sum - 1) > kTolerance)
      refuse(place, pointer, "expected shares that sum to 1, found " + number_text(sum));
  }
}

void check_hosts_once(const std::vector<Stage>& stages, Schedule schedule, const JsonPlace& place) {
  std::map<std::string, std::string> where;  // host -> pointer of its first use
  for (std::size_t s = 0; s < stages.size(); ++s) {
    if (schedule == Schedule::kInterleaved) where.clear();
    for (std::size_t r = 0; r < stages[s].replicas.size(); ++r) {
      const std::string& host = stages[s].replicas[r].host;
      const std::string pointer = replica_pointer(s, r) + "/host";
      const auto [first, is_new] = where.emplace(host, pointer);
      if (!is_new)
        refuse(place, pointer,
               "expected each host once" +
                   std::string(schedule == Schedule::kInterleaved
                                   ? " in a stage"
                                   : " (several stages on a host need schedule " +
                                         in_quotes(schedule_name(Schedule::kInterleaved)) + ")") +
                   ", found " + in_quotes(host) + " again (first at " + place.pointer() +
                   first->second + ")");
    }
  }
}

void check_hosts_known(const std::vector<Stage>& stages, const Cluster& cluster,
                       const JsonPlace& place) {
  for (std::size_t s = 0; s < stages.size(); ++s)
    for (std::size_t r = 0; r < stages[s].replicas.size(); ++r) {
      const std::string& host = stages[s].replicas[r].host;
      if (host_index(cluster, host) < 0)
        refuse(place, replica_pointer(s, r) + "/host", host_expected(host, cluster));
    }
}

void check_all_reduce(const AllReduce& all_reduce, const Cluster& cluster, const JsonPlace& place) {
  if (all_reduce.root.empty()) return;
  constexpr const char* kPointer = "/all_reduce/root";
  if (!has_root(all_reduce.algorithm)) refuse(place, kPointer, no_root_expected(all_reduce));
  if (host_index(cluster, all_reduce.root) < 0)
    refuse(place, kPointer, host_expected(all_reduce.root, cluster));
}

void check_batch(std::int64_t batch_size, std::int64_t micro_batches, const ModelGraph& model,
                 const JsonPlace& place) {
  const std::int64_t group = model.batch_norm_group_samples;
  if (batch_size < 1 || batch_size % group != 0)
    refuse(place, "/batch_size",
           "expected a multiple of " + std::to_string(group) +
               ", the model's batch_norm_group_samples, found " + std::to_string(batch_size));
  if (micro_batches < 1 || micro_batches > batch_size / group)
    refuse(place, "/micro_batches",
           "expected 1 to " + std::to_string(batch_size / group) + " (batch_size " +
               std::to_string(batch_size) + " in groups of " + std::to_string(group) + "), found " +
               std::to_string(micro_batches));
}

}  // namespace

std::string host_expected(const std::string& name, const Cluster& cluster) {
  std::vector<std::string> names;
  for (const Host& host : cluster.hosts) names.push_back(host.name);
  return "expected a host of the cluster (" + listed(names) + "), found " + in_quotes(name) +
         did_you_mean(name, names);
}

std::string no_root_expected(const AllReduce& all_reduce) {
  std::vector<std::string> rooted;
  for (std::size_t i = 0; i < all_reduce_names().size(); ++i)
    if (has_root(static_cast<AllReduceAlgorithm>(i))) rooted.push_back(all_reduce_names()[i]);
  return "expected no root with the all-reduce " +
         in_quotes(all_reduce_name(all_reduce.algorithm)) + " (one goes with " + listed(rooted) +
         "), found " + in_quotes(all_reduce.root);
}

void check_division(const std::vector<Stage>& stages, std::int64_t batch_size,
                    std::int64_t micro_batches, Schedule schedule, const ModelGraph& model,
                    const JsonPlace& place) {
  check_layers(stages, model, place);
  check_shares(stages, place);
  check_hosts_once(stages, schedule, place);
  check_batch(batch_size, micro_batches, model, place);
}

void check_plan(const Plan& plan, const ModelGraph& model, const Cluster& cluster,
                const JsonPlace& place) {
  check_hosts_known(plan.stages, cluster, place);
  check_all_reduce(plan.all_reduce, cluster, place);
  check_division(plan.stages, plan.batch_size, plan.micro_batches, plan.schedule, model, place);
}

}  // namespace cadastre
