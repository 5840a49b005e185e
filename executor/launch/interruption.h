#pragma once

#include <memory>

namespace cadastre {

/// While it lives, SIGINT and SIGTERM are remembered instead of ending the process at once, so that
/// what was started can be ended first.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Throws std::runtime_error naming the signal, once there was one.
  static void check();

 private:
  struct Handlers;
  std::unique_ptr<Handlers> old_;
};

}  // namespace cadastre
