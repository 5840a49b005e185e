#include "executor/probe/probe_rank.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "executor/communicator.h"
#include "executor/launch/link_store.h"
#include "executor/launch/rank_place.h"
#include "executor/probe/default_model.h"
#include "executor/probe/load_measurement.h"
#include "executor/probe/name_lookup.h"
#include "executor/probe/probe_job.h"
#include "executor/probe/speed_over_time.h"
#include "executor/probe/timed_reductions.h"
#include "executor/probe/way_measurement.h"
#include "executor/probe/workload.h"
#include "executor/process_setup.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace {

constexpr std::size_t kLeastPasses = 5;    // of a workload
constexpr double kMostTimesLonger = 10;    // that they may take, unless a single pass does
constexpr std::int64_t kSamples = 32;      // enough that hosts of one machine share its memory
constexpr std::int64_t kSmallSamples = 4;  // of passes that messages go beside
constexpr std::int64_t kLeastReducedElements = 1024;            // 4 KB
constexpr std::int64_t kMostReducedElements = 4 * 1024 * 1024;  // 16 MB
constexpr std::int64_t kReducedFactor = 4;
constexpr double kReductionSeconds = 1.0;      // of all of one size together
constexpr double kMostReductionSeconds = 5.0;  // of one that is still tried
constexpr std::int64_t kLeastReductions = 3;
constexpr std::int64_t kMostReductions = 30;
constexpr std::chrono::seconds kNamePatience{3};

ModelGraph model_of(const std::string& text) {
  if (text.empty()) return default_model();
  const nlohmann::json document = parse_json(text, "the coordinator's model");
  return model_from_json(JsonPlace(document, "the coordinator's model", ""));
}

/// Seconds of each pass.
std::vector<double> time_passes(Workload& workload, double compute_s) {
  std::vector<double> seconds;
  const Stopwatch stopwatch;
  do {
    seconds.push_back(seconds_of([&] { workload.run(); }));
  } while (stopwatch.seconds() < compute_s ||
           (seconds.size() < kLeastPasses && stopwatch.seconds() < kMostTimesLonger * compute_s));
  return seconds;
}

/// Rank 0 tells what each size takes, up to one that would take too long.
void measure_reductions(Communicator& communicator, int rank, int num_ranks, RankLink& link) {
  for (std::int64_t num_elements = kLeastReducedElements; num_elements <= kMostReducedElements;
       num_elements *= kReducedFactor) {
    // The second tells how many more there is time for.
    TimedReductions reductions(communicator, rank, num_ranks, num_elements);
    const double once_s = reductions.time(2).back();
    const std::int64_t num_reductions =
        agreed(communicator, rank,
               std::clamp(static_cast<std::int64_t>(kReductionSeconds / std::max(once_s, 1e-6)),
                          kLeastReductions, kMostReductions));
    const TimingSummary time = summarize(reductions.time(num_reductions));
    if (rank == 0)
      link.send(to_frame(ProbedReduction{.bytes = num_elements * kBytesPerElement, .time = time}));
    const bool goes_on =
        time.median_s * static_cast<double>(kReducedFactor) < kMostReductionSeconds;
    if (agreed(communicator, rank, goes_on ? 1 : 0) == 0) return;
  }
}

void measure_ways(Communicator& communicator, const ProbeJob& job, RankLink& link) {
  for (const WayRound& round : job.rounds) {
    communicator.barrier();
    for (const auto& [a, b] : round) {
      if (job.rank == a) {
        link.send(to_frame(measure_way(communicator, a, b)));
        answer_measurement(communicator, b);
      } else if (job.rank == b) {
        answer_measurement(communicator, a);
        link.send(to_frame(measure_way(communicator, b, a)));
      }
    }
  }
}

}  // namespace

void probe_as_rank(const std::string& interface, RankLink& link) {
  const ProbeJob job = probe_job_from(link.wait_for("job"));
  const NameLookup lookup(job.has_other_machines ? job.names : std::vector<std::string>());
  ProbeReport report;
  report.address = rank_address({.interface = interface,
                                 .planned_host = {},
                                 .planned_address = {},
                                 .has_other_machines = job.has_other_machines},
                                link);
  prepare_process(job.num_threads);
  const ModelGraph model = model_of(job.model);
  Workload workload(model, kSamples);
  report.num_samples = workload.num_samples();
  std::vector<int> all_ranks(static_cast<std::size_t>(link.launch().num_ranks));
  std::iota(all_ranks.begin(), all_ranks.end(), 0);
  const auto num_ranks = static_cast<int>(all_ranks.size());
  LinkStore store(link);
  Communicator communicator(store.place(), report.address, job.rank, num_ranks, {all_ranks});
  workload.run();
  communicator.barrier();
  if (job.one_is_alone_first) {
    if (job.rank == 0)
      report.pass_alone = speed_over_time(time_passes(workload, job.compute_s)).pass;
    communicator.barrier();
  }
  const SpeedOverTime speed = speed_over_time(time_passes(workload, job.compute_s));
  report.pass = speed.pass;
  report.speed_spread = speed.spread;
  communicator.barrier();
  link.send({.header = {{"type", "timed"}}, .payload = {}});
  measure_ways(communicator, job, link);
  communicator.barrier();
  if (num_ranks > 1) {
    measure_reductions(communicator, job.rank, num_ranks, link);
    Workload small_workload(model, kSmallSamples);
    report.load = measure_load(communicator, job.rank, num_ranks, small_workload);
  }
  report.loopback_names = lookup.loopback_names(kNamePatience);
  report.wall_minus_steady_clock_s = wall_minus_steady_clock_s();
  link.send(to_frame(report));
  communicator.barrier();
}

}  // namespace cadastre
