#pragma once

#include <filesystem>
#include <string>

namespace cadastre {

/// Lets SimGrid write the use of hosts and links to `file` in the Paje format, which ViTE and
/// pajeng show. After the making of the engine, before that of its platform; the file is whole
/// when the engine is gone.
void trace_to(const std::string& file);

/// A Paje trace on its way to `file`: written beside it, and renamed once it is whole.
class PajeFile {
 public:
  /// Makes missing directories.
  explicit PajeFile(const std::filesystem::path& file);
  /// What is not finished is removed.
  ~PajeFile();
  PajeFile(const PajeFile&) = delete;
  PajeFile& operator=(const PajeFile&) = delete;

  /// Where SimGrid is to write it.
  [[nodiscard]] const std::filesystem::path& unfinished() const { return unfinished_; }

  /// Throws std::runtime_error when the trace is not whole, as on a full disk, which SimGrid does
  /// not tell of.
  void finish();

 private:
  std::filesystem::path file_;
  std::filesystem::path unfinished_;
};

}  // namespace cadastre
