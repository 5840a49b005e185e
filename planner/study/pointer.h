#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "planner/json_reader.h"

namespace cadastre {

/// A JSON pointer (RFC 6901) of a study, with two things more below an array: the name of an
/// element (its `name`, `id` or `layer`) instead of its index, and `*` for every element.
struct StudyPointer {
  std::string text;
  std::vector<std::string> tokens;  ///< unescaped; the first names a document of the base
  bool operator==(const StudyPointer&) const = default;

  [[nodiscard]] const std::string& document() const { return tokens.front(); }

  [[nodiscard]] bool is_whole_document() const { return tokens.size() == 1; }
};

/// What the first token may be: model, device, profile, cluster, conditions, plan, settings.
[[nodiscard]] const std::vector<std::string>& study_document_names();

/// Reads a pointer: `/cluster/network/latency_s`, `/cluster/hosts/lab1/relative_speed`,
/// `/cluster/hosts/*/memory_bytes`. Throws InputError.
[[nodiscard]] StudyPointer study_pointer(const JsonPlace& place);

/// Sets what `pointer` names in `document`, which is the one its first token names. Objects may get
/// a new member, as an optional one is: reading the document then tells whether there is such a
/// one. Throws InputError at `file` and the pointer where nothing can be there: no such element, or
/// something below a value that is neither object nor array.
void set_at(nlohmann::json& document, const StudyPointer& pointer, const nlohmann::json& value,
            const std::string& file);

/// The value of the first place that the pointer names, or null where there is none.
[[nodiscard]] const nlohmann::json* find_at(const nlohmann::json& document,
                                            const StudyPointer& pointer);

/// The pointers without `*` that `pointer` stands for in `document`; none where an array before the
/// last token has no such element. The last token is not looked for.
[[nodiscard]] std::vector<StudyPointer> expanded(const nlohmann::json& document,
                                                 const StudyPointer& pointer);

/// The pointer one token further: to the member `key` of the object `here`, or to the element `key`
/// of the array `here`, by its name where it alone has it.
[[nodiscard]] StudyPointer child_of(const StudyPointer& pointer, const nlohmann::json& here,
                                    const std::string& key);

/// Whether both may name one place, or one of them a place inside the other's.
[[nodiscard]] bool overlap(const StudyPointer& pointer, const std::string& concrete);

}  // namespace cadastre
