#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "planner/choice_by_simulation.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/explanation.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/objective.h"
#include "planner/pipedream/rule_verb.h"
#include "planner/placement/placement_verb.h"
#include "planner/plan_summary.h"
#include "planner/planner.h"
#include "planner/progress.h"
#include "planner/refusal.h"
#include "planner/replayed_plans.h"
#include "planner/robust_choice.h"
#include "planner/survivor_table.h"
#include "planner/table.h"
#include "planner/units.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct PlanVerb {
  std::filesystem::path profile;
  std::filesystem::path cluster;
  std::filesystem::path output;
  PlannerOptions planner;
  std::string objective = objective_name(Objective::kStepTime);
  std::string all_reduce = all_reduce_name(AllReduceAlgorithm::kRing);
  std::string wire_dtype = wire_dtype_name(WireDtype::kFloat32);
  std::string optimizer = optimizer_name(OptimizerKind::kAdamW);
  bool no_average = false;
  std::optional<double> time_limit_s;
  std::vector<std::string> pareto;
  int num_front_plans = 8;
  int validate = 0;
  bool robust = false;
  std::filesystem::path conditions;  // of --robust
  bool explain = false;
  int survivors = 0;
  bool require_survivors = false;
  // Limits, as they are written.
  std::optional<std::string> max_step_time;
  std::optional<std::string> max_latency;
  std::optional<std::string> max_memory;
  std::optional<double> max_traffic;
  std::optional<double> min_throughput;
  std::optional<double> max_energy;
  std::optional<double> max_cost;
};

/// "a, b or c".
std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

Objective objective_from(const std::string& name, const std::string& option) {
  const auto found = std::find(objective_names().begin(), objective_names().end(), name);
  if (found == objective_names().end())
    throw InputError(option, "",
                     "expected " + alternatives(objective_names()) + ", found " + in_quotes(name) +
                         did_you_mean(name, objective_names()));
  return static_cast<Objective>(found - objective_names().begin());
}

AllReduceAlgorithm all_reduce_from(const std::string& name) {
  const auto found = std::find(all_reduce_names().begin(), all_reduce_names().end(), name);
  if (found == all_reduce_names().end())
    throw InputError("--all-reduce", "",
                     "expected " + alternatives(all_reduce_names()) + ", found " + in_quotes(name) +
                         did_you_mean(name, all_reduce_names()));
  return static_cast<AllReduceAlgorithm>(found - all_reduce_names().begin());
}

/// A quantity with its unit, or a bare number of base units, read as documents read it.
template <typename Read>
std::optional<double> quantity(const std::optional<std::string>& text, const std::string& option,
                               const Read& read) {
  if (!text) return std::nullopt;
  nlohmann::json value = nlohmann::json::parse(*text, nullptr, false);
  if (!value.is_number()) value = *text;
  try {
    return static_cast<double>(read(JsonPlace(value, option, "")));
  } catch (const InputError& error) {
    // An option has no places inside: its pointer is left out.
    const std::string message = error.what();
    throw InputError(option, "", message.substr((option + ": /: ").size()));
  }
}

std::vector<Constraint> constraints_of(const PlanVerb& verb) {
  std::vector<Constraint> constraints;
  const auto add = [&](Objective objective, const std::optional<double>& limit) {
    if (limit) constraints.push_back({.objective = objective, .limit = *limit});
  };
  add(Objective::kStepTime, quantity(verb.max_step_time, "--max-step-time", duration_s));
  add(Objective::kLatency, quantity(verb.max_latency, "--max-latency", duration_s));
  add(Objective::kMemory, quantity(verb.max_memory, "--max-memory", size_bytes));
  add(Objective::kThroughput, verb.min_throughput);
  add(Objective::kTraffic, verb.max_traffic);
  add(Objective::kEnergy, verb.max_energy);
  add(Objective::kCost, verb.max_cost);
  return constraints;
}

/// Energy and cost mean something only where hosts say what they take.
void check_rates(const Cluster& cluster, Objective objective, const std::string& file) {
  if (objective != Objective::kEnergy && objective != Objective::kCost) return;
  const bool energy = objective == Objective::kEnergy;
  for (std::size_t h = 0; h < cluster.hosts.size(); ++h)
    if (!((energy ? cluster.hosts[h].watts : cluster.hosts[h].price_per_hour) > 0))
      throw InputError(
          file, "/hosts/" + std::to_string(h) + (energy ? "/watts" : "/price_per_hour"),
          "expected a number > 0 to plan for " + objective_name(objective) + ", found 0");
}

/// Throughput is infinite where nothing takes time.
void check_takes_time(const Profile& profile, const PlannerOptions& planner,
                      const std::string& file) {
  const bool asked = planner.objective == Objective::kThroughput ||
                     std::any_of(planner.constraints.begin(), planner.constraints.end(),
                                 [](const Constraint& constraint) {
                                   return constraint.objective == Objective::kThroughput;
                                 });
  if (!asked || profile.load_s_per_sample + profile.load_s_per_micro_batch > 0) return;
  for (const LayerProfile& layer : profile.layers)
    if (layer.measurements.front().forward_s > 0) return;
  throw InputError(file, "/layers",
                   "expected a layer that takes time, to plan for throughput, found none");
}

/// Replays compare seconds of a step, and any of the plans that keep the limits may win.
void check_replays(const PlanVerb& verb, const std::string& option) {
  if (verb.planner.objective != Objective::kStepTime)
    throw InputError(option, "",
                     "expected the objective step-time, which the simulator measures, found " +
                         in_quotes(verb.objective));
  if (verb.planner.strategy != "auto")
    throw InputError(option, "",
                     "expected the strategy auto, as another plan may be chosen, found " +
                         in_quotes(verb.planner.strategy));
  const std::filesystem::path simulator = program_directory() / "cadastre-simulator";
  if (!std::filesystem::exists(simulator))
    throw InputError(option, "", "expected the program " + simulator.string() + ", found none");
}

/// What plans are replayed under, where the robust one is asked for. Throws InputError for options
/// that do not go together, too.
Conditions conditions_of(const PlanVerb& verb, const Cluster& cluster) {
  if (!verb.robust) {
    if (!verb.conditions.empty())
      throw InputError("--conditions", "",
                       "expected --robust beside it, which replays plans under them");
    return {};
  }
  if (verb.validate > 0)
    throw InputError("--validate", "",
                     "expected no such option together with --robust, which replays plans, too");
  check_replays(verb, "--robust");
  return robust_conditions(
      verb.conditions.empty() ? Conditions{} : read_conditions(verb.conditions),
      verb.conditions.string(), cluster, verb.cluster.string());
}

void check_front(const PlanVerb& verb) {
  if (verb.pareto.empty()) return;
  const auto refuse_option = [](const std::string& option) {
    throw InputError(option, "", "expected no such option together with --pareto");
  };
  if (verb.explain) refuse_option("--explain");
  if (verb.survivors > 0) refuse_option("--survivors");
  if (verb.validate > 0) refuse_option("--validate");
  if (verb.robust) refuse_option("--robust");
  if (verb.pareto.size() != 2)
    throw InputError("--pareto", "",
                     "expected two objectives, found " + std::to_string(verb.pareto.size()));
  if (verb.pareto[0] == verb.pareto[1])
    throw InputError(
        "--pareto", "",
        "expected two different objectives, found " + in_quotes(verb.pareto[0]) + " twice");
}

/// What would follow the loss of up to `--survivors` hosts. Throws InputError where that must be a
/// plan, and none fits.
std::vector<SurvivorPlan> survivors_of(const PlanVerb& verb, const PlanDocument& document,
                                       const VerbOptions& options) {
  if (verb.survivors == 0) return {};
  const std::vector<std::vector<std::string>> lost = losses(document.cluster, verb.survivors);
  Progress progress("planning for losses", static_cast<std::int64_t>(lost.size()),
                    options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
  const SearchEffort effort{.time_limit_s = verb.planner.time_limit_s,
                            .patience_s = std::nullopt,
                            .max_search_steps = 0,
                            .on_progress = {}};
  std::vector<SurvivorPlan> survivors = plan_losses(document, lost, effort, [&](std::size_t done) {
    progress.update(static_cast<std::int64_t>(done));
  });
  const std::string fatal = fatal_losses(survivors);
  if (verb.require_survivors && !fatal.empty())
    throw InputError(verb.cluster.string(), "",
                     "expected a cluster on which a plan follows every loss, found none: " + fatal);
  return survivors;
}

void make_robust(PlanDocument& document, const PlannerOptions& planner,
                 const Conditions& conditions, const VerbOptions& options) {
  constexpr std::int64_t kParts = 1000;
  Progress progress("looking for a robust plan", kParts,
                    options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
  choose_robustly(
      document, planner, conditions,
      [&](const PlanDocument& of, const std::vector<Plan>& rivals) {
        return replayed_plans(of, rivals, conditions);
      },
      [&](std::size_t done, std::size_t all) {
        progress.update(kParts * static_cast<std::int64_t>(done) / static_cast<std::int64_t>(all));
      });
}

void write_plan(const PlanVerb& verb, const PlanDocument& document) {
  if (!verb.output.empty()) write_file(verb.output, json_text(to_json(document)));
}

void run_plan(PlanVerb verb, const VerbOptions& options) {
  const Profile profile = read_profile(verb.profile);
  const Cluster cluster = read_cluster(verb.cluster);
  PlannerOptions& planner = verb.planner;
  planner.objective = objective_from(verb.objective, "--objective");
  planner.constraints = constraints_of(verb);
  planner.all_reduce.algorithm = all_reduce_from(verb.all_reduce);
  planner.wire_dtype = wire_dtype_option(verb.wire_dtype);
  planner.optimizer = {.kind = optimizer_option(verb.optimizer),
                       .averages_weights = !verb.no_average};
  check_front(verb);
  const Conditions conditions = conditions_of(verb, cluster);
  if (verb.validate > 0) check_replays(verb, "--validate");
  if (verb.require_survivors && verb.survivors == 0)
    throw InputError("--require-survivors", "",
                     "expected --survivors K beside it, which says how many hosts may be lost");
  if (verb.survivors > 0) static_cast<void>(losses(cluster, verb.survivors));  // before any search
  check_takes_time(profile, planner, verb.profile.string());
  if (!verb.output.empty()) check_can_write(verb.output);
  if (verb.time_limit_s) {
    planner.time_limit_s = *verb.time_limit_s;
  } else {
    planner.patience_s = default_patience_s(profile, cluster);
  }
  check_rates(cluster, planner.objective, verb.cluster.string());
  for (const Constraint& constraint : planner.constraints)
    check_rates(cluster, constraint.objective, verb.cluster.string());

  constexpr double kMilli = 1e3;
  Progress progress("searching", static_cast<std::int64_t>(planner.time_limit_s * kMilli),
                    options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
  planner.on_progress = [&](double searched_s, double value, double bound) {
    const std::string& unit = objective_unit(planner.objective);
    progress.update(static_cast<std::int64_t>(searched_s * kMilli),
                    (std::isfinite(value) ? "best " + number_text(value) + " " + unit
                                          : "no plan that fits yet") +
                        ", bound " + number_text(bound));
  };

  if (!verb.pareto.empty()) {
    const Objective first = objective_from(verb.pareto[0], "--pareto");
    const Objective second = objective_from(verb.pareto[1], "--pareto");
    for (const Objective objective : {first, second})
      check_rates(cluster, objective, verb.cluster.string());
    const std::vector<PlanDocument> front =
        pareto_front(profile, cluster, planner, first, second, verb.num_front_plans);
    if (front.empty())
      throw std::runtime_error(
          no_plan_text(make_plan(profile, cluster, planner), planner.constraints));
    write_plan(verb, front.front());
    print_result(options, front_summary_json(front), front_summary(front));
    return;
  }
  PlanDocument document = make_plan(profile, cluster, planner);
  if (!document.search.feasible)
    throw std::runtime_error(no_plan_text(document, planner.constraints));
  if (verb.validate > 0) choose_by_simulation(document, planner.constraints, verb.validate);
  if (verb.robust) make_robust(document, planner, conditions, options);
  const std::vector<SurvivorPlan> survivors = survivors_of(verb, document, options);
  write_plan(verb, document);
  nlohmann::json json = plan_summary_json(document);
  std::string text = plan_summary(document);
  if (verb.survivors > 0) {
    json["survivors"] = survivors_json(document, survivors);
    text += "\n" + survivor_table(document, survivors);
  }
  if (verb.explain) {
    json["explanation"] = explain(document);
    text += "\n";
    for (const std::string& sentence : explain(document)) text += sentence + "\n";
  }
  print_result(options, json, text);
}

void add_limits(CLI::App& app, PlanVerb& verb) {
  constexpr double kMost = 1e18;
  app.add_option("--max-step-time", verb.max_step_time, "Limit, such as 50ms");
  app.add_option("--max-latency", verb.max_latency,
                 "Limit on the inference of one sample, such as 5ms");
  app.add_option("--min-throughput", verb.min_throughput, "Limit, inferences per second")
      ->check(number_from(1e-9, kMost));
  app.add_option("--max-traffic", verb.max_traffic, "Limit, bytes between hosts per sample")
      ->check(number_from(0, kMost));
  app.add_option("--max-memory", verb.max_memory, "Limit on every host's peak, such as 2GiB");
  app.add_option("--max-energy", verb.max_energy, "Limit, joules per sample")
      ->check(number_from(0, kMost));
  app.add_option("--max-cost", verb.max_cost, "Limit, price per million samples")
      ->check(number_from(0, kMost));
}

}  // namespace

void add_plan_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<PlanVerb>();
  CLI::App* app = add_verb(program, "plan", "Divide a profiled model over a cluster",
                           "cadastre plan --profile profile.json --cluster "
                           "scenarios/clusters/lab-four-1gbe.json --batch-size 64 -o plan.json",
                           options, [] {});
  app->add_option("--profile", verb->profile, "What each layer costs")->required();
  app->add_option("--cluster", verb->cluster, "Hosts and network")->required();
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 20;  // as plan documents
  constexpr double kMostSeconds = 1e6;
  app->add_option("--batch-size", verb->planner.batch_size, "Samples of one step over all hosts")
      ->required()
      ->check(integer_from(1, kMostSamples));
  app->add_option("--objective", verb->objective,
                  "step-time, latency, throughput, traffic, memory, energy or cost")
      ->capture_default_str();
  app->add_option("--strategy", verb->planner.strategy, "auto, or a baseline of the table")
      ->capture_default_str();
  app->add_option("--micro-batches", verb->planner.micro_batches,
                  "Numbers of micro-batches to try (default: all that divide the batch)")
      ->delimiter(',')
      ->check(integer_from(1, kMostSamples));
  app->add_option("--all-reduce", verb->all_reduce,
                  "How replicas add up their gradients: " + alternatives(all_reduce_names()))
      ->capture_default_str();
  app->add_option("--root", verb->planner.all_reduce.root,
                  "Host of the parameter server or Spark's driver (default: the first replica)");
  app->add_option("--wire-dtype", verb->wire_dtype,
                  "What tensors are between hosts: float32, bfloat16 (bf16) or float16 (fp16)")
      ->capture_default_str();
  constexpr std::int64_t kMostPeriod = 1'000'000;
  app->add_option("--averaging-period", verb->planner.averaging_period,
                  "Steps between two averagings of the strategy parameter-averaging")
      ->capture_default_str()
      ->check(integer_from(1, kMostPeriod));
  app->add_option("--optimizer", verb->optimizer,
                  "adamw or sgd: whose state takes memory, and what a run trains with")
      ->capture_default_str();
  app->add_flag("--no-average", verb->no_average,
                "Plan for a training that keeps no moving average of the weights");
  add_limits(*app, *verb);
  app->add_option("--pareto", verb->pareto,
                  "Two objectives A,B: the plans of which none is better in both than another")
      ->delimiter(',');
  app->add_option("--pareto-plans", verb->num_front_plans, "Plans of that front at most")
      ->capture_default_str()
      ->check(integer_from(1, 1000));
  app->add_flag("--explain", verb->explain, "Say why this plan, in sentences with numbers");
  app->add_option("--validate", verb->validate,
                  "Replay the best K plans in the simulator and take the fastest there")
      ->check(integer_from(1, 1000));
  app->add_flag("--robust", verb->robust,
                "Take the plan whose 95th percentile of simulated steps is least, as hosts and "
                "links vary from step to step (speed_spread, bandwidth_spread of the cluster)");
  app->add_option("--conditions", verb->conditions,
                  "What --robust replays plans under: other spreads (jitter.between_steps), "
                  "background traffic, slow hosts and links (conditions.json)")
      ->type_name("FILE");
  app->add_option("--survivors", verb->survivors,
                  "Say which plan would follow the loss of each host (1), also of each pair (2), …")
      ->check(integer_from(1, 16));
  app->add_flag("--require-survivors", verb->require_survivors,
                "Refuse the cluster, and write nothing, where no plan fits after one of these");
  app->add_option("--time-limit", verb->time_limit_s,
                  "Seconds to search for, unless the plan is proven best before (default: until "
                  "nothing better turns up, 10 s at most)")
      ->check(number_from(1e-3, kMostSeconds));
  app->add_option("--gap", verb->planner.enough_gap,
                  "End the search when the plan is proven to be within this part of the best")
      ->capture_default_str()
      ->check(number_from(0, 1));
  app->add_option("-o,--output", verb->output, "Where the plan is written");
  const std::shared_ptr<PlacementRequest> placement = add_placement_problem(*app);
  const auto rule = std::make_shared<pipedream::RuleRequest>();
  const std::function<void()> check_required = pipedream::add_rule_options(*app, rule);
  app->callback([app, verb, options, placement, rule, check_required] {
    const double time_limit_s = verb->time_limit_s.value_or(verb->planner.time_limit_s);
    if (!placement->problem.empty()) {
      placement->output = verb->output;
      placement->time_limit_s = time_limit_s;
      return run_placement(*app, *placement, *options);
    }
    check_required();
    if (rule->graph.empty()) return run_plan(*verb, *options);
    pipedream::run_rule(*rule, time_limit_s, verb->output, *options);
  });
}

}  // namespace cadastre
