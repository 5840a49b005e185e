#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "planner/cluster.h"

namespace cadastre {

/// Throws InputError naming the cluster where its hosts are more than this machine has: processors
/// (all of them together, as they are to compute at the same time) or memory. `file`: of the
/// document that has the cluster at `pointer`.
void check_fits_machine(const Cluster& cluster, const std::string& file,
                        const std::string& pointer);

/// Of this machine, that the cluster's hosts have together; a part of one counts as one.
[[nodiscard]] int num_processors(const Cluster& cluster);

/// Throws InputError unless this process may make hosts on this machine: root may.
void check_may_make_hosts();

/// A cluster's hosts, made on this machine by `executor/testbed/testbed.py` while this is there:
/// network namespaces, shaped links, processors of their own or shares of them.
class Testbed {
 public:
  /// `directory` keeps what the commands say. Throws InputError where the machine cannot make any
  /// hosts, or not these; std::runtime_error where it fails.
  Testbed(const Cluster& cluster, std::filesystem::path directory);
  ~Testbed();
  Testbed(const Testbed&) = delete;
  Testbed& operator=(const Testbed&) = delete;

  /// With the hosts' addresses.
  [[nodiscard]] const Cluster& cluster() const { return cluster_; }

  /// Of this machine, to which hosts are bound, by name.
  [[nodiscard]] const std::map<std::string, std::vector<int>>& processors() const {
    return processors_;
  }

  /// Runs `cadastre ARGUMENTS…` on the first host, which reaches the others by ssh. Throws
  /// std::runtime_error with the last line that it said where it fails.
  void run(const std::vector<std::string>& arguments) const;

  /// Likewise on the host of that name.
  void run_on(const std::string& host, const std::vector<std::string>& arguments) const;

  /// The command line that runs it there.
  [[nodiscard]] std::vector<std::string> words_on(const std::string& host,
                                                  const std::vector<std::string>& arguments) const;

  /// Of `--hosts`, to start ranks on all of them.
  [[nodiscard]] std::filesystem::path hosts_file() const { return directory_ / "hosts.txt"; }

 private:
  void read_hosts();
  void remove() const;

  std::filesystem::path directory_;
  std::string name_;
  Cluster cluster_;
  std::map<std::string, std::vector<int>> processors_;
};

}  // namespace cadastre
