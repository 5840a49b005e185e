#include "executor/scene/scene_guess.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "executor/gdal_support.h"
#include "executor/raster_alignment.h"
#include "executor/scene/class_list.h"
#include "executor/scene/file_role.h"
#include "executor/scene/modality_groups.h"
#include "planner/error.h"
#include "planner/refusal.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

bool is_file(const FoundFile& found, const fs::path& file) {
  std::error_code ignored;
  return found.file == file || fs::equivalent(found.file, file, ignored);
}

std::vector<TakenFile> first_roles(const std::vector<FoundFile>& files,
                                   const SceneChoices& choices) {
  std::vector<TakenFile> taken;
  for (const FoundFile& file : files) {
    const LikelyRole likely = likely_role(file);
    TakenFile one;
    one.found = &file;
    one.role = likely.role;
    one.why = likely.why;
    for (const std::string& pattern : choices.excluded)
      if (::fnmatch(pattern.c_str(), file.file.filename().c_str(), 0) == 0 ||
          ::fnmatch(pattern.c_str(), file.file.c_str(), 0) == 0) {
        one.role = Role::kLeftOut;
        one.why = "--exclude " + pattern;
      }
    taken.push_back(std::move(one));
  }
  return taken;
}

/// Leaves one file with the role of labels: what was asked for, else the likeliest.
const FoundFile* choose_labels(std::vector<TakenFile>& files, const SceneChoices& choices) {
  TakenFile* chosen = nullptr;
  if (!choices.labels.empty()) {
    for (TakenFile& file : files)
      if (is_file(*file.found, choices.labels)) chosen = &file;
    if (chosen == nullptr || !chosen->found->unreadable.empty())
      throw InputError(choices.labels.string(), "",
                       "expected labels among the files given, found " +
                           (chosen == nullptr ? "them nowhere" : chosen->found->unreadable));
    chosen->role = Role::kLabels;
    chosen->why = "--labels";
  } else {
    int strongest = -1;
    std::vector<std::string> names;
    for (TakenFile& file : files) {
      if (file.role != Role::kLabels) continue;
      const int strength = likely_role(*file.found).strength;
      if (strength > strongest) names.clear();
      if (strength >= strongest) {
        strongest = strength;
        chosen = &file;
        names.push_back(file.found->file.filename().string());
      }
    }
    if (names.size() > 1)
      throw InputError(
          "", "",
          "expected one file of labels, found " + listed(names) + "; choose with --labels FILE");
  }
  for (TakenFile& file : files) {
    if (file.role != Role::kLabels || &file == chosen) continue;
    const bool is_drawn = !file.found->is_vector && likely_role(*file.found).strength <= 1;
    file.role = is_drawn ? Role::kModality : Role::kLeftOut;
    if (!is_drawn) file.why = "other labels were chosen";
  }
  return chosen == nullptr ? nullptr : chosen->found;
}

std::string guessed_attribute(const FoundFile& labels) {
  const std::set<std::string> usual = {"class",      "classes",    "class_id", "classid",
                                       "class_name", "classname",  "label",    "label_id",
                                       "landcover",  "land_cover", "lc",       "code",
                                       "type",       "name",       "category", "id_class"};
  std::vector<std::string> names = labels.attributes;
  const bool is_alone = names.size() == 1 || (names.empty() && labels.real_attributes.size() == 1);
  names.insert(names.end(), labels.real_attributes.begin(), labels.real_attributes.end());
  std::vector<std::string> likely;
  for (const std::string& name : names) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (usual.count(lower) > 0) likely.push_back(name);
  }
  if (likely.size() == 1) return likely.front();
  if (likely.empty() && is_alone) return names.front();
  throw InputError(labels.file.string(), "",
                   "expected one attribute of classes, found " +
                       (names.empty() ? std::string("none") : listed(names)) +
                       (names.empty() ? "" : "; choose with --attribute NAME"));
}

/// Why a raster holds no class ids; empty when it may.
std::string why_no_classes(const FoundFile& file) {
  if (!file.unreadable.empty()) return file.unreadable;
  if (!file.damage.empty()) return file.damage;
  if (file.is_vector) return {};
  if (file.num_bands != 1)
    return "expected 1 band of class ids, found " + std::to_string(file.num_bands) +
           "; write the one that holds them to a file of its own (gdal_translate -b 1 IN OUT), or "
           "colours to numbers";
  if (!file.values.empty()) return {};
  return "expected whole numbers as class ids, at most 255 of them, found others";
}

[[noreturn]] void refuse_no_labels(const std::vector<TakenFile>& files) {
  if (files.empty())
    throw InputError("", "", "expected rasters and labels, found neither in the places given");
  for (const TakenFile& file : files) {
    const std::string why = why_no_classes(*file.found);
    if (!why.empty() && is_called_labels(*file.found))
      throw InputError(file.found->file.string(), "", why);
  }
  throw InputError("", "",
                   "expected labels (a raster of class ids, or polygons), found none; say which "
                   "file holds them with --labels FILE");
}

/// One class alone cannot be told from anything.
void check_several_classes(const Scene& scene) {
  if (scene.classes.size() > 1) return;
  throw InputError(scene.labels.string(), "",
                   "expected two classes or more, found only " + scene.classes.front().name +
                       "; 0 and no data count as unlabelled: give all other land a number of its "
                       "own");
}

void set_labels(const FoundFile* labels, const SceneChoices& choices, GuessedScene& guess) {
  if (labels == nullptr) refuse_no_labels(guess.files);
  Scene& scene = guess.scene;
  scene.labels = labels->file;
  if (labels->is_vector) {
    scene.label_reading.is_vector = true;
    scene.label_reading.layer = choices.layer.empty() ? labels->layers.front() : choices.layer;
    if (labels->layers.size() > 1 && choices.layer.empty())
      throw InputError(labels->file.string(), "",
                       "expected one layer of polygons, found " + listed(labels->layers) +
                           "; choose with --layer NAME");
    scene.label_reading.attribute =
        choices.attribute.empty() ? guessed_attribute(*labels) : choices.attribute;
    scene.classes =
        classes_of_vector(*labels, scene.label_reading.layer, scene.label_reading.attribute);
  } else {
    if (const std::string why = why_no_classes(*labels); !why.empty())
      throw InputError(labels->file.string(), "", why);
    scene.classes = classes_of_raster(*labels);
  }
  name_classes(choices.classes, scene.classes);
  check_several_classes(scene);
}

void set_split(std::vector<TakenFile>& files, const SceneChoices& choices, const Grid& grid,
               Scene& scene) {
  Split& split = scene.split;
  TakenFile* raster = nullptr;
  for (TakenFile& file : files) {
    const bool is_asked = !choices.split.empty() && is_file(*file.found, choices.split);
    const bool is_guessed = choices.split.empty() && file.role == Role::kSplit;
    if (is_asked) file.why = "--split";
    if ((is_asked || is_guessed) && raster == nullptr)
      raster = &file;
    else if (file.role == Role::kSplit) {
      file.role = Role::kLeftOut;
      file.why = "another split was chosen";
    }
  }
  if (raster != nullptr) {
    raster->role = Role::kSplit;
    split.raster = raster->found->file;
    constexpr int kValidation = 3;
    if (raster->found->values.count(kValidation) > 0) split.validation = kValidation;
    return;
  }
  if (!choices.split.empty() && choices.split != "blocks" && choices.split != "random")
    throw InputError(choices.split, "",
                     "expected \"blocks\", \"random\" or a raster among the files given");
  split.kind = choices.split == "random" ? Split::Kind::kRandom : Split::Kind::kBlocks;
  // Some 400 blocks: enough to balance classes, and each still large beside its buffer.
  constexpr double kNumBlocks = 400;
  constexpr std::int64_t kLeastSide = 8;
  constexpr std::int64_t kMostSide = 256;
  const double side = std::sqrt(static_cast<double>(grid.num_rows) *
                                static_cast<double>(grid.num_columns) / kNumBlocks);
  split.block_pixels = std::clamp<std::int64_t>(std::llround(side), kLeastSide, kMostSide);
  split.buffer_pixels = std::min<std::int64_t>(8, split.block_pixels / 8);
  split.validation_fraction = 0.1;
}

/// The modality of the finest pixels, of which the first: measured in the first one's units.
std::string finest(const Scene& scene) {
  const Grid first = grid_of(*open_raster(scene.modalities.front().raster));
  std::string name = scene.modalities.front().name;
  double least = 0;
  for (const Modality& modality : scene.modalities) {
    const DatasetPtr raster = open_raster(modality.raster);
    const Grid own = grid_of(*raster);
    // Scales are relative to the first: how many of its pixels to one of the first's.
    const double side =
        same_reference_system(own, first)
            ? pixel_side(own.geo_transform)
            : pixel_side(first.geo_transform) /
                  static_cast<double>(scale_on_grid(*raster, modality.raster, first));
    if (least == 0 || side < 0.99 * least) {
      least = side;
      name = modality.name;
    }
  }
  return name;
}

void set_grid(const SceneChoices& choices, Scene& scene) {
  std::string modality = choices.grid == "labels" ? "" : choices.grid;
  if (scene.label_reading.is_vector) {
    if (choices.grid == "labels")
      throw InputError("", "", "--grid: expected a modality, as labels are polygons, found labels");
    if (modality.empty()) modality = finest(scene);
  }
  if (modality.empty()) return;
  std::vector<std::string> names;
  for (const Modality& one : scene.modalities) names.push_back(one.name);
  if (std::find(names.begin(), names.end(), modality) == names.end())
    throw InputError("", "",
                     "--grid: expected \"labels\" or a modality (" + listed(names) + "), found " +
                         in_quotes(modality));
  scene.grid = GridChoice{.modality = modality};
}

void set_modalities(std::vector<TakenFile>& files, const SceneChoices& choices, Scene& scene) {
  if (!choices.modalities.empty()) {
    for (const std::string& text : choices.modalities)
      scene.modalities.push_back(modality_by_hand(text));
    for (TakenFile& file : files) {
      if (file.role != Role::kModality) continue;
      file.role = Role::kLeftOut;
      file.why = "modalities were chosen by hand";
      for (const Modality& modality : scene.modalities) {
        std::vector<fs::path> of_modality = modality.more_rasters;
        of_modality.push_back(modality.raster);
        for (const fs::path& path : of_modality)
          if (is_file(*file.found, path)) {
            file.role = Role::kModality;
            file.as = modality.name;
            file.why = "--modality";
          }
      }
    }
  } else {
    std::vector<TakenFile*> of_modalities;
    for (TakenFile& file : files)
      if (file.role == Role::kModality) of_modalities.push_back(&file);
    scene.modalities = group_modalities(of_modalities);
  }
  if (scene.modalities.empty())
    throw InputError("", "",
                     "expected a raster of measurements, found none; say which with --modality "
                     "NAME=FILE");
}

/// A mask goes to the modalities of imagery in its folder or item.
void set_masks(std::vector<TakenFile>& files, Scene& scene) {
  for (TakenFile& file : files) {
    if (file.role != Role::kMask) continue;
    const PixelMask mask = mask_of(*file.found, file.as);
    for (Modality& modality : scene.modalities)
      if (modality.raster.parent_path() == file.found->file.parent_path())
        modality.masks.push_back(mask);
  }
}

}  // namespace

GuessedScene guess_scene(const std::vector<FoundFile>& files, const SceneChoices& choices) {
  GuessedScene guess;
  guess.files = first_roles(files, choices);
  guess.scene.name = choices.name;
  set_labels(choose_labels(guess.files, choices), choices, guess);
  Grid of_labels;
  for (const TakenFile& file : guess.files)
    if (file.role == Role::kLabels) of_labels = file.found->grid;
  // Before the modalities, so that a raster asked for as split is none of them.
  set_split(guess.files, choices, of_labels, guess.scene);
  set_modalities(guess.files, choices, guess.scene);
  set_masks(guess.files, guess.scene);
  set_grid(choices, guess.scene);
  if (guess.scene.label_reading.is_vector) {
    std::vector<TakenFile> none;
    for (const Modality& modality : guess.scene.modalities)
      if (modality.name == guess.scene.grid->modality && guess.scene.split.raster.empty())
        set_split(none, choices, grid_of(*open_raster(modality.raster)), guess.scene);
  }
  std::vector<std::string> without_system;
  for (const TakenFile& file : guess.files) {
    const FoundFile& found = *file.found;
    if (file.role == Role::kLeftOut) {
      // A raster that was meant to count should not be missed by a glance at the table only. An
      // item's pictures and metadata were not.
      const bool is_meant =
          found.asset.empty() || std::count(found.roles.begin(), found.roles.end(), "data") > 0;
      if (!found.unreadable.empty() && file.why == found.unreadable && is_meant)
        guess.notes.push_back(found.file.string() + " is left out: " + found.unreadable);
    } else if (!found.is_vector && found.grid.projection.empty()) {
      without_system.push_back(found.file.filename().string());
    }
  }
  if (!without_system.empty())
    guess.notes.push_back("no coordinate reference system in " + listed(without_system) +
                          ": they are taken to share the grid's pixels");
  return guess;
}

}  // namespace cadastre
