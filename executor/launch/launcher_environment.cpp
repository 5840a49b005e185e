#include "executor/launch/launcher_environment.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "executor/launch/rank_hello.h"
#include "planner/error.h"

namespace cadastre {

namespace {

constexpr int kMostRanks = 1 << 20;
constexpr int kMostPort = 65535;
constexpr std::uint64_t kFirstDerivedPort = 20000;
constexpr std::uint64_t kNumDerivedPorts = 20000;
constexpr const char* kLoopback = "127.0.0.1";

/// The variables of one launcher.
class Reader {
 public:
  Reader(const Variable& variable, std::string launcher)
      : variable_(variable), launcher_(std::move(launcher)) {}

  [[nodiscard]] std::string text(const char* name) const {
    const char* value = variable_(name);
    return value == nullptr ? "" : value;
  }

  [[nodiscard]] std::string required(const char* name) const {
    std::string value = text(name);
    if (value.empty())
      throw InputError("", "",
                       "expected the environment variable " + std::string(name) + " from " +
                           launcher_ + ", found " +
                           (variable_(name) == nullptr ? "none" : "an empty one"));
    return value;
  }

  [[nodiscard]] int number(const char* name, int least, int most) const {
    const std::string value = required(name);
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < least ||
        number > most)
      throw InputError("", "",
                       "expected a number from " + std::to_string(least) + " to " +
                           std::to_string(most) + " in the environment variable " + name +
                           " from " + launcher_ + ", found \"" + value + "\"");
    return number;
  }

  /// Number and count of the ranks.
  [[nodiscard]] LauncherEnvironment ranks(const char* number_name, const char* count_name) const {
    LauncherEnvironment environment;
    environment.launcher = launcher_;
    environment.num_ranks = number(count_name, 1, kMostRanks);
    environment.number = number(number_name, 0, environment.num_ranks - 1);
    return environment;
  }

  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(number("MASTER_PORT", 1, kMostPort));
  }

  /// MASTER_ADDR, or else the launcher's own; MASTER_PORT, or else one that depends on the job.
  void add_place(LauncherEnvironment& environment, const std::string& own_address,
                 const std::string& job) const {
    environment.coordinator_address =
        text("MASTER_ADDR").empty() ? own_address : text("MASTER_ADDR");
    if (environment.coordinator_address.empty())
      throw InputError("", "",
                       "expected the environment variable MASTER_ADDR, as " + launcher_ +
                           " does not say where rank 0 is, found none");
    environment.token = fingerprint(launcher_ + " " + job);
    if (!text("MASTER_PORT").empty()) {
      environment.coordinator_port = port();
      return;
    }
    const std::uint64_t mixed = std::strtoull(environment.token.c_str(), nullptr, 16);
    environment.coordinator_port =
        static_cast<std::uint16_t>(kFirstDerivedPort + mixed % kNumDerivedPorts);
  }

 private:
  const Variable& variable_;
  std::string launcher_;
};

LauncherEnvironment from_generic(const Variable& variable) {
  const bool torchrun = variable("TORCHELASTIC_RUN_ID") != nullptr;
  const Reader reader(variable, torchrun ? "torchrun" : "the launcher");
  LauncherEnvironment environment = reader.ranks("RANK", "WORLD_SIZE");
  environment.coordinator_address = reader.required("MASTER_ADDR");
  environment.coordinator_port = reader.port();
  // The agent's own store is at MASTER_PORT.
  if (torchrun && reader.text("TORCHELASTIC_USE_AGENT_STORE") == "True")
    ++environment.coordinator_port;
  environment.token = fingerprint(
      environment.coordinator_address + " " + std::to_string(environment.coordinator_port) + " " +
      reader.text("TORCHELASTIC_RUN_ID") + reader.text("TORCHELASTIC_RESTART_COUNT"));
  return environment;
}

/// An address of mpirun's own machine, where it starts rank 0 unless told otherwise:
/// "2468085760.0;tcp://10.0.0.1,172.17.0.1:54321".
std::string mpirun_address(const std::string& uri) {
  const std::string_view scheme = "tcp://";
  const std::size_t begin = uri.find(scheme);
  if (begin == std::string::npos) return "";
  const std::string addresses = uri.substr(begin + scheme.size());
  return addresses.substr(0, addresses.find_first_of(",:"));
}

LauncherEnvironment from_open_mpi(const Variable& variable) {
  const Reader reader(variable, "mpirun");
  LauncherEnvironment environment = reader.ranks("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
  const bool one_machine =
      reader.text("OMPI_COMM_WORLD_LOCAL_SIZE") == reader.text("OMPI_COMM_WORLD_SIZE");
  const std::string uri = reader.text("OMPI_MCA_orte_hnp_uri");
  const std::string job =
      reader.text("PMIX_NAMESPACE").empty() ? uri : reader.text("PMIX_NAMESPACE");
  reader.add_place(environment, one_machine ? kLoopback : mpirun_address(uri), job);
  // 128 bits that mpirun draws for each job and gives to its processes alone.
  environment.secret = reader.text("OMPI_MCA_orte_precondition_transports");
  return environment;
}

LauncherEnvironment from_slurm(const Variable& variable) {
  const Reader reader(variable, "Slurm");
  LauncherEnvironment environment = reader.ranks(
      "SLURM_PROCID",
      reader.text("SLURM_STEP_NUM_TASKS").empty() ? "SLURM_NTASKS" : "SLURM_STEP_NUM_TASKS");
  const bool one_machine = reader.text("SLURM_STEP_NUM_NODES") == "1";
  const std::string nodes = reader.text("SLURM_STEP_NODELIST").empty()
                                ? reader.text("SLURM_JOB_NODELIST")
                                : reader.text("SLURM_STEP_NODELIST");
  reader.add_place(environment, one_machine ? kLoopback : first_slurm_host(nodes),
                   reader.required("SLURM_JOB_ID") + "." + reader.text("SLURM_STEP_ID"));
  return environment;
}

}  // namespace

std::optional<LauncherEnvironment> launcher_environment(const Variable& variable) {
  if (variable("RANK") != nullptr || variable("WORLD_SIZE") != nullptr)
    return from_generic(variable);
  if (variable("OMPI_COMM_WORLD_RANK") != nullptr) return from_open_mpi(variable);
  // A batch script has SLURM_PROCID too, but is no step of several ranks.
  if (variable("SLURM_PROCID") != nullptr && variable("SLURM_STEP_ID") != nullptr)
    return from_slurm(variable);
  return std::nullopt;
}

std::optional<LauncherEnvironment> launcher_environment() {
  return launcher_environment([](const char* name) { return std::getenv(name); });
}

std::string first_slurm_host(const std::string& node_list) {
  std::string host;
  for (std::size_t i = 0; i < node_list.size() && node_list[i] != ','; ++i) {
    if (node_list[i] != '[') {
      host += node_list[i];
      continue;
    }
    const std::size_t end = node_list.find(']', i);
    if (end == std::string::npos) break;
    host += node_list.substr(i + 1, node_list.find_first_of(",-]", i) - i - 1);
    i = end;
  }
  return host;
}

}  // namespace cadastre
