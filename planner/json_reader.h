#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cadastre {

class JsonObject;

/// A value in a document and the way to it, so that every refusal names file and JSON pointer.
/// Every reader throws InputError: `expected WHAT, found WHAT`.
class JsonPlace {
 public:
  JsonPlace(const nlohmann::json& value, const std::string& file, std::string pointer);

  [[nodiscard]] std::string string() const;
  [[nodiscard]] bool boolean() const;
  /// A finite number in [least, most].
  [[nodiscard]] double number(double least = -std::numeric_limits<double>::max(),
                              double most = std::numeric_limits<double>::max()) const;
  /// A finite number > 0.
  [[nodiscard]] double positive() const;
  [[nodiscard]] std::int64_t integer(
      std::int64_t least = std::numeric_limits<std::int64_t>::min(),
      std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  [[nodiscard]] std::vector<JsonPlace> array(std::size_t least_size = 0) const;
  [[nodiscard]] JsonObject object() const;
  [[nodiscard]] std::vector<std::string> strings() const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::int64_t least) const;
  /// One of `names`; returns its index.
  [[nodiscard]] std::size_t one_of(const std::vector<std::string>& names) const;

  [[noreturn]] void fail(const std::string& message) const;
  /// `expected EXPECTED, found <this value>`.
  [[noreturn]] void fail_expected(const std::string& expected) const;

  [[nodiscard]] const nlohmann::json& value() const { return *value_; }

  [[nodiscard]] const std::string& file() const { return *file_; }

  [[nodiscard]] const std::string& pointer() const { return pointer_; }

 private:
  const nlohmann::json* value_;
  const std::string* file_;
  std::string pointer_;
};

/// The members of an object, each asked for by name; `finish` refuses those nobody asked for.
class JsonObject {
 public:
  explicit JsonObject(JsonPlace place);

  [[nodiscard]] JsonPlace at(std::string_view key);
  [[nodiscard]] std::optional<JsonPlace> find(std::string_view key);

  [[nodiscard]] const JsonPlace& place() const { return place_; }

  /// All members in the document's order, for objects whose keys are names.
  [[nodiscard]] std::vector<std::pair<std::string, JsonPlace>> members();
  /// Throws InputError for a key that was not asked for, with the nearest one that was.
  void finish() const;

 private:
  JsonPlace place_;
  std::set<std::string, std::less<>> known_;
};

/// Parses `text` as JSON; `file` is the name used in errors.
[[nodiscard]] nlohmann::json parse_json(const std::string& text, const std::string& file);

/// The object at `place`, after its `"format"` was seen to be `cadastre-KIND/1`.
[[nodiscard]] JsonObject open_format(const JsonPlace& place, std::string_view kind);

/// How the file of a document is written: indented by one space, with a final newline.
[[nodiscard]] std::string json_text(const nlohmann::json& document);

}  // namespace cadastre
