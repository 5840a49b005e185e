#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/scene.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr int kLargestId = 255;  // label rasters are of bytes, 0 is unlabelled

const std::vector<std::string>& resampling_names() {
  static const std::vector<std::string> names = {"nearest", "bilinear", "cubic", "average"};
  return names;
}

std::string name_at(const JsonPlace& place) {
  std::string name = place.string();
  if (name.empty()) place.fail_expected("a name");
  return name;
}

/// Refuses a name that an earlier item of the array has; `where` holds those, with their pointers.
void check_new(const JsonPlace& item, const std::string& name,
               std::map<std::string, std::string>& where) {
  const auto [first, is_new] = where.emplace(name, item.pointer() + "/name");
  if (!is_new)
    refuse(item, "/name",
           "expected a name used once, found " + in_quotes(name) + " again (first at " +
               first->second + ")");
}

Modality read_modality(const JsonPlace& place) {
  JsonObject object = place.object();
  Modality modality;
  modality.name = name_at(object.at("name"));
  modality.raster = name_at(object.at("raster"));
  modality.num_bands = static_cast<int>(object.at("num_bands").integer(1, 1 << 16));
  if (const auto resampling = object.find("resampling"))
    modality.resampling = static_cast<Resampling>(resampling->one_of(resampling_names()));
  object.finish();
  return modality;
}

std::array<int, 3> color_from_json(const JsonPlace& place) {
  const std::string text = place.string();
  unsigned rgb = 0;
  const auto [end, error] =
      std::from_chars(text.data() + (text.empty() ? 0 : 1), text.data() + text.size(), rgb, 16);
  constexpr std::size_t kLength = 7;
  if (text.size() != kLength || text[0] != '#' || error != std::errc() ||
      end != text.data() + text.size())
    place.fail_expected("a colour such as \"#1f78b4\"");
  return {static_cast<int>(rgb >> 16U), static_cast<int>((rgb >> 8U) & 0xffU),
          static_cast<int>(rgb & 0xffU)};
}

std::string color_text(const std::array<int, 3>& color) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const int part : color) {
    text += kDigits[part / 16];
    text += kDigits[part % 16];
  }
  return text;
}

LandCoverClass read_class(const JsonPlace& place) {
  JsonObject object = place.object();
  LandCoverClass land_cover{.id = static_cast<int>(object.at("id").integer(1, kLargestId)),
                            .name = name_at(object.at("name")),
                            .color = color_from_json(object.at("color"))};
  object.finish();
  return land_cover;
}

Split read_split(const JsonPlace& place) {
  JsonObject object = place.object();
  Split split;
  split.raster = name_at(object.at("raster"));
  if (const auto train = object.find("train"))
    split.train = static_cast<int>(train->integer(0, kLargestId));
  if (const auto test = object.find("test"))
    split.test = static_cast<int>(test->integer(0, kLargestId));
  if (const auto validation = object.find("validation"))
    split.validation = static_cast<int>(validation->integer(0, kLargestId));
  object.finish();
  if (split.train == split.test)
    refuse(place, "/test",
           "expected another value than \"train\", found " + std::to_string(split.test));
  return split;
}

}  // namespace

Scene scene_from_json(const JsonPlace& place) {
  JsonObject object = open_format(place, "scene");
  Scene scene;
  scene.name = name_at(object.at("name"));
  if (const auto description = object.find("description"))
    scene.description = description->string();

  std::map<std::string, std::string> modality_names;
  for (const JsonPlace& item : object.at("modalities").array(1)) {
    scene.modalities.push_back(read_modality(item));
    check_new(item, scene.modalities.back().name, modality_names);
  }

  scene.labels = name_at(object.at("labels"));
  std::map<std::string, std::string> class_names;
  for (const JsonPlace& item : object.at("classes").array(1)) {
    const LandCoverClass land_cover = read_class(item);
    if (!scene.classes.empty() && land_cover.id <= scene.classes.back().id)
      refuse(item, "/id",
             "expected more than " + std::to_string(scene.classes.back().id) +
                 ", the id before it, found " + std::to_string(land_cover.id));
    check_new(item, land_cover.name, class_names);
    scene.classes.push_back(land_cover);
  }

  scene.split = read_split(object.at("split"));
  object.finish();
  return scene;
}

Scene read_scene(const fs::path& directory_or_file, const fs::path& rasters) {
  std::error_code ignored;  // read_file says what is wrong
  const fs::path file = fs::is_directory(directory_or_file, ignored)
                            ? directory_or_file / "scene.json"
                            : directory_or_file;
  const std::string name = file.string();
  const nlohmann::json document = parse_json(read_file(file), name);
  Scene scene = scene_from_json(JsonPlace(document, name, ""));
  const fs::path base = rasters.empty() ? file.parent_path() : rasters;
  for (Modality& modality : scene.modalities) modality.raster = base / modality.raster;
  scene.labels = base / scene.labels;
  scene.split.raster = base / scene.split.raster;
  return scene;
}

nlohmann::json to_json(const Scene& scene) {
  nlohmann::json modalities = nlohmann::json::array();
  for (const Modality& modality : scene.modalities)
    modalities.push_back(
        {{"name", modality.name},
         {"raster", modality.raster.string()},
         {"num_bands", modality.num_bands},
         {"resampling", resampling_names()[static_cast<std::size_t>(modality.resampling)]}});

  nlohmann::json classes = nlohmann::json::array();
  for (const LandCoverClass& land_cover : scene.classes)
    classes.push_back({{"id", land_cover.id},
                       {"name", land_cover.name},
                       {"color", color_text(land_cover.color)}});

  nlohmann::json written = {{"format", "cadastre-scene/1"},
          {"name", scene.name},
          {"description", scene.description},
          {"modalities", std::move(modalities)},
          {"labels", scene.labels.string()},
          {"classes", std::move(classes)},
          {"split",
           {{"raster", scene.split.raster.string()},
            {"train", scene.split.train},
            {"test", scene.split.test}}}};
  if (scene.split.validation) written["split"]["validation"] = *scene.split.validation;
  return written;
}

}  // namespace cadastre
