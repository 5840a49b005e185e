// simulator_benchmark: how fast the simulator is, beside a program written with SimGrid alone that
// executes and transfers as much, in the same run. Not a test: prints tables, and the numbers as
// JSON where asked.
//
//   simulator_benchmark [--scenarios DIR] [--json FILE]
//
// DIR is the project's `scenarios`, whose multi-modal network the study is of.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/planner.h"
#include "planner/profile_estimate.h"
#include "planner/table.h"
#include "simulator/replay.h"
#include "simulator/study/run_study.h"
#include "tests/benchmarks/bare_simgrid.h"
#include "tests/benchmarks/benchmark_section.h"
#include "tests/support/tiny_programs.h"
#include "tests/support/temporary_directory.h"

namespace {

using namespace cadastre;
using benchmarks::measure;
using benchmarks::Measured;
using benchmarks::Section;

constexpr double kMega = 1e6;
constexpr int kNumRounds = 5;

struct Pipeline {
  int num_stages = 1;
  int num_micro_batches = 1;
  Schedule schedule = Schedule::kGpipe;
};

/// The least processor time of several processes, and the most memory.
void keep_best(Measured& best, const Measured& measured) {
  if (best.answer.is_null() || measured.cpu_s < best.cpu_s) {
    best.answer = measured.answer;
    best.cpu_s = measured.cpu_s;
  }
  best.peak_bytes = std::max(best.peak_bytes, measured.peak_bytes);
}

Section replay_section() {
  Section section{.title = "replays of two steps",
                  .source = "a program with SimGrid alone: an actor a rank, a mailbox a message",
                  .rows = {{"hosts", "micro-batches", "schedule", "instructions", "ours s",
                            "SimGrid alone s", "ratio", "ours MB", "SimGrid alone MB"}}};
  for (const Pipeline& shape :
       {Pipeline{64, 64, Schedule::kGpipe}, Pipeline{64, 64, Schedule::kOneForwardOneBackward},
        Pipeline{256, 512, Schedule::kGpipe}, Pipeline{1024, 64, Schedule::kGpipe},
        Pipeline{1024, 64, Schedule::kOneForwardOneBackward}}) {
    const TinyProgram tiny = pipeline({.num_stages = shape.num_stages,
                                       .num_micro_batches = shape.num_micro_batches,
                                       .forward_s = 1e-3,
                                       .backward_s = 2e-3,
                                       .bytes = 10'000},
                                      shape.schedule);
    const Cluster cluster = star(shape.num_stages, 125e6, 0);
    std::size_t num_instructions = 0;
    for (const RankProgram& rank : tiny.program.ranks)
      num_instructions += 2 * rank.instructions.size();
    Measured ours;
    Measured bare;
    for (int round = 0; round < kNumRounds; ++round) {
      keep_best(bare, measure(
                          [&] {
                            return nlohmann::json(
                                benchmarks::bare_simgrid_s(tiny.program, tiny.costs, cluster));
                          },
                          0));
      keep_best(ours, measure(
                          [&] {
                            return nlohmann::json(
                                replay(tiny.program, tiny.costs, cluster).figures.run.run_s);
                          },
                          0));
    }
    const double ratio = ours.cpu_s / bare.cpu_s;
    section.rows.push_back({std::to_string(shape.num_stages),
                            std::to_string(shape.num_micro_batches), schedule_name(shape.schedule),
                            std::to_string(num_instructions), fixed(ours.cpu_s, 3),
                            fixed(bare.cpu_s, 3), fixed(ratio, 2),
                            fixed(ours.peak_bytes / kMega, 0), fixed(bare.peak_bytes / kMega, 0)});
    section.results.push_back({{"num_hosts", shape.num_stages},
                               {"num_micro_batches", shape.num_micro_batches},
                               {"schedule", schedule_name(shape.schedule)},
                               {"num_instructions", num_instructions},
                               {"cpu_s", ours.cpu_s},
                               {"bare_cpu_s", bare.cpu_s},
                               {"ratio", ratio},
                               {"simulated_s", ours.answer},
                               {"bare_simulated_s", bare.answer},
                               {"peak_bytes", ours.peak_bytes},
                               {"bare_peak_bytes", bare.peak_bytes}});
  }
  return section;
}

/// 40 bandwidths by 25 speeds of the second host.
nlohmann::json study_document(nlohmann::json base) {
  return {{"format", "cadastre-study/1"},
          {"name", "thousand points"},
          {"base", std::move(base)},
          {"axes",
           {{{"pointer", "/cluster/network/bandwidth_bytes_per_s"},
             {"from", "10Mbps"},
             {"to", "10Gbps"},
             {"num", 40},
             {"scale", "log"}},
            {{"pointer", "/cluster/hosts/1/relative_speed"},
             {"from", 0.2},
             {"to", 5},
             {"num", 25},
             {"scale", "log"}}}}};
}

Section study_section(const std::filesystem::path& scenarios) {
  Section section{.title = "a study of 1,000 points, the multi-modal network on two hosts",
                  .source = "none",
                  .rows = {{"plan", "wall s", "units"}}};
  const auto path = [&](const char* file) {
    return std::filesystem::absolute(scenarios / file).string();
  };
  const std::string model = path("models/multimodal-cnn.json");
  const std::string device = path("devices/server-core.json");
  const std::string cluster = path("clusters/two-hosts.json");
  const PlanDocument fixed_plan =
      make_plan(estimated_profile(read_model(model), read_device(device), model, ""), read_cluster(cluster),
                {.batch_size = 64});
  const nlohmann::json by_parts = {{"model", model},
                                   {"device", device},
                                   {"cluster", cluster},
                                   {"settings", {{"batch_size", 64}}}};
  for (const auto& [plan, base] :
       {std::pair{"fixed", nlohmann::json{{"plan", to_json(fixed_plan)}}},
        std::pair{"planned anew at each point", by_parts}}) {
    const TemporaryDirectory directory;
    const std::filesystem::path file = directory.path() / "study.json";
    write_file(file, json_text(study_document(base)));
    const auto begin = std::chrono::steady_clock::now();
    const StudyResult result = run_study(read_study(file), directory.path() / "out");
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    section.rows.push_back({plan, fixed(wall.count(), 1), std::to_string(result.rows.size())});
    section.results.push_back(
        {{"plan", plan}, {"wall_s", wall.count()}, {"num_units", result.rows.size()}});
  }
  return section;
}

void run(const std::filesystem::path& scenarios, const std::filesystem::path& json) {
  nlohmann::json document = nlohmann::json::array();
  const auto show = [&](const Section& section) {
    std::printf("%s (reference: %s)\n\n%s\n", section.title.c_str(), section.source.c_str(),
                text_table(section.rows).c_str());
    std::fflush(stdout);
    document.push_back(
        {{"section", section.title}, {"reference", section.source}, {"results", section.results}});
  };
  show(replay_section());
  if (std::filesystem::is_directory(scenarios))
    show(study_section(scenarios));
  else
    std::printf("left out: there is no %s\n", scenarios.c_str());
  if (!json.empty()) write_file(json, json_text(document));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App program("How fast the simulator is", "simulator_benchmark");
    std::filesystem::path scenarios = "scenarios";
    std::filesystem::path json;
    program.add_option("--scenarios", scenarios, "The project's scenarios");
    program.add_option("--json", json, "Write the numbers here");
    CLI11_PARSE(program, argc, argv);
    run(scenarios, json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
