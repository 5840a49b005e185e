#include "executor/launch/refusal_log.h"

#include <cstdio>

namespace cadastre {

namespace {

constexpr std::size_t kMostAddresses = 32;
constexpr const char* kOthers = "other addresses";

bool is_power_of_ten(std::int64_t count) {
  while (count % 10 == 0) count /= 10;
  return count == 1;
}

std::string text_of(const std::string& address, std::int64_t count, const std::string& why) {
  std::string text = "refused ";
  text += count == 1 ? std::string("a connection") : std::to_string(count) + " connections";
  text += " from ";
  text += address;
  text += count == 1 ? ": " : ", the first as ";
  text += why;
  return text;
}

}  // namespace

void RefusalLog::add(const std::string& address, const std::string& why) {
  const bool is_known = by_address_.count(address) > 0 || by_address_.size() < kMostAddresses;
  const std::string& whose = is_known ? address : kOthers;
  Refused& refused = by_address_[whose];
  if (++refused.count == 1) refused.why = why;
  if (is_power_of_ten(refused.count))
    std::fprintf(stderr, "note: %s\n", text_of(whose, refused.count, refused.why).c_str());
}

std::vector<std::string> RefusalLog::notes() const {
  std::vector<std::string> notes;
  for (const auto& [address, refused] : by_address_)
    notes.push_back(text_of(address, refused.count, refused.why));
  return notes;
}

}  // namespace cadastre
