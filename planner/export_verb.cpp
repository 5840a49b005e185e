#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/refusal.h"
#include "planner/simgrid_platform.h"
#include "planner/verbs.h"

namespace cadastre {

namespace {

struct ExportVerb {
  std::string format;
  std::filesystem::path file;
  std::filesystem::path output;
};

void run_export(const ExportVerb& verb, const VerbOptions& options) {
  if (verb.format != "simgrid") {
    std::string message = "expected a format (simgrid, pytorch), found ";
    message += in_quotes(verb.format);
    throw InputError("", "", message + did_you_mean(verb.format, {"simgrid", "pytorch"}));
  }
  const Cluster cluster = read_cluster(verb.file);
  const std::string xml = simgrid_platform_xml(cluster, verb.file.string());
  write_file(verb.output, xml);
  const std::size_t num_hosts = cluster.hosts.size();
  print_result(options, {{"platform", verb.output.string()}, {"num_hosts", num_hosts}},
               std::to_string(num_hosts) + (num_hosts == 1 ? " host" : " hosts") + ", written to " +
                   verb.output.string() + "\n");
}

}  // namespace

void add_export_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<ExportVerb>();
  CLI::App* app = add_verb(program, "export", "Write a cluster or a run's model for another tool",
                           "cadastre export simgrid cluster.json -o platform.xml", options,
                           [verb, options] { run_export(*verb, *options); });
  app->add_option("format", verb->format,
                  "Whose it is to be: simgrid, or pytorch for what a run trained")
      ->required();
  app->add_option("file", verb->file, "The cluster")->required();
  app->add_option("-o,--output", verb->output, "Where the platform is written")->required();
}

}  // namespace cadastre
