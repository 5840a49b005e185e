#include "executor/rank_channel.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>

namespace cadastre {

std::string encode(const RankMessage& message) {
  char numbers[128];
  std::string text = message.text;
  std::replace(text.begin(), text.end(), '\n', ' ');
  switch (message.kind) {
    case RankMessage::Kind::kStep:
      std::snprintf(numbers, sizeof numbers, "step %lld %.17g %.17g",
                    static_cast<long long>(message.step), message.loss_sum, message.end_s);
      return numbers;
    case RankMessage::Kind::kValue:
      std::snprintf(numbers, sizeof numbers, " %.17g", message.value);
      return "value " + text + numbers;
    case RankMessage::Kind::kInputError:
      return "input-error " + text;
    case RankMessage::Kind::kError:
      return "error " + text;
    case RankMessage::Kind::kPeerLost:
      return "peer-lost " + text;
  }
  return {};
}

std::optional<RankMessage> decode(const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  RankMessage message;
  words >> kind;
  if (kind == "step") {
    words >> message.step >> message.loss_sum >> message.end_s;
  } else if (kind == "value") {
    message.kind = RankMessage::Kind::kValue;
    words >> message.text >> message.value;
  } else if (kind == "input-error" || kind == "error" || kind == "peer-lost") {
    message.kind = kind == "error"       ? RankMessage::Kind::kError
                   : kind == "peer-lost" ? RankMessage::Kind::kPeerLost
                                         : RankMessage::Kind::kInputError;
    words.get();
    std::getline(words, message.text);
    return message;
  } else {
    return std::nullopt;
  }
  if (words.fail()) return std::nullopt;
  return message;
}

double steady_clock_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void tell_launcher(const RankMessage& message) {
  const std::string line = encode(message) + "\n";
  // A line is shorter than the pipe's atomic size; when the launcher is gone, this rank soon is.
  if (::write(kRankChannel, line.data(), line.size()) < 0) return;
}

}  // namespace cadastre
