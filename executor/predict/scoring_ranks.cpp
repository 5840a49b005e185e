#include "executor/predict/scoring_ranks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "executor/launch/host_names.h"
#include "executor/launch/meetings.h"
#include "executor/launch/preflight.h"
#include "executor/launch/rank_assignment.h"
#include "executor/predict/predict_rank.h"
#include "executor/predict/prediction_job.h"
#include "executor/timing.h"
#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr int kWrongRequest = 2;
constexpr int kFailed = 1;

std::string rank_name(const InferenceProgram& program, std::size_t rank) {
  const InferenceProgram::Rank& of_rank = program.ranks[rank];
  std::string name = "rank " + std::to_string(rank);
  if (!of_rank.host.empty()) name += " (host " + of_rank.host;
  if (program.is_divided()) {
    name += of_rank.stages.size() == 1 ? ", stage " : ", stages ";
    for (std::size_t i = 0; i < of_rank.stages.size(); ++i) {
      if (i > 0) name += ", ";
      name += std::to_string(of_rank.stages[i]);
    }
  }
  if (!of_rank.host.empty()) name += ')';
  return name;
}

std::vector<PlannedHost> planned_hosts(const ScoringPlan& plan) {
  std::vector<PlannedHost> hosts;
  for (std::size_t r = 0; r < plan.addresses.size(); ++r)
    hosts.push_back({.name = plan.program.ranks[r].host, .address = plan.addresses[r]});
  return hosts;
}

/// As many as asked for, as planned, or as there are.
std::vector<int> wanted_threads(const PredictRequest& request, const ScoringPlan& plan,
                                const std::vector<RankHello>& hellos) {
  std::vector<int> threads;
  for (std::size_t r = 0; r < hellos.size(); ++r) {
    if (request.num_threads > 0)
      threads.push_back(request.num_threads);
    else
      threads.push_back(plan.planned_cores.empty() ? hellos[r].host.cores : plan.planned_cores[r]);
  }
  return threads;
}

std::vector<RankStart> rank_starts(const PredictRequest& request, const ScoringPlan& plan) {
  const std::size_t num_ranks = plan.program.ranks.size();
  HostFacts here = host_facts();
  here.machine_cores = here.cores;
  const std::vector<RankHello> all_here(num_ranks, RankHello{.host = here});
  const std::vector<int> threads =
      rank_threads(all_here, wanted_threads(request, plan, all_here));
  std::vector<RankStart> starts;
  for (std::size_t r = 0; r < num_ranks; ++r)
    starts.push_back({.arguments = predict_rank_arguments(request),
                      .host = plan.program.ranks[r].host,
                      .name = rank_name(plan.program, r),
                      .num_threads = threads[r]});
  return starts;
}

bool looks_like(const InputGlance& one, const InputGlance& other) {
  constexpr double kMostDifference = 1e-3;
  const auto near = [](double a, double b) {
    return std::abs(a - b) <= kMostDifference * (1 + std::abs(a));
  };
  return near(one.mean, other.mean) && near(one.mean_magnitude, other.mean_magnitude);
}

class Scoring {
 public:
  Scoring(const ScoringInput& input, const ScoringPlan& plan, MapWork& work,
          const std::function<void()>& on_tile)
      : input_(input),
        plan_(plan),
        program_(plan.program),
        work_(work),
        on_tile_(on_tile),
        num_ranks_(static_cast<int>(plan.program.ranks.size())),
        group_(input.request.launch, rank_starts(input.request, plan),
               predict_fingerprint(input.request)),
        coordinator_(group_.coordinator()),
        in_flight_(plan.program.ranks.size(), 0) {
    result_.ranks.resize(plan.program.ranks.size());
  }

  ScoredByRanks score() && {
    try {
      assign_jobs(group_.gather());
      check_ready(coordinator_.collect("ready"));
    } catch (const InputError& error) {
      coordinator_.end_all(error.what(), kWrongRequest);
      throw;
    }
    coordinator_.count_by("scores", "tiles");
    if (!program_.is_divided())
      coordinator_.set_on_lost(
          [this](int rank, const std::string& cause) { return do_without(rank, cause); });
    const Stopwatch stopwatch;
    for (int rank = 0; rank < num_ranks_; ++rank)
      coordinator_.send(rank, {.header = {{"type", "go"}}, .payload = {}});
    try {
      coordinator_.run([this](int rank, const Frame& frame) { receive(rank, frame); },
                       [this] { hand_out(); });
    } catch (const MapWriteError& error) {
      coordinator_.end_all(error.what(), kFailed);
      throw;
    }
    result_.score_s = stopwatch.seconds();
    coordinator_.dismiss();
    for (std::string& note : group_.notes()) result_.notes.push_back(std::move(note));
    for (int rank = 0; rank < num_ranks_; ++rank)
      result_.ranks[static_cast<std::size_t>(rank)].host =
          program_.ranks[static_cast<std::size_t>(rank)].host;
    return std::move(result_);
  }

 private:
  /// A tile of a divided network, on its way through the ranks.
  struct Assembly {
    TileScores scores;
    std::set<int> awaited;  ///< ranks that have not reported it
  };

  void assign_jobs(const std::vector<RankHello>& hellos) {
    check_hellos(hellos, predict_fingerprint(input_.request));
    const bool by_launcher = started_by(input_.request.launch).has_value();
    if (by_launcher && !plan_.addresses.empty())
      coordinator_.renumber(assign_ranks(hellos, planned_hosts(plan_)));
    if (by_launcher && plan_.addresses.empty()) name_by_machines(hellos);
    std::vector<RankHello> by_rank;
    for (int rank = 0; rank < num_ranks_; ++rank) {
      by_rank.push_back(coordinator_.hello(rank));
      coordinator_.set_name(rank, rank_name(program_, static_cast<std::size_t>(rank)));
    }
    threads_ = rank_threads(by_rank, wanted_threads(input_.request, plan_, by_rank));
    PredictionJob job;
    job.has_other_machines = on_several_machines(by_rank);
    job.num_lanes = num_lanes();
    job.program = program_;
    job.model = input_.run.model;
    job.normalization = input_.normalization;
    job.num_rows = input_.source.grid.num_rows;
    job.num_columns = input_.source.grid.num_columns;
    job.num_bands = input_.source.num_bands;
    job.scales = input_.source.scales;
    job.batch_size = input_.request.batch_size;
    job.num_views = input_.scoring.num_views;
    if (input_.request.scene.empty()) job.scene = to_json(input_.scene).dump();
    job.weights = input_.weights;
    for (int rank = 0; rank < num_ranks_; ++rank) {
      const auto r = static_cast<std::size_t>(rank);
      job.rank = rank;
      job.num_threads = threads_[r];
      job.planned_address = plan_.addresses.empty() ? std::string() : plan_.addresses[r];
      coordinator_.send(rank, to_frame(job));
    }
  }

  void name_by_machines(const std::vector<RankHello>& hellos) {
    std::vector<std::string> machines;
    for (const RankHello& hello : hellos) machines.push_back(hello.host.name);
    const std::vector<std::string> names = names_of_machines(machines);
    for (std::size_t r = 0; r < names.size(); ++r) program_.ranks[r].host = names[r];
  }

  /// So that a rank of several threads has as many tiles to compute, and none waits while it could
  /// read, or compute another stage.
  [[nodiscard]] int num_lanes() const {
    constexpr int kFewest = 2;
    constexpr int kMost = 16;
    int lanes = kFewest;
    for (std::size_t r = 0; r < threads_.size(); ++r)
      lanes = std::max(lanes, threads_[r] * static_cast<int>(program_.ranks[r].stages.size()));
    return std::min(lanes, kMost);
  }

  /// They would make a map of different rasters.
  void check_ready(const std::vector<Frame>& frames) const {
    std::vector<int> inputs;
    for (std::size_t i = 0; i < input_.run.model.inputs.size(); ++i)
      inputs.push_back(static_cast<int>(i));
    const std::vector<InputGlance> own = glances(input_.source, inputs, input_.scoring.tiles);
    const std::string grid = grid_text(input_.source.grid);
    for (std::size_t rank = 0; rank < frames.size(); ++rank) {
      const PredictionReady ready = prediction_ready_from(frames[rank]);
      const std::string& name = coordinator_.name(static_cast<int>(rank));
      if (!ready.grid.empty() && ready.grid != grid)
        throw InputError("", "", "expected the scene's grid " + grid + " on all ranks, found " +
                                     ready.grid + " on " + name);
      for (const InputGlance& glance : ready.glances)
        if (!looks_like(own.at(static_cast<std::size_t>(glance.input)), glance))
          throw InputError(
              "", "",
              "expected the same rasters on all ranks, found other values of \"" +
                  input_.run.model.inputs[static_cast<std::size_t>(glance.input)].name +
                  "\" on " + name);
    }
  }

  /// As many tiles as keep a rank busy while its answers are on their way.
  [[nodiscard]] int most_in_flight(std::size_t rank) const { return 2 * threads_[rank] + 1; }

  void hand_out() {
    if (has_ended_) return;
    if (num_done_ == work_.missing().size()) {
      for (int rank = 0; rank < num_ranks_; ++rank)
        coordinator_.send(rank, to_frame(std::vector<TileTask>{}));
      has_ended_ = true;
      return;
    }
    if (program_.is_divided())
      hand_out_divided();
    else
      hand_out_whole();
  }

  /// The next place in what is missing, that of a rank that was lost first.
  [[nodiscard]] std::optional<std::size_t> next_place() const {
    if (!returned_.empty()) return *returned_.begin();
    if (num_begun_ == work_.missing().size()) return std::nullopt;
    if (num_begun_ > num_done_ && !work_.may_begin(num_begun_)) return std::nullopt;
    return num_begun_;
  }

  void begin(std::size_t place) {
    if (returned_.erase(place) == 0) ++num_begun_;
  }

  void hand_out_whole() {
    while (const std::optional<std::size_t> place = next_place()) {
      // To the rank that has least to do.
      std::optional<std::size_t> idlest;
      double least = 1;
      for (std::size_t r = 0; r < in_flight_.size(); ++r) {
        const double load = static_cast<double>(in_flight_[r]) / most_in_flight(r);
        if (result_.ranks[r].was_lost || load >= least) continue;
        idlest = r;
        least = load;
      }
      if (!idlest) return;
      begin(*place);
      const std::int64_t tile = work_.missing()[*place];
      owners_[tile] = {*idlest, *place};
      ++in_flight_[*idlest];
      const TileTask task{.tile = tile, .number = num_handed_out_++};
      coordinator_.send(static_cast<int>(*idlest), to_frame(std::vector<TileTask>{task}));
    }
  }

  void hand_out_divided() {
    const auto most_under_way = static_cast<std::size_t>(2 * num_lanes());
    while (assemblies_.size() < most_under_way) {
      const std::optional<std::size_t> place = next_place();
      if (!place) return;
      begin(*place);
      const TileTask task{.tile = work_.missing()[*place], .number = num_handed_out_++};
      const std::vector<int> ranks = route(program_, task.number);
      const std::vector<int> reporting = reporting_ranks(program_, input_.run.model, ranks);
      Assembly& assembly = assemblies_[task.tile];
      assembly.scores.tile = task.tile;
      assembly.awaited = {reporting.begin(), reporting.end()};
      for (const int rank : std::set<int>(ranks.begin(), ranks.end())) {
        ++result_.ranks[static_cast<std::size_t>(rank)].num_tiles;
        coordinator_.send(rank, to_frame(std::vector<TileTask>{task}));
      }
    }
  }

  void receive(int rank, const Frame& frame) {
    if (frame.type() != "scores") return;
    TileScores scores = tile_scores_from(frame.payload);
    if (program_.is_divided())
      assemble(rank, std::move(scores));
    else
      take_whole(static_cast<std::size_t>(rank), scores);
  }

  void take_whole(std::size_t rank, const TileScores& scores) {
    const auto owner = owners_.find(scores.tile);
    if (owner == owners_.end() || owner->second.rank != rank) return;  // it is another's by now
    owners_.erase(owner);
    --in_flight_[rank];
    ++result_.ranks[rank].num_tiles;
    add(scores);
  }

  void assemble(int rank, TileScores scores) {
    const auto found = assemblies_.find(scores.tile);
    if (found == assemblies_.end() || found->second.awaited.erase(rank) == 0) return;
    TileScores& whole = found->second.scores;
    if (!scores.probabilities.empty()) whole.probabilities = std::move(scores.probabilities);
    if (whole.has_data.empty()) whole.has_data.assign(scores.has_data.size(), 0);
    for (std::size_t i = 0; i < scores.has_data.size(); ++i)
      whole.has_data[i] |= scores.has_data[i];
    if (!found->second.awaited.empty()) return;
    const TileScores finished = std::move(whole);
    assemblies_.erase(found);
    add(finished);
  }

  void add(const TileScores& scores) {
    work_.add(scores);
    ++num_done_;
    on_tile_();
    hand_out();
  }

  /// What was its, goes back.
  bool do_without(int rank, const std::string& cause) {
    const auto r = static_cast<std::size_t>(rank);
    const auto is_left = [](const ScoringRank& other) { return !other.was_lost; };
    ScoringRank& lost = result_.ranks[r];
    if (has_ended_ || std::count_if(result_.ranks.begin(), result_.ranks.end(), is_left) < 2)
      return false;
    lost.was_lost = true;
    std::int64_t num_returned = 0;
    std::erase_if(owners_, [&](const auto& owned) {
      if (owned.second.rank != r) return false;
      returned_.insert(owned.second.place);
      ++num_returned;
      return true;
    });
    in_flight_[r] = 0;
    result_.notes.push_back(coordinator_.name(rank) + " " + cause + ", after " +
                            std::to_string(lost.num_tiles) + " tiles; the others took over the " +
                            std::to_string(num_returned) + " that it had begun");
    return true;
  }

  struct Owner {
    std::size_t rank = 0;
    std::size_t place = 0;  ///< among the missing
  };

  const ScoringInput& input_;
  const ScoringPlan& plan_;
  InferenceProgram program_;
  MapWork& work_;
  const std::function<void()>& on_tile_;
  int num_ranks_;
  RankGroup group_;
  Coordinator& coordinator_;
  std::vector<int> threads_;  ///< [rank]
  std::size_t num_begun_ = 0;
  std::size_t num_done_ = 0;
  std::int64_t num_handed_out_ = 0;
  bool has_ended_ = false;
  std::set<std::size_t> returned_;           ///< places
  std::map<std::int64_t, Owner> owners_;     ///< by tile, of whole networks
  std::vector<int> in_flight_;               ///< [rank] likewise
  std::map<std::int64_t, Assembly> assemblies_;  ///< by tile, of a divided network
  ScoredByRanks result_;
};

}  // namespace

std::vector<std::string> predict_rank_arguments(const PredictRequest& request) {
  // What ssh starts is in another directory.
  const auto path = [&](const fs::path& given) {
    return request.launch.hosts.empty() ? given.string() : fs::absolute(given).string();
  };
  std::vector<std::string> arguments = {"predict-rank"};
  if (!request.scene.empty()) arguments.insert(arguments.end(), {"--data", path(request.scene)});
  if (!request.rasters.empty())
    arguments.insert(arguments.end(), {"--rasters", path(request.rasters)});
  return arguments;
}

std::string predict_fingerprint(const PredictRequest& request) {
  return fingerprint(nlohmann::json{"predict", request.batch_size, request.averages_views,
                                    request.plan.string(), request.scene.string()}
                         .dump());
}

ScoredByRanks score_on_ranks(const ScoringInput& input, const ScoringPlan& plan, MapWork& work,
                             const std::function<void()>& on_tile) {
  std::vector<std::string> notes;
  ScoredByRanks scored = until_ranks_meet(
      input.request.launch, [&](const std::string& note) { notes.push_back(note); },
      [&] { return Scoring(input, plan, work, on_tile).score(); });
  scored.notes.insert(scored.notes.begin(), notes.begin(), notes.end());
  return scored;
}

}  // namespace cadastre
