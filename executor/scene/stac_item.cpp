#include "executor/scene/stac_item.h"

#include <nlohmann/json.hpp>
#include <string>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

int hexadecimal(const std::string& text, std::size_t at) {
  return static_cast<int>(std::stoul(text.substr(at, 2), nullptr, 16));
}

void read_classes(const nlohmann::json& classes, FoundFile& found) {
  if (!classes.is_array()) return;
  for (const nlohmann::json& item : classes) {
    if (!item.is_object() || !item.contains("value") || !item["value"].is_number_integer())
      continue;
    const auto value = item["value"].get<std::int64_t>();
    for (const char* key : {"description", "name", "title"})
      if (item.contains(key) && item[key].is_string())
        found.value_names[value] = item[key].get<std::string>();
    if (!item.contains("color_hint") || !item["color_hint"].is_string()) continue;
    const auto color = item["color_hint"].get<std::string>();
    constexpr std::size_t kDigits = 6;
    if (color.size() == kDigits &&
        color.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos)
      found.value_colors[value] = {hexadecimal(color, 0), hexadecimal(color, 2),
                                   hexadecimal(color, 4)};
  }
}

void read_asset(const nlohmann::json& asset, FoundFile& found) {
  if (asset.contains("roles") && asset["roles"].is_array())
    for (const nlohmann::json& role : asset["roles"])
      if (role.is_string()) found.roles.push_back(role.get<std::string>());
  if (asset.contains("classification:classes"))
    read_classes(asset["classification:classes"], found);
  for (const char* bands : {"raster:bands", "bands"})
    if (asset.contains(bands) && asset[bands].is_array())
      for (const nlohmann::json& band : asset[bands])
        if (band.is_object() && band.contains("classification:classes"))
          read_classes(band["classification:classes"], found);
}

}  // namespace

bool is_stac_item(const fs::path& file) {
  if (file.extension() != ".json" && file.extension() != ".geojson") return false;
  const nlohmann::json document = nlohmann::json::parse(read_file(file), nullptr, false);
  return document.is_object() && document.contains("stac_version") && document.contains("assets");
}

std::vector<FoundFile> stac_assets(const fs::path& file) {
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  if (!document.contains("assets") || !document["assets"].is_object())
    throw InputError(name, "/assets", "expected the item's assets, found none");
  std::vector<FoundFile> files;
  for (const auto& [key, asset] : document["assets"].items()) {
    if (!asset.is_object() || !asset.contains("href") || !asset["href"].is_string())
      throw InputError(name, "/assets/" + key + "/href", "expected where the asset is, found none");
    const auto href = asset["href"].get<std::string>();
    const bool is_elsewhere = href.find("://") != std::string::npos;
    FoundFile described;
    read_asset(asset, described);
    const bool is_picture =
        asset.value("type", std::string()).rfind("image/", 0) == 0 || !asset.contains("type");
    FoundFile found;
    if (is_elsewhere || !is_picture) {
      found.file = is_elsewhere ? fs::path(href) : file.parent_path() / href;
      found.unreadable = is_elsewhere ? "it is not on this machine: download it first"
                                      : "the item says that it is no image";
    } else {
      found = inspect_file((file.parent_path() / href).lexically_normal());
    }
    found.asset = key;
    found.item = document.value("id", file.stem().string());
    found.roles = std::move(described.roles);
    for (auto& [value, text] : described.value_names) found.value_names[value] = text;
    for (auto& [value, color] : described.value_colors) found.value_colors[value] = color;
    files.push_back(std::move(found));
  }
  return files;
}

}  // namespace cadastre
