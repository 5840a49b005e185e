#pragma once

#include <string>

#include "executor/launch/frame.h"
#include "executor/launch/host_facts.h"

namespace cadastre {

/// The first thing that a rank says to the coordinator, once each has proved the run's key.
struct RankHello {
  int number = 0;     ///< that its launcher gave it
  int num_ranks = 1;  ///< that its launcher started
  std::string version;
  std::string request;  ///< `fingerprint` of what it was asked to do; empty: what it is told
  HostFacts host;
  std::string problem;  ///< why it cannot take part; empty: it can
};

[[nodiscard]] Frame to_frame(const RankHello& hello);
/// Throws FrameError when it is none.
[[nodiscard]] RankHello hello_from(const Frame& frame);

/// A number that differs, with all likelihood, where `text` does (FNV-1a, 64 bits), in hexadecimal.
[[nodiscard]] std::string fingerprint(const std::string& text);

}  // namespace cadastre
