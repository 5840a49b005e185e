#include "executor/probe/probe.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <sstream>
#include <utility>

#include "executor/launch/host_names.h"
#include "executor/launch/meetings.h"
#include "executor/launch/preflight.h"
#include "executor/launch/rank_assignment.h"
#include "executor/probe/default_model.h"
#include "executor/probe/probe_job.h"
#include "executor/probe/probe_warnings.h"
#include "executor/probe/probed_cluster.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/profile.h"

namespace cadastre {

namespace {

constexpr int kWrongRequest = 2;
constexpr int kMostRounds = 32;         // of about two seconds each
constexpr int kNumReducedSizes = 7;     // at most
constexpr std::size_t kMostNames = 32;  // to be looked up by each rank

/// The same in all ranks of a start, and another than a run's.
std::string probe_request() { return fingerprint("probe"); }

/// What there is to do, checked before anything starts.
struct CheckedProbe {
  ModelGraph model;
  bool model_is_default = false;
  std::optional<Profile> profile;
  std::vector<std::string> names;  ///< of the hosts; empty where a launcher started the ranks
  int num_ranks = 1;
  std::string cluster_name;
};

void check_launch(const ProbeOptions& options,
                  const std::optional<LauncherEnvironment>& environment) {
  const std::string expected =
      "cadastre probe: expected --local N, --hosts FILE, or to be started by Slurm, mpirun or "
      "torchrun, found ";
  const std::string see = "; `cadastre probe --help` shows an example";
  if (options.num_local_ranks > 0 && !options.launch.hosts.empty())
    throw InputError("", "", expected + "both --local and --hosts" + see);
  if (options.num_local_ranks == 0 && options.launch.hosts.empty() && !environment)
    throw InputError("", "", expected + "none of these" + see);
}

void read_model_of(const ProbeOptions& options, CheckedProbe& checked) {
  if (!options.profile.empty()) checked.profile = read_profile(options.profile);
  if (!options.model.empty()) {
    checked.model = read_model(options.model);
    check_executable(checked.model, options.model.string(), "");
    if (checked.profile && checked.profile->model != checked.model)
      throw InputError(
          options.model.string(), "",
          "expected the model of the profile (" + checked.profile->model.name + "), found another" +
              (checked.model.name == checked.profile->model.name ? std::string(" of that name")
                                                                 : ": " + checked.model.name));
  } else if (checked.profile) {
    checked.model = checked.profile->model;
    check_executable(checked.model, options.profile.string(), "/model");
  } else {
    checked.model = default_model();
    checked.model_is_default = true;
  }
}

CheckedProbe check_probe(const ProbeOptions& options,
                         const std::optional<LauncherEnvironment>& environment) {
  check_launch(options, environment);
  CheckedProbe checked;
  read_model_of(options, checked);
  for (const std::filesystem::path& output : options.outputs)
    if (!output.empty()) check_can_write(output);
  if (environment) {
    checked.num_ranks = environment->num_ranks;
    checked.cluster_name = "probed";
  } else if (options.num_local_ranks > 0) {
    checked.num_ranks = options.num_local_ranks;
    checked.cluster_name = "local-" + std::to_string(options.num_local_ranks);
    for (int rank = 0; rank < checked.num_ranks; ++rank)
      checked.names.push_back("local-" + std::to_string(rank + 1));
  } else {
    checked.names = names_of_hosts(read_hosts(options.launch.hosts));
    checked.num_ranks = static_cast<int>(checked.names.size());
    checked.cluster_name = options.launch.hosts.stem().string();
  }
  return checked;
}

std::string rank_name(int rank, const std::string& host) {
  return "rank " + std::to_string(rank) + " (host " + host + ")";
}

std::vector<RankStart> rank_starts(const ProbeOptions& options, const CheckedProbe& checked) {
  std::vector<RankStart> starts(static_cast<std::size_t>(checked.num_ranks));
  for (std::size_t r = 0; r < starts.size(); ++r) {
    starts[r].arguments = {"probe-rank"};
    starts[r].num_threads = std::max(1, options.num_threads);
    if (checked.names.empty()) continue;
    starts[r].host = checked.names[r];
    starts[r].name = rank_name(static_cast<int>(r), checked.names[r]);
  }
  return starts;
}

class Probing {
 public:
  Probing(const ProbeOptions& options, const CheckedProbe& checked,
          const std::function<void(int done, int total)>& progress)
      : options_(options),
        checked_(checked),
        progress_(progress),
        group_(options.launch, rank_starts(options, checked), probe_request()),
        coordinator_(group_.coordinator()),
        reports_(static_cast<std::size_t>(checked.num_ranks)) {}

  ProbeMeasurements measure() && {
    try {
      assign_jobs(group_.gather());
    } catch (const InputError& error) {
      coordinator_.end_all(error.what(), kWrongRequest);
      throw;
    }
    coordinator_.run([&](int rank, Frame& frame) { receive(rank, frame); });
    coordinator_.dismiss();
    finish();
    return std::move(measured_);
  }

 private:
  void assign_jobs(const std::vector<RankHello>& hellos) {
    check_hellos(hellos, probe_request());
    std::vector<std::string> names = checked_.names;
    if (names.empty()) {
      for (const RankHello& hello : hellos) names.push_back(hello.host.name);
      names = names_of_machines(names);
    }
    std::vector<int> cores;
    for (std::size_t r = 0; r < hellos.size(); ++r) {
      ProbedHost host;
      host.name = names[r];
      host.facts = hellos[r].host;
      measured_.hosts.push_back(host);
      coordinator_.set_name(static_cast<int>(r), rank_name(static_cast<int>(r), names[r]));
      const int wanted = options_.num_local_ranks > 0 ? 1 : host.facts.cores;
      cores.push_back(options_.num_threads > 0 ? options_.num_threads : wanted);
    }
    const std::vector<int> threads = rank_threads(hellos, cores);
    const std::vector<int> machine_of = machine_of_hosts(measured_.hosts);
    ProbeJob job;
    job.has_other_machines = on_several_machines(hellos);
    job.one_is_alone_first =
        !checked_.profile && std::count(machine_of.begin(), machine_of.end(), machine_of[0]) > 1;
    job.rounds = way_rounds(machine_of, kMostRounds);
    job.compute_s = options_.compute_s;
    if (!checked_.model_is_default) job.model = json_text(to_json(checked_.model));
    num_expected_ = checked_.num_ranks + (checked_.num_ranks > 1 ? kNumReducedSizes : 0);
    for (const WayRound& round : job.rounds) num_expected_ += 2 * static_cast<int>(round.size());
    for (std::size_t r = 0; r < hellos.size(); ++r) {
      job.rank = static_cast<int>(r);
      job.num_threads = threads[r];
      measured_.hosts[r].num_threads = threads[r];
      job.names = names_to_look_up(r);
      coordinator_.send(job.rank, to_frame(job));
    }
  }

  /// The rank's own first.
  [[nodiscard]] std::vector<std::string> names_to_look_up(std::size_t rank) const {
    const std::vector<ProbedHost>& hosts = measured_.hosts;
    std::vector<std::string> names = {hosts[rank].facts.name};
    for (std::size_t i = 0; i < hosts.size() && names.size() < kMostNames; ++i)
      for (const std::string& name :
           {hosts[(rank + i) % hosts.size()].name, hosts[(rank + i) % hosts.size()].facts.name})
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
  }

  void receive(int rank, const Frame& frame) {
    const std::string type = frame.type();
    if (type == "way")
      measured_.ways.push_back(probed_way_from(frame));
    else if (type == "reduction")
      measured_.reductions.push_back(probed_reduction_from(frame));
    else if (type == "report")
      reports_[static_cast<std::size_t>(rank)] = probe_report_from(frame);
    if (type == "timed" || type == "way" || type == "reduction")
      progress_(std::min(++num_values_, num_expected_), num_expected_);
  }

  void finish() {
    // In the order of hosts, whatever the order in which they came.
    std::sort(measured_.ways.begin(), measured_.ways.end(),
              [](const ProbedWay& a, const ProbedWay& b) {
                return std::pair(a.from, a.to) < std::pair(b.from, b.to);
              });
    const double own_wall_minus_steady_s = wall_minus_steady_clock_s();
    for (std::size_t r = 0; r < reports_.size(); ++r) {
      const ProbeReport& report = reports_[r];
      const ClockOffset& clock = coordinator_.clock(static_cast<int>(r));
      ProbedHost& host = measured_.hosts[r];
      host.address = report.address;
      host.pass = report.pass;
      host.speed_spread = report.speed_spread;
      host.load = report.load;
      host.clock_uncertainty_s = clock.uncertainty_s();
      host.wall_clock_offset_s =
          clock.offset_s() + report.wall_minus_steady_clock_s - own_wall_minus_steady_s;
      host.loopback_names = report.loopback_names;
    }
    measured_.model = checked_.model.name;
    measured_.num_samples = reports_[0].num_samples;
    find_reference();
  }

  void find_reference() {
    measured_.reference = measured_.hosts[0].name;
    if (checked_.profile) {
      measured_.reference = "the profile's " + checked_.profile->device + ", " +
                            std::to_string(checked_.profile->num_threads) + " threads";
      for (const LayerProfile& layer : checked_.profile->layers) {
        const LayerCost cost = layer_cost(layer, measured_.num_samples);
        measured_.reference_s += cost.forward_s + cost.backward_s;
      }
      check_comparable();
    } else if (reports_[0].pass_alone.median_s > 0) {
      measured_.reference += " alone";
      measured_.reference_s = reports_[0].pass_alone.median_s;
    } else {
      measured_.reference_s = reports_[0].pass.median_s;
    }
  }

  /// A cluster has no place for other speeds, and no two devices differ so.
  void check_comparable() const {
    constexpr double kMostSpeed = 1e6;
    for (const ProbedHost& host : measured_.hosts) {
      const double speed = measured_.reference_s / host.pass.median_s;
      if (speed > 1 / kMostSpeed && speed < kMostSpeed) continue;
      std::ostringstream found;
      found << speed;
      throw InputError(
          options_.profile.string(), "/layers",
          "expected times by which " + host.name +
              " is less than a million times as fast or as slow as its device, found " +
              found.str() + " times as fast");
    }
  }

  const ProbeOptions& options_;
  const CheckedProbe& checked_;
  const std::function<void(int done, int total)>& progress_;
  RankGroup group_;
  Coordinator& coordinator_;
  ProbeMeasurements measured_;
  std::vector<ProbeReport> reports_;
  int num_values_ = 0;
  int num_expected_ = 1;
};

}  // namespace

ProbeResult probe(const ProbeOptions& options,
                  const std::function<void(int done, int total)>& progress) {
  const std::optional<LauncherEnvironment> environment = started_by(options.launch);
  std::optional<CheckedProbe> checked;
  try {
    checked = check_probe(options, environment);
  } catch (const InputError& error) {
    if (environment) refuse_ranks(options.launch, *environment, error.what());
    throw;
  }
  ProbeResult result;
  std::vector<std::string> meetings;
  result.measurements = until_ranks_meet(
      options.launch, [&](const std::string& note) { meetings.push_back(note); },
      [&] { return Probing(options, *checked, progress).measure(); });
  const StarFit machines = fit_machines(result.measurements);
  result.cluster = cluster_of(result.measurements, machines, checked->cluster_name);
  result.warnings = probe_warnings(result.measurements, machines);
  result.warnings.insert(result.warnings.begin(), meetings.begin(), meetings.end());
  return result;
}

void become_probe_rank(const ProbeOptions& options, const LauncherEnvironment& environment) {
  become_rank(options.launch, environment, {"probe-rank"}, probe_request(), "");
}

}  // namespace cadastre
