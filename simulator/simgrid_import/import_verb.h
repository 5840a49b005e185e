#pragma once

namespace CLI {
class App;
}  // namespace CLI

namespace cadastre {

/// `cadastre import simgrid`; the front door does the other imports itself.
void add_import_verb(CLI::App& program);

}  // namespace cadastre
