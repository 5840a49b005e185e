// The program of `calibrate RUN…`; the front door `cadastre` starts it with its own arguments.

#include <glog/logging.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/run_calibration/hold_out.h"
#include "planner/run_calibration/measured_run.h"
#include "planner/run_calibration/outcome.h"
#include "planner/run_calibration/request.h"

namespace {

using namespace cadastre;
using namespace cadastre::run_calibration;
namespace fs = std::filesystem;

/// The number that the text is, if it is one.
std::optional<double> number_in(const std::string& text) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last) return std::nullopt;
  return number;
}

/// The directories of all runs, each once, and which of them the fit may see.
struct Choice {
  std::vector<fs::path> directories;
  std::vector<bool> is_used;
};

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::weakly_canonical(a, error) == fs::weakly_canonical(b, error);
}

Choice choice_of(const Request& request) {
  Choice choice;
  const auto number_of = [&](const fs::path& run) {
    const auto found = std::find_if(choice.directories.begin(), choice.directories.end(),
                                    [&](const fs::path& known) { return is_same(known, run); });
    return static_cast<std::size_t>(found - choice.directories.begin());
  };
  for (const fs::path& run : request.runs) {
    if (number_of(run) < choice.directories.size())
      throw InputError(run.string(), "", "expected each run once, found it twice");
    choice.directories.push_back(run);
  }
  choice.is_used.assign(choice.directories.size(), true);
  if (request.hold_out.size() == 1 && number_in(request.hold_out.front())) {
    const double fraction = *number_in(request.hold_out.front());
    if (!(fraction > 0 && fraction < 1))
      throw InputError(
          "--hold-out", "",
          "expected a fraction between 0 and 1, or runs, found " + request.hold_out.front());
    if (choice.directories.size() < 2)
      throw InputError("--hold-out", "", "expected two runs at least to hold some out, found 1");
    choice.is_used = evenly_used(choice.directories.size(), fraction);
    return choice;
  }
  for (const std::string& name : request.hold_out) {
    const std::size_t number = number_of(name);
    if (number == choice.directories.size()) {
      choice.directories.emplace_back(name);
      choice.is_used.push_back(false);
    }
    choice.is_used[number] = false;
  }
  if (std::find(choice.is_used.begin(), choice.is_used.end(), true) == choice.is_used.end())
    throw InputError("--hold-out", "", "expected a run at least that is not held out, found none");
  return choice;
}

void run_calibrate(const Request& request, const VerbOptions& options) {
  const Choice choice = choice_of(request);
  check_can_write(request.output);
  if (!request.profile_output.empty()) check_can_write(request.profile_output);
  std::vector<MeasuredRun> runs;
  for (const fs::path& directory : choice.directories) runs.push_back(read_measured_run(directory));
  check_comparable(runs);
  if (!request.profile_output.empty())
    for (const MeasuredRun& run : runs)
      if (run.document.profile.model != runs.front().document.profile.model)
        throw InputError((fs::path(run.name) / "plan.json").string(), "/profile/model",
                         "expected the model of " + runs.front().name +
                             ", as one profile is to be written, found another");
  const Judged judged = fit_and_judge(runs, choice.is_used);
  write_file(request.output, json_text(to_json(described_cluster(judged))));
  if (!request.profile_output.empty())
    write_file(request.profile_output, json_text(to_json(judged.fit.constants.profiles.front())));
  nlohmann::json document = outcome_json(judged);
  document["cluster"] = request.output.string();
  std::string text = outcome_text(judged) + "written to " + request.output.string();
  if (!request.profile_output.empty()) {
    document["profile"] = request.profile_output.string();
    text += " and " + request.profile_output.string();
  }
  print_result(options, document, text + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  // Ceres' own words are for its developers.
  FLAGS_minloglevel = google::GLOG_FATAL;
  google::InitGoogleLogging(kProgram);
  CLI::App program("Fits the constants of the cost model to runs", kProgram);
  program.require_subcommand(1);
  const auto options = std::make_shared<VerbOptions>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_verb(program, "calibrate", "Fit a cluster to what runs measured",
                           "cadastre calibrate run1 run2 run3 -o cluster.json", options,
                           [=] { run_calibrate(*request, *options); });
  add_options(*app, *request);
  app->get_option("runs")->required();
  app->add_option("-o,--output", request->output, "Where the calibrated cluster is written")
      ->required();
  return run_program(program, argc, argv);
}
