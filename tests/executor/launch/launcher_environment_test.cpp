#include "executor/launch/launcher_environment.h"

#include <map>

#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<LauncherEnvironment> environment(const Variables& variables) {
  return launcher_environment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  return documents::refusal([&] { static_cast<void>(environment(variables)); });
}

const Variables kGeneric = {
    {"RANK", "1"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "lab1"}, {"MASTER_PORT", "29500"}};
/// As OpenMPI 4.1 sets them, over two machines.
const Variables kOpenMpi = {
    {"OMPI_COMM_WORLD_RANK", "3"},
    {"OMPI_COMM_WORLD_SIZE", "4"},
    {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
    {"OMPI_MCA_orte_hnp_uri", "2468085760.0;tcp://10.0.0.1,172.17.0.1:54321"},
    {"PMIX_NAMESPACE", "2468085761"}};
/// As a step of Slurm 22.05 over three machines.
const Variables kSlurm = {{"SLURM_PROCID", "2"},
                          {"SLURM_NTASKS", "3"},
                          {"SLURM_STEP_NUM_TASKS", "3"},
                          {"SLURM_STEP_NUM_NODES", "3"},
                          {"SLURM_STEP_ID", "0"},
                          {"SLURM_JOB_ID", "42"},
                          {"SLURM_STEP_NODELIST", "lab[1-2,7]"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

TEST_CASE("a process that no launcher started has no environment of one", "[executor]") {
  CHECK_FALSE(environment({}).has_value());
  CHECK_FALSE(environment({{"MASTER_ADDR", "lab1"}}).has_value());
  // A batch script of Slurm.
  CHECK_FALSE(environment(without(kSlurm, "SLURM_STEP_ID")).has_value());
}

TEST_CASE("torchrun's variables are understood, whoever sets them", "[executor]") {
  const auto found = environment(kGeneric);
  REQUIRE(found.has_value());
  CHECK(found->number == 1);
  CHECK(found->num_ranks == 4);
  CHECK(found->coordinator_address == "lab1");
  CHECK(found->coordinator_port == 29500);
}

TEST_CASE("under torchrun the coordinator leaves the agent its port", "[executor]") {
  const auto found = environment(
      with(with(kGeneric, "TORCHELASTIC_RUN_ID", "none"), "TORCHELASTIC_USE_AGENT_STORE", "True"));
  CHECK(found->launcher == "torchrun");
  CHECK(found->coordinator_port == 29501);
}

TEST_CASE("mpirun's variables are understood", "[executor]") {
  const auto found = environment(kOpenMpi);
  REQUIRE(found.has_value());
  CHECK(found->number == 3);
  CHECK(found->num_ranks == 4);
  CHECK(found->coordinator_address == "10.0.0.1");
  CHECK(found->coordinator_port >= 20000);
  CHECK(found->coordinator_port < 40000);
  // All ranks of a job derive the same, and another job another.
  CHECK(environment(with(kOpenMpi, "OMPI_COMM_WORLD_RANK", "0"))->token == found->token);
  CHECK(environment(with(kOpenMpi, "PMIX_NAMESPACE", "7"))->token != found->token);
  CHECK(environment(with(kOpenMpi, "OMPI_COMM_WORLD_LOCAL_SIZE", "4"))->coordinator_address ==
        "127.0.0.1");
  CHECK(environment(with(kOpenMpi, "MASTER_ADDR", "lab9"))->coordinator_address == "lab9");
  CHECK(environment(with(kOpenMpi, "MASTER_PORT", "1234"))->coordinator_port == 1234);
}

TEST_CASE("a Slurm step's variables are understood", "[executor]") {
  const auto found = environment(kSlurm);
  REQUIRE(found.has_value());
  CHECK(found->number == 2);
  CHECK(found->num_ranks == 3);
  CHECK(found->coordinator_address == "lab1");
  CHECK(environment(with(kSlurm, "SLURM_STEP_ID", "1"))->token != found->token);
  CHECK(environment(with(kSlurm, "SLURM_STEP_NUM_NODES", "1"))->coordinator_address == "127.0.0.1");
}

TEST_CASE("the first host of a Slurm node list", "[executor]") {
  CHECK(first_slurm_host("lab1") == "lab1");
  CHECK(first_slurm_host("lab1,lab2") == "lab1");
  CHECK(first_slurm_host("lab[1-3,7]") == "lab1");
  CHECK(first_slurm_host("lab[07,9]") == "lab07");
  CHECK(first_slurm_host("rack[0-1]-n[08-11],x") == "rack0-n08");
  CHECK(first_slurm_host("").empty());
}

TEST_CASE("an incomplete environment is refused with launcher and variable", "[executor]") {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"})
    CHECK(refusal(without(kGeneric, name)) == std::string("expected the environment variable ") +
                                                  name + " from the launcher, found none");
  CHECK(refusal(with(kGeneric, "RANK", "four")) ==
        "expected a number from 0 to 3 in the environment variable RANK from the launcher, found "
        "\"four\"");
  CHECK(refusal(with(kGeneric, "RANK", "4")) ==
        "expected a number from 0 to 3 in the environment variable RANK from the launcher, found "
        "\"4\"");
  CHECK(refusal(with(kGeneric, "MASTER_PORT", "70000")) ==
        "expected a number from 1 to 65535 in the environment variable MASTER_PORT from the "
        "launcher, found \"70000\"");
  CHECK(refusal(without(kOpenMpi, "OMPI_COMM_WORLD_SIZE")) ==
        "expected the environment variable OMPI_COMM_WORLD_SIZE from mpirun, found none");
  CHECK(refusal(without(kOpenMpi, "OMPI_MCA_orte_hnp_uri")) ==
        "expected the environment variable MASTER_ADDR, as mpirun does not say where rank 0 is, "
        "found none");
  CHECK(refusal(without(kSlurm, "SLURM_JOB_ID")) ==
        "expected the environment variable SLURM_JOB_ID from Slurm, found none");
}

}  // namespace
}  // namespace cadastre
