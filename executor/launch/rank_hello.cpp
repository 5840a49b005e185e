#include "executor/launch/rank_hello.h"

#include <cstdint>
#include <cstdio>

namespace cadastre {

Frame to_frame(const RankHello& hello) {
  return {.header = {{"type", "hello"},
                     {"number", hello.number},
                     {"num_ranks", hello.num_ranks},
                     {"version", hello.version},
                     {"request", hello.request},
                     {"host", hello.host.name},
                     {"addresses", hello.host.addresses},
                     {"cores", hello.host.cores},
                     {"machine_cores", hello.host.machine_cores},
                     {"quota_cores", hello.host.quota_cores},
                     {"load_average", hello.host.load_average},
                     {"processor", hello.host.processor},
                     {"available_memory_bytes", hello.host.available_memory_bytes},
                     {"machine_id", hello.host.machine_id},
                     {"problem", hello.problem}},
          .payload = {}};
}

RankHello hello_from(const Frame& frame) {
  if (frame.type() != "hello") throw FrameError("expected a hello");
  try {
    const nlohmann::json& header = frame.header;
    return {
        .number = header.at("number").get<int>(),
        .num_ranks = header.at("num_ranks").get<int>(),
        .version = header.at("version").get<std::string>(),
        .request = header.at("request").get<std::string>(),
        .host = {.name = header.at("host").get<std::string>(),
                 .addresses = header.at("addresses").get<std::vector<std::string>>(),
                 .cores = header.at("cores").get<int>(),
                 .machine_cores = header.at("machine_cores").get<int>(),
                 .quota_cores = header.value("quota_cores", 0.0),
                 .load_average = header.value("load_average", 0.0),
                 .processor = header.value("processor", ""),
                 .available_memory_bytes = header.at("available_memory_bytes").get<std::int64_t>(),
                 .machine_id = header.at("machine_id").get<std::string>()},
        .problem = header.at("problem").get<std::string>()};
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

std::string fingerprint(const std::string& text) {
  constexpr std::uint64_t kOffset = 14695981039346656037ULL;
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t hash = kOffset;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * kPrime;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace cadastre
