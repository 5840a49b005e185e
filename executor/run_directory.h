#pragma once

#include <filesystem>

namespace cadastre {

/// A run's directory, made now, of this run alone, and gone again when nothing came of it.
class RunDirectory {
 public:
  /// Throws InputError when it cannot be written, or another run is at it.
  explicit RunDirectory(std::filesystem::path path);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

 private:
  std::filesystem::path path_;
  bool is_new_;
  int lock_ = -1;
};

}  // namespace cadastre
