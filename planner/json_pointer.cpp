#include "planner/json_pointer.h"

namespace cadastre {

std::string pointer_token(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return text;
}

}  // namespace cadastre
