#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "planner/calibration.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/run_calibration/request.h"
#include "planner/subprocess.h"
#include "planner/table.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct CalibrateVerb {
  std::filesystem::path cluster;
  std::filesystem::path probe;
  run_calibration::Request of_runs;  ///< with the output of either use
};

/// Returns only by throwing InputError: also where Ceres was not there when cadastre was built.
[[noreturn]] void become_run_calibration(const CalibrateVerb& verb, char** argv) {
  for (const auto& [option, value] :
       {std::pair("--cluster", &verb.cluster), std::pair("--probe", &verb.probe)})
    if (!value->empty())
      throw InputError(option, "", "expected no such option with runs, which have their cluster");
  const std::filesystem::path program = program_directory() / run_calibration::kProgram;
  if (!std::filesystem::exists(program))
    throw InputError("", "",
                     "expected a cadastre that was built with Ceres Solver, found no " +
                         program.string() +
                         "; install libceres-dev (Debian's name), and build again");
  become_sister(run_calibration::kProgram, argv);
}

void check_probe_use(const CalibrateVerb& verb) {
  for (const auto& [option, value] :
       {std::pair("--cluster", &verb.cluster), std::pair("--probe", &verb.probe)})
    if (value->empty())
      throw InputError(option, "", "expected a cluster, or runs instead of both, found none");
  if (!verb.of_runs.hold_out.empty())
    throw InputError("--hold-out", "", "expected no such option but with runs");
  if (!verb.of_runs.profile_output.empty())
    throw InputError("--profile-output", "", "expected no such option but with runs");
}

std::string range_text(double factor, double least, double greatest) {
  constexpr int kDecimals = 4;
  return fixed(factor, kDecimals) + " (" + fixed(least, kDecimals) + " to " +
         fixed(greatest, kDecimals) + ")";
}

void run_calibrate(const CalibrateVerb& verb, const VerbOptions& options, char** argv) {
  if (!verb.of_runs.runs.empty()) become_run_calibration(verb, argv);
  check_probe_use(verb);
  const std::filesystem::path& output = verb.of_runs.output;
  const Cluster nominal = read_cluster(verb.cluster);
  const Cluster measured = read_cluster(verb.probe);
  const Calibration calibration =
      calibration_of(nominal, measured, verb.cluster.string(), verb.probe.string());
  write_file(output, json_text(to_json(calibrated(nominal, measured, calibration))));
  std::string text = std::to_string(calibration.num_pairs) + " pairs of hosts, measured / nominal";
  text += ":\nbandwidth factor " + range_text(calibration.bandwidth_factor,
                                              calibration.least_bandwidth_factor,
                                              calibration.greatest_bandwidth_factor);
  text += "\nlatency factor   " + range_text(calibration.latency_factor,
                                             calibration.least_latency_factor,
                                             calibration.greatest_latency_factor);
  text += "\nreduction        " + number_text(calibration.reduction_s_per_byte) + " s per byte";
  text += "\na message        " + number_text(calibration.message_s) + " s";
  text += "\ntransport        " + number_text(calibration.transport_s_per_byte) + " s per byte";
  if (calibration.burst_bytes > 0)
    text += "\nat once          " + number_text(calibration.burst_bytes) + " bytes";
  text += "\nwritten to " + output.string() + "\n";
  print_result(options,
               {{"cluster", output.string()},
                {"num_pairs", calibration.num_pairs},
                {"bandwidth_factor", calibration.bandwidth_factor},
                {"least_bandwidth_factor", calibration.least_bandwidth_factor},
                {"greatest_bandwidth_factor", calibration.greatest_bandwidth_factor},
                {"latency_factor", calibration.latency_factor},
                {"least_latency_factor", calibration.least_latency_factor},
                {"greatest_latency_factor", calibration.greatest_latency_factor},
                {"reduction_s_per_byte", calibration.reduction_s_per_byte},
                {"message_s", calibration.message_s},
                {"transport_s_per_byte", calibration.transport_s_per_byte},
                {"burst_bytes", calibration.burst_bytes}},
               text);
}

}  // namespace

void add_calibrate_verb(CLI::App& program, char** argv) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<CalibrateVerb>();
  CLI::App* app =
      add_verb(program, "calibrate",
               "Fit a cluster to what runs measured, or a nominal network to a measured one",
               "cadastre calibrate run1 run2 run3 -o cluster.json\n"
               "  cadastre calibrate --cluster nominal.json --probe measured.json -o cluster.json",
               options, [verb, options, argv] { run_calibrate(*verb, *options, argv); });
  run_calibration::add_options(*app, verb->of_runs);
  app->add_option("--cluster", verb->cluster, "What the data sheets say, with the topology");
  app->add_option("--probe", verb->probe, "What `cadastre probe` measured on hosts of these names");
  app->add_option("-o,--output", verb->of_runs.output, "Where the calibrated cluster is written")
      ->required();
}

}  // namespace cadastre
