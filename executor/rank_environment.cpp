#include "executor/rank_environment.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "planner/error.h"

namespace cadastre {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0')
    throw InputError("", "",
                     std::string("expected the environment variable ") + name +
                         ", found none; a rank is started by `cadastre run`");
  return value;
}

int number_variable(const char* name, int least, int most) {
  const std::string text = variable(name);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most)
    throw InputError("", "",
                     std::string("expected a number from ") + std::to_string(least) + " to " +
                         std::to_string(most) + " in the environment variable " + name +
                         ", found \"" + text + "\"");
  return number;
}

}  // namespace

RankEnvironment rank_environment() {
  constexpr int kMostRanks = 1 << 20;
  constexpr int kMostPort = 65535;
  RankEnvironment environment;
  environment.num_ranks = number_variable("WORLD_SIZE", 1, kMostRanks);
  environment.rank = number_variable("RANK", 0, environment.num_ranks - 1);
  environment.rendezvous = {
      .address = variable("MASTER_ADDR"),
      .port = static_cast<std::uint16_t>(number_variable("MASTER_PORT", 1, kMostPort))};
  return environment;
}

}  // namespace cadastre
