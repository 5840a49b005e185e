#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "planner/conditions.h"
#include "planner/study/settings.h"
#include "planner/study/study.h"

namespace cadastre {

/// All that one unit of a study is worked out from.
struct StudyInputs {
  std::shared_ptr<const Profile> profile;
  Cluster cluster;
  Conditions conditions;     ///< where the base has none, those under which nothing happens
  std::optional<Plan> plan;  ///< the base's, where the strategy is `kFixedPlan`
  StudySettings settings;    ///< otherwise; `strategy` is the unit's
  std::string strategy;      ///< as in results: the settings', or `kFixedPlan`
  std::string key;           ///< equal for equal inputs only: a digest of all of them
};

/// Reads a study's documents with changes made to them.
class StudyInputsReader {
 public:
  /// Reads the base: throws InputError, naming the document, where it is unsound by itself.
  explicit StudyInputsReader(const Study& study);

  /// The inputs after `changes`, for a strategy of the study. Throws InputError at the study's file
  /// and the pointer into the changed document; the message says which changes led there.
  [[nodiscard]] StudyInputs inputs(const std::vector<StudyValue>& changes,
                                   const std::string& strategy) const;

  /// Calls `check` on something of the document `name` after `changes`, with the file that it gives
  /// in its InputError; that is thrown on as one of this reader's own.
  void explained(const std::string& name, const std::vector<StudyValue>& changes,
                 const std::function<void(const std::string& file)>& check) const;

  /// The document that pointers beginning with `name` point into, before any change; null where the
  /// base has none.
  [[nodiscard]] const nlohmann::json* document(const std::string& name) const;

 private:
  class Changed;

  const Study& study_;
  std::map<std::string, StudyDocument> base_;  ///< also what a plan or a profile carries
  bool estimated_ = false;                     ///< the profile is, from model and device
  std::shared_ptr<const Profile> profile_;
  std::string profile_digest_;
};

/// A digest of `text`: 122 bits of its SHA-1, as a UUID (RFC 4122, version 5).
[[nodiscard]] std::string study_digest(const std::string& text);

}  // namespace cadastre
