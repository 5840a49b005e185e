#pragma once

#include <string>
#include <vector>

#include "executor/torchscript/import.h"

namespace CLI {
class App;
}

namespace cadastre {

/// What is said of a PyTorch model on the command line.
struct ImportArguments {
  std::vector<std::string> shapes;  ///< "3,64,64", or "lidar=2,22,22"
  std::int64_t batch_norm_group_samples = ImportOptions{}.batch_norm_group_samples;
};

/// --input-shape and --batch-norm-group.
void add_import_options(CLI::App& verb, ImportArguments& arguments);

/// Throws InputError for a shape that is none.
[[nodiscard]] ImportOptions import_options(const ImportArguments& arguments);

}  // namespace cadastre
