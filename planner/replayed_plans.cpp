#include "planner/replayed_plans.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/subprocess.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

/// A directory that goes with its holder.
class WorkingDirectory {
 public:
  WorkingDirectory() {
    std::string name = (fs::temp_directory_path() / "cadastre-plan-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no directory for the simulation could be made in " +
                               fs::temp_directory_path().string());
    path_ = name;
  }

  ~WorkingDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Simulation replayed_plans(const PlanDocument& document, const std::vector<Plan>& rivals,
                          const Conditions& conditions) {
  PlanDocument simulated = document;
  simulated.alternatives = rivals;
  simulated.runners_up.clear();
  const WorkingDirectory directory;
  const fs::path plan_file = directory.path() / "plan.json";
  const fs::path conditions_file = directory.path() / "conditions.json";
  const fs::path simulation_file = directory.path() / "simulation.json";
  write_file(plan_file, json_text(to_json(simulated)));
  write_file(conditions_file, json_text(to_json(conditions)));
  const int status =
      run_sister("cadastre-simulator",
                 {"simulate", "--plan", plan_file.string(), "--conditions",
                  conditions_file.string(), "--quiet", "-o", simulation_file.string()},
                 true);
  if (status != 0)
    throw std::runtime_error("the simulator ended with status " + std::to_string(status));
  return read_simulation(simulation_file);
}

std::vector<Plan> rivals_in(const PlanDocument& document,
                            const std::vector<Constraint>& constraints) {
  std::vector<Plan> rivals;
  for (const std::vector<Plan>* plans : {&document.runners_up, &document.alternatives})
    for (const Plan& plan : *plans)
      if (plan.predicted.fits_memory && plan.averaging_period == 0 &&
          keeps(plan.predicted, plan.batch_size, constraints))
        rivals.push_back(plan);
  return rivals;
}

bool is_same_division(const Plan& a, const Plan& b) {
  if (a.micro_batches != b.micro_batches || a.schedule != b.schedule) return false;
  // The predicted seconds of stages order the passes of this schedule alone.
  if (a.schedule == Schedule::kInterleaved) return a.stages == b.stages;
  return std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                    [](const Stage& stage, const Stage& other) {
                      return stage.layers == other.layers && stage.replicas == other.replicas &&
                             stage.recompute == other.recompute;
                    });
}

void replace_plan(PlanDocument& document, const Plan& chosen) {
  std::erase_if(document.runners_up, [&](const Plan& plan) {
    return is_same_division(plan, chosen) && plan.strategy == chosen.strategy;
  });
  document.runners_up.insert(document.runners_up.begin(), document.plan);
  document.plan = chosen;
  document.plan.strategy = "auto";
  document.search.value = document.plan.predicted.step_s;
  document.search.optimality_gap = std::max(0.0, 1 - document.search.bound / document.search.value);
}

}  // namespace cadastre
