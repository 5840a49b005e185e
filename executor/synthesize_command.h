#pragma once

namespace CLI {
class App;
}

namespace cadastre {

/// `cadastre synthesize -o DIR [--size-m 256] [--seed 1]`
void add_synthesize_command(CLI::App& program);

}  // namespace cadastre
