#include "planner/run_calibration/measured_run.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/error.h"
#include "planner/lowering.h"
#include "planner/refusal.h"
#include "planner/run_calibration/parameters.h"
#include "planner/run_record.h"

namespace cadastre::run_calibration {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPlanFile = "plan.json";
constexpr const char* kRunFile = "run.json";
constexpr const char* kTimelineFile = "timeline.json";

void check_files(const fs::path& directory) {
  if (!fs::is_directory(directory))
    throw InputError(directory.string(), "",
                     "expected a directory that `cadastre run` wrote, found " +
                         std::string(fs::exists(directory) ? "a file" : "none"));
  for (const char* name : {kRunFile, kPlanFile, kTimelineFile})
    if (!fs::is_regular_file(directory / name))
      throw InputError((directory / name).string(), "",
                       "expected what `cadastre run` leaves in its directory (run.json, plan.json, "
                       "timeline.json), found no such file");
}

/// Mean over whole periods of averaging, from the end of the first step on.
double mean_step_s(const RunRecord& run, std::int64_t period, const std::string& file) {
  const auto num_after_first = static_cast<std::int64_t>(run.steps.size()) - 1;
  const std::int64_t counted = num_after_first / period * period;
  if (counted == 0)
    throw InputError(file, "/steps",
                     "expected " + std::to_string(period + 1) +
                         " steps at least, one and a period of averaging, found " +
                         std::to_string(run.steps.size()));
  const auto last = static_cast<std::size_t>(counted);
  return (run.steps[last].end_s - run.steps[0].end_s) / static_cast<double>(counted);
}

double step_seconds(const RunRecord& run, std::int64_t averaging_period, const std::string& file) {
  if (!run.failures.empty())
    throw InputError(file, "/failures",
                     "expected a run without failures, whose steps are all alike, found " +
                         std::to_string(run.failures.size()) + " (" + run.failures.front().host +
                         " " + run.failures.front().cause + ")");
  if (run.steps.size() < 2)
    throw InputError(file, "/steps",
                     "expected two steps at least, as the first is not typical, found " +
                         std::to_string(run.steps.size()));
  if (averaging_period > 0) return mean_step_s(run, averaging_period, file);
  if (!(run.measured_step_s > 0))
    throw InputError(file, "/measured/step_s",
                     "expected more than 0, found " + number_text(run.measured_step_s));
  return run.measured_step_s;
}

using Counts = std::map<InstructionKind, std::size_t>;

/// What the timeline has is what the program says.
void check_timeline(const Program& program, const Timeline& timeline, const std::string& file) {
  if (timeline.source != "measured")
    throw InputError(file, "/source", "expected \"measured\", found " + in_quotes(timeline.source));
  if (timeline.ranks.size() != program.ranks.size())
    throw InputError(file, "/ranks",
                     "expected the " + std::to_string(program.ranks.size()) +
                         " ranks of plan.json beside it, found " +
                         std::to_string(timeline.ranks.size()));
  std::vector<Counts> planned(program.ranks.size());
  std::vector<Counts> found(program.ranks.size());
  for (std::size_t r = 0; r < program.ranks.size(); ++r) {
    if (timeline.ranks[r].host != program.ranks[r].host)
      throw InputError(file, "/ranks/" + std::to_string(r) + "/host",
                       "expected " + in_quotes(program.ranks[r].host) +
                           ", as in plan.json beside it, found " +
                           in_quotes(timeline.ranks[r].host));
    for (const Instruction& instruction : program.ranks[r].instructions)
      ++planned[r][instruction.kind];
  }
  for (const TimelineEvent& event : timeline.events)
    ++found[static_cast<std::size_t>(event.rank)][event.kind];
  for (std::size_t r = 0; r < program.ranks.size(); ++r)
    for (std::size_t k = 0; k < instruction_names().size(); ++k) {
      const auto kind = static_cast<InstructionKind>(k);
      if (planned[r][kind] == found[r][kind]) continue;
      std::string message = "expected the " + std::to_string(planned[r][kind]) + " events ";
      message += in_quotes(instruction_name(kind)) + " that rank " + std::to_string(r);
      message += " has by plan.json beside it, found " + std::to_string(found[r][kind]);
      throw InputError(file, "/events", message);
    }
}

std::vector<std::string> host_names(const Cluster& cluster) {
  std::vector<std::string> names;
  for (const Host& host : cluster.hosts) names.push_back(host.name);
  return names;
}

/// A cluster's document without what may differ from run to run.
nlohmann::json comparable(const MeasuredRun& run, const Constants& constants) {
  Constants of_run{.cluster = run.document.cluster, .profiles = {run.document.profile}};
  for (const ParameterKind& kind : parameter_kinds())
    if (kind.scope != Scope::kModel && !kind.is_extra)
      for (std::size_t i = 0; i < kind.count(of_run); ++i)
        kind.put(of_run, i, kind.get(constants, i));
  of_run.cluster.name.clear();
  of_run.cluster.description.clear();
  return to_json(of_run.cluster);
}

}  // namespace

MeasuredRun measured_run(const fs::path& directory, PlanDocument document, double step_s,
                         Timeline timeline) {
  MeasuredRun run;
  run.name = directory.string();
  run.document = std::move(document);
  run.program = lower(run.document.plan, run.document.profile.model, run.document.cluster);
  run.step_s = step_s;
  run.timeline = std::move(timeline);
  check_timeline(run.program, run.timeline, (directory / kTimelineFile).string());
  return run;
}

MeasuredRun read_measured_run(const fs::path& directory) {
  check_files(directory);
  PlanDocument document = read_plan(directory / kPlanFile);
  Timeline timeline = read_timeline(directory / kTimelineFile);
  double step_s = step_seconds(read_run(directory / kRunFile), document.plan.averaging_period,
                               (directory / kRunFile).string());
  // Of one step with what its instructions took.
  if (document.plan.averaging_period == 0 && timeline.step_s > 0) step_s = timeline.step_s;
  return measured_run(directory, std::move(document), step_s, std::move(timeline));
}

void check_comparable(const std::vector<MeasuredRun>& runs) {
  if (runs.empty()) return;
  const MeasuredRun& first = runs.front();
  const Constants constants{.cluster = first.document.cluster,
                            .profiles = {first.document.profile}};
  const nlohmann::json expected = comparable(first, constants);
  for (const MeasuredRun& run : runs) {
    const std::string file = (fs::path(run.name) / kPlanFile).string();
    const std::vector<std::string> names = host_names(run.document.cluster);
    if (names != host_names(first.document.cluster))
      throw InputError(file, "/cluster/hosts",
                       "expected the hosts of " + first.name + " (" +
                           listed(host_names(first.document.cluster)) + "), found " +
                           listed(names));
    const nlohmann::json difference = nlohmann::json::diff(expected, comparable(run, constants));
    if (!difference.empty())
      throw InputError(
          file, "/cluster" + difference[0].at("path").get<std::string>(),
          "expected the cluster of " + first.name + " but for what is fitted, found another");
    const Profile& profile = run.document.profile;
    const Profile& of_first = first.document.profile;
    if (profile.device != of_first.device)
      throw InputError(file, "/profile/device",
                       "expected " + in_quotes(of_first.device) + ", as in " + first.name +
                           ", found " + in_quotes(profile.device));
    if (profile.num_threads != of_first.num_threads)
      throw InputError(file, "/profile/num_threads",
                       "expected " + std::to_string(of_first.num_threads) + ", as in " +
                           first.name + ", found " + std::to_string(profile.num_threads));
  }
}

}  // namespace cadastre::run_calibration
