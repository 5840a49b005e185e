#pragma once

namespace CLI {
class App;
}

namespace cadastre {

/// `cadastre study`.
void add_study_verb(CLI::App& program);

}  // namespace cadastre
