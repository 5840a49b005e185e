#pragma once

#include <memory>
#include <string>

namespace cadastre {

/// While it lives, SIGINT and SIGTERM are remembered instead of ending the process at once, so that
/// what was started can be ended first. One that lives within another's life forgets nothing.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// How many signals there were since the outermost began.
  [[nodiscard]] static int count();

  /// "interrupted by Terminated", by the last of them.
  [[nodiscard]] static std::string text();

 private:
  struct Handlers;
  std::unique_ptr<Handlers> old_;
};

}  // namespace cadastre
