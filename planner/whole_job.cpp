#include "planner/whole_job.h"

#include <cstdio>
#include <stdexcept>

#include "planner/command_line.h"
#include "planner/run_record.h"
#include "planner/subprocess.h"
#include "planner/table.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExecutor = "cadastre-executor";

using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

std::vector<VerbCall> verb_calls(const WholeJob& job) {
  const fs::path& out = job.output;
  const Words scene =
      Words{"--data", job.scene} +
      (job.rasters.empty() ? Words{} : Words{"--rasters", job.rasters});
  const bool makes_model = job.model.empty();
  const std::string model = makes_model ? out / "model.json" : job.model;
  const Words machines = job.hosts.empty() ? Words{"--local"} : Words{"--hosts", job.hosts};
  const Words probed_machines =
      job.hosts.empty() ? Words{"--local", std::to_string(job.num_local)} : machines;

  std::vector<VerbCall> calls;
  if (makes_model)
    calls.push_back({"Make a model for the scene", kExecutor,
                     Words{"model"} + scene + job.model_options + Words{"-o", model}});
  calls.push_back({"Profile the model", kExecutor,
                   Words{"profile", model} + scene + Words{"-o", out / "profile.json"}});
  calls.push_back({"Probe the hosts", kExecutor,
                   Words{"probe"} + probed_machines +
                       Words{"--model", model, "-o", out / "cluster.json"}});
  calls.push_back({"Plan the division", "cadastre",
                   Words{"plan", "--profile", out / "profile.json", "--cluster",
                         out / "cluster.json", "--batch-size", std::to_string(job.batch_size), "-o",
                         out / "plan.json"}});
  calls.push_back({"Simulate the plan and the baselines", "cadastre-simulator",
                   {"simulate", "--plan", out / "plan.json", "--choose-best", "-o",
                    out / "simulation.json"}});
  calls.push_back({job.hosts.empty() ? "Train on local ranks" : "Train on the hosts", kExecutor,
                   Words{"run", "--plan", out / "plan.json", "--model", model} + scene +
                       job.training_options + machines + Words{"-o", out / "run"}});
  calls.push_back({"Classify the whole scene", kExecutor,
                   Words{"predict", "--run", out / "run"} + scene +
                       (job.hosts.empty() ? Words{} : machines) + Words{"-o", out / "map.tif"}});
  calls.push_back(
      {"Write the report", "cadastre", {"report", out, "-o", out / "report.html"}});
  return calls;
}

void run_verbs(const std::vector<VerbCall>& calls, const VerbOptions& options) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const VerbCall& call = calls[i];
    Words arguments = call.arguments;
    if (options.quiet)
      arguments.emplace_back("--quiet");
    else
      std::fprintf(stderr, "[%zu/%zu] %s\n", i + 1, calls.size(), call.title.c_str());
    const int status = run_sister(call.program, arguments, options.quiet || options.json);
    if (status != 0)
      throw std::runtime_error(call.title + ": cadastre " + call.arguments.front() +
                               " ended with status " + std::to_string(status));
  }
}

WholeJobResult whole_job_result(const fs::path& output, double wall_s) {
  const RunRecord run = read_run(output / "run" / "run.json");
  WholeJobResult result;
  result.document = {{"output", output.string()},
                     {"strategy", run.strategy},
                     {"predicted_step_s", run.predicted_step_s},
                     {"measured_step_s", run.measured_step_s},
                     {"wall_s", wall_s}};
  if (run.simulated_step_s) result.document["simulated_step_s"] = *run.simulated_step_s;
  result.text =
      "\n" + run.strategy + " plan: a step takes " + fixed(run.predicted_step_s * 1e3, 1) +
      " ms predicted, " +
      (run.simulated_step_s ? fixed(*run.simulated_step_s * 1e3, 1) + " ms simulated, " : "") +
      fixed(run.measured_step_s * 1e3, 1) + " ms measured\n";
  if (run.metrics) {
    result.document["overall_accuracy"] = run.metrics->overall_accuracy;
    result.document["kappa"] = run.metrics->kappa;
    result.text += "overall accuracy " + fixed(100 * run.metrics->overall_accuracy, 1) +
                   " %, kappa " + fixed(run.metrics->kappa, 3) + "\n";
  }
  result.text += "the map is " + (output / "map.tif").string() + ", the report " +
                 (output / "report.html").string() + "; all in " + fixed(wall_s, 0) + " s\n";
  return result;
}

}  // namespace cadastre
