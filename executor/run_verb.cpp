#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "executor/training_options.h"
#include "executor/training_run.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/progress.h"
#include "planner/table.h"

namespace cadastre {

namespace {

std::string summary(const RunRecord& run, const std::filesystem::path& output) {
  std::string text =
      std::to_string(run.steps.size()) + " steps in " + fixed(run.wall_s, 1) + " s; a step took " +
      fixed(run.measured_step_s * 1e3, 1) + " ms (predicted " +
      fixed(run.predicted_step_s * 1e3, 1) +
      (run.simulated_step_s ? ", simulated " + fixed(*run.simulated_step_s * 1e3, 1) : "") + "), " +
      fixed(static_cast<double>(run.traffic_bytes_per_step) / 1e6, 2) + " MB between hosts\n";
  if (run.validation)
    text += "validation: kappa " + fixed(run.validation->metrics.kappa, 3) + " after " +
            std::to_string(run.validation->best_num_steps) + " steps, which were kept" +
            (run.end == RunEnd::kPatience ? "; stopped as nothing better came" : "") + "\n";
  if (run.metrics)
    text += "test pixels: overall accuracy " + fixed(100 * run.metrics->overall_accuracy, 2) +
            " %, average accuracy " + fixed(100 * run.metrics->average_accuracy, 2) + " %, kappa " +
            fixed(run.metrics->kappa, 3) + "\n";
  for (const std::string& note : run.notes) text += "note: " + note + "\n";
  return text + "written to " + output.string() + "\n";
}

/// "loss 0.1234, 812 samples/s, 3.20 MB a step, slowest lab3"
std::string status(const RunProgress& now) {
  std::string text =
      "loss " + fixed(now.loss, 4) + ", " + fixed(now.samples_per_s, 0) + " samples/s";
  if (now.validation_kappa) text += ", validation kappa " + fixed(*now.validation_kappa, 3);
  if (now.slowest_host.empty()) return text;
  text += ", " + fixed(static_cast<double>(now.traffic_bytes) / 1e6, 2) + " MB a step, slowest " +
          now.slowest_host;
  return text;
}

/// Started by a launcher as another than number 0: the plan is read for the comparison alone.
[[noreturn]] void become_one_of(RunRequest request, const TrainingOptions& options,
                                const LauncherEnvironment& environment) {
  std::string fingerprint;
  std::string problem;
  try {
    request.training = chosen_training(options, read_plan(request.plan).plan.optimizer);
    fingerprint = request_fingerprint(request);
  } catch (const InputError& error) {
    problem = error.what();
  }
  become_rank(request.launch, environment, rank_arguments(request), fingerprint, problem);
}

nlohmann::json result_json(const RunRecord& run, const std::filesystem::path& output) {
  nlohmann::json result = {{"run", output.string()},
                           {"strategy", run.strategy},
                           {"num_steps", run.steps.size()},
                           {"predicted_step_s", run.predicted_step_s},
                           {"measured_step_s", run.measured_step_s},
                           {"traffic_bytes_per_step", run.traffic_bytes_per_step},
                           {"final_loss", run.steps.empty() ? 0 : run.steps.back().loss}};
  if (run.simulated_step_s) result["simulated_step_s"] = *run.simulated_step_s;
  if (!run.notes.empty()) result["notes"] = run.notes;
  if (run.validation) {
    result["validation_kappa"] = run.validation->metrics.kappa;
    result["best_num_steps"] = run.validation->best_num_steps;
    result["ended_by"] = run.end == RunEnd::kPatience ? "patience" : "steps";
  }
  if (run.metrics) {
    result["overall_accuracy"] = run.metrics->overall_accuracy;
    result["average_accuracy"] = run.metrics->average_accuracy;
    result["kappa"] = run.metrics->kappa;
  }
  return result;
}

}  // namespace

void add_run_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto request = std::make_shared<RunRequest>();
  const auto training_options = std::make_shared<TrainingOptions>();
  CLI::App* app = add_verb(
      program, "run", "Train a model as planned",
      "cadastre run --plan plan.json --model scenarios/models/multimodal-cnn.json --data scene "
      "--epochs 6 --local -o run",
      options, [=] {
        const auto environment = started_by(request->launch);
        if (environment && environment->number > 0)
          become_one_of(*request, *training_options, *environment);
        try {
          request->training =
              chosen_training(*training_options, read_plan(request->plan).plan.optimizer);
        } catch (const InputError& error) {
          if (environment) refuse_ranks(request->launch, *environment, error.what());
          throw;
        }
        const Progress::Mode mode = options->quiet ? Progress::Mode::kQuiet : Progress::Mode::kShow;
        std::optional<Progress> training;
        std::optional<Progress> testing;
        const RunRecord run = run_training(*request, [&](const RunProgress& now) {
          if (!now.notice.empty()) {
            training.reset();
            if (!options->quiet) std::cerr << "note: " << now.notice << '\n';
          } else if (now.part == RunProgress::Part::kTraining) {
            if (!training) training.emplace("training", now.total, mode);
            training->update(now.done, status(now));
          } else {
            training.reset();
            if (!testing) testing.emplace("testing", now.total, mode);
            testing->update(now.done);
          }
        });
        training.reset();
        testing.reset();
        print_result(*options, result_json(run, request->output), summary(run, request->output));
      });
  app->add_option("--plan", request->plan, "How the model is divided")->required();
  app->add_option("--model", request->model,
                  "The model, to be sure that the plan is for it; of one that PyTorch saved, the "
                  "weights to begin with");
  app->add_flag(
      "--random-weights", request->random_weights,
      "Begin with random weights, of a model that PyTorch saved and that --model does not "
      "give");
  app->add_option("--data", request->scene, "A scene's directory or document")->required();
  app->add_option("--rasters", request->rasters, "Where the scene's rasters lie, if not beside it");
  app->add_option("-o,--output", request->output, "Directory for what comes out")->required();
  app->add_flag("--local", request->launch.local,
                "Run every rank on this machine, whatever started this process");
  add_launch_options(*app, request->launch);
  app->add_option_function<std::string>(
      "--wire-dtype",
      [request](const std::string& name) { request->wire_dtype = wire_dtype_option(name); },
      "What tensors are between hosts (float32, bfloat16, float16), if not as planned");
  add_training_options(*app, *training_options);
  constexpr std::int64_t kMostSteps = 1'000'000'000'000;
  constexpr int kMostCheckpoints = 1000;
  constexpr int kMostRestarts = 1'000'000;
  app->add_option("--checkpoint-every", request->checkpoint_every,
                  "Steps after which OUTPUT/checkpoints gets another one, 0: none (default: as often "
                  "as loses least, by the hosts' mean time between failures)")
      ->check(integer_from(0, kMostSteps));
  app->add_option("--keep-checkpoints", request->num_checkpoints, "How many are kept")
      ->capture_default_str()
      ->check(integer_from(1, kMostCheckpoints));
  app->add_flag("--resume", request->resumes,
                "Go on from the newest sound checkpoint of OUTPUT, under this plan or another");
  app->add_option("--max-restarts", request->max_restarts,
                  "How often a run goes on from its last checkpoint when a rank fails")
      ->capture_default_str()
      ->check(integer_from(0, kMostRestarts));
  app->add_flag("--replan", request->replans,
                "Then, under a new plan on the hosts that have not failed (without --max-restarts, as "
                "long as there are any)");
  app->add_option(
         "--timeline-quantile", request->timeline_quantile,
         "Which step the timeline shows, by its duration: 0.5 the median; less where other "
         "work disturbs")
      ->capture_default_str()
      ->check(number_from(0, 1));
  app->add_option("--test-samples", request->max_test_samples,
                  "Most test pixels to measure the accuracy on (0: all; predict always takes all)")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

}  // namespace cadastre
