#include "planner/fidelity/measure.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "planner/calibration.h"
#include "planner/error.h"
#include "planner/fidelity/command.h"
#include "planner/fidelity/group_profiler.h"
#include "planner/fidelity/host_speed.h"
#include "planner/fidelity/measured_group.h"
#include "planner/fidelity/profile_files.h"
#include "planner/fidelity/repeated_probe.h"
#include "planner/fidelity/testbed.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/model_graph.h"
#include "planner/planner.h"
#include "planner/refusal.h"
#include "planner/run_record.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

class Measurements {
 public:
  Measurements(const FidelitySuite& suite, const FidelityOptions& options)
      : suite_(suite), options_(options) {
    for (const auto& [name, file] : suite.models) models_.emplace(name, read_model(file));
    for (const auto& [name, cluster] : suite.clusters)
      check_fits_machine(cluster, options.suite_file.string(), "/clusters/" + name);
    for (std::size_t g = 0; g < suite.groups.size(); ++g) groups_.push_back(begun(g));
  }

  void run() {
    if (std::all_of(groups_.begin(), groups_.end(),
                    [](const MeasuredGroup& group) { return group.is_done; }))
      return;
    check_may_make_hosts();
    make_scene();
    std::string lost;
    for (const auto& [name, cluster] : suite_.clusters) {
      std::vector<std::size_t> left;
      for (std::size_t g = 0; g < groups_.size(); ++g)
        if (suite_.groups[g].cluster == name && !groups_[g].is_done) left.push_back(g);
      if (left.empty()) continue;
      try {
        measure_on(name, cluster, left);
      } catch (const std::exception& error) {  // is of this cluster alone
        stop_if_interrupted();
        const std::string what = name + ": " + error.what();
        options_.on_start(what);
        lost += "; " + what;
      }
    }
    if (!lost.empty()) throw std::runtime_error("not all was measured" + lost);
  }

 private:
  [[nodiscard]] fs::path directory(std::size_t g) const {
    return group_directory(options_.directory, g);
  }

  void write(std::size_t g) const {
    write_file(directory(g) / "measured.json", json_text(to_json(groups_[g])));
  }

  /// What is there of a group, or nothing yet.
  [[nodiscard]] MeasuredGroup begun(std::size_t g) const {
    const FidelityGroup& group = suite_.groups[g];
    MeasuredGroup measured;
    FidelityGroup as_measured = group;
    as_measured.held_out = false;  // is about what is made of the figures
    measured.request = {{"group", to_json(as_measured)},
                        {"model", to_json(models_.at(group.model))},
                        {"cluster", to_json(suite_.clusters.at(group.cluster))},
                        {"method", to_json(suite_.method)},
                        {"scene", options_.scene.string()}};
    for (const FidelityPlan& plan : group.plans) measured.plans.push_back({.asked = plan});
    const fs::path file = directory(g) / "measured.json";
    if (!fs::exists(file)) return measured;
    MeasuredGroup found = read_measured_group(file);
    if (found.request != measured.request)
      throw InputError(file.string(), "/request",
                       "expected measurements of group " + std::to_string(g) + " of this suite (" +
                           group_name(group) +
                           "), found others; choose another directory, or "
                           "remove " +
                           in_quotes(options_.directory.string()));
    return found;
  }

  void make_scene() {
    scene_ = options_.scene.empty() ? options_.directory / "scene" : options_.scene;
    if (!options_.scene.empty() || fs::exists(scene_ / "scene.json")) return;
    options_.on_start("making a scene to train on");
    run_verb({"synthesize", "--quiet", "-o", scene_}, options_.directory / "synthesize.log");
  }

  void measure_on(const std::string& name, const Cluster& cluster,
                  const std::vector<std::size_t>& groups) {
    options_.on_start("making the hosts of " + name);
    const Testbed testbed(cluster, options_.directory / ("testbed-" + name));
    const Cluster probed =
        probe(name, cluster, models_.at(suite_.groups[groups.front()].model), testbed);
    std::vector<int> processors;
    for (const auto& of_host : testbed.processors())
      processors.insert(processors.end(), of_host.second.begin(), of_host.second.end());
    Yardstick yardstick(processors);
    for (const std::size_t g : groups) measure_group(g, probed, testbed, yardstick);
  }

  /// The cluster as it is stated, at its hosts' addresses, with the network as it is measured.
  [[nodiscard]] Cluster probe(const std::string& name, const Cluster& stated,
                              const ModelGraph& model, const Testbed& testbed) const {
    Cluster addressed = stated;
    for (std::size_t h = 0; h < addressed.hosts.size(); ++h)
      addressed.hosts[h].address = testbed.cluster().hosts[h].address;
    if (stated.hosts.size() < 2) return addressed;
    constexpr int kProbes = 3;
    constexpr int kMostAttempts = 5;
    std::vector<NetworkProbe> probes;
    for (int attempt = 1; attempt <= kMostAttempts && probes.size() < kProbes; ++attempt) {
      const std::string number = std::to_string(attempt);
      options_.on_start("measuring the network of " + name + ", probe " + number);
      try {
        probes.push_back(probe_once(options_.directory / ("testbed-" + name), number, addressed,
                                    model, testbed));
      } catch (const InputError&) {  // measured so badly that it cannot be
        stop_if_interrupted();
        if (attempt == kMostAttempts && probes.empty()) throw;
      }
    }
    return calibrated(addressed, probes);
  }

  [[nodiscard]] NetworkProbe probe_once(const fs::path& directory, const std::string& number,
                                        const Cluster& addressed, const ModelGraph& model,
                                        const Testbed& testbed) const {
    const fs::path file = directory / ("probe-" + number + ".json");
    const fs::path model_file = directory / "model.json";
    write_file(model_file, json_text(to_json(model)));
    testbed.run({"probe", "--quiet", "--hosts", testbed.hosts_file(), "--threads", "1", "--model",
                 model_file, "--measurements", directory / ("measured-" + number + ".json"), "-o",
                 file});
    stop_if_interrupted();
    const Cluster measured = read_cluster(file);
    return {.measured = measured,
            .calibration =
                calibration_of(addressed, measured, options_.suite_file.string(), file.string())};
  }

  /// In the first rounds by each host that is to be measured, too: one that cannot is not to lose
  /// the others, and stays as fast as stated, or beside others as fast as alone.
  void profile(std::size_t g, GroupProfiler& profiler) {
    const Cluster& stated = suite_.clusters.at(suite_.groups[g].cluster);
    options_.on_start(group_name(suite_.groups[g]) + ": profiling");
    const std::int64_t number = groups_[g].num_profiles + 1;
    profiler.profile_whole_processors(number);
    constexpr std::int64_t kMostOfHosts = 3;
    for (const std::size_t h : hosts_to_measure(stated)) {
      if (number > kMostOfHosts) break;
      try {
        profiler.profile_host(h, number);
      } catch (const std::exception& error) {
        stop_if_interrupted();
        const std::string& host = stated.hosts[h].name;
        groups_[g].profile_failures[host].push_back("profile " + std::to_string(number) + ": " +
                                                    error.what());
        options_.on_start("the speed of " + host + " is not all measured: " + error.what());
      }
    }
    groups_[g].num_profiles = number;
    for (const auto& [file, seconds] : profiler.yardsticks_s())
      groups_[g].yardsticks_s[file] = seconds;
    write(g);
  }

  void measure_group(std::size_t g, const Cluster& cluster, const Testbed& testbed,
                     Yardstick& yardstick) {
    write_file(directory(g) / "cluster.json", json_text(to_json(cluster)));
    const FidelityGroup& group = suite_.groups[g];
    GroupProfiler profiler(group, models_.at(group.model), suite_.clusters.at(group.cluster),
                           suite_.method, directory(g), scene_, testbed, yardstick);
    if (groups_[g].num_profiles == 0) profile(g, profiler);
    make_plans(g, with_measured_speeds(
                      cluster,
                      {.group = directory(g), .count = 1, .yardsticks_s = groups_[g].yardsticks_s},
                      ProfileKind::kAlone));
    for (std::int64_t round = 0; round < suite_.method.most_runs; ++round) {
      bool is_whole = true;
      for (MeasuredPlan& plan : groups_[g].plans) {
        const auto tried = static_cast<std::int64_t>(plan.runs.size() + plan.failures.size());
        if (!plan.error.empty() || note_agreement(plan.runs, suite_.method) ||
            tried >= suite_.method.most_runs)
          continue;
        is_whole = false;
        run_once(g, plan, testbed, yardstick);
        write(g);
      }
      if (is_whole) break;
      profile(g, profiler);
    }
    groups_[g].is_done = true;
    write(g);
  }

  void make_plans(std::size_t g, const Cluster& cluster) {
    const FidelityGroup& group = suite_.groups[g];
    const Profile profile = read_profile(profile_file(directory(g), 1, ProfileKind::kAlone));
    for (MeasuredPlan& plan : groups_[g].plans) {
      const fs::path file = directory(g) / directory_name(plan.asked) / "plan.json";
      if (fs::exists(file) || !plan.error.empty()) continue;
      options_.on_start(group_name(group) + ": planning " + plan_name(plan.asked));
      PlannerOptions planner{.batch_size = group.batch_size,
                             .strategy = plan.asked.strategy,
                             .optimizer = {.kind = OptimizerKind::kAdamW, .averages_weights = true},
                             .patience_s = default_patience_s(profile, cluster),
                             .with_alternatives = false};
      if (plan.asked.micro_batches) planner.micro_batches = {*plan.asked.micro_batches};
      if (plan.asked.averaging_period) planner.averaging_period = *plan.asked.averaging_period;
      try {
        const PlanDocument document = make_plan(profile, cluster, planner);
        if (!document.search.feasible) throw std::runtime_error("no plan fits in memory");
        write_file(file, json_text(to_json(document)));
      } catch (const std::exception& error) {  // is a result: of this plan alone
        plan.error = error.what();
      }
      write(g);
    }
  }

  void run_once(std::size_t g, MeasuredPlan& plan, const Testbed& testbed,
                Yardstick& yardstick) const {
    const std::size_t number = plan.runs.size() + plan.failures.size() + 1;
    options_.on_start(group_name(suite_.groups[g]) + ": " + plan_name(plan.asked) + ", run " +
                      std::to_string(number));
    const std::string name = directory_name(plan.asked);
    const std::string run_name = name + "/run-" + std::to_string(number);
    const fs::path output = directory(g) / run_name;
    try {
      fs::remove_all(output);  // of a run that was interrupted
      const PlanDocument document = read_plan(directory(g) / name / "plan.json");
      const std::int64_t averaging_period = document.plan.averaging_period;
      yardstick.begin();
      testbed.run({"run",
                   "--quiet",
                   "--plan",
                   directory(g) / name / "plan.json",
                   "--data",
                   scene_,
                   "--hosts",
                   testbed.hosts_file(),
                   "--steps",
                   std::to_string(num_steps_of_run(suite_.method, averaging_period)),
                   "--validate-every",
                   "0",
                   "--checkpoint-every",
                   "0",
                   "--test-samples",
                   "1",
                   "--random-weights",
                   "--timeline-quantile",
                   number_text(suite_.method.quantile),
                   "-o",
                   output});
      const RunRecord run = read_run(output / "run.json");
      std::vector<double> ends_s;
      for (const TrainingStep& step : run.steps) ends_s.push_back(step.end_s);
      // The steps are what a run ends with, but for its records.
      constexpr double kRecords_s = 2;
      const std::map<int, double> seconds =
          yardstick.seconds(suite_.method.quantile, ends_s.back() + kRecords_s);
      plan.runs.push_back(run_figure(ends_s, suite_.method, averaging_period));
      RunPlace& place = plan.places.emplace_back(
          RunPlace{.directory = run_name, .after_profile = groups_[g].num_profiles});
      for (const auto& [host, processors] : testbed.processors())
        if (const auto mean_s = mean_of(seconds, processors)) place.yardsticks_s[host] = *mean_s;
      fs::remove(output / "weights.pt");
    } catch (const std::exception& error) {
      stop_if_interrupted();
      plan.failures.push_back("run " + std::to_string(number) + ": " + error.what());
    }
  }

  const FidelitySuite& suite_;
  const FidelityOptions& options_;
  std::map<std::string, ModelGraph> models_;
  std::vector<MeasuredGroup> groups_;
  fs::path scene_;
};

}  // namespace

fs::path group_directory(const fs::path& directory, std::size_t group) {
  return directory / ("group-" + std::to_string(group));
}

void measure_suite(const FidelitySuite& suite, const FidelityOptions& options) {
  const Interruptible interruptible;
  Measurements(suite, options).run();
}

}  // namespace cadastre
