#include "planner/json_reader.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/error.h"
#include "planner/json_pointer.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

std::string describe(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  return text;
}

}  // namespace

JsonPlace::JsonPlace(const nlohmann::json& value, const std::string& file, std::string pointer)
    : value_(&value), file_(&file), pointer_(std::move(pointer)) {}

void JsonPlace::fail(const std::string& message) const {
  throw InputError(*file_, pointer_.empty() ? "/" : pointer_, message);
}

void JsonPlace::fail_expected(const std::string& expected) const {
  fail("expected " + expected + ", found " + describe(*value_));
}

std::string JsonPlace::string() const {
  if (!value_->is_string()) fail_expected("a string");
  return value_->get<std::string>();
}

bool JsonPlace::boolean() const {
  if (!value_->is_boolean()) fail_expected("true or false");
  return value_->get<bool>();
}

double JsonPlace::number(double least, double most) const {
  const bool bounded_below = least > -std::numeric_limits<double>::max();
  const bool bounded_above = most < std::numeric_limits<double>::max();
  std::string expected = "a number";
  if (bounded_below && bounded_above)
    expected += " from " + number_text(least) + " to " + number_text(most);
  else if (bounded_below)
    expected += " >= " + number_text(least);
  else if (bounded_above)
    expected += " <= " + number_text(most);
  if (!value_->is_number()) fail_expected(expected);
  const double number = value_->get<double>();
  if (!std::isfinite(number) || number < least || number > most) fail_expected(expected);
  return number;
}

double JsonPlace::positive() const {
  if (!value_->is_number()) fail_expected("a number > 0");
  const double number = value_->get<double>();
  if (!std::isfinite(number) || number <= 0) fail_expected("a number > 0");
  return number;
}

std::int64_t JsonPlace::integer(std::int64_t least, std::int64_t most) const {
  std::string expected = "an integer";
  if (most != std::numeric_limits<std::int64_t>::max())
    expected += " from " + std::to_string(least) + " to " + std::to_string(most);
  else if (least != std::numeric_limits<std::int64_t>::min())
    expected += " >= " + std::to_string(least);
  if (!value_->is_number_integer()) fail_expected(expected);
  if (value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    fail_expected(expected);
  const std::int64_t number = value_->get<std::int64_t>();
  if (number < least || number > most) fail_expected(expected);
  return number;
}

std::vector<JsonPlace> JsonPlace::array(std::size_t least_size) const {
  if (!value_->is_array() || value_->size() < least_size)
    fail_expected(least_size == 0 ? "an array"
                                  : "an array of at least " + std::to_string(least_size));
  std::vector<JsonPlace> places;
  places.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    places.emplace_back((*value_)[i], *file_, pointer_ + "/" + std::to_string(i));
  return places;
}

JsonObject JsonPlace::object() const { return JsonObject(*this); }

std::vector<std::string> JsonPlace::strings() const {
  std::vector<std::string> values;
  for (const JsonPlace& place : array()) values.push_back(place.string());
  return values;
}

std::vector<std::int64_t> JsonPlace::integers(std::int64_t least) const {
  std::vector<std::int64_t> values;
  for (const JsonPlace& place : array()) values.push_back(place.integer(least));
  return values;
}

std::size_t JsonPlace::one_of(const std::vector<std::string>& names) const {
  const std::string name = string();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string expected = "one of ";
  for (std::size_t i = 0; i < names.size(); ++i)
    expected += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  fail_expected(expected);
}

JsonObject::JsonObject(JsonPlace place) : place_(std::move(place)) {
  if (!place_.value().is_object()) place_.fail_expected("an object");
}

std::optional<JsonPlace> JsonObject::find(std::string_view key) {
  known_.emplace(key);
  const auto found = place_.value().find(key);
  if (found == place_.value().end()) return std::nullopt;
  return JsonPlace(*found, place_.file(), place_.pointer() + "/" + pointer_token(key));
}

JsonPlace JsonObject::at(std::string_view key) {
  const std::optional<JsonPlace> place = find(key);
  if (!place) place_.fail("expected the key \"" + std::string(key) + "\", found none");
  return *place;
}

std::vector<std::pair<std::string, JsonPlace>> JsonObject::members() {
  std::vector<std::pair<std::string, JsonPlace>> members;
  for (const auto& [key, value] : place_.value().items()) {
    known_.insert(key);
    members.emplace_back(
        key, JsonPlace(value, place_.file(), place_.pointer() + "/" + pointer_token(key)));
  }
  return members;
}

void JsonObject::finish() const {
  for (const auto& [key, value] : place_.value().items()) {
    if (known_.contains(key)) continue;
    JsonPlace(value, place_.file(), place_.pointer() + "/" + pointer_token(key))
        .fail("expected no such key" + did_you_mean(key, {known_.begin(), known_.end()}));
  }
}

nlohmann::json parse_json(const std::string& text, const std::string& file) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw InputError(file, "", "expected a JSON document, found an empty file");
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t at = std::min<std::size_t>(error.byte == 0 ? 0 : error.byte - 1, text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::size_t line_start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t column = at - (line_start == std::string::npos ? 0 : line_start + 1) + 1;
    const std::string where =
        " at line " + std::to_string(line) + ", column " + std::to_string(column);
    if (at >= text.size())
      throw InputError(file, "", "expected a whole JSON document, found its end" + where);
    throw InputError(file, "", "expected a JSON document, found a syntax error" + where);
  } catch (const nlohmann::json::exception&) {
    throw InputError(file, "", "expected a JSON document with numbers in range");
  }
}

JsonObject open_format(const JsonPlace& place, std::string_view kind) {
  JsonObject object = place.object();
  const std::string expected = "cadastre-" + std::string(kind) + "/1";
  const JsonPlace format = object.at("format");
  if (format.string() != expected) format.fail_expected("\"" + expected + "\"");
  return object;
}

std::string json_text(const nlohmann::json& document) { return document.dump(1) + "\n"; }

}  // namespace cadastre
