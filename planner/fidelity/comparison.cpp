#include "planner/fidelity/comparison.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "planner/cost_model.h"
#include "planner/fidelity/ablation.h"
#include "planner/fidelity/difference.h"
#include "planner/fidelity/measure.h"
#include "planner/fidelity/measured_group.h"
#include "planner/fidelity/summary.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/memory.h"
#include "planner/program.h"
#include "planner/program_costs.h"
#include "planner/run_record.h"
#include "planner/simulation.h"
#include "planner/subprocess.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

double seconds_at(const Profile& profile, std::size_t size) {
  double seconds = 0;
  for (const LayerProfile& layer : profile.layers)
    seconds += layer.measurements[size].forward_s + layer.measurements[size].backward_s;
  return seconds;
}

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

class Comparison {
 public:
  Comparison(const FidelitySuite& suite, const fs::path& directory,
             const std::function<void(PlanDocument&)>& change)
      : suite_(suite), directory_(directory), change_(change) {}

  /// All points of a group.
  [[nodiscard]] std::vector<FidelityPoint> points(std::size_t g) const {
    const fs::path place = group_directory(directory_, g);
    MeasuredGroup group;
    if (fs::exists(place / "measured.json"))
      group = read_measured_group(place / "measured.json");
    else
      for (const FidelityPlan& plan : suite_.groups[g].plans)
        group.plans.push_back({.asked = plan});
    std::vector<Profile> profiles;
    for (std::int64_t i = 1; i <= group.num_profiles; ++i)
      profiles.push_back(read_profile(place / ("profile-" + std::to_string(i) + ".json")));
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
        compare_or_say(plan, profiles, place, point);
      points.push_back(std::move(point));
    }
    return points;
  }

 private:
  /// What cannot be compared (the simulator refuses it, a file is damaged) is not to lose the
  /// others.
  void compare_or_say(const MeasuredPlan& measured, const std::vector<Profile>& profiles,
                      const fs::path& place, FidelityPoint& point) const {
    try {
      compare(measured, least_disturbed(profiles), place, point);
    } catch (const std::exception& error) {
      point.error = std::string("measured, but not compared: ") + error.what();
    }
  }

  void compare(const MeasuredPlan& measured, const Profile& profile, const fs::path& place,
               FidelityPoint& point) const {
    const fs::path of_plan = place / directory_name(measured.asked);
    PlanDocument document = read_plan(of_plan / "plan.json");
    document.profile = profile;
    document.cluster = read_cluster(place / "cluster.json");
    document.alternatives.clear();
    document.runners_up.clear();
    change_(document);
    const Program program = lower(document.plan, document.profile.model, document.cluster);
    point.plan = study_plan(document.plan);
    point.num_hosts = num_hosts(program);

    const Timeline predicted =
        evaluate(program, program_costs(program, document.plan, document.profile, document.cluster),
                 document.cluster);
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

    add_measured(measured, place, document, simulated.timeline, point);
  }

  void add_measured(const MeasuredPlan& measured, const fs::path& place,
                    const PlanDocument& document, const Timeline& simulated,
                    FidelityPoint& point) const {
    const auto fastest = std::min_element(
        measured.runs.begin(), measured.runs.end(),
        [](const FidelityRun& a, const FidelityRun& b) { return a.step_s < b.step_s; });
    const fs::path run =
        place / measured.run_directories[static_cast<std::size_t>(fastest - measured.runs.begin())];
    const Timeline timeline = read_timeline(run / "timeline.json");
    point.measured = step_figures(timeline);
    point.measured.traffic_bytes = read_run(run / "run.json").traffic_bytes_per_step;
    point.measured.step_s = 0;
    double count = 0;
    for (const FidelityRun& each : measured.runs) {
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
  const std::function<void(PlanDocument&)>& change_;
};

}  // namespace

Profile least_disturbed(const std::vector<Profile>& profiles) {
  Profile least = profiles.front();
  for (std::size_t size = 0; size < least.layers.front().measurements.size(); ++size) {
    const Profile& fastest = *std::min_element(profiles.begin(), profiles.end(),
                                               [&](const Profile& a, const Profile& b) {
                                                 return seconds_at(a, size) < seconds_at(b, size);
                                               });
    for (std::size_t i = 0; i < least.layers.size(); ++i)
      least.layers[i].measurements[size] = fastest.layers[i].measurements[size];
  }
  for (const Profile& profile : profiles) {
    least.load_s_per_sample = std::min(least.load_s_per_sample, profile.load_s_per_sample);
    least.loss_s_per_sample = std::min(least.loss_s_per_sample, profile.loss_s_per_sample);
    for (double Profile::*const seconds :
         {&Profile::optimizer_s_per_parameter_byte, &Profile::adamw_s_per_parameter_byte,
          &Profile::average_s_per_parameter_byte})
      least.*seconds = std::min(least.*seconds, profile.*seconds);
  }
  for (LayerProfile& layer : least.layers)
    layer.fit_error = leave_one_out_error(layer.measurements);
  return least;
}

Fidelity compare_suite(const FidelitySuite& suite, const fs::path& directory,
                       const std::function<void(PlanDocument&)>& change,
                       const std::function<void(const std::string& what)>& on_start) {
  Fidelity fidelity{.suite = suite.name,
                    .description = suite.description,
                    .method = suite.method,
                    .groups = suite.groups};
  const Comparison comparison(suite, directory, change);
  for (std::size_t g = 0; g < suite.groups.size(); ++g) {
    on_start(group_name(suite.groups[g]) + ": predicting and simulating");
    for (FidelityPoint& point : comparison.points(g)) fidelity.points.push_back(std::move(point));
    const fs::path profile = group_directory(directory, g) / "profile-1.json";
    if (fidelity.machine.empty() && fs::exists(profile))
      fidelity.machine = read_profile(profile).device;
  }
  return fidelity;
}

std::vector<AblationFigures> ablate_suite(const FidelitySuite& suite, const fs::path& directory,
                                          const std::function<void(PlanDocument&)>& change,
                                          const std::function<void(const std::string&)>& on_start) {
  std::vector<AblationFigures> figures;
  for (const Ablation& ablation : ablations()) {
    on_start("without " + ablation.left_out);
    const Fidelity without = compare_suite(suite, directory, [&](PlanDocument& document) {
      change(document);
      ablation.apply(document);
    });
    AblationFigures& added = figures.emplace_back();
    added.name = ablation.name;
    added.left_out = ablation.left_out;
    for (const FidelitySummary& summary : summarize(without)) {
      if (summary.part == "all") {
        added.simulated = summary.simulated.step.median;
        added.predicted = summary.predicted.step.median;
      } else if (summary.part == "held out") {
        added.held_out_simulated = summary.simulated.step.median;
        added.held_out_predicted = summary.predicted.step.median;
      }
    }
  }
  return figures;
}

}  // namespace cadastre
