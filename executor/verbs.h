#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace cadastre {

struct TrainingSettings;

// The verbs of cadastre-executor.
void add_synthesize_verb(CLI::App& program);
void add_profile_verb(CLI::App& program);
void add_run_verb(CLI::App& program);
void add_probe_verb(CLI::App& program);
void add_predict_verb(CLI::App& program);

// Started by `run` and `probe`, not by people.
void add_rank_verb(CLI::App& program);
void add_probe_rank_verb(CLI::App& program);

/// --epochs, --learning-rate and the like, for the launcher and for the ranks that it starts.
void add_training_options(CLI::App& app, TrainingSettings& training);

/// Runs the work of a started rank, tells the launcher of an error, and ends the process.
void report_to_launcher(const std::function<void()>& work);

}  // namespace cadastre
