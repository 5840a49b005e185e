#include "executor/rank_environment.h"

#include <cstdlib>
#include <map>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/documents.h"

namespace cadastre {
namespace {

using documents::refusal;

/// The environment that a launcher gives, with one variable changed; empty leaves it out.
std::string refusal_with(const std::string& name, const std::string& value) {
  std::map<std::string, std::string> variables = {
      {"RANK", "1"}, {"WORLD_SIZE", "3"}, {"MASTER_ADDR", "10.0.0.1"}, {"MASTER_PORT", "29500"}};
  variables[name] = value;
  for (const auto& [key, text] : variables)
    if (text.empty())
      ::unsetenv(key.c_str());
    else
      ::setenv(key.c_str(), text.c_str(), 1);
  return refusal([] { static_cast<void>(rank_environment()); });
}

TEST_CASE("a rank reads its number and the rendezvous from its environment", "[executor]") {
  REQUIRE(refusal_with("RANK", "2") == "accepted");
  const RankEnvironment environment = rank_environment();
  CHECK(environment.rank == 2);
  CHECK(environment.num_ranks == 3);
  CHECK(environment.rendezvous.address == "10.0.0.1");
  CHECK(environment.rendezvous.port == 29500);
}

TEST_CASE("a rank refuses an environment that no launcher gives", "[executor]") {
  for (const std::string name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"})
    CHECK(refusal_with(name, "") == "expected the environment variable " + name +
                                        ", found none; a rank is started by `cadastre run`");
  CHECK(refusal_with("RANK", "3") ==
        "expected a number from 0 to 2 in the environment variable RANK, found \"3\"");
  CHECK(refusal_with("RANK", "-1") ==
        "expected a number from 0 to 2 in the environment variable RANK, found \"-1\"");
  CHECK(refusal_with("RANK", "1st") ==
        "expected a number from 0 to 2 in the environment variable RANK, found \"1st\"");
  CHECK(refusal_with("WORLD_SIZE", "0") ==
        "expected a number from 1 to 1048576 in the environment variable WORLD_SIZE, found \"0\"");
  CHECK(refusal_with("MASTER_PORT", "65536") ==
        "expected a number from 1 to 65535 in the environment variable MASTER_PORT, found "
        "\"65536\"");
}

}  // namespace
}  // namespace cadastre
