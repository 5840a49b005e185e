#include "planner/study/inputs.h"

#include <algorithm>
#include <array>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "planner/device.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/profile_estimate.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

/// What a change means changes with it.
constexpr const char* kInterpretation = "cadastre-study-unit/1";

JsonPlace place_of(const StudyDocument& document) {
  return {document.value, document.file, document.pointer};
}

/// A document's own error without file and pointer.
std::string message_of(const InputError& error) {
  std::string message = error.what();
  for (const std::string& part : {error.file(), error.pointer()})
    if (!part.empty() && message.starts_with(part + ": ")) message.erase(0, part.size() + 2);
  return message;
}

/// Members of a plan document that are not what the plan decides.
void check_plan_pointer(const StudyPointer& pointer, const std::string& file) {
  static constexpr std::array kCarried = {"profile",      "cluster",    "predicted", "search",
                                          "alternatives", "runners_up", "simulated", "format"};
  if (pointer.document() != kFixedPlan || pointer.is_whole_document()) return;
  const std::string& member = pointer.tokens[1];
  if (std::find(kCarried.begin(), kCarried.end(), member) == kCarried.end()) return;
  const bool own = member == "profile" || member == "cluster";
  throw InputError(file, pointer.text,
                   "expected a pointer to what the plan decides (its stages, batch_size, "
                   "micro_batches, schedule), found one to its " +
                       member + (own ? "; the pointer is /" + member : std::string()));
}

/// The plan alone, on the profile and cluster of the unit.
nlohmann::json plan_to_read(nlohmann::json document, const Profile& profile,
                            const Cluster& cluster) {
  if (!document.is_object()) return document;
  document["profile"] = to_json(profile);
  document["cluster"] = to_json(cluster);
  // They are of the plan as it was, and may name hosts that are no more.
  document["alternatives"] = nlohmann::json::array();
  document["runners_up"] = nlohmann::json::array();
  if (document.contains("predicted") && document["predicted"].is_object())
    document["predicted"]["hosts"] = nlohmann::json::array();
  return document;
}

}  // namespace

std::string study_digest(const std::string& text) {
  const boost::uuids::name_generator_sha1 digest(boost::uuids::ns::oid());
  return boost::uuids::to_string(digest(text));
}

/// The base's documents, those that changed as they are then.
class StudyInputsReader::Changed {
 public:
  Changed(const StudyInputsReader& reader, const std::vector<StudyValue>& changes)
      : reader_(reader), changes_(changes) {
    // A document that is exchanged as a whole goes before what is set in it.
    for (const bool whole : {true, false})
      for (const StudyValue& change : changes)
        if (change.pointer.is_whole_document() == whole) apply(change);
  }

  [[nodiscard]] bool changed(const std::string& name) const { return documents_.contains(name); }

  /// Null where the base has none.
  [[nodiscard]] const StudyDocument* document(const std::string& name) const {
    const auto changed = documents_.find(name);
    if (changed != documents_.end()) return &changed->second;
    const auto base = reader_.base_.find(name);
    return base == reader_.base_.end() ? nullptr : &base->second;
  }

  /// Calls `read` and says, when that is refused, which changes led there.
  template <typename Read>
  auto explained(const Read& read) const {
    try {
      return read();
    } catch (const InputError& error) {
      if (error.file() != reader_.study_.file || changes_.empty()) throw;
      throw InputError(error.file(), error.pointer(), message_of(error) + origin(error.pointer()));
    }
  }

 private:
  void apply(const StudyValue& change) {
    explained([&] {
      const StudyPointer& pointer = change.pointer;
      const std::string& name = pointer.document();
      const std::string& file = reader_.study_.file;
      check_room(pointer);
      check_plan_pointer(pointer, file);
      const StudyDocument* before = document(name);
      if (pointer.is_whole_document()) {
        documents_[name] = whole(change);
        return 0;
      }
      if (before == nullptr)
        throw InputError(
            file, pointer.text,
            "expected a pointer to something, found that the base has no \"" + name + "\"");
      nlohmann::json value = before->value;
      set_at(value, pointer, change.value, file);
      documents_[name] = {.value = std::move(value), .file = file, .pointer = "/" + name};
      return 0;
    });
  }

  /// Documents that the profile is not made from are nothing to point into.
  void check_room(const StudyPointer& pointer) const {
    const std::string& name = pointer.document();
    std::string instead;
    if (reader_.estimated_ && name == "profile") instead = "/model or /device";
    if (!reader_.estimated_ && name == "device") instead = "/profile";
    if (name == "profile" && pointer.tokens.size() > 1 && pointer.tokens[1] == "model")
      instead = "/model";
    if (name == kFixedPlan && !reader_.base_.contains(kFixedPlan)) instead = "/settings";
    if (name == "settings" && !reader_.base_.contains("settings")) instead = "/plan";
    if (!instead.empty())
      throw InputError(reader_.study_.file, pointer.text,
                       "expected a pointer into " + instead + " with such a base, found this");
  }

  /// A whole document given as a value: inline, or as a path relative to the study.
  [[nodiscard]] StudyDocument whole(const StudyValue& change) const {
    const std::string& file = reader_.study_.file;
    if (!change.value.is_string())
      return {.value = change.value, .file = file, .pointer = change.pointer.text};
    const std::filesystem::path path =
        std::filesystem::path(file).parent_path() / change.value.get<std::string>();
    try {
      return {.value = parse_json(read_file(path), path.string()),
              .file = path.string(),
              .pointer = ""};
    } catch (const InputError& error) {
      throw InputError(file, change.pointer.text,
                       "expected a document or the path of one (relative to the study): " +
                           std::string(error.what()));
    }
  }

  /// Where in the study the values are that may be to blame for what is at `pointer`.
  [[nodiscard]] std::string origin(const std::string& pointer) const {
    std::vector<std::string> places;
    const auto add = [&](const StudyValue& change) {
      if (std::find(places.begin(), places.end(), change.place) == places.end())
        places.push_back(change.place);
    };
    for (const StudyValue& change : changes_)
      if (change.pointer.text == pointer || overlap(change.pointer, pointer)) add(change);
    if (places.empty())
      for (const StudyValue& change : changes_) add(change);
    return " (set by " + listed(places) + ")";
  }

  const StudyInputsReader& reader_;
  const std::vector<StudyValue>& changes_;
  std::map<std::string, StudyDocument> documents_;
};

StudyInputsReader::StudyInputsReader(const Study& study) : study_(study), base_(study.base) {
  const auto carried = [&](const std::string& from, const std::string& name) {
    const StudyDocument& holder = base_.at(from);
    const auto found = holder.value.is_object() ? holder.value.find(name) : holder.value.end();
    if (!holder.value.is_object() || found == holder.value.end())
      static_cast<void>(place_of(holder).object().at(name));  // refuses
    base_.emplace(
        name, StudyDocument{
                  .value = *found, .file = holder.file, .pointer = holder.pointer + "/" + name});
  };
  if (base_.contains(kFixedPlan)) {
    static_cast<void>(plan_from_json(place_of(base_.at(kFixedPlan))));
    if (!base_.contains("cluster")) carried(kFixedPlan, "cluster");
    if (!base_.contains("profile") && !base_.contains("model")) carried(kFixedPlan, "profile");
  }
  estimated_ = !base_.contains("profile");
  if (estimated_) {
    const StudyDocument& model = base_.at("model");
    profile_ = std::make_shared<const Profile>(estimated_profile(
        model_from_json(place_of(model)), device_from_json(place_of(base_.at("device"))),
        model.file, model.pointer));
  } else {
    profile_ = std::make_shared<const Profile>(profile_from_json(place_of(base_.at("profile"))));
    carried("profile", "model");
  }
  profile_digest_ = study_digest(to_json(*profile_).dump());
  for (const std::string& strategy : study.strategies) static_cast<void>(inputs({}, strategy));
}

void StudyInputsReader::explained(const std::string& name, const std::vector<StudyValue>& changes,
                                  const std::function<void(const std::string& file)>& check) const {
  try {
    check(name);
  } catch (const InputError& error) {
    const Changed changed(*this, changes);
    const StudyDocument* document = changed.document(name);
    const StudyDocument where = document == nullptr ? StudyDocument{} : *document;
    changed.explained([&]() -> int {
      throw InputError(where.file, where.pointer + error.pointer(), message_of(error));
    });
  }
}

const nlohmann::json* StudyInputsReader::document(const std::string& name) const {
  const auto found = base_.find(name);
  return found == base_.end() ? nullptr : &found->second.value;
}

StudyInputs StudyInputsReader::inputs(const std::vector<StudyValue>& changes,
                                      const std::string& strategy) const {
  const Changed changed(*this, changes);
  return changed.explained([&] {
    StudyInputs inputs{.profile = profile_};
    std::string profile_digest = profile_digest_;
    if (changed.changed("model") || changed.changed("device") || changed.changed("profile")) {
      const StudyDocument& model = *changed.document("model");
      Profile profile;
      if (estimated_) {
        profile = estimated_profile(model_from_json(place_of(model)),
                                    device_from_json(place_of(*changed.document("device"))),
                                    model.file, model.pointer);
      } else {
        profile = profile_from_json(place_of(*changed.document("profile")));
        if (changed.changed("model"))
          profile = rescaled_profile(profile, model_from_json(place_of(model)), model.file,
                                     model.pointer);
      }
      profile_digest = study_digest(to_json(profile).dump());
      inputs.profile = std::make_shared<const Profile>(std::move(profile));
    }
    inputs.cluster = cluster_from_json(place_of(*changed.document("cluster")));
    if (const StudyDocument* conditions = changed.document("conditions"))
      inputs.conditions = conditions_from_json(place_of(*conditions));

    nlohmann::json key = {{"interpretation", kInterpretation},
                          {"profile", profile_digest},
                          {"cluster", to_json(inputs.cluster)},
                          {"conditions", to_json(inputs.conditions)}};
    if (strategy == kFixedPlan) {
      const StudyDocument& document = *changed.document(kFixedPlan);
      const nlohmann::json to_read = plan_to_read(document.value, *inputs.profile, inputs.cluster);
      PlanDocument read = plan_from_json(JsonPlace(to_read, document.file, document.pointer));
      read.plan.predicted = {};
      read.plan.simulated_step_s.reset();
      inputs.plan = std::move(read.plan);
      inputs.strategy = kFixedPlan;
      nlohmann::json decided = to_read;
      for (const char* member :
           {"profile", "cluster", "predicted", "search", "alternatives", "runners_up", "simulated"})
        decided.erase(member);
      key["plan"] = std::move(decided);
    } else {
      const StudyDocument* document = changed.document("settings");
      if (document == nullptr)
        throw InputError(study_.file, "/base",
                         "expected the key \"settings\", for strategies other than the base's "
                         "plan, found none");
      const JsonPlace place = place_of(*document);
      inputs.settings = study_settings_from_json(place);
      if (strategy != kStrategyOfSettings) inputs.settings.strategy = strategy;
      check_settings(inputs.settings, inputs.profile->model, inputs.cluster, place);
      inputs.strategy = inputs.settings.strategy;
      key["settings"] = to_json(inputs.settings);
    }
    inputs.key = study_digest(key.dump());
    return inputs;
  });
}

}  // namespace cadastre
