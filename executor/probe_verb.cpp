#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "executor/launch/launch.h"
#include "executor/probe.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/progress.h"
#include "planner/table.h"

namespace cadastre {

namespace {

std::string summary(const Cluster& cluster) {
  std::vector<std::vector<std::string>> rows = {{"host", "relative speed", "cores", "memory GB"}};
  for (const Host& host : cluster.hosts)
    rows.push_back({host.name, fixed(host.relative_speed, 3), std::to_string(host.cores),
                    fixed(static_cast<double>(host.memory_bytes) / 1e9, 1)});
  return text_table(rows) + "\nnetwork: " + fixed(cluster.network.bandwidth_bytes_per_s / 1e9, 2) +
         " GB/s and " + fixed(2e6 * cluster.network.latency_s, 0) + " us between two hosts\n";
}

}  // namespace

void add_probe_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto probe = std::make_shared<ProbeOptions>();
  const auto output = std::make_shared<std::filesystem::path>();
  CLI::App* app = add_verb(
      program, "probe", "Measure hosts and the network between them",
      "cadastre probe --local 2 --model scenarios/models/multimodal-cnn.json -o cluster.json",
      options, [=] {
        std::optional<Progress> progress;
        const Cluster cluster = probe_local(*probe, [&](int done, int total) {
          if (!progress)
            progress.emplace("probing", total,
                             options->quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
          progress->update(done);
        });
        progress.reset();
        if (!output->empty()) write_file(*output, json_text(to_json(cluster)));
        print_result(*options, to_json(cluster), summary(cluster));
      });
  app->add_option("--local", probe->num_local_ranks, "Local ranks to measure as hosts")
      ->required()
      ->check(integer_from(1, 64));
  app->add_option("--model", probe->model, "What they compute meanwhile (default: a convolution)");
  app->add_option("-o,--output", *output, "Where the cluster is written");
}

void add_probe_rank_verb(CLI::App& program) {
  const auto launch = std::make_shared<RankLaunch>();
  CLI::App* app =
      program.add_subcommand("probe-rank", "One rank of a probe; started by `cadastre probe`");
  app->group("");  // not in the help
  add_rank_launch_options(*app, *launch);
  app->callback([launch] {
    prepare_rank();
    take_part(*launch, probe_as_rank);
  });
}

}  // namespace cadastre
