#include "executor/scene/file_role.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace cadastre {

namespace {

using Words = std::set<std::string>;

const Words kPictures = {"thumbnail", "thumb", "preview", "quicklook", "overview", "browse", "tci"};
const Words kMasks = {"scl", "qa", "cloud", "clouds", "cloudmask", "fmask", "cldmsk"};
const Words kSplits = {"split", "splits", "partition", "folds", "fold"};
const Words kLabels = {
    "label",   "labels",    "gt",   "ground", "truth",      "groundtruth", "reference",   "class",
    "classes", "landcover", "lulc", "nlcd",   "worldcover", "annotation",  "annotations", "mask"};

std::string one_of(const std::vector<std::string>& words, const Words& known) {
  for (const std::string& word : words)
    if (known.count(word) > 0) return word;
  return {};
}

bool has_role(const FoundFile& file, const std::string& role) {
  return std::find(file.roles.begin(), file.roles.end(), role) != file.roles.end();
}

bool may_be_classes(const FoundFile& file) { return file.num_bands == 1 && !file.values.empty(); }

}  // namespace

std::vector<std::string> words_of(const FoundFile& file) {
  std::vector<std::string> words(1);
  for (const char c : file.file.stem().string() + "_" + file.asset) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0)
      words.back() += static_cast<char>(std::tolower(letter));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool is_called_labels(const FoundFile& file) {
  return file.is_vector || has_role(file, "labels") || !one_of(words_of(file), kLabels).empty();
}

LikelyRole likely_role(const FoundFile& file) {
  const std::vector<std::string> words = words_of(file);
  if (!file.unreadable.empty())
    return {.role = Role::kLeftOut, .strength = 0, .why = file.unreadable};
  for (const char* role : {"thumbnail", "overview", "metadata", "visual"})
    if (has_role(file, role))
      return {.role = Role::kLeftOut, .strength = 0, .why = std::string("its role is ") + role};
  if (file.is_vector)
    return {.role = Role::kLabels,
            .strength = one_of(words, kLabels).empty() ? 2 : 4,
            .why = "polygons"};
  if (const std::string word = one_of(words, kPictures); !word.empty())
    return {.role = Role::kLeftOut, .strength = 0, .why = "its name says \"" + word + "\""};
  if (has_role(file, "cloud") || has_role(file, "data-mask") || has_role(file, "snow-ice"))
    return {.role = Role::kMask, .strength = 0, .why = "its role in the item"};
  if (file.num_bands == 1 && file.is_integer)
    if (const std::string word = one_of(words, kMasks); !word.empty())
      return {.role = Role::kMask, .strength = 0, .why = "its name says \"" + word + "\""};
  // Refused later, with what to do, unless other labels are there.
  if (may_be_classes(file) && file.values.begin()->first < 0) {
    if (const std::string word = one_of(words, kLabels); !word.empty())
      return {.role = Role::kLabels, .strength = 0, .why = "its name says \"" + word + "\""};
  } else if (may_be_classes(file)) {
    if (has_role(file, "labels"))
      return {.role = Role::kLabels, .strength = 6, .why = "its role in the item"};
    constexpr std::size_t kMostParts = 8;
    if (const std::string word = one_of(words, kSplits);
        !word.empty() && file.values.size() <= kMostParts)
      return {.role = Role::kSplit, .strength = 0, .why = "its name says \"" + word + "\""};
    if (const std::string word = one_of(words, kLabels); !word.empty())
      return {.role = Role::kLabels, .strength = 5, .why = "its name says \"" + word + "\""};
    if (!file.value_names.empty())
      return {.role = Role::kLabels, .strength = 3, .why = "it has names of classes"};
    if (!file.value_colors.empty())
      return {.role = Role::kLabels, .strength = 1, .why = "it has a colour table"};
  }
  return {.role = Role::kModality, .strength = 0, .why = "a raster of measurements"};
}

PixelMask mask_of(const FoundFile& file, std::string& meaning) {
  const std::vector<std::string> words = words_of(file);
  const auto has = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  PixelMask mask{.raster = file.file};
  if (has("scl")) {
    // No data, saturated, cloud shadow, clouds of medium and high probability, cirrus.
    // Source: Sentinel-2 Level-2A scene classification.
    mask.values = {0, 1, 3, 8, 9, 10};
    meaning = "Sentinel-2 scene classes";
  } else if (has("qa")) {
    // Fill, dilated cloud, cirrus, cloud, cloud shadow. Source: Landsat Collection 2 QA_PIXEL.
    mask.bits = {0, 1, 2, 3, 4};
    meaning = "Landsat QA_PIXEL bits";
  } else {
    for (const auto& [value, count] : file.values)
      if (value != 0) mask.values.push_back(value);
    if (mask.values.empty()) mask.values = {1};
    meaning = "not 0";
  }
  return mask;
}

}  // namespace cadastre
