#include "planner/error.h"

#include <utility>

namespace cadastre {

namespace {

std::string one_line(const std::string& file, const std::string& pointer,
                     const std::string& message) {
  std::string line;
  for (const std::string& part : {file, pointer}) {
    if (part.empty()) continue;
    line += part;
    line += ": ";
  }
  line += message;
  return line;
}

}  // namespace

InputError::InputError(std::string file, std::string pointer, const std::string& message)
    : std::runtime_error(one_line(file, pointer, message)),
      file_(std::move(file)),
      pointer_(std::move(pointer)) {}

}  // namespace cadastre
