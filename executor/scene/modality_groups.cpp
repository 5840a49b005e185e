#include "executor/scene/modality_groups.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>

#include "executor/raster_alignment.h"
#include "executor/scene/modality_reader.h"
#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// What a file shares with the other bands of its sensor, and which band it is.
struct BandName {
  std::string sensor;
  int band = -1;  ///< -1: the name says of no band
};

std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0)
      name += static_cast<char>(std::tolower(letter));
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name.empty() ? "raster" : name;
}

BandName band_name(const FoundFile& file) {
  if (!file.item.empty()) {
    // Of one item: by the size of the pixels, in the order of the keys.
    return {.sensor = file.item, .band = 0};
  }
  // …_B2, …-band03, …_B8A_20m: after Landsat's and Sentinel-2's file names.
  static const std::regex pattern("^(.*?)[_\\-. ]?b(?:and)?[_\\-]?([0-9]{1,2})(a?)(_[0-9]+m)?$",
                                  std::regex::icase);
  const std::string stem = file.file.stem().string();
  std::smatch match;
  if (!std::regex_match(stem, match, pattern)) return {.sensor = stem};
  const int number = std::stoi(match[2]) * 2 + (match[3].length() > 0 ? 1 : 0);
  return {.sensor = match[1].str() + match[4].str(), .band = number};
}

std::vector<int> bands_without_alpha(const FoundFile& file) {
  std::vector<int> bands;
  if (file.alpha_bands.empty()) return bands;
  for (int band = 1; band <= file.num_bands; ++band)
    if (std::find(file.alpha_bands.begin(), file.alpha_bands.end(), band) == file.alpha_bands.end())
      bands.push_back(band);
  return bands;
}

}  // namespace

std::vector<Modality> group_modalities(std::vector<TakenFile*>& files) {
  std::vector<std::vector<std::pair<int, TakenFile*>>> groups;
  std::vector<BandName> names;
  for (TakenFile* file : files) {
    const BandName name = band_name(*file->found);
    std::size_t group = 0;
    for (; group < groups.size(); ++group) {
      const FoundFile& other = *groups[group].front().second->found;
      if (name.band >= 0 && names[group].band >= 0 && names[group].sensor == name.sensor &&
          other.file.parent_path() == file->found->file.parent_path() &&
          same_pixels(other.grid, file->found->grid))
        break;
    }
    if (group == groups.size()) {
      groups.emplace_back();
      names.push_back(name);
    }
    groups[group].emplace_back(name.band, file);
  }

  std::vector<Modality> modalities;
  std::set<std::string> taken_names;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    std::stable_sort(groups[group].begin(), groups[group].end(),
                     [](const auto& one, const auto& other) { return one.first < other.first; });
    const FoundFile& first = *groups[group].front().second->found;
    const bool is_alone = groups[group].size() == 1;
    Modality modality;
    modality.name = plain_name(!first.item.empty() && is_alone ? first.asset
                               : is_alone                      ? first.file.stem().string()
                               : names[group].sensor.empty()   ? "bands"
                                                               : names[group].sensor);
    const std::string name = modality.name;
    for (int number = 2; !taken_names.insert(modality.name).second; ++number)
      modality.name = name + "_" + std::to_string(number);
    modality.raster = first.file;
    modality.num_bands = 0;
    std::vector<int> bands;
    bool has_alpha = false;
    int num_before = 0;
    for (const auto& [band, file] : groups[group]) {
      if (file->found != &first) modality.more_rasters.push_back(file->found->file);
      const std::vector<int> kept = bands_without_alpha(*file->found);
      has_alpha = has_alpha || !kept.empty();
      if (kept.empty())
        for (int i = 1; i <= file->found->num_bands; ++i) bands.push_back(num_before + i);
      for (const int i : kept) bands.push_back(num_before + i);
      num_before += file->found->num_bands;
      file->as = modality.name;
    }
    modality.num_bands = static_cast<int>(bands.size());
    if (has_alpha) modality.bands = bands;
    modalities.push_back(std::move(modality));
  }
  return modalities;
}

Modality modality_by_hand(const std::string& text) {
  const auto refuse_text = [&] {
    throw InputError(
        "", "", "--modality: expected NAME=FILE[,FILE…][:BAND,BAND…], found " + in_quotes(text));
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) refuse_text();
  Modality modality;
  modality.name = text.substr(0, equals);
  std::string files = text.substr(equals + 1);
  static const std::regex pattern("^(.*):([0-9]+(?:,[0-9]+)*)$");
  std::smatch match;
  if (std::regex_match(files, match, pattern)) {
    const std::string numbers = match[2];
    for (std::size_t begin = 0; begin <= numbers.size();) {
      const std::size_t end = std::min(numbers.find(',', begin), numbers.size());
      const std::string number = numbers.substr(begin, end - begin);
      constexpr std::size_t kMostDigits = 5;
      if (number.size() > kMostDigits || std::stoi(number) < 1) refuse_text();
      modality.bands.push_back(std::stoi(number));
      begin = end + 1;
    }
    const std::string without_bands = match[1];
    files = without_bands;
  }
  for (std::size_t begin = 0; begin <= files.size();) {
    const std::size_t end = std::min(files.find(',', begin), files.size());
    if (end == begin) refuse_text();
    const std::string file = files.substr(begin, end - begin);
    if (begin == 0)
      modality.raster = file;
    else
      modality.more_rasters.emplace_back(file);
    begin = end + 1;
  }
  if (!modality.bands.empty()) {
    modality.num_bands = static_cast<int>(modality.bands.size());
  } else {
    modality.num_bands = 0;
    modality.num_bands += open_raster(modality.raster)->GetRasterCount();
    for (const fs::path& file : modality.more_rasters)
      modality.num_bands += open_raster(file)->GetRasterCount();
  }
  return modality;
}

}  // namespace cadastre
