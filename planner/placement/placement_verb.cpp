#include "planner/placement/placement_verb.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/placement/placement_json.h"
#include "planner/placement/placement_search.h"
#include "planner/progress.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

constexpr const char* kOption = "--placement-problem";

void refuse_other_options(const CLI::App& plan) {
  constexpr std::array<std::string_view, 6> kUnderstood = {kOption,  "--output", "--time-limit",
                                                           "--json", "--quiet",  "--help"};
  for (const CLI::Option* option : plan.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (std::find(kUnderstood.begin(), kUnderstood.end(), name) != kUnderstood.end()) continue;
    throw InputError(name, "",
                     std::string("expected no such option together with ") + kOption +
                         ", whose file says all about costs and devices, found " +
                         in_quotes(option->results().front()));
  }
}

}  // namespace

std::shared_ptr<PlacementRequest> add_placement_problem(CLI::App& plan) {
  auto request = std::make_shared<PlacementRequest>();
  std::vector<CLI::Option*> required;
  for (CLI::Option* option : plan.get_options())
    if (option->get_required()) required.push_back(option);
  plan.add_option_function<std::string>(
      kOption,
      [request, required](const std::string& file) {
        request->problem = file;
        // CLI11 looks for what is required after it has read everything.
        for (CLI::Option* option : required) option->required(false);
      },
      "Instead of a profile on a cluster, solve a max-load placement problem in the format of "
      "msr-fiddle/dnn-partitioning");
  return request;
}

void run_placement(const CLI::App& plan, const PlacementRequest& request,
                   const VerbOptions& options) {
  refuse_other_options(plan);
  const PlacementProblem problem = read_placement_problem(request.problem);
  const PlacementResult result = [&] {
    constexpr double kMilli = 1e3;
    Progress progress("searching", static_cast<std::int64_t>(request.time_limit_s * kMilli),
                      options.quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow);
    return search_placement(
        problem, {.time_limit_s = request.time_limit_s, .on_progress = [&](double searched_s) {
                    progress.update(static_cast<std::int64_t>(searched_s * kMilli));
                  }});
  }();
  if (!result.placement) throw std::runtime_error(no_placement(result));
  const nlohmann::json document = to_json(problem, result);
  if (!request.output.empty()) write_file(request.output, json_text(document));
  print_result(options, document, summary(result));
}

}  // namespace cadastre
