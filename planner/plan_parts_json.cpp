#include "planner/plan_parts_json.h"

#include <nlohmann/json.hpp>

namespace cadastre {

namespace {

// Larger batches are not trained with, and bytes of a whole batch still fit in 63 bits.
constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;

Replica read_replica(const JsonPlace& place) {
  JsonObject object = place.object();
  Replica replica{.host = object.at("host").string(), .share = object.at("share").number()};
  object.finish();
  return replica;
}

Stage read_stage(const JsonPlace& place) {
  JsonObject object = place.object();
  Stage stage{.layers = object.at("layers").strings(), .replicas = {}};
  for (const JsonPlace& replica : object.at("replicas").array(1))
    stage.replicas.push_back(read_replica(replica));
  if (const auto recompute = object.find("recompute")) stage.recompute = recompute->boolean();
  if (const auto forward = object.find("forward_s")) stage.forward_s = forward->number(0);
  if (const auto backward = object.find("backward_s")) stage.backward_s = backward->number(0);
  object.finish();
  return stage;
}

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = {"gpipe", "1f1b", "eager-1f1b", "interleaved-1f1b"};
  return names;
}

std::string schedule_name(Schedule schedule) {
  return schedule_names()[static_cast<std::size_t>(schedule)];
}

std::vector<Stage> stages_from_json(const JsonPlace& place) {
  std::vector<Stage> stages;
  for (const JsonPlace& stage : place.array(1)) stages.push_back(read_stage(stage));
  return stages;
}

nlohmann::json to_json(const std::vector<Stage>& stages) {
  nlohmann::json written = nlohmann::json::array();
  for (const Stage& stage : stages) {
    nlohmann::json replicas = nlohmann::json::array();
    for (const Replica& replica : stage.replicas)
      replicas.push_back({{"host", replica.host}, {"share", replica.share}});
    written.push_back({{"layers", stage.layers},
                       {"replicas", std::move(replicas)},
                       {"recompute", stage.recompute},
                       {"forward_s", stage.forward_s},
                       {"backward_s", stage.backward_s}});
  }
  return written;
}

Schedule schedule_from_json(const JsonPlace& place) {
  return static_cast<Schedule>(place.one_of(schedule_names()));
}

std::int64_t batch_size_from_json(const JsonPlace& place) { return place.integer(1, kMostSamples); }

std::int64_t micro_batches_from_json(const JsonPlace& place) {
  return place.integer(1, kMostSamples);
}

std::int64_t averaging_period_from_json(JsonObject& object) {
  const std::optional<JsonPlace> period = object.find("averaging_period");
  return period ? period->integer(0, kMostSamples) : 0;
}

AllReduce all_reduce_from_json(JsonObject& object) {
  const std::optional<JsonPlace> place = object.find("all_reduce");
  if (!place) return {};
  JsonObject members = place->object();
  AllReduce all_reduce{.algorithm = static_cast<AllReduceAlgorithm>(
                           members.at("algorithm").one_of(all_reduce_names())),
                       .root = {}};
  if (const std::optional<JsonPlace> root = members.find("root")) {
    all_reduce.root = root->string();
    if (all_reduce.root.empty()) root->fail_expected("a name of a host");
  }
  members.finish();
  return all_reduce;
}

nlohmann::json to_json(const AllReduce& all_reduce) {
  nlohmann::json json = {{"algorithm", all_reduce_name(all_reduce.algorithm)}};
  if (!all_reduce.root.empty()) json["root"] = all_reduce.root;
  return json;
}

Optimizer optimizer_from_json(JsonObject& object) {
  const std::optional<JsonPlace> place = object.find("optimizer");
  if (!place) return {};
  JsonObject members = place->object();
  Optimizer optimizer;
  optimizer.kind = static_cast<OptimizerKind>(members.at("kind").one_of(optimizer_names()));
  optimizer.averages_weights = members.at("averages_weights").boolean();
  members.finish();
  return optimizer;
}

nlohmann::json to_json(const Optimizer& optimizer) {
  return {{"kind", optimizer_name(optimizer.kind)},
          {"averages_weights", optimizer.averages_weights}};
}

WireDtype wire_dtype_from_json(JsonObject& object) {
  const std::optional<JsonPlace> name = object.find("wire_dtype");
  return name ? static_cast<WireDtype>(name->one_of(wire_dtype_names())) : WireDtype::kFloat32;
}

std::optional<double> simulated_step_from_json(JsonObject& object) {
  const std::optional<JsonPlace> simulated = object.find("simulated");
  if (!simulated) return std::nullopt;
  JsonObject members = simulated->object();
  const double step_s = members.at("step_s").number(0);
  members.finish();
  return step_s;
}

}  // namespace cadastre
