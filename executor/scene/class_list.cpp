#include "executor/scene/class_list.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

constexpr std::int64_t kLargestId = 255;

/// Makes names that occur twice differ, as a scene's must.
void make_names_differ(std::vector<LandCoverClass>& classes) {
  std::set<std::string> names;
  for (LandCoverClass& land_cover : classes)
    if (!names.insert(land_cover.name).second) {
      land_cover.name += " (" + std::to_string(land_cover.id) + ")";
      names.insert(land_cover.name);
    }
}

void check_id(std::int64_t id, const FoundFile& labels) {
  if (id < 0 || id > kLargestId)
    throw InputError(labels.file.string(), "",
                     "expected class ids from 1 to 255 (0 is unlabelled), found " +
                         std::to_string(id) +
                         "; translate them, or declare it as no data (gdal_edit.py -a_nodata " +
                         std::to_string(id) + " FILE)");
}

}  // namespace

std::array<int, 3> distinct_color(std::size_t i) {
  constexpr double kGoldenAngle = 137.50776405;  // degrees
  const double hue = std::fmod(static_cast<double>(i) * kGoldenAngle + 100, 360) / 60;
  const double value = i % 2 == 0 ? 0.85 : 0.6;
  const double least = value * (i % 3 == 2 ? 0.55 : 0.25);
  const double between = least + (value - least) * (1 - std::abs(std::fmod(hue, 2) - 1));
  const auto sector = static_cast<int>(hue);
  const std::array<std::array<double, 3>, 6> corners = {{{value, between, least},
                                                         {between, value, least},
                                                         {least, value, between},
                                                         {least, between, value},
                                                         {between, least, value},
                                                         {value, least, between}}};
  std::array<int, 3> color{};
  for (std::size_t part = 0; part < color.size(); ++part)
    color[part] =
        static_cast<int>(std::lround(255 * corners[static_cast<std::size_t>(sector) % 6][part]));
  return color;
}

std::vector<LandCoverClass> classes_of_raster(const FoundFile& labels) {
  // A table of greys is a way to draw, not a choice of colours.
  const bool is_grey =
      std::all_of(labels.value_colors.begin(), labels.value_colors.end(), [](const auto& entry) {
        return entry.second[0] == entry.second[1] && entry.second[1] == entry.second[2];
      });
  std::vector<LandCoverClass> classes;
  for (const auto& [value, count] : labels.values) {
    check_id(value, labels);
    if (value == 0) continue;
    LandCoverClass land_cover;
    land_cover.id = static_cast<int>(value);
    const auto name = labels.value_names.find(value);
    land_cover.name = name == labels.value_names.end() || name->second.empty()
                          ? "class " + std::to_string(value)
                          : name->second;
    const auto color = labels.value_colors.find(value);
    land_cover.color = color == labels.value_colors.end() || is_grey
                           ? distinct_color(classes.size())
                           : color->second;
    classes.push_back(land_cover);
  }
  if (classes.empty())
    throw InputError(labels.file.string(), "", "expected labelled pixels, found none");
  make_names_differ(classes);
  return classes;
}

std::vector<LandCoverClass> classes_of_vector(const FoundFile& labels, const std::string& layer,
                                              const std::string& attribute) {
  bool is_number = false;
  const std::vector<std::string> values =
      attribute_values(labels.file, layer, attribute, is_number);
  std::vector<LandCoverClass> classes;
  for (const std::string& value : values) {
    const std::int64_t id =
        is_number ? std::stoll(value) : static_cast<std::int64_t>(classes.size()) + 1;
    check_id(id, labels);
    if (id == 0) continue;
    classes.push_back({.id = static_cast<int>(id),
                       .name = is_number ? "class " + value : value,
                       .color = distinct_color(classes.size())});
  }
  if (classes.empty())
    throw InputError(labels.file.string(), "",
                     "expected classes in attribute " + in_quotes(attribute) + ", found none");
  return classes;
}

void name_classes(const std::vector<std::string>& given, std::vector<LandCoverClass>& classes) {
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    int id = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + std::min(equals, text.size()), id);
    if (equals == std::string::npos || error != std::errc() || end != text.data() + equals ||
        id < 1 || id > kLargestId || equals + 1 == text.size())
      throw InputError("", "",
                       "--class: expected ID=NAME, the id from 1 to 255, found " + in_quotes(text));
    std::string name = text.substr(equals + 1);
    std::array<int, 3> color = distinct_color(classes.size());
    bool has_color = false;
    if (const std::size_t at = name.rfind("=#"); at != std::string::npos) {
      unsigned rgb = 0;
      const char* const last = name.data() + name.size();
      const auto [stopped, bad] = std::from_chars(name.data() + at + 2, last, rgb, 16);
      if (bad != std::errc() || stopped != last || name.size() - at != 8)
        throw InputError(
            "", "",
            "--class: expected a colour such as #1f78b4, found " + in_quotes(name.substr(at + 1)));
      color = {static_cast<int>(rgb >> 16U), static_cast<int>((rgb >> 8U) & 0xffU),
               static_cast<int>(rgb & 0xffU)};
      name.resize(at);
      has_color = true;
    }
    const auto place = std::lower_bound(
        classes.begin(), classes.end(), id,
        [](const LandCoverClass& land_cover, int wanted) { return land_cover.id < wanted; });
    if (place == classes.end() || place->id != id)
      throw InputError(
          "", "", "--class: expected the id of a class of the labels, found " + std::to_string(id));
    place->name = name;
    if (has_color) place->color = color;
  }
}

}  // namespace cadastre
