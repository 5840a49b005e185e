#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/planner.h"
#include "planner/progress.h"
#include "planner/refusal.h"
#include "planner/table.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct PlanVerb {
  std::filesystem::path profile;
  std::filesystem::path cluster;
  std::filesystem::path output;
  PlannerOptions planner;
};

std::vector<std::string> table_row(const Plan& plan, const std::string& mark) {
  std::size_t num_hosts = 0;
  for (const Stage& stage : plan.stages) num_hosts += stage.replicas.size();
  constexpr double kMega = 1e6;
  return {mark + plan.strategy,
          schedule_name(plan.schedule),
          std::to_string(plan.micro_batches),
          std::to_string(num_hosts),
          fixed(plan.predicted.step_s * 1e3, 1),
          fixed(static_cast<double>(plan.predicted.traffic_bytes_per_step) / kMega, 2),
          fixed(static_cast<double>(plan.predicted.peak_memory_bytes) / kMega, 1),
          plan.predicted.fits_memory ? "yes" : "no"};
}

std::string summary(const PlanDocument& document) {
  std::vector<std::vector<std::string>> rows = {{"  strategy", "schedule", "micro-batches", "hosts",
                                                 "step ms", "traffic MB", "peak MB", "fits"}};
  rows.push_back(table_row(document.plan, "* "));
  for (const Plan& plan : document.alternatives) rows.push_back(table_row(plan, "  "));
  std::string text = text_table(rows) + "\n";
  for (const Stage& stage : document.plan.stages) {
    text += "stage of " + std::to_string(stage.layers.size()) + " layers (" + stage.layers.front() +
            (stage.layers.size() > 1 ? " … " + stage.layers.back() : "") + ") on ";
    for (std::size_t r = 0; r < stage.replicas.size(); ++r)
      text +=
          (r == 0 ? "" : ", ") + stage.replicas[r].host +
          (stage.replicas.size() > 1 ? " (" + fixed(100 * stage.replicas[r].share, 0) + " %)" : "");
    text += "\n";
  }
  text += "bound " + number_text(document.search.bound) + " " + ", gap " +
          fixed(100 * document.search.optimality_gap, 2) + " %, " +
          std::to_string(document.search.num_evaluated) + " programs evaluated in " +
          fixed(document.search.search_s, 2) + " s\n";
  return text;
}

nlohmann::json result_json(const PlanDocument& document) {
  nlohmann::json strategies = nlohmann::json::array();
  const auto add = [&](const Plan& plan) {
    strategies.push_back({{"strategy", plan.strategy},
                          {"schedule", schedule_name(plan.schedule)},
                          {"micro_batches", plan.micro_batches},
                          {"step_s", plan.predicted.step_s},
                          {"traffic_bytes_per_step", plan.predicted.traffic_bytes_per_step},
                          {"peak_memory_bytes", plan.predicted.peak_memory_bytes},
                          {"fits_memory", plan.predicted.fits_memory}});
  };
  add(document.plan);
  for (const Plan& plan : document.alternatives) add(plan);
  return {{"strategy", document.plan.strategy},
          {"step_s", document.plan.predicted.step_s},
          {"lower_bound_s", document.search.bound},
          {"optimality_gap", document.search.optimality_gap},
          {"search_s", document.search.search_s},
          {"traffic_bytes_per_step", document.plan.predicted.traffic_bytes_per_step},
          {"peak_memory_bytes", document.plan.predicted.peak_memory_bytes},
          {"strategies", strategies}};
}

/// "No plan fits in memory" is a result: it names the host that comes nearest and what is missing.
std::string does_not_fit(const PlanDocument& document) {
  std::string tightest;
  std::int64_t most_missing = 0;
  for (const HostPrediction& host : document.plan.predicted.hosts) {
    const std::int64_t memory =
        document.cluster.hosts[static_cast<std::size_t>(host_index(document.cluster, host.host))]
            .memory_bytes;
    if (host.peak_memory_bytes - memory <= most_missing) continue;
    most_missing = host.peak_memory_bytes - memory;
    tightest = host.host;
  }
  return "no plan fits in memory: the best lacks " + std::to_string(most_missing) + " bytes on " +
         tightest;
}

void run_plan(const PlanVerb& verb, const VerbOptions& options) {
  const Profile profile = read_profile(verb.profile);
  const Cluster cluster = read_cluster(verb.cluster);
  const PlanDocument document = [&] {
    constexpr double kMilli = 1e3;
    Progress progress("searching", static_cast<std::int64_t>(verb.planner.time_limit_s * kMilli),
                      options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    PlannerOptions planner = verb.planner;
    planner.on_progress = [&](double searched_s, double best_step_s, double) {
      progress.update(static_cast<std::int64_t>(searched_s * kMilli),
                      "best step " + fixed(best_step_s * kMilli, 1) + " ms");
    };
    return make_plan(profile, cluster, planner);
  }();
  if (!document.plan.predicted.fits_memory) throw std::runtime_error(does_not_fit(document));
  if (!verb.output.empty()) write_file(verb.output, json_text(to_json(document)));
  print_result(options, result_json(document), summary(document));
}

}  // namespace

void add_plan_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<PlanVerb>();
  CLI::App* app = add_verb(program, "plan", "Divide a profiled model over a cluster",
                           "cadastre plan --profile profile.json --cluster "
                           "scenarios/clusters/lab-four-1gbe.json --batch-size 64 -o plan.json",
                           options, [verb, options] { run_plan(*verb, *options); });
  app->add_option("--profile", verb->profile, "What each layer costs")->required();
  app->add_option("--cluster", verb->cluster, "Hosts and network")->required();
  constexpr std::int64_t kMostSamples = std::int64_t{1} << 24;  // no machine holds more
  constexpr double kMostSeconds = 1e6;
  app->add_option("--batch-size", verb->planner.batch_size, "Samples of one step over all hosts")
      ->required()
      ->check(integer_from(1, kMostSamples));
  app->add_option("--strategy", verb->planner.strategy,
                  "auto, single, data-parallel, branch or pipeline")
      ->capture_default_str();
  app->add_option("--micro-batches", verb->planner.micro_batches,
                  "Numbers of micro-batches to try (default: all that divide the batch)")
      ->delimiter(',')
      ->check(integer_from(1, kMostSamples));
  app->add_option("--time-limit", verb->planner.time_limit_s, "Seconds that the search may take")
      ->capture_default_str()
      ->check(number_from(1e-3, kMostSeconds));
  app->add_option("-o,--output", verb->output, "Where the plan is written");
}

}  // namespace cadastre
