#pragma once

namespace CLI {
class App;
}

namespace cadastre {

/// `cadastre profile MODEL [--data SCENE] [--batch-sizes …] -o profile.json`
void add_profile_command(CLI::App& program);

}  // namespace cadastre
