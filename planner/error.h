#pragma once

#include <stdexcept>
#include <string>

namespace cadastre {

/// The request or a file was wrong. Caught once in each program: one line on standard error, exit
/// status 2. `what()` reads `FILE: /json/pointer: expected …, found …`; an empty file or pointer is
/// left out.
class InputError : public std::runtime_error {
 public:
  InputError(std::string file, std::string pointer, const std::string& message);

  [[nodiscard]] const std::string& file() const { return file_; }

  [[nodiscard]] const std::string& pointer() const { return pointer_; }

 private:
  std::string file_;
  std::string pointer_;
};

}  // namespace cadastre
