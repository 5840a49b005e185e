#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace cadastre {

/// What a launcher that people already have tells each process that it starts.
struct LauncherEnvironment {
  std::string launcher;  ///< its name, in messages
  int number = 0;
  int num_ranks = 1;
  std::string coordinator_address;  ///< where number 0 is
  std::uint16_t coordinator_port = 0;
  std::string token;   ///< the same in all processes of one start, and in no other at its time
  std::string secret;  ///< the same, and nobody else knows it; empty where the launcher has none
};

/// Value of an environment variable; null when it is not set.
using Variable = std::function<const char*(const char* name)>;

/// Understands torchrun and whatever else sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT;
/// OpenMPI's mpirun; a Slurm step. Nothing when none of them started this process. MASTER_ADDR and
/// MASTER_PORT go before what mpirun and Slurm say themselves.
///
/// The coordinator listens at MASTER_PORT; under torchrun, whose agent is there, at the next one.
/// Without MASTER_PORT, at a port from 20000 to 39999 that depends on the job's number.
///
/// Throws InputError that names launcher and variable when one is missing or is not what it must
/// be.
[[nodiscard]] std::optional<LauncherEnvironment> launcher_environment(const Variable& variable);
[[nodiscard]] std::optional<LauncherEnvironment> launcher_environment();

/// The first host of a Slurm node list: "lab1" of "lab[1-3,7]", "rack0-n08" of
/// "rack[0-1]-n[08-11]".
[[nodiscard]] std::string first_slurm_host(const std::string& node_list);

}  // namespace cadastre
