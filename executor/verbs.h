#pragma once

namespace CLI {
class App;
}

namespace cadastre {

// The verbs of cadastre-executor.
void add_scene_verb(CLI::App& program);
void add_synthesize_verb(CLI::App& program);
void add_profile_verb(CLI::App& program);
void add_run_verb(CLI::App& program);
void add_probe_verb(CLI::App& program);
void add_model_verb(CLI::App& program);
void add_predict_verb(CLI::App& program);
void add_predict_rank_verb(CLI::App& program);
void add_pytorch_verbs(CLI::App& program);  ///< import pytorch, export pytorch

// Started by `run` and `probe`, not by people.
void add_rank_verb(CLI::App& program);
void add_probe_rank_verb(CLI::App& program);

}  // namespace cadastre
