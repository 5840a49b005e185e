#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "planner/cluster.h"
#include "planner/fidelity/profile_files.h"
#include "planner/fidelity/suite.h"
#include "planner/fidelity/testbed.h"
#include "planner/fidelity/yardstick.h"
#include "planner/model_graph.h"

namespace cadastre {

/// Profiles a group's model, into its directory (`profile_file`): by processors of the group's
/// testbed, whole, and on its hosts; beside a yardstick of those processors.
class GroupProfiler {
 public:
  /// `stated`: the group's cluster. `directory`: the group's. `scene`: what is loaded from. What
  /// they refer to has to be there as long as this is.
  GroupProfiler(const FidelityGroup& group, const ModelGraph& model, const Cluster& stated,
                const FidelityMethod& method, std::filesystem::path directory,
                std::filesystem::path scene, const Testbed& testbed, Yardstick& yardstick);

  /// By whole processors once alone, once while the hosts' others compute, too, and once by one of
  /// several. Throws std::runtime_error where it fails.
  void profile_whole_processors(std::int64_t number);

  /// By one of the testbed's hosts, alone, and while its others compute. Throws std::runtime_error
  /// where it fails, as where the host has too little memory.
  void profile_host(std::size_t host, std::int64_t number);

  /// What the yardstick took beside each profile so far (`ProfilePlace`).
  [[nodiscard]] const std::map<std::string, double>& yardsticks_s() const { return yardsticks_s_; }

 private:
  [[nodiscard]] std::filesystem::path model_file() const { return directory_ / "model.json"; }

  void by_whole_processors(int num_threads, std::int64_t number, ProfileKind kind);
  void by_host(const Host& host, std::int64_t number, ProfileKind kind);
  void beside_yardstick(const std::vector<int>& processors, const std::filesystem::path& profile,
                        const std::function<void()>& what);
  void beside(const std::vector<std::vector<std::string>>& commands,
              const std::function<void()>& what) const;
  [[nodiscard]] std::vector<std::string> profile_words(int num_threads, std::int64_t repeats,
                                                       std::int64_t number, ProfileKind kind,
                                                       const std::string& host = {}) const;
  [[nodiscard]] std::vector<std::string> endless_passes(int num_threads) const;
  [[nodiscard]] std::vector<std::string> words_of(const std::string& batch_sizes, int num_threads,
                                                  std::int64_t repeats,
                                                  const std::filesystem::path& output) const;

  const FidelityGroup& group_;
  const ModelGraph& model_;
  const Cluster& stated_;
  const FidelityMethod& method_;
  std::filesystem::path directory_;
  std::filesystem::path scene_;
  const Testbed& testbed_;
  Yardstick& yardstick_;
  std::map<std::string, double> yardsticks_s_;
};

}  // namespace cadastre
