#pragma once

#include <stdexcept>
#include <string>

#include "executor/launch/frame.h"

namespace cadastre {

/// How a rank and the coordinator prove to each other that they have the run's key, before either
/// believes anything that the other says. The rank knocks with a number that it has just drawn; the
/// coordinator answers with one of its own and the MAC of both; the rank with another MAC of both.
/// Nothing that can be used a second time crosses the network, and neither does the key.
///
/// HMAC-SHA256 (RFC 2104, FIPS 180-4) over the side that speaks and the two numbers, 128 bits each.
/// What is said afterwards is neither encrypted nor signed: who can change what is on its way could
/// take a connection over.

/// The other side has another key, or none.
class WrongKeyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// 128 bits from the system's source of randomness, as 32 hexadecimal digits.
[[nodiscard]] std::string random_digits();

/// HMAC-SHA256 in hexadecimal.
[[nodiscard]] std::string message_authentication_code(const std::string& key,
                                                      const std::string& text);

/// Takes the same time whatever the texts are, but for their lengths.
[[nodiscard]] bool are_equal_in_constant_time(const std::string& one, const std::string& other);

/// The rank's side.
class Knock {
 public:
  explicit Knock(std::string key);

  [[nodiscard]] Frame frame() const;
  /// What proves the key to the coordinator that sent `challenge`. Throws WrongKeyError when it has
  /// another key, FrameError when this is no challenge.
  [[nodiscard]] Frame answer(const Frame& challenge) const;

 private:
  std::string key_;
  std::string number_;
};

/// The coordinator's side, for one that knocked.
class Challenge {
 public:
  /// Throws FrameError when `knock` is none.
  Challenge(std::string key, const Frame& knock);

  [[nodiscard]] Frame frame() const;
  /// Throws WrongKeyError, or FrameError when this is no answer.
  void check(const Frame& answer) const;

 private:
  std::string key_;
  std::string rank_number_;
  std::string number_;
};

}  // namespace cadastre
