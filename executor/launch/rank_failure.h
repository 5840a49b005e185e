#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "planner/error.h"

namespace cadastre {

/// A rank died, hung, was cut off or failed, and with it what all were doing.
class RankFailure : public std::runtime_error {
 public:
  RankFailure(const std::string& why, int rank, std::string cause)
      : std::runtime_error(why), rank_(rank), cause_(std::move(cause)) {}

  [[nodiscard]] int rank() const { return rank_; }

  /// Of the rank alone: "was killed by signal 9 (Killed)".
  [[nodiscard]] const std::string& cause() const { return cause_; }

 private:
  int rank_;
  std::string cause_;
};

/// The ranks did not find each other: a stranger was in the place of one.
class NotMet : public RankFailure {
 public:
  using RankFailure::RankFailure;
};

/// Ranks that never came: at a first start, most likely, the request is wrong.
class RanksMissing : public InputError {
 public:
  RanksMissing(const std::string& why, std::vector<int> ranks)
      : InputError("", "", why), ranks_(std::move(ranks)) {}

  [[nodiscard]] const std::vector<int>& ranks() const { return ranks_; }

 private:
  std::vector<int> ranks_;
};

}  // namespace cadastre
