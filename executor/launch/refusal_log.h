#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cadastre {

/// Who was refused at the door of a run, and why. Says it on standard error at the first connection
/// of an address, and again at the tenth, hundredth and so on: a flood of them is no flood of
/// lines.
class RefusalLog {
 public:
  void add(const std::string& address, const std::string& why);

  /// A line for each address, for whoever reads the results; ascending.
  [[nodiscard]] std::vector<std::string> notes() const;

 private:
  struct Refused {
    std::int64_t count = 0;
    std::string why;  ///< the first time
  };

  std::map<std::string, Refused> by_address_;  ///< of many addresses, the last are one entry
};

}  // namespace cadastre
