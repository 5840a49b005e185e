#include <charconv>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/scene.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr int kLargestId = 255;  // maps are of bytes, 0 is unlabelled
constexpr std::int64_t kMostBands = 1 << 16;
constexpr std::int64_t kMostPixels = 1 << 30;  // on a side

const std::vector<std::string>& resampling_names() {
  static const std::vector<std::string> names = {"nearest", "bilinear", "cubic", "average"};
  return names;
}

const std::vector<std::string>& kind_of_modality_names() {
  static const std::vector<std::string> names = {"imagery", "categorical"};
  return names;
}

const std::vector<std::string>& kind_of_split_names() {
  static const std::vector<std::string> names = {"raster", "blocks", "random"};
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

std::vector<fs::path> read_rasters(const JsonPlace& place) {
  if (!place.value().is_array()) return {name_at(place)};
  std::vector<fs::path> rasters;
  for (const JsonPlace& item : place.array(1)) rasters.emplace_back(name_at(item));
  return rasters;
}

PixelMask read_mask(const JsonPlace& place) {
  constexpr std::int64_t kMostBits = 24;  // whole numbers that a float holds exactly
  JsonObject object = place.object();
  PixelMask mask;
  mask.raster = name_at(object.at("raster"));
  if (const auto values = object.find("values"))
    mask.values = values->integers(std::numeric_limits<std::int64_t>::min());
  if (const auto bits = object.find("bits"))
    for (const JsonPlace& bit : bits->array()) mask.bits.push_back(bit.integer(0, kMostBits - 1));
  object.finish();
  if (mask.values.empty() && mask.bits.empty())
    place.fail("expected \"values\" or \"bits\" that mean invalid, found neither");
  return mask;
}

Modality read_modality(const JsonPlace& place) {
  JsonObject object = place.object();
  Modality modality;
  modality.name = name_at(object.at("name"));
  const std::vector<fs::path> rasters = read_rasters(object.at("raster"));
  modality.raster = rasters.front();
  modality.more_rasters.assign(rasters.begin() + 1, rasters.end());
  const JsonPlace num_bands = object.at("num_bands");
  modality.num_bands = static_cast<int>(num_bands.integer(1, kMostBands));
  if (const auto bands = object.find("bands")) {
    for (const JsonPlace& band : bands->array(1))
      modality.bands.push_back(static_cast<int>(band.integer(1, kMostBands)));
    if (modality.bands.size() != static_cast<std::size_t>(modality.num_bands))
      num_bands.fail_expected(std::to_string(modality.bands.size()) +
                              ", as \"bands\" chooses so many");
  }
  if (const auto kind = object.find("kind"))
    modality.kind = static_cast<ModalityKind>(kind->one_of(kind_of_modality_names()));
  if (const auto resampling = object.find("resampling"))
    modality.resampling = static_cast<Resampling>(resampling->one_of(resampling_names()));
  if (const auto nodata = object.find("nodata")) modality.nodata = nodata->number();
  if (const auto scale = object.find("scale")) {
    modality.scale = scale->number();
    if (modality.scale == 0) scale->fail_expected("a number other than 0");
  }
  if (const auto offset = object.find("offset")) modality.offset = offset->number();
  if (const auto masks = object.find("masks"))
    for (const JsonPlace& mask : masks->array()) modality.masks.push_back(read_mask(mask));
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

void read_split_values(JsonObject& object, const JsonPlace& place, Split& split) {
  split.raster = name_at(object.at("raster"));
  if (const auto train = object.find("train"))
    split.train = static_cast<int>(train->integer(0, kLargestId));
  if (const auto test = object.find("test"))
    split.test = static_cast<int>(test->integer(0, kLargestId));
  if (const auto validation = object.find("validation"))
    split.validation = static_cast<int>(validation->integer(0, kLargestId));
  const auto check_other = [&](int value, int of_train, const char* key, const char* other) {
    if (value == of_train)
      refuse(place, std::string("/") + key,
             std::string("expected another value than \"") + other + "\", found " +
                 std::to_string(value));
  };
  check_other(split.test, split.train, "test", "train");
  if (split.validation) {
    check_other(*split.validation, split.train, "validation", "train");
    check_other(*split.validation, split.test, "validation", "test");
  }
}

Split read_split(const JsonPlace& place) {
  constexpr double kMostFraction = 0.95;
  JsonObject object = place.object();
  Split split;
  if (const auto kind = object.find("kind"))
    split.kind = static_cast<Split::Kind>(kind->one_of(kind_of_split_names()));
  if (split.kind == Split::Kind::kRaster) {
    read_split_values(object, place, split);
  } else {
    if (const auto fraction = object.find("test_fraction"))
      split.test_fraction = fraction->number(0, kMostFraction);
  }
  // For a raster: of the blocks that validate.
  if (const auto side = object.find("block_pixels"))
    split.block_pixels = side->integer(1, kMostPixels);
  if (const auto buffer = object.find("buffer_pixels"))
    split.buffer_pixels = buffer->integer(0, kMostPixels);
  if (const auto fraction = object.find("validation_fraction"))
    split.validation_fraction = fraction->number(0, kMostFraction);
  if (const auto seed = object.find("seed")) split.seed = seed->integer(0);
  object.finish();
  return split;
}

void read_labels(const JsonPlace& place, Scene& scene) {
  if (place.value().is_string()) {
    scene.labels = name_at(place);
    return;
  }
  JsonObject object = place.object();
  LabelReading& reading = scene.label_reading;
  if (const auto vector = object.find("vector")) {
    reading.is_vector = true;
    scene.labels = name_at(*vector);
    if (const auto layer = object.find("layer")) reading.layer = name_at(*layer);
    reading.attribute = name_at(object.at("attribute"));
  } else {
    scene.labels = name_at(object.at("raster"));
    if (const auto band = object.find("band"))
      reading.band = static_cast<int>(band->integer(1, kMostBands));
  }
  object.finish();
}

GridChoice read_grid(const JsonPlace& place, const Scene& scene) {
  JsonObject object = place.object();
  GridChoice grid;
  if (const auto modality = object.find("modality")) {
    std::vector<std::string> names;
    for (const Modality& known : scene.modalities) names.push_back(known.name);
    grid.modality = names[modality->one_of(names)];
  } else {
    const JsonPlace resolution = object.at("resolution");
    if (resolution.value().is_array()) {
      const std::vector<JsonPlace> sides = resolution.array();
      if (sides.size() != 2) resolution.fail_expected("a number, or width and height");
      grid.resolution = {sides[0].positive(), sides[1].positive()};
    } else {
      grid.resolution.fill(resolution.positive());
    }
    const JsonPlace extent = object.at("extent");
    const std::vector<JsonPlace> bounds = extent.array();
    if (bounds.size() != grid.extent.size())
      extent.fail_expected("least x, least y, most x, most y");
    for (std::size_t i = 0; i < bounds.size(); ++i) grid.extent[i] = bounds[i].number();
    for (const std::size_t least : {0U, 1U}) {
      const std::size_t most = least + 2;
      const double num_pixels = (grid.extent[most] - grid.extent[least]) / grid.resolution[least];
      if (!(num_pixels >= 0.5) || num_pixels > static_cast<double>(kMostPixels))
        refuse(extent, "/" + std::to_string(most),
               "expected a pixel or more above " + number_text(grid.extent[least]) + ", found " +
                   number_text(grid.extent[most]));
    }
    grid.crs = name_at(object.at("crs"));
  }
  object.finish();
  return grid;
}

nlohmann::json grid_json(const GridChoice& grid) {
  if (!grid.modality.empty()) return {{"modality", grid.modality}};
  return {{"resolution", grid.resolution}, {"extent", grid.extent}, {"crs", grid.crs}};
}

nlohmann::json modality_json(const Modality& modality) {
  nlohmann::json written = {{"name", modality.name},
                            {"raster", modality.raster.string()},
                            {"num_bands", modality.num_bands}};
  if (!modality.more_rasters.empty()) {
    nlohmann::json rasters = {modality.raster.string()};
    for (const fs::path& raster : modality.more_rasters) rasters.push_back(raster.string());
    written["raster"] = std::move(rasters);
  }
  if (!modality.bands.empty()) written["bands"] = modality.bands;
  if (modality.kind != ModalityKind::kImagery)
    written["kind"] = kind_of_modality_names()[static_cast<std::size_t>(modality.kind)];
  if (modality.resampling)
    written["resampling"] = resampling_names()[static_cast<std::size_t>(*modality.resampling)];
  if (modality.nodata) written["nodata"] = *modality.nodata;
  if (modality.scale != 1) written["scale"] = modality.scale;
  if (modality.offset != 0) written["offset"] = modality.offset;
  for (const PixelMask& mask : modality.masks) {
    nlohmann::json of_mask = {{"raster", mask.raster.string()}};
    if (!mask.values.empty()) of_mask["values"] = mask.values;
    if (!mask.bits.empty()) of_mask["bits"] = mask.bits;
    written["masks"].push_back(std::move(of_mask));
  }
  return written;
}

nlohmann::json split_json(const Split& split) {
  const Split defaults;
  nlohmann::json written;
  if (split.kind == Split::Kind::kRaster) {
    written = {{"raster", split.raster.string()}, {"train", split.train}, {"test", split.test}};
    if (split.validation) written["validation"] = *split.validation;
  } else {
    written = {{"kind", kind_of_split_names()[static_cast<std::size_t>(split.kind)]},
               {"test_fraction", split.test_fraction},
               {"seed", split.seed}};
  }
  if (split.kind == Split::Kind::kBlocks || split.block_pixels != defaults.block_pixels)
    written["block_pixels"] = split.block_pixels;
  if (split.kind == Split::Kind::kBlocks || split.buffer_pixels != defaults.buffer_pixels)
    written["buffer_pixels"] = split.buffer_pixels;
  if (split.kind == Split::Kind::kBlocks || split.validation_fraction > 0)
    written["validation_fraction"] = split.validation_fraction;
  if (split.seed != defaults.seed) written["seed"] = split.seed;
  return written;
}

nlohmann::json labels_json(const Scene& scene) {
  const LabelReading& reading = scene.label_reading;
  if (!reading.is_vector && reading.band == 0) return scene.labels.string();
  if (!reading.is_vector) return {{"raster", scene.labels.string()}, {"band", reading.band}};
  nlohmann::json written = {{"vector", scene.labels.string()}, {"attribute", reading.attribute}};
  if (!reading.layer.empty()) written["layer"] = reading.layer;
  return written;
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

  if (const auto labels = object.find("labels")) read_labels(*labels, scene);
  if (const auto grid = object.find("grid")) scene.grid = read_grid(*grid, scene);
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

  if (const auto split = object.find("split")) {
    if (scene.labels.empty())
      split->fail("expected no split, as there are no labels to divide, found one");
    scene.split = read_split(*split);
  } else if (!scene.labels.empty()) {
    static_cast<void>(object.at("split"));  // refuses
  }
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
  for_each_path(scene, [&](fs::path& path) { path = base / path; });
  return scene;
}

nlohmann::json to_json(const Scene& scene) {
  nlohmann::json modalities = nlohmann::json::array();
  for (const Modality& modality : scene.modalities) modalities.push_back(modality_json(modality));

  nlohmann::json classes = nlohmann::json::array();
  for (const LandCoverClass& land_cover : scene.classes)
    classes.push_back({{"id", land_cover.id},
                       {"name", land_cover.name},
                       {"color", color_text(land_cover.color)}});

  nlohmann::json written = {{"format", "cadastre-scene/1"},
                            {"name", scene.name},
                            {"description", scene.description},
                            {"modalities", std::move(modalities)},
                            {"classes", std::move(classes)}};
  if (!scene.labels.empty()) {
    written["labels"] = labels_json(scene);
    written["split"] = split_json(scene.split);
  }
  if (scene.grid) written["grid"] = grid_json(*scene.grid);
  return written;
}

void for_each_path(Scene& scene, const std::function<void(fs::path&)>& change) {
  const auto change_path = [&](fs::path& path) {
    if (!path.empty()) change(path);
  };
  for (Modality& modality : scene.modalities) {
    change_path(modality.raster);
    for (fs::path& raster : modality.more_rasters) change_path(raster);
    for (PixelMask& mask : modality.masks) change_path(mask.raster);
  }
  change_path(scene.labels);
  change_path(scene.split.raster);
}

}  // namespace cadastre
