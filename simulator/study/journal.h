#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "planner/study/outcome.h"

namespace cadastre {

/// The finished units of a study, in a file that only grows: `points.jsonl`, a line a unit, with
/// the key of its inputs. What is in it outlives a kill at any moment, a full disk included: a last
/// line that is torn is dropped when the file is opened again.
///
/// Units that failed are written too, but are not known when the file is opened again: what made
/// them fail may be gone.
class StudyJournal {
 public:
  /// Opens or makes `file` and locks it against other programs. Throws InputError when another one
  /// is at work there, or the file is no journal; std::runtime_error when it cannot be written.
  explicit StudyJournal(std::filesystem::path file);
  ~StudyJournal();
  StudyJournal(const StudyJournal&) = delete;
  StudyJournal& operator=(const StudyJournal&) = delete;

  /// Null when the unit is not known.
  [[nodiscard]] const StudyOutcome* find(const std::string& key) const;

  [[nodiscard]] std::size_t size() const { return outcomes_.size(); }

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  /// Keeps the outcome, in the file before it returns. Throws std::runtime_error naming the file
  /// when it cannot; what was written before is kept then.
  void add(const std::string& key, StudyOutcome outcome);

 private:
  void lock();
  void read();

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t end_ = 0;  ///< of the last whole line
  std::map<std::string, StudyOutcome> outcomes_;
};

}  // namespace cadastre
