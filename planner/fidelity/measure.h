#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "planner/fidelity/suite.h"

namespace cadastre {

struct FidelityOptions {
  std::filesystem::path suite_file;  ///< for what is refused
  std::filesystem::path directory;   ///< keeps everything
  std::filesystem::path scene;       ///< that is trained on; empty: one is made
  std::function<void(const std::string& what)> on_start = [](const std::string&) {};
};

/// Where a group's measurements are kept.
[[nodiscard]] std::filesystem::path group_directory(const std::filesystem::path& directory,
                                                    std::size_t group);

/// Runs what the suite asks for: makes each cluster's hosts, measures their network, profiles each
/// group's model, plans, and runs the plans in turn, profiling anew after each round, until enough
/// runs of each agree. What `directory` holds of the same request is not measured again; what runs
/// fail of is noted and does not keep the others from running.
///
/// Throws InputError, before anything runs, for models that cannot be read, clusters that do not
/// fit this machine, a directory of another suite, or no root; std::runtime_error where a probe or
/// a profile fails, or the work is interrupted: what was measured is kept.
void measure_suite(const FidelitySuite& suite, const FidelityOptions& options);

}  // namespace cadastre
