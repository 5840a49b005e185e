#pragma once

#include <string>
#include <vector>

namespace cadastre {

/// Runs a program found beside this one and waits. Its standard output goes to standard error when
/// `quiet_output` is false, else nowhere. Returns its exit status (128 + signal when killed).
int run_sister(const std::string& program, const std::vector<std::string>& arguments,
               bool quiet_output);

struct SisterOutput {
  int status = 0;  ///< as of `run_sister`
  std::string output;
};

/// The same, with what it writes to standard output.
[[nodiscard]] SisterOutput capture_sister(const std::string& program,
                                          const std::vector<std::string>& arguments);

/// Becomes the program `program` that lies beside this one, with this one's arguments (as git does
/// with its verbs). Returns only by throwing InputError when there is no such program.
[[noreturn]] void become_sister(const std::string& program, char** argv);

}  // namespace cadastre
