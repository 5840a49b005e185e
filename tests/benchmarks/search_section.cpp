#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "planner/json_reader.h"
#include "planner/planner.h"
#include "planner/table.h"
#include "tests/benchmarks/benchmark_section.h"
#include "tests/support/worlds.h"

namespace cadastre::benchmarks {

namespace {

constexpr std::int64_t kFeatures = 1000;  // 4 kB of activation a sample, 4 MB of parameters a layer
constexpr std::int64_t kMegabyte = 1'000'000;

double uniform(std::mt19937& random, double least, double most) {
  return least + (most - least) * static_cast<double>(random()) / 4294967296.0;
}

/// Branches of linear layers, each from an input of its own, added up and followed by a trunk.
ModelGraph branched_model(std::size_t num_branches, std::size_t branch_layers,
                          std::size_t trunk_layers) {
  ModelGraph model{.name = "branched", .inputs = {}};
  std::vector<std::string> ends;
  const auto add_linear = [&](const std::string& id, const std::string& input) {
    model.layers.push_back({.id = id,
                            .operation = Linear{.out_features = kFeatures, .bias = false},
                            .inputs = {input}});
  };
  for (std::size_t b = 0; b < num_branches; ++b) {
    std::string last = "input" + std::to_string(b);
    model.inputs.push_back({.name = last, .shape = {kFeatures}});
    for (std::size_t i = 0; i < branch_layers; ++i) {
      const std::string id = "branch" + std::to_string(b) + "." + std::to_string(i);
      add_linear(id, last);
      last = id;
    }
    ends.push_back(last);
  }
  std::string last = ends.front();
  std::size_t trunk_begin = 0;
  if (num_branches > 1) {
    last = "fusion";
    model.layers.push_back({.id = last, .operation = Add{}, .inputs = ends});
    trunk_begin = 1;
  }
  for (std::size_t i = trunk_begin; i < trunk_layers; ++i) {
    const std::string id = "trunk." + std::to_string(i);
    add_linear(id, last);
    last = id;
  }
  model.output = last;
  return worlds::checked(std::move(model));
}

struct Problem {
  std::string name;
  Profile profile;
  Cluster cluster;
  std::int64_t batch_size = 1;
  double time_limit_s = 1;
};

/// Layers of 0.5 to 1.5 ms forward a sample, twice that backward, in proportion to samples.
Profile random_profile(std::mt19937& random, ModelGraph model) {
  std::vector<double> forward_s;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    forward_s.push_back(uniform(random, 0.5e-3, 1.5e-3));
  Profile profile = worlds::profile_of(std::move(model), forward_s);
  profile.optimizer_s_per_parameter_byte = 1e-10;
  profile.load_s_per_sample = 1e-5;
  return profile;
}

Cluster cluster_of(const std::vector<double>& speeds, std::int64_t memory_bytes) {
  Cluster cluster = worlds::hosts(speeds);
  for (Host& host : cluster.hosts) host.memory_bytes = memory_bytes;
  cluster.network.bandwidth_bytes_per_s = 1.25e9;
  cluster.network.latency_s = 25e-6;
  return cluster;
}

std::vector<Problem> problems() {
  constexpr unsigned kSeed = 1;
  std::mt19937 random(kSeed);
  const Profile three_branches = random_profile(random, branched_model(3, 34, 4));
  std::vector<double> unequal;
  for (int h = 0; h < 16; ++h) unequal.push_back(uniform(random, 0.4, 2));
  const Cluster sixteen = cluster_of(unequal, 200 * kMegabyte);
  const std::string name = "3 x 34 + 4 layers, 16 unequal hosts of 200 MB, batch ";

  std::vector<double> classes;
  for (int h = 0; h < 256; ++h) classes.push_back(0.5 * (1 + h % 4));
  const Profile long_chain = random_profile(random, branched_model(1, 1996, 4));
  const Cluster many = cluster_of(classes, 16'000 * kMegabyte);

  std::vector<Problem> all;
  for (const std::int64_t batch : {256, 512, 1024})
    for (const double limit_s : {0.7, 9.5})
      all.push_back({name + std::to_string(batch), three_branches, sixteen, batch, limit_s});
  all.push_back({"2,000 layers, 256 hosts in four classes, batch 512", long_chain, many, 512, 20});
  return all;
}

nlohmann::json solve(const Problem& problem) {
  const PlanDocument document =
      make_plan(problem.profile, problem.cluster,
                {.batch_size = problem.batch_size, .time_limit_s = problem.time_limit_s});
  return {{"step_s", document.search.value},
          {"lower_bound_s", document.search.bound},
          {"optimality_gap", document.search.optimality_gap},
          {"proven_optimal", document.search.proven},
          {"search_s", document.search.search_s},
          {"num_evaluated", document.search.num_evaluated}};
}

}  // namespace

Section search_section(const std::filesystem::path& /*data*/) {
  Section section{.title = "large problems: the gap that is proven within a time limit",
                  .source =
                      "none: Piper aborts at 3 x 34 layers on 16 devices, and takes 41 s for "
                      "3 x 16 layers on 8 equal devices"};
  section.rows = {{"problem", "limit s", "CPU s", "step s", "bound s", "gap %", "MB over idle"}};
  for (const Problem& problem : problems()) {
    const Measured measured = measure([&] { return solve(problem); }, 0);
    nlohmann::json result = measured.answer;
    result["problem"] = problem.name;
    result["time_limit_s"] = problem.time_limit_s;
    result["cpu_s"] = measured.cpu_s;
    result["peak_bytes"] = measured.peak_bytes;
    constexpr double kMega = 1e6;
    section.rows.push_back({problem.name, fixed(problem.time_limit_s, 1), fixed(measured.cpu_s, 2),
                            fixed(result.at("step_s").get<double>(), 3),
                            fixed(result.at("lower_bound_s").get<double>(), 3),
                            fixed(100 * result.at("optimality_gap").get<double>(), 2),
                            fixed(measured.peak_bytes / kMega, 0)});
    section.results.push_back(std::move(result));
  }
  return section;
}

}  // namespace cadastre::benchmarks
