#include "planner/fidelity/comparison.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "planner/cost_model.h"
#include "planner/fidelity/ablation.h"
#include "planner/fidelity/contention.h"
#include "planner/fidelity/difference.h"
#include "planner/fidelity/host_speed.h"
#include "planner/fidelity/measure.h"
#include "planner/fidelity/measured_group.h"
#include "planner/fidelity/profile_files.h"
#include "planner/fidelity/repeated_profile.h"
#include "planner/fidelity/step_speeds.h"
#include "planner/fidelity/testbed.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/memory.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/run_record.h"
#include "planner/simulation.h"
#include "planner/subprocess.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

Simulation simulate_document(const PlanDocument& document, const fs::path& directory) {
  const fs::path plan = directory / "compared-plan.json";
  const fs::path simulation = directory / "simulation.json";
  write_file(plan, json_text(to_json(document)));
  const SisterOutput done =
      capture_sister("cadastre-simulator",
                     {"simulate", "--plan", plan.string(), "--quiet", "-o", simulation.string()});
  if (done.status != 0)
    throw std::runtime_error("the simulator ended with status " + std::to_string(done.status));
  return read_simulation(simulation);
}

int num_hosts(const Program& program) { return static_cast<int>(program.ranks.size()); }

Timeline predicted_step(const Program& program, const PlanDocument& document) {
  return evaluate(program,
                  program_costs(program, document.plan, document.profile, document.cluster),
                  document.cluster);
}

/// What computing takes, as measured alone, or beside others that compute.
struct MeasuredCosts {
  std::map<std::int64_t, Profile> profiles;     ///< by whole processors, by number
  std::map<std::size_t, HostProfile> on_hosts;  ///< of the testbed, that are to be measured
  Cluster cluster;  ///< as the probe says, of hosts as fast as those say
};

/// The typical one of those at the moments of the plan's runs. What is told within a profile, how
/// much longer one thing takes than another, does not drift with the machine: of that the typical
/// one of all profiles, which varies less.
Profile profile_of(const std::map<std::int64_t, Profile>& profiles, const MeasuredPlan& plan) {
  std::vector<Profile> beside_runs;
  for (const std::int64_t number : profiles_beside_runs(plan))
    if (const auto found = profiles.find(number); found != profiles.end())
      beside_runs.push_back(found->second);
  if (beside_runs.empty()) throw std::runtime_error("no profile was taken next to its runs");
  std::vector<Profile> all;
  for (const auto& [number, profile] : profiles) all.push_back(profile);
  const Profile typical = typical_profile(all);
  Profile profile = typical_profile(beside_runs);
  profile.caches = typical.caches;
  profile.waits = typical.waits;
  profile.parts = typical.parts;
  return profile;
}

/// What a group's plans are predicted from.
struct Measured {
  MeasuredCosts alone;
  MeasuredCosts beside;  ///< of one processor, again those alone
  Cluster stated;
  double usual_yardstick_s = 0;  ///< of the moment whose costs those are; 0 where not measured
};

class Comparison {
 public:
  Comparison(const FidelitySuite& suite, const fs::path& directory, const Assumptions& assumptions)
      : suite_(suite), directory_(directory), assumptions_(assumptions) {}

  /// All points of a group.
  [[nodiscard]] std::vector<FidelityPoint> points(std::size_t g) const {
    const fs::path place = group_directory(directory_, g);
    MeasuredGroup group = measured_group(g);
    const Measured measured = read_measured(g, profile_place(g, group));
    std::vector<FidelityPoint> points;
    for (MeasuredPlan& plan : group.plans) {
      note_agreement(plan.runs, suite_.method);
      FidelityPoint point;
      point.group = g;
      point.asked = plan.asked;
      point.failures = plan.failures;
      point.runs = plan.runs;
      if (!plan.error.empty())
        point.error = plan.error;
      else if (plan.runs.empty())
        point.error = plan.failures.empty() ? "not measured yet" : plan.failures.back();
      else
        compare_or_say(plan, measured, place, point);
      points.push_back(std::move(point));
    }
    return points;
  }

  [[nodiscard]] std::vector<MeasuredSpeed> host_speeds(std::size_t g) const {
    const Cluster& stated = suite_.clusters.at(suite_.groups[g].cluster);
    const MeasuredGroup group = measured_group(g);
    const ProfilePlace place = profile_place(g, group);
    const std::map<std::size_t, double> measured =
        measured_speeds(stated, place, ProfileKind::kAlone);
    const std::map<std::size_t, double> beside =
        measured_speeds(stated, place, ProfileKind::kBesideOthers);
    const Cluster as_stated = with_speeds(stated, {});
    std::vector<MeasuredSpeed> speeds;
    for (const std::size_t h : hosts_to_measure(stated)) {
      const Host& host = stated.hosts[h];
      MeasuredSpeed& speed =
          speeds.emplace_back(MeasuredSpeed{.group = g,
                                            .host = host.name,
                                            .num_threads = profiled_threads(stated),
                                            .stated = as_stated.hosts[h].relative_speed,
                                            .measured = std::nullopt,
                                            .beside_others = std::nullopt,
                                            .failures = {}});
      if (const auto found = measured.find(h); found != measured.end())
        speed.measured = found->second;
      if (const auto found = beside.find(h); found != beside.end())
        speed.beside_others = found->second;
      if (const auto found = group.profile_failures.find(host.name);
          found != group.profile_failures.end())
        speed.failures = found->second;
    }
    return speeds;
  }

 private:
  /// As far as it is measured.
  [[nodiscard]] MeasuredGroup measured_group(std::size_t g) const {
    const fs::path file = group_directory(directory_, g) / "measured.json";
    if (fs::exists(file)) return read_measured_group(file);
    MeasuredGroup group;
    for (const FidelityPlan& plan : suite_.groups[g].plans) group.plans.push_back({.asked = plan});
    return group;
  }

  [[nodiscard]] ProfilePlace profile_place(std::size_t g, const MeasuredGroup& group) const {
    ProfilePlace place{
        .group = group_directory(directory_, g), .count = group.num_profiles, .yardsticks_s = {}};
    if (assumptions_.moments_differ) place.yardsticks_s = group.yardsticks_s;
    return place;
  }

  [[nodiscard]] MeasuredCosts read_costs(std::size_t g, const ProfilePlace& place,
                                         ProfileKind kind) const {
    const Cluster& stated = suite_.clusters.at(suite_.groups[g].cluster);
    MeasuredCosts costs{.profiles = read_profiles(place, kind), .on_hosts = {}, .cluster = {}};
    if (const fs::path file = place.group / "cluster.json"; fs::exists(file)) {
      const Cluster probed = read_cluster(file);
      costs.cluster = assumptions_.speeds_are_measured ? with_measured_speeds(probed, place, kind)
                                                       : with_speeds(probed, {});
    }
    if (assumptions_.speeds_are_measured) costs.on_hosts = host_profiles(stated, place, kind);
    return costs;
  }

  [[nodiscard]] Measured read_measured(std::size_t g, const ProfilePlace& place) const {
    const Cluster& stated = suite_.clusters.at(suite_.groups[g].cluster);
    Measured measured{.alone = read_costs(g, place, ProfileKind::kAlone),
                      .beside = read_costs(g, place, ProfileKind::kBesideOthers),
                      .stated = stated,
                      .usual_yardstick_s = usual_yardstick_s(place)};
    if (measured.beside.profiles.empty()) measured.beside.profiles = measured.alone.profiles;
    if (const int num_threads = profiled_threads(stated);
        num_threads > 1 && !assumptions_.threads_are_measured) {
      // Nothing says what they lose beside others.
      measured.alone.profiles = read_profiles(place, ProfileKind::kByOneThread);
      for (Host& host : measured.alone.cluster.hosts) {
        host.transport_speed = transport_speed(host);
        host.relative_speed *= num_threads;
      }
      measured.beside = measured.alone;
    }
    return measured;
  }

  /// What cannot be compared (the simulator refuses it, a file is damaged) is not to lose the
  /// others.
  void compare_or_say(const MeasuredPlan& plan, const Measured& measured, const fs::path& place,
                      FidelityPoint& point) const {
    try {
      compare(plan, measured, place, point);
    } catch (const std::exception& error) {
      point.error = std::string("measured, but not compared: ") + error.what();
    }
  }

  void compare(const MeasuredPlan& plan, const Measured& measured, const fs::path& place,
               FidelityPoint& point) const {
    const fs::path of_plan = place / directory_name(plan.asked);
    PlanDocument document = read_plan(of_plan / "plan.json");
    document.alternatives.clear();
    document.runners_up.clear();
    PlanDocument contended = with_costs(document, plan, measured, measured.beside);
    document = with_costs(document, plan, measured, measured.alone);
    if (measured.beside.on_hosts.empty()) contended.cluster = document.cluster;
    if (assumptions_.hosts_contend) allow_for_contention(document, contended, measured.stated);
    document.cluster = at_step_quantile(document, suite_.method.quantile);
    const Program program = lower(document.plan, document.profile.model, document.cluster);
    point.plan = study_plan(document.plan);
    point.num_hosts = num_hosts(program);

    const Timeline predicted = predicted_step(program, document);
    point.predicted = step_figures(predicted);
    point.predicted.traffic_bytes = traffic_bytes(program);
    const std::vector<RankMemory> memory =
        program_memory(program, document.plan, document.profile, document.cluster);
    for (std::size_t r = 0; r < memory.size(); ++r)
      point.predicted.hosts[r].peak_memory_bytes = memory[r].peak_bytes();

    const Simulation simulation = simulate_document(document, of_plan);
    const SimulatedPlan& simulated = simulation.plans.front();
    point.simulated = step_figures(simulated.timeline);
    point.simulated.step_s = simulated.simulated_step_s;
    point.simulated.traffic_bytes = simulated.traffic_bytes_per_step;
    for (std::size_t r = 0; r < simulated.figures.hosts.size(); ++r)
      point.simulated.hosts[r].peak_memory_bytes = simulated.figures.hosts[r].peak_memory_bytes;

    add_measured(plan, place, document, simulated.timeline, point);
  }

  [[nodiscard]] PlanDocument with_costs(PlanDocument document, const MeasuredPlan& plan,
                                        const Measured& measured,
                                        const MeasuredCosts& costs) const {
    document.profile = profile_of(costs.profiles, plan);
    document.cluster = costs.cluster;
    document.cluster = with_speeds_at_work(document, measured.stated, costs.on_hosts);
    document.cluster = with_step_spreads(document, measured.stated, costs.on_hosts);
    if (measured.usual_yardstick_s > 0) {
      std::map<std::string, double> factors;
      for (const auto& [host, seconds] : yardsticks_beside_runs(plan))
        factors[host] = seconds / measured.usual_yardstick_s;
      document.cluster = slowed(document.cluster, factors);
    }
    assumptions_.change(document);
    return document;
  }

  void allow_for_contention(PlanDocument& document, const PlanDocument& contended,
                            const Cluster& stated) const {
    const Program program = lower(document.plan, document.profile.model, document.cluster);
    std::vector<double> processors;
    for (const RankProgram& rank : program.ranks) {
      const Host& host = stated.hosts[static_cast<std::size_t>(rank.host_index)];
      processors.push_back(host.cores * host.relative_speed);
    }
    const UseBeside use =
        mean_use_beside(predicted_step(program, document), processors, num_processors(stated));
    document.profile = between(document.profile, contended.profile, use);
    document.cluster = between(document.cluster, contended.cluster, use.computing);
  }

  void add_measured(const MeasuredPlan& plan, const fs::path& place, const PlanDocument& document,
                    const Timeline& simulated, FidelityPoint& point) const {
    const double median_s = median_run_s(plan.runs);
    const auto typical =
        std::find_if(plan.runs.begin(), plan.runs.end(),
                     [&](const FidelityRun& run) { return run.step_s == median_s; });
    const fs::path run =
        place / plan.places[static_cast<std::size_t>(typical - plan.runs.begin())].directory;
    const Timeline timeline = read_timeline(run / "timeline.json");
    point.measured = step_figures(timeline);
    point.measured.traffic_bytes = read_run(run / "run.json").traffic_bytes_per_step;
    point.measured.step_s = 0;
    double count = 0;
    for (const FidelityRun& each : plan.runs) {
      if (!each.agrees) continue;
      point.measured.step_s += each.step_s;
      ++count;
    }
    point.measured.step_s /= count;
    if (document.plan.averaging_period > 0) {
      // Of a round's steps the timeline shows one, which does not stand for the others.
      point.measured.hosts.clear();
      point.measured.kinds.clear();
      point.explanation = "a step of a round, which the timeline does not show";
      return;
    }
    point.explanation = explain_difference(timeline, simulated, document.profile.model);
  }

  const FidelitySuite& suite_;
  const fs::path& directory_;
  const Assumptions& assumptions_;
};

}  // namespace

Fidelity compare_suite(const FidelitySuite& suite, const fs::path& directory,
                       const Assumptions& assumptions,
                       const std::function<void(const std::string& what)>& on_start) {
  Fidelity fidelity{.suite = suite.name,
                    .description = suite.description,
                    .method = suite.method,
                    .groups = suite.groups};
  const Comparison comparison(suite, directory, assumptions);
  for (std::size_t g = 0; g < suite.groups.size(); ++g) {
    on_start(group_name(suite.groups[g]) + ": predicting and simulating");
    for (FidelityPoint& point : comparison.points(g)) fidelity.points.push_back(std::move(point));
    for (MeasuredSpeed& speed : comparison.host_speeds(g))
      fidelity.host_speeds.push_back(std::move(speed));
    const fs::path profile = profile_file(group_directory(directory, g), 1, ProfileKind::kAlone);
    if (fidelity.machine.empty() && fs::exists(profile))
      fidelity.machine = read_profile(profile).device;
  }
  return fidelity;
}

std::vector<AblationFigures> ablate_suite(const Fidelity& whole, const FidelitySuite& suite,
                                          const fs::path& directory, const Assumptions& assumptions,
                                          const std::function<void(const std::string&)>& on_start) {
  std::vector<AblationFigures> figures;
  for (const Ablation& ablation : ablations()) {
    on_start("without " + ablation.left_out);
    Assumptions less = assumptions;
    less.change = [&](PlanDocument& document) {
      assumptions.change(document);
      ablation.apply(document);
    };
    if (ablation.assumption != nullptr) less.*ablation.assumption = false;
    const Fidelity without = compare_suite(suite, directory, less);
    figures.push_back(ablation_figures(ablation, whole, without));
  }
  return figures;
}

}  // namespace cadastre
