#include "simulator/simgrid_import/import_verb.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/units.h"
#include "simulator/simgrid_import/import.h"

namespace cadastre {

namespace {

struct ImportVerb : VerbOptions {
  std::string format;
  std::string file;
  std::string output;
  std::string memory;
  std::string reference_speed;
};

/// A leading number and what follows it, without the blanks between; nothing where there is none.
std::optional<std::pair<double, std::string_view>> number_and_unit(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  return std::pair(number, text);
}

std::int64_t memory_bytes(const std::string& text) {
  const auto number = number_and_unit(text);
  // A whole number is read as one: not as its text, nor with a point.
  constexpr double kMostBytes = 1e18;
  const bool is_whole = number && number->second.empty() &&
                        std::floor(number->first) == number->first &&
                        std::abs(number->first) < kMostBytes;
  const nlohmann::json value =
      is_whole ? nlohmann::json(static_cast<std::int64_t>(number->first)) : nlohmann::json(text);
  const std::string option = "--memory";
  return size_bytes(JsonPlace(value, option, ""));
}

double speed_flops_per_s(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{{"", 1},
                                                                          {"f", 1},
                                                                          {"kf", 1e3},
                                                                          {"Mf", 1e6},
                                                                          {"Gf", 1e9},
                                                                          {"Tf", 1e12},
                                                                          {"Pf", 1e15},
                                                                          {"Ef", 1e18}}};
  if (const auto number = number_and_unit(text); number && number->first > 0)
    for (const auto& [unit, flops_per_s] : kUnits)
      if (number->second == unit && std::isfinite(number->first * flops_per_s))
        return number->first * flops_per_s;
  throw InputError(
      "--reference-speed", "",
      "expected flop/s > 0, such as 2.5e9 or 2.5Gf (f, kf, Mf, Gf, Tf, Pf, Ef), found " +
          in_quotes(text));
}

std::string kind_of(const Topology& topology) {
  return is_star(topology) ? "star" : to_json(topology).at("kind").get<std::string>();
}

void run_import(const ImportVerb& verb) {
  if (verb.format != "simgrid")
    throw InputError("", "", "expected format simgrid, found " + in_quotes(verb.format));
  SimgridImportOptions options;
  if (!verb.memory.empty()) options.memory_bytes = memory_bytes(verb.memory);
  if (!verb.reference_speed.empty())
    options.reference_speed_flops_per_s = speed_flops_per_s(verb.reference_speed);
  const SimgridImport imported = import_simgrid(verb.file, options);
  if (!imported.left_out.empty() && !verb.quiet)
    std::fprintf(stderr, "warning: %s: left out: %s\n", verb.file.c_str(),
                 imported.left_out.c_str());
  const Cluster& cluster = imported.cluster;
  write_file(verb.output, json_text(to_json(cluster)));
  const std::string kind = kind_of(cluster.network.topology);
  print_result(verb,
               {{"cluster", verb.output},
                {"num_hosts", cluster.hosts.size()},
                {"topology", kind},
                {"left_out", imported.left_out}},
               std::to_string(cluster.hosts.size()) +
                   (cluster.hosts.size() == 1 ? " host" : " hosts") + ", topology " + kind +
                   ", written to " + verb.output + "\n");
}

}  // namespace

void add_import_verb(CLI::App& program) {
  const auto verb = std::make_shared<ImportVerb>();
  CLI::App* app = add_verb(program, "import", "Turn a platform of SimGrid into a cluster",
                           "cadastre import simgrid platform.xml --memory 16GiB -o cluster.json",
                           verb, [verb] { run_import(*verb); });
  app->add_option("format", verb->format, "Whose it is: simgrid")->required();
  app->add_option("file", verb->file, "The platform (XML)")->required();
  app->add_option("-o,--output", verb->output, "Where the cluster is written")->required();
  app->add_option("--memory", verb->memory,
                  "Memory of each host whose platform does not say it (a property memory or ram)");
  app->add_option("--reference-speed", verb->reference_speed,
                  "Speed of a core whose relative speed is 1, such as 2.5Gf; without it, that of "
                  "the fastest host");
}

}  // namespace cadastre
