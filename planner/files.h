#pragma once

#include <filesystem>
#include <string>

namespace cadastre {

/// The whole content of `file`. Throws InputError when it is missing, a directory or unreadable.
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

/// Writes beside `file`, then renames: a reader sees the old content or the new, never a part.
/// Creates missing parent directories. Throws std::runtime_error naming the file when it cannot.
void write_file(const std::filesystem::path& file, const std::string& content);

/// Throws what `write_file` would, as far as it can be told without writing: to be asked before
/// long work.
void check_can_write(const std::filesystem::path& file);

/// The name under which a program writes an output before it renames it to `file`.
[[nodiscard]] std::filesystem::path unfinished_name(const std::filesystem::path& file);

/// The directory that holds the running program, where its sister programs are too.
[[nodiscard]] std::filesystem::path program_directory();

/// Where the models, clusters and studies lie that come with the program: where they are installed
/// beside it or, in a build directory, in the source tree.
[[nodiscard]] std::filesystem::path scenario_directory();

}  // namespace cadastre
