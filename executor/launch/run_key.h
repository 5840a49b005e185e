#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "executor/launch/launcher_environment.h"

namespace cadastre {

/// The environment variable in which a rank of this machine gets the run's key, and in which people
/// give one to the ranks of a launcher. Only the processes of the same user read it there.
inline constexpr const char* kKeyVariable = "CADASTRE_KEY";

/// What tells the ranks of a run from strangers. Never on a command line, which all users of a
/// machine can read.
struct RunKey {
  std::string key;
  std::string note;  ///< why it protects little; empty: it does not
};

/// Of `key_file`, where that is given; made now, where this process starts the ranks itself. Under
/// a launcher: of `kKeyVariable`, else the launcher's own secret, else what only this start of
/// ranks knows of itself, with a note. Throws InputError when file or variable hold no key, or
/// others can read the file.
[[nodiscard]] RunKey run_key(const std::filesystem::path& key_file,
                             const std::optional<LauncherEnvironment>& environment);

/// In a rank: what it was started with. Nothing of it is left in its environment. Throws InputError
/// when there is none.
[[nodiscard]] std::string key_from_environment();
/// In a rank that ssh started: the first line of its standard input. Throws InputError when none
/// has come when `patience` is over.
[[nodiscard]] std::string key_from_input(int descriptor, std::chrono::milliseconds patience);

}  // namespace cadastre
