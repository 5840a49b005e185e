#include "planner/pipedream/rule.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "planner/pipedream/cut_lattice.h"
#include "planner/pipedream/graph_file.h"
#include "tests/planner/pipedream/published.h"
#include "tests/support/catch.h"

using namespace cadastre::pipedream;

namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// The rule as it is written down, over bit sets of all nodes and all pairs of downsets.
class BruteForce {
 public:
  BruteForce(const WeightedGraph& graph, const std::vector<MachineLevel>& levels)
      : graph_(graph), levels_(levels) {
    const unsigned num_sets = 1U << graph.nodes.size();
    for (unsigned set = 0; set < num_sets; ++set) {
      bool is_downset = true;
      for (std::size_t node = 0; node < graph.nodes.size(); ++node)
        if ((set >> node & 1) != 0)
          for (const int predecessor : graph.predecessors[node])
            is_downset = is_downset && (set >> predecessor & 1) != 0;
      if (is_downset) downsets_.push_back(set);
    }
  }

  double pipeline_s() {
    return pipeline_s(static_cast<int>(levels_.size()) - 1, 0, downsets_.back());
  }

  [[nodiscard]] std::size_t num_downsets() const { return downsets_.size(); }

 private:
  /// The best of the nodes of `to` that are not in `from`, on all machines of `level`.
  double pipeline_s(int level, unsigned from, unsigned to) {
    if (level < 0) return sum(from, to).compute_s;
    return chain_s(level, from, from, to, levels_[at(level)].num_machines);
  }

  /// The same with the stages up to `begin` laid out already and `num_machines` left.
  double chain_s(int level, unsigned from, unsigned begin, unsigned to, int num_machines) {
    if (begin == to) return 0;
    const auto key = std::tuple(level, from, begin, to, num_machines);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    double best_s = std::numeric_limits<double>::infinity();
    for (const unsigned end : downsets_) {
      if (end == begin || (begin & ~end) != 0 || (end & ~to) != 0) continue;
      const double inner_s = pipeline_s(level - 1, begin, end);
      for (int m = 1; m <= num_machines; ++m) {
        double bytes = sum(begin, end).parameter_bytes;
        if (begin == from && level > 0) bytes /= levels_[at(level - 1)].num_machines;
        const double stage_s =
            (inner_s + 4 * (m - 1) * bytes / (levels_[at(level)].bandwidth_bytes_per_s * m)) / m;
        if (stage_s >= best_s) continue;
        best_s =
            std::min(best_s, std::max(stage_s, chain_s(level, from, end, to, num_machines - m)));
      }
    }
    return known_[key] = best_s;
  }

  [[nodiscard]] WeightedGraph::Node sum(unsigned from, unsigned to) const {
    WeightedGraph::Node total;
    for (std::size_t node = 0; node < graph_.nodes.size(); ++node) {
      if (((to & ~from) >> node & 1) == 0) continue;
      total.compute_s += graph_.nodes[node].compute_s;
      total.parameter_bytes += graph_.nodes[node].parameter_bytes;
    }
    return total;
  }

  const WeightedGraph& graph_;
  const std::vector<MachineLevel>& levels_;
  std::vector<unsigned> downsets_;
  std::map<std::tuple<int, unsigned, unsigned, unsigned, int>, double> known_;
};

struct RandomProblem {
  WeightedGraph graph;
  std::vector<MachineLevel> levels;
};

/// Up to `most_nodes` nodes, sparse or dense, some without seconds, parameters or both; up to
/// `most_levels` levels.
RandomProblem random_problem(std::mt19937& random, int most_nodes, int most_levels) {
  const auto whole = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  const auto chance = [&](double p) { return std::bernoulli_distribution(p)(random); };
  RandomProblem problem;
  const int num_nodes = whole(1, most_nodes);
  const double density = std::uniform_real_distribution<double>(0.1, 0.9)(random);
  const double weightless = chance(0.5) ? 0.3 : 0.0;
  const bool coarse = chance(0.5);  // few distinct values: many ties
  for (int node = 0; node < num_nodes; ++node) {
    const double seconds = coarse ? whole(1, 3) : whole(1, 1000) / 97.0;
    const double bytes = coarse ? whole(0, 2) : whole(0, 1000) / 89.0;
    problem.graph.nodes.push_back({.compute_s = chance(weightless) ? 0 : seconds,
                                   .parameter_bytes = chance(weightless) ? 0 : bytes});
    std::vector<int> predecessors;
    for (int before = 0; before < node; ++before)
      if (chance(density)) predecessors.push_back(before);
    problem.graph.predecessors.push_back(std::move(predecessors));
  }
  const int num_levels = whole(1, most_levels);
  for (int level = 0; level < num_levels; ++level)
    problem.levels.push_back({.num_machines = whole(1, num_levels == 1 ? 5 : 3),
                              .bandwidth_bytes_per_s = 0.1 * whole(1, 300)});
  return problem;
}

/// Every node once, no tensor going back, no more machines than there are.
void check_sound(const RandomProblem& problem, const std::vector<RuleStage>& stages, int level,
                 std::vector<int>& nodes_in_order) {
  int num_machines = 0;
  for (const RuleStage& stage : stages) {
    num_machines += stage.num_machines;
    CHECK(stage.num_machines >= 1);
    CHECK(stage.stages.empty() == (level == 0));
    if (level > 0) {
      std::vector<int> inner;
      check_sound(problem, stage.stages, level - 1, inner);
      std::vector<int> sorted = inner;
      std::sort(sorted.begin(), sorted.end());
      CHECK(sorted == stage.nodes);
      nodes_in_order.insert(nodes_in_order.end(), inner.begin(), inner.end());
    } else {
      // Node numbers are a topological order in these problems.
      nodes_in_order.insert(nodes_in_order.end(), stage.nodes.begin(), stage.nodes.end());
    }
  }
  CHECK(num_machines <= problem.levels[at(level)].num_machines);
}

void check_sound(const RandomProblem& problem, const std::vector<RuleStage>& stages) {
  std::vector<int> order;
  check_sound(problem, stages, static_cast<int>(problem.levels.size()) - 1, order);
  CHECK(order.size() == problem.graph.nodes.size());
  std::set<int> before;
  for (const int node : order) {
    for (const int predecessor : problem.graph.predecessors[at(node)])
      CHECK(before.count(predecessor) == 1);
    CHECK(before.insert(node).second);
  }
}

WeightedGraph chain(const std::vector<WeightedGraph::Node>& nodes) {
  WeightedGraph graph{.nodes = nodes, .predecessors = {}};
  for (std::size_t i = 0; i < nodes.size(); ++i)
    graph.predecessors.push_back(i == 0 ? std::vector<int>{}
                                        : std::vector<int>{static_cast<int>(i) - 1});
  return graph;
}

}  // namespace

TEST_CASE("PipeDream's rule finds what brute force finds", "[planner][pipedream][property]") {
  constexpr unsigned kSeed = 20190;
  INFO("seed " << kSeed);
  std::mt19937 random(kSeed);
  constexpr int kNumProblems = 4000;
  for (int i = 0; i < kNumProblems; ++i) {
    const RandomProblem problem = random_problem(random, 7, 3);
    INFO("problem " << i);
    BruteForce brute(problem.graph, problem.levels);
    const double best_s = brute.pipeline_s();
    const RuleResult result = apply_rule(problem.graph, problem.levels, {});
    REQUIRE(result.pipeline_s == Approx(best_s).epsilon(2e-9).margin(1e-12));
    REQUIRE(result.proven_optimal);
    REQUIRE(result.lower_bound_s <= best_s * (1 + 1e-12));
    REQUIRE(pipeline_s(problem.graph, problem.levels, result.stages) ==
            Approx(result.pipeline_s).epsilon(1e-12));
    check_sound(problem, result.stages);
  }
}

TEST_CASE("PipeDream's rule finds what brute force finds on wide graphs",
          "[planner][pipedream][property]") {
  // Many cuts that cannot be compared, and many machines: here whole modules are passed over.
  constexpr unsigned kSeed = 20193;
  INFO("seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int i = 0; i < 150; ++i) {
    INFO("problem " << i);
    RandomProblem problem = random_problem(random, 4, 1);
    while (problem.graph.nodes.size() < 9) {
      const int node = static_cast<int>(problem.graph.nodes.size());
      problem.graph.nodes.push_back(
          {.compute_s = std::uniform_real_distribution<double>(0.5, 2)(random),
           .parameter_bytes = std::uniform_real_distribution<double>(0, 2)(random)});
      problem.graph.predecessors.push_back({});
      if (std::bernoulli_distribution(0.5)(random))
        problem.graph.predecessors.back().push_back(
            std::uniform_int_distribution<int>(0, node - 1)(random));
    }
    problem.levels.front().num_machines = std::uniform_int_distribution<int>(4, 7)(random);
    BruteForce brute(problem.graph, problem.levels);
    const RuleResult result = apply_rule(problem.graph, problem.levels, {});
    REQUIRE(result.pipeline_s == Approx(brute.pipeline_s()).epsilon(2e-9));
    REQUIRE(result.proven_optimal);
    check_sound(problem, result.stages);
  }
}

TEST_CASE("what is answered with cuts left out is a plan, and its bound holds",
          "[planner][pipedream][property]") {
  constexpr unsigned kSeed = 20191;
  INFO("seed " << kSeed);
  std::mt19937 random(kSeed);
  constexpr int kNumProblems = 500;
  int num_unproven = 0;
  for (int i = 0; i < kNumProblems; ++i) {
    const RandomProblem problem = random_problem(random, 7, 2);
    INFO("problem " << i);
    BruteForce brute(problem.graph, problem.levels);
    const double best_s = brute.pipeline_s();
    const RuleResult result =
        apply_rule(problem.graph, problem.levels,
                   {.time_limit_s = 10,
                    .most_cuts = std::uniform_int_distribution<std::size_t>(0, 12)(random)});
    REQUIRE(result.pipeline_s >= best_s * (1 - 1e-12));
    REQUIRE(result.lower_bound_s <= best_s * (1 + 1e-12));
    if (result.proven_optimal) REQUIRE(result.pipeline_s == Approx(best_s).epsilon(2e-9));
    num_unproven += result.proven_optimal ? 0 : 1;
    check_sound(problem, result.stages);
  }
  CHECK(num_unproven > 20);
}

TEST_CASE("the lattice of cuts holds every downset of the nodes with weight",
          "[planner][pipedream][property]") {
  constexpr unsigned kSeed = 20192;
  INFO("seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int i = 0; i < 500; ++i) {
    RandomProblem problem = random_problem(random, 10, 1);
    INFO("problem " << i);
    for (WeightedGraph::Node& node : problem.graph.nodes)
      node.compute_s = std::max(node.compute_s, 0.5);
    const CutLattice lattice(problem.graph, 100000);
    BruteForce brute(problem.graph, problem.levels);
    REQUIRE(lattice.complete());
    REQUIRE(lattice.num_cuts() == static_cast<int>(brute.num_downsets()));
    for (int cut = 1; cut < lattice.num_cuts(); ++cut) {
      REQUIRE(lattice.compute_s(cut) >= lattice.compute_s(cut - 1));
      const std::vector<int> nodes = lattice.nodes_between(0, cut);
      const int other = std::uniform_int_distribution<int>(0, cut - 1)(random);
      const std::vector<int> fewer = lattice.nodes_between(0, other);
      const std::set<int> larger(nodes.begin(), nodes.end());
      const bool includes = std::all_of(fewer.begin(), fewer.end(),
                                        [&](int node) { return larger.count(node) == 1; });
      REQUIRE(lattice.includes(cut, other) == includes);
      if (includes)
        REQUIRE(lattice.nodes_between(other, cut).size() == nodes.size() - fewer.size());
    }
  }
}

TEST_CASE("a chain is divided as its sums say", "[planner][pipedream]") {
  // On two machines: 3 + 3 | 4 takes 6 s; all on both takes (10 + 4 * 1 * 1 / (1 * 2)) / 2 = 6 s
  // with one byte of parameters and 1 B/s, and 5 s without.
  const std::vector<MachineLevel> two = {{.num_machines = 2, .bandwidth_bytes_per_s = 1}};
  WeightedGraph graph = chain({{3, 0}, {3, 2}, {4, 0}});
  CHECK(apply_rule(graph, two, {}).pipeline_s == Approx(6));
  graph.nodes[1].parameter_bytes = 0;
  const RuleResult replicated = apply_rule(graph, two, {});
  CHECK(replicated.pipeline_s == Approx(5));
  REQUIRE(replicated.stages.size() == 1);
  CHECK(replicated.stages.front().num_machines == 2);
  CHECK(replicated.single_machine_s == Approx(10));
}

TEST_CASE("a machine that would slow the pipeline down is left idle", "[planner][pipedream]") {
  // One node of 1 s with 100 bytes: two machines would take (1 + 4 * 100 / 2) / 2 s.
  const WeightedGraph graph = chain({{1, 100}});
  const RuleResult result =
      apply_rule(graph, {{.num_machines = 4, .bandwidth_bytes_per_s = 1}}, {});
  CHECK(result.pipeline_s == Approx(1));
  CHECK(result.stages.front().num_machines == 1);
  CHECK(result.proven_optimal);
}

TEST_CASE("graphs without weight are one stage that takes no time", "[planner][pipedream]") {
  const std::vector<MachineLevel> levels = {{.num_machines = 3, .bandwidth_bytes_per_s = 1},
                                            {.num_machines = 2, .bandwidth_bytes_per_s = 1}};
  for (const double bytes : {0.0, 5.0}) {
    const RuleResult result = apply_rule(chain({{0, 0}, {0, bytes}, {0, 0}}), levels, {});
    CHECK(result.pipeline_s == 0);
    CHECK(result.proven_optimal);
    REQUIRE(result.stages.size() == 1);
    CHECK(result.stages.front().nodes == std::vector<int>{0, 1, 2});
  }
}

TEST_CASE("a graph with more cuts than can be listed is answered with its bound",
          "[planner][pipedream]") {
  // 2^40 downsets; each second fits somewhere, so four machines can take 10 s each.
  WeightedGraph graph;
  for (int i = 0; i < 40; ++i) {
    graph.nodes.push_back({.compute_s = 1, .parameter_bytes = 1});
    graph.predecessors.push_back({});
  }
  const RuleResult result =
      apply_rule(graph, {{.num_machines = 4, .bandwidth_bytes_per_s = 1}}, {.most_cuts = 10000});
  CHECK(result.pipeline_s == Approx(10));
  CHECK(result.lower_bound_s == Approx(10));
  CHECK(result.proven_optimal);
}

TEST_CASE("when the time is up the best plan so far is given", "[planner][pipedream]") {
  const RuleResult result =
      apply_rule(chain({{3, 0}, {1, 9}, {2, 9}}), {{.num_machines = 2, .bandwidth_bytes_per_s = 1}},
                 {.time_limit_s = 0});
  CHECK(result.pipeline_s == Approx(6));
  CHECK(result.lower_bound_s <= 3.0);
  CHECK_FALSE(result.proven_optimal);
}

namespace {

struct Published {
  std::string name;
  std::vector<MachineLevel> levels;
  double single_machine_s;
  double pipeline_s;
};

}  // namespace

TEST_CASE("published profiles are planned at least as well as by PipeDream's optimizer",
          "[planner][pipedream]") {
  if (!std::filesystem::exists(published_profile("vgg16"))) {
    WARN("skipped: shared/data beside the source tree has no PipeDream profiles");
    return;
  }
  const auto flat = [](int machines) {
    return std::vector<MachineLevel>{{.num_machines = machines, .bandwidth_bytes_per_s = 1.25e9}};
  };
  const std::vector<MachineLevel> four_by_four = {
      {.num_machines = 4, .bandwidth_bytes_per_s = 16e9},
      {.num_machines = 4, .bandwidth_bytes_per_s = 1.25e9}};
  // What optimizer_graph_hierarchical.py answers. For gnmt it knows fewer cuts: its second
  // embedding is never cut from what reads it.
  const std::vector<Published> table = {
      {"vgg16", flat(4), 0.672535, 0.174498},      {"vgg16", flat(8), 0.672535, 0.093357},
      {"vgg16", four_by_four, 0.672535, 0.043972}, {"resnet50", flat(4), 0.443419, 0.111497},
      {"resnet50", flat(8), 0.443419, 0.056220},   {"resnet50", four_by_four, 0.443419, 0.028590},
      {"gnmt", four_by_four, 0.089416, 0.011081}};
  constexpr double kPrinted = 0.5e-6;
  for (const Published& row : table) {
    CAPTURE(row.name, row.levels.size(), row.levels.front().num_machines);
    const WeightedGraph graph = weighted_graph(read_graph_file(published_profile(row.name)));
    const RuleResult result = apply_rule(graph, row.levels, {});
    CHECK(result.single_machine_s == Approx(row.single_machine_s).margin(kPrinted));
    CHECK(result.pipeline_s <= row.pipeline_s + kPrinted);
    CHECK(result.proven_optimal);
    if (row.name != "gnmt") CHECK(result.pipeline_s == Approx(row.pipeline_s).margin(kPrinted));
    CHECK(pipeline_s(graph, row.levels, result.stages) == Approx(result.pipeline_s));
  }
  const RuleResult unfolded =
      apply_rule(weighted_graph(read_graph_file(published_profile("inception_v3"))), four_by_four,
                 {.time_limit_s = 600});
  CHECK(unfolded.proven_optimal);
}
