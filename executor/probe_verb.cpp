#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "executor/launch/launch.h"
#include "executor/probe/probe.h"
#include "executor/probe/probe_rank.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/progress.h"
#include "planner/routes.h"
#include "planner/table.h"

namespace cadastre {

namespace {

struct ProbeVerb {
  ProbeOptions probe;
  std::filesystem::path output;
  std::filesystem::path measurements;
};

std::string bytes_text(std::int64_t bytes) {
  constexpr std::int64_t kKibi = 1024;
  return bytes < kKibi * kKibi ? std::to_string(bytes / kKibi) + " KB"
                               : std::to_string(bytes / (kKibi * kKibi)) + " MB";
}

/// The slowest and the fastest of the ways between hosts.
std::string network_text(const Cluster& cluster, const ProbeMeasurements& measurements) {
  std::string text;
  const auto num_hosts = static_cast<int>(cluster.hosts.size());
  double least = 0;
  double most = 0;
  double least_s = 0;
  double most_s = 0;
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to) {
      if (from == to) continue;
      const Route route = route_between(cluster, from, to);
      const bool is_first = most == 0;
      least = is_first ? route.bandwidth_bytes_per_s : std::min(least, route.bandwidth_bytes_per_s);
      most = std::max(most, route.bandwidth_bytes_per_s);
      least_s = is_first ? route.latency_s : std::min(least_s, route.latency_s);
      most_s = std::max(most_s, route.latency_s);
    }
  if (most == 0) return text;
  const auto range = [](double from, double to, double unit, int decimals) {
    const std::string first = fixed(from / unit, decimals);
    const std::string last = fixed(to / unit, decimals);
    return first == last ? first : first + " to " + last;
  };
  text = "between two hosts: " + range(least, most, 1e6, 1) + " MB/s, " +
         range(least_s, most_s, 1e-6, 0) + " us\nall-reduce over all:";
  for (const ProbedReduction& reduction : measurements.reductions) {
    text += &reduction == &measurements.reductions.front() ? " " : ", ";
    text += bytes_text(reduction.bytes) + " " + fixed(1e3 * reduction.time.median_s, 2) + " ms";
  }
  return text + "\n";
}

std::string summary(const ProbeResult& result) {
  std::vector<std::vector<std::string>> rows = {
      {"host", "address", "relative speed", "cores", "memory GB"}};
  for (const Host& host : result.cluster.hosts)
    rows.push_back({host.name, host.address, fixed(host.relative_speed, 3),
                    std::to_string(host.cores),
                    fixed(static_cast<double>(host.memory_bytes) / 1e9, 1)});
  return text_table(rows) + "\n" + network_text(result.cluster, result.measurements);
}

void run_probe(const ProbeVerb& verb, const VerbOptions& options) {
  if (const auto environment = started_by(verb.probe.launch);
      environment && environment->number > 0)
    become_probe_rank(verb.probe, *environment);
  std::optional<Progress> progress;
  const ProbeResult result = probe(verb.probe, [&](int done, int total) {
    if (!progress)
      progress.emplace("probing", total,
                       options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    progress->update(done);
  });
  progress.reset();
  if (!verb.output.empty()) write_file(verb.output, json_text(to_json(result.cluster)));
  if (!verb.measurements.empty())
    write_file(verb.measurements, json_text(to_json(result.measurements)));
  if (!options.quiet)
    for (const std::string& warning : result.warnings)
      std::fprintf(stderr, "warning: %s\n", warning.c_str());
  print_result(options,
               {{"cluster", to_json(result.cluster)},
                {"measurements", to_json(result.measurements)},
                {"warnings", result.warnings}},
               summary(result));
}

}  // namespace

void add_probe_verb(CLI::App& program) {
  constexpr std::int64_t kMostThreads = 4096;
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<ProbeVerb>();
  CLI::App* app = add_verb(
      program, "probe", "Measure hosts and the network between them",
      "cadastre probe --local 2 --model scenarios/models/multimodal-cnn.json -o cluster.json\n"
      "  cadastre probe --hosts hosts.txt --profile profile.json -o cluster.json",
      options, [=] {
        verb->probe.launch.local = verb->probe.num_local_ranks > 0;
        verb->probe.outputs = {verb->output, verb->measurements};
        run_probe(*verb, *options);
      });
  app->add_option("--local", verb->probe.num_local_ranks, "Local ranks to measure as hosts")
      ->check(integer_from(1, 64));
  app->add_option("--model", verb->probe.model,
                  "What they compute meanwhile (default: the profile's, else a convolution)");
  app->add_option("--profile", verb->probe.profile,
                  "Whose device speeds are relative to (default: the first host)");
  app->add_option("--threads", verb->probe.num_threads,
                  "That a host computes with (default: 1 of local ranks, else its cores)")
      ->check(integer_from(1, kMostThreads));
  constexpr double kMostComputeSeconds = 600;
  app->add_option(
         "--compute-s", verb->probe.compute_s,
         "Seconds that hosts compute for (default: 2): more, where others use them now and "
         "then")
      ->check(number_from(1, kMostComputeSeconds));
  app->add_option("-o,--output", verb->output, "Where the cluster is written");
  app->add_option("--measurements", verb->measurements, "Where all that was measured is written");
  add_launch_options(*app, verb->probe.launch);
}

void add_probe_rank_verb(CLI::App& program) {
  const auto launch = std::make_shared<RankLaunch>();
  const auto interface = std::make_shared<std::string>();
  CLI::App* app =
      program.add_subcommand("probe-rank", "One rank of a probe; started by `cadastre probe`");
  app->group("");  // not in the help
  add_rank_launch_options(*app, *launch);
  app->add_option("--interface", *interface);
  app->callback([launch, interface] {
    prepare_rank(*launch);
    take_part(*launch, [&](RankLink& link) { probe_as_rank(*interface, link); });
  });
}

}  // namespace cadastre
