#pragma once

// For tests of documents: take a sound one, break one field, look at the whole refusal.

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "planner/error.h"
#include "planner/json_reader.h"

namespace cadastre::documents {

/// `document` with `value` at `pointer`, which may be new.
[[nodiscard]] inline nlohmann::json with(nlohmann::json document, const std::string& pointer,
                                         nlohmann::json value) {
  document[nlohmann::json::json_pointer(pointer)] = std::move(value);
  return document;
}

/// `document` without what is at `pointer`.
[[nodiscard]] inline nlohmann::json without(nlohmann::json document, const std::string& pointer) {
  const nlohmann::json::json_pointer at(pointer);
  nlohmann::json& parent = document.at(at.parent_pointer());
  if (parent.is_array())
    parent.erase(std::stoul(at.back()));
  else
    parent.erase(at.back());
  return document;
}

/// Calls `work` and returns the message of its InputError, or "accepted".
template <typename Work>
[[nodiscard]] std::string refusal(const Work& work) {
  try {
    work();
    return "accepted";
  } catch (const InputError& error) {
    return error.what();
  }
}

/// Writes `document` as text, reads it again with `read`, which gets a JsonPlace, and returns what
/// that gives. The file's name is `file.json`.
template <typename Read>
[[nodiscard]] auto reread(const nlohmann::json& document, const Read& read) {
  const std::string file = "file.json";
  const nlohmann::json parsed = parse_json(json_text(document), file);
  return read(JsonPlace(parsed, file, ""));
}

/// Why `read` refuses `document`, without the file's name; "accepted" when it does not.
template <typename Read>
[[nodiscard]] std::string refusal_of(const nlohmann::json& document, const Read& read) {
  const std::string message = refusal([&] { static_cast<void>(reread(document, read)); });
  const std::string file = "file.json: ";
  return message.starts_with(file) ? message.substr(file.size()) : message;
}

}  // namespace cadastre::documents
