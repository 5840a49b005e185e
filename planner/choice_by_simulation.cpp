#include "planner/choice_by_simulation.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/simulation.h"
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

void choose_by_simulation(PlanDocument& document, const std::vector<Constraint>& constraints,
                          int count) {
  std::vector<Plan> rivals;
  for (const std::vector<Plan>* plans : {&document.runners_up, &document.alternatives})
    for (const Plan& plan : *plans)
      if (plan.predicted.fits_memory && plan.averaging_period == 0 &&
          keeps(plan.predicted, plan.batch_size, constraints))
        rivals.push_back(plan);
  std::stable_sort(rivals.begin(), rivals.end(), [](const Plan& a, const Plan& b) {
    return a.predicted.step_s < b.predicted.step_s;
  });
  rivals.resize(std::min(rivals.size(), static_cast<std::size_t>(count - 1)));

  PlanDocument simulated = document;
  simulated.alternatives = rivals;
  simulated.runners_up.clear();
  const WorkingDirectory directory;
  const fs::path plan_file = directory.path() / "plan.json";
  const fs::path simulation_file = directory.path() / "simulation.json";
  write_file(plan_file, json_text(to_json(simulated)));
  const int status = run_sister(
      "cadastre-simulator",
      {"simulate", "--plan", plan_file.string(), "--quiet", "-o", simulation_file.string()}, true);
  if (status != 0)
    throw std::runtime_error("the simulator ended with status " + std::to_string(status));
  const Simulation simulation = read_simulation(simulation_file);

  rivals.insert(rivals.begin(), document.plan);
  std::size_t best = 0;
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    rivals[i].simulated_step_s = simulation.plans.at(i).simulated_step_s;
    if (*rivals[i].simulated_step_s < *rivals[best].simulated_step_s) best = i;
  }
  const auto is = [](const Plan& a, const Plan& b) {
    return a.strategy == b.strategy && a.stages == b.stages && a.micro_batches == b.micro_batches &&
           a.schedule == b.schedule;
  };
  for (std::vector<Plan>* plans : {&document.runners_up, &document.alternatives})
    for (Plan& plan : *plans)
      for (const Plan& rival : rivals)
        if (is(plan, rival)) plan.simulated_step_s = rival.simulated_step_s;
  if (best == 0) {
    document.plan = rivals.front();
    return;
  }
  std::erase_if(document.runners_up, [&](const Plan& plan) { return is(plan, rivals[best]); });
  document.runners_up.insert(document.runners_up.begin(), rivals.front());
  document.plan = rivals[best];
  document.plan.strategy = "auto";
  document.search.value = document.plan.predicted.step_s;
  document.search.optimality_gap = std::max(0.0, 1 - document.search.bound / document.search.value);
}

}  // namespace cadastre
