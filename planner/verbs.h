#pragma once

namespace CLI {
class App;
}

namespace cadastre {

// The verbs that need neither LibTorch nor SimGrid, each added to the front door.
void add_plan_verb(CLI::App& program);
/// `argv` is the program's: `import simgrid` is handed on with it.
void add_import_verb(CLI::App& program, char** argv);
void add_validate_verb(CLI::App& program);
void add_report_verb(CLI::App& program);
void add_demo_verb(CLI::App& program);
void add_classify_verb(CLI::App& program);
void add_export_verb(CLI::App& program);
/// Likewise: `calibrate RUN…`.
void add_calibrate_verb(CLI::App& program, char** argv);
void add_fidelity_verb(CLI::App& program);

}  // namespace cadastre
