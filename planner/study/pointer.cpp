#include "planner/study/pointer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "planner/error.h"
#include "planner/json_pointer.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

const std::string kEvery = "*";

/// The tokens between slashes, `~1` and `~0` resolved.
std::vector<std::string> split(const std::string& text, const JsonPlace& place) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '/') {
      tokens.emplace_back();
    } else if (c == '~') {
      const char escaped = i + 1 < text.size() ? text[++i] : '\0';
      if (escaped != '0' && escaped != '1')
        place.fail_expected("a JSON pointer, in which ~ is written ~0");
      tokens.back() += escaped == '0' ? '~' : '/';
    } else {
      tokens.back() += c;
    }
  }
  return tokens;
}

std::vector<std::string> tokens_of(const std::string& concrete) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < concrete.size(); ++i) {
    if (concrete[i] == '/')
      tokens.emplace_back();
    else if (!tokens.empty() && concrete[i] == '~' && i + 1 < concrete.size())
      tokens.back() += concrete[++i] == '1' ? '/' : '~';
    else if (!tokens.empty())
      tokens.back() += concrete[i];
  }
  return tokens;
}

std::optional<std::size_t> as_index(const std::string& token) {
  std::size_t index = 0;
  const char* const end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data(), end, index);
  // RFC 6901 has no leading zeros.
  const bool sound = !token.empty() && error == std::errc() && rest == end &&
                     (token.size() == 1 || token.front() != '0');
  return sound ? std::optional(index) : std::nullopt;
}

/// What an element of an array is called, or "".
std::string name_of(const nlohmann::json& element) {
  static constexpr std::array kKeys = {"name", "id", "layer"};
  if (!element.is_object()) return "";
  for (const char* key : kKeys) {
    const auto found = element.find(key);
    if (found != element.end() && found->is_string()) return found->get<std::string>();
  }
  return "";
}

std::vector<std::string> names_of(const nlohmann::json& array) {
  std::vector<std::string> names;
  for (const nlohmann::json& element : array) {
    std::string name = name_of(element);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

/// The elements that `token` names, none when there is no such one.
std::vector<std::size_t> elements_named(const nlohmann::json& array, const std::string& token) {
  std::vector<std::size_t> elements;
  const std::optional<std::size_t> index = as_index(token);
  for (std::size_t i = 0; i < array.size(); ++i)
    if (token == kEvery || (index ? i == *index : name_of(array[i]) == token))
      elements.push_back(i);
  return elements;
}

std::string text_of(const std::vector<std::string>& tokens, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += '/';
    text += pointer_token(tokens[i]);
  }
  return text;
}

class Setter {
 public:
  Setter(const StudyPointer& pointer, const nlohmann::json& value, const std::string& file)
      : pointer_(pointer), value_(value), file_(file) {}

  /// `below`: the token that is to be found in `place`.
  void set(nlohmann::json& place, std::size_t below) const {
    if (below == pointer_.tokens.size()) {
      place = value_;
      return;
    }
    const std::string& token = pointer_.tokens[below];
    if (place.is_array()) {
      const std::vector<std::size_t> elements = elements_named(place, token);
      if (elements.empty()) refuse_element(place, below);
      for (const std::size_t element : elements) set(place[element], below + 1);
    } else if (place.is_object() || place.is_null()) {
      set(place[token], below + 1);  // null: a member that was just made
    } else {
      fail("expected a pointer to something, found one below " + above(below) + ", which is " +
           place.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
  }

 private:
  [[nodiscard]] std::string above(std::size_t below) const {
    return text_of(pointer_.tokens, below);
  }

  [[noreturn]] void refuse_element(const nlohmann::json& array, std::size_t below) const {
    const std::string& token = pointer_.tokens[below];
    const std::vector<std::string> names = names_of(array);
    std::string message = "expected a pointer to something, found one to ";
    message += token == kEvery ? "the elements" : "element " + in_quotes(token);
    message += " of " + above(below) + ", which has " + std::to_string(array.size());
    if (!names.empty()) message += " (" + listed(names) + ")";
    fail(message + did_you_mean(token, names));
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(file_, pointer_.text, message);
  }

  const StudyPointer& pointer_;
  const nlohmann::json& value_;
  const std::string& file_;
};

}  // namespace

const std::vector<std::string>& study_document_names() {
  static const std::vector<std::string> names = {"model",      "device", "profile", "cluster",
                                                 "conditions", "plan",   "settings"};
  return names;
}

StudyPointer study_pointer(const JsonPlace& place) {
  StudyPointer pointer{.text = place.string(), .tokens = {}};
  if (!pointer.text.starts_with('/'))
    place.fail_expected("a JSON pointer such as \"/cluster/network/bandwidth_bytes_per_s\"");
  pointer.tokens = split(pointer.text, place);
  const std::vector<std::string>& names = study_document_names();
  if (std::find(names.begin(), names.end(), pointer.document()) == names.end()) {
    std::string message = "expected a pointer into a document of the base (";
    for (std::size_t i = 0; i < names.size(); ++i) message += (i == 0 ? "/" : ", /") + names[i];
    place.fail(message + "), found " + in_quotes(pointer.text) +
               did_you_mean(pointer.document(), names));
  }
  return pointer;
}

void set_at(nlohmann::json& document, const StudyPointer& pointer, const nlohmann::json& value,
            const std::string& file) {
  Setter(pointer, value, file).set(document, 1);
}

const nlohmann::json* find_at(const nlohmann::json& document, const StudyPointer& pointer) {
  const nlohmann::json* place = &document;
  for (std::size_t i = 1; i < pointer.tokens.size(); ++i) {
    if (place->is_array()) {
      const std::vector<std::size_t> elements = elements_named(*place, pointer.tokens[i]);
      if (elements.empty()) return nullptr;
      place = &(*place)[elements.front()];
    } else {
      const auto found = place->is_object() ? place->find(pointer.tokens[i]) : place->end();
      if (!place->is_object() || found == place->end()) return nullptr;
      place = &*found;
    }
  }
  return place;
}

std::vector<StudyPointer> expanded(const nlohmann::json& document, const StudyPointer& pointer) {
  struct Found {
    StudyPointer pointer;
    const nlohmann::json* place;
  };

  std::vector<Found> found = {
      {.pointer = {.text = "/" + pointer.document(), .tokens = {pointer.document()}},
       .place = &document}};
  for (std::size_t i = 1; i < pointer.tokens.size(); ++i) {
    std::vector<Found> below;
    for (const Found& above : found) {
      if (above.place == nullptr) continue;
      const nlohmann::json& place = *above.place;
      if (place.is_array()) {
        for (const std::size_t element : elements_named(place, pointer.tokens[i]))
          below.push_back({.pointer = child_of(above.pointer, place, std::to_string(element)),
                           .place = &place[element]});
      } else if (place.is_object()) {
        const auto member = place.find(pointer.tokens[i]);
        below.push_back({.pointer = child_of(above.pointer, place, pointer.tokens[i]),
                         .place = member == place.end() ? nullptr : &*member});
      }
    }
    found = std::move(below);
  }
  std::vector<StudyPointer> pointers;
  for (Found& each : found) pointers.push_back(std::move(each.pointer));
  return pointers;
}

StudyPointer child_of(const StudyPointer& pointer, const nlohmann::json& here,
                      const std::string& key) {
  StudyPointer child = pointer;
  std::string token = key;
  if (here.is_array()) {
    const std::string name = name_of(here[*as_index(key)]);
    const bool is_plain = !name.empty() && name != kEvery && !as_index(name);
    if (is_plain && elements_named(here, name).size() == 1) token = name;
  }
  child.tokens.push_back(token);
  child.text = text_of(child.tokens, child.tokens.size());
  return child;
}

bool overlap(const StudyPointer& pointer, const std::string& concrete) {
  const std::vector<std::string> tokens = tokens_of(concrete);
  const std::size_t common = std::min(tokens.size(), pointer.tokens.size());
  for (std::size_t i = 0; i < common; ++i) {
    const std::string& token = pointer.tokens[i];
    // A name and an index may be of one element: only the document tells.
    const bool same = token == tokens[i] || token == kEvery || as_index(tokens[i]).has_value();
    if (!same) return false;
    if (as_index(token) && token != tokens[i]) return false;
  }
  return true;
}

}  // namespace cadastre
