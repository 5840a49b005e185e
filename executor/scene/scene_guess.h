#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "executor/scene/found_file.h"
#include "planner/scene.h"

namespace cadastre {

/// What a person decides of a scene by hand; everything else is guessed.
struct SceneChoices {
  std::string name;
  std::filesystem::path labels;
  std::string attribute;  ///< of vector labels
  std::string layer;
  std::string split;                    ///< a raster, "blocks" or "random"; guessed when empty
  std::vector<std::string> modalities;  ///< NAME=FILE[,FILE…][:BAND,BAND…]; none of them guessed
  std::string grid;                     ///< "labels" or a modality's name; guessed when empty
  std::vector<std::string> classes;     ///< ID=NAME or ID=NAME=#rrggbb
  std::vector<std::string> excluded;    ///< patterns of file names, as a shell's
};

enum class Role { kModality, kLabels, kSplit, kMask, kLeftOut };

/// What a file was taken for, and why.
struct TakenFile {
  const FoundFile* found = nullptr;
  Role role = Role::kLeftOut;
  std::string as;  ///< the modality's name, or what a mask means
  std::string why;
};

struct GuessedScene {
  Scene scene;  ///< with paths as the files were found by
  std::vector<TakenFile> files;
  std::vector<std::string> notes;
};

/// All files below the places given (folders, files, STAC items), inspected, in the order of their
/// names. Throws InputError for a place that is not there.
[[nodiscard]] std::vector<FoundFile> find_files(const std::vector<std::filesystem::path>& places);

/// Makes a scene of files, which must outlive it. Throws InputError saying what is missing or
/// undecided, and which option decides it.
[[nodiscard]] GuessedScene guess_scene(const std::vector<FoundFile>& files,
                                       const SceneChoices& choices);

}  // namespace cadastre
