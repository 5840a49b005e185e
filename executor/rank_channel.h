#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cadastre {

/// What a rank tells the process that started it, one line each through a pipe.
struct RankMessage {
  enum class Kind {
    kStep,        ///< a step of training ended
    kValue,       ///< a measured number
    kInputError,  ///< the request or a file is wrong: `text`
    kError,       ///< failed while working: `text`
    kPeerLost,    ///< failed because another rank did: `text`
  };

  Kind kind = Kind::kStep;
  std::int64_t step = 0;
  double loss_sum = 0;  ///< over the rank's samples of the step
  double end_s = 0;     ///< on the steady clock, which all processes of a machine share
  std::string text;     ///< an error's message, or a value's name
  double value = 0;
};

[[nodiscard]] std::string encode(const RankMessage& message);  ///< without the line's end
/// Nothing for a line that is no message.
[[nodiscard]] std::optional<RankMessage> decode(const std::string& line);

/// Seconds on the clock that all processes of a machine share.
[[nodiscard]] double steady_clock_s();

/// The file descriptor on which a started rank finds its end of the pipe.
inline constexpr int kRankChannel = 3;

/// Called in a rank: writes to the channel. Does nothing when nobody listens.
void tell_launcher(const RankMessage& message);

}  // namespace cadastre
