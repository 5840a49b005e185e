#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/calibration.h"
#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/table.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct CalibrateVerb {
  std::filesystem::path cluster;
  std::filesystem::path probe;
  std::filesystem::path output;
};

std::string range_text(double factor, double least, double greatest) {
  constexpr int kDecimals = 4;
  return fixed(factor, kDecimals) + " (" + fixed(least, kDecimals) + " to " +
         fixed(greatest, kDecimals) + ")";
}

void run_calibrate(const CalibrateVerb& verb, const VerbOptions& options) {
  const Cluster nominal = read_cluster(verb.cluster);
  const Cluster measured = read_cluster(verb.probe);
  const Calibration calibration =
      calibration_of(nominal, measured, verb.cluster.string(), verb.probe.string());
  write_file(verb.output, json_text(to_json(calibrated(nominal, measured, calibration))));
  std::string text = std::to_string(calibration.num_pairs) + " pairs of hosts, measured / nominal";
  text += ":\nbandwidth factor " + range_text(calibration.bandwidth_factor,
                                              calibration.least_bandwidth_factor,
                                              calibration.greatest_bandwidth_factor);
  text += "\nlatency factor   " + range_text(calibration.latency_factor,
                                             calibration.least_latency_factor,
                                             calibration.greatest_latency_factor);
  text += "\nreduction        " + number_text(calibration.reduction_s_per_byte) + " s per byte";
  text += "\nwritten to " + verb.output.string() + "\n";
  print_result(options,
               {{"cluster", verb.output.string()},
                {"num_pairs", calibration.num_pairs},
                {"bandwidth_factor", calibration.bandwidth_factor},
                {"least_bandwidth_factor", calibration.least_bandwidth_factor},
                {"greatest_bandwidth_factor", calibration.greatest_bandwidth_factor},
                {"latency_factor", calibration.latency_factor},
                {"least_latency_factor", calibration.least_latency_factor},
                {"greatest_latency_factor", calibration.greatest_latency_factor},
                {"reduction_s_per_byte", calibration.reduction_s_per_byte}},
               text);
}

}  // namespace

void add_calibrate_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<CalibrateVerb>();
  CLI::App* app =
      add_verb(program, "calibrate", "Fit the constants of a nominal network to a measured one",
               "cadastre calibrate --cluster nominal.json --probe measured.json -o cluster.json",
               options, [verb, options] { run_calibrate(*verb, *options); });
  app->add_option("--cluster", verb->cluster, "What the data sheets say, with the topology")
      ->required();
  app->add_option("--probe", verb->probe, "What `cadastre probe` measured on hosts of these names")
      ->required();
  app->add_option("-o,--output", verb->output, "Where the calibrated cluster is written")
      ->required();
}

}  // namespace cadastre
