#pragma once

namespace CLI {
class App;
}

namespace cadastre {

/// `cadastre predict --run RUN [--data SCENE] -o map.tif`
void add_predict_command(CLI::App& program);

}  // namespace cadastre
