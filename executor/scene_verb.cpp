#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "executor/scene/modality_reader.h"
#include "executor/scene/modality_summary.h"
#include "executor/scene/reference_grid.h"
#include "executor/scene/scene_guess.h"
#include "executor/scene_data.h"
#include "executor/verbs.h"
#include "planner/command_line.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/table.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

struct SceneRequest : VerbOptions {
  std::vector<fs::path> places;
  fs::path output;
  SceneChoices choices;
};

std::string role_text(const TakenFile& file) {
  switch (file.role) {
    case Role::kModality:
      return "modality " + file.as;
    case Role::kLabels:
      return "labels";
    case Role::kSplit:
      return "split";
    case Role::kMask:
      return "mask";
    case Role::kLeftOut:
      return "left out";
  }
  return {};
}

/// "EPSG:32634", or the name of the reference system.
std::string reference_text(const Grid& grid) {
  if (grid.projection.empty()) return "none";
  const std::size_t begin = grid.projection.find('"');
  const std::size_t end = grid.projection.find('"', begin + 1);
  return end == std::string::npos ? "unknown" : grid.projection.substr(begin + 1, end - begin - 1);
}

nlohmann::json file_json(const TakenFile& file) {
  const FoundFile& found = *file.found;
  nlohmann::json written = {
      {"file", found.file.string()}, {"taken_as", role_text(file)}, {"why", file.why}};
  if (found.unreadable.empty() && !found.is_vector) {
    written["num_rows"] = found.grid.num_rows;
    written["num_columns"] = found.grid.num_columns;
    written["num_bands"] = found.num_bands;
    written["type"] = found.type;
    written["reference_system"] = reference_text(found.grid);
    if (is_georeferenced(found.grid)) written["pixel_side"] = pixel_side(found.grid.geo_transform);
  }
  return written;
}

std::string files_table(const std::vector<TakenFile>& files) {
  std::vector<std::vector<std::string>> rows = {
      {"file", "taken as", "bands", "pixels", "type", "pixel", "reference system", "why"}};
  for (const TakenFile& file : files) {
    const FoundFile& found = *file.found;
    const bool is_raster = found.unreadable.empty() && !found.is_vector;
    rows.push_back({found.file.filename().string(), role_text(file),
                    is_raster ? std::to_string(found.num_bands) : "",
                    is_raster ? size_text(found.grid) : "", is_raster ? found.type : "",
                    is_raster && is_georeferenced(found.grid)
                        ? number_text(pixel_side(found.grid.geo_transform))
                        : "",
                    is_raster ? reference_text(found.grid) : "", file.why});
  }
  return text_table(rows);
}

std::string classes_table(const Scene& scene, const SceneData& data) {
  std::vector<std::vector<std::int64_t>> counts(scene.classes.size(),
                                                std::vector<std::int64_t>(4, 0));
  for (std::size_t pixel = 0; pixel < data.class_plane.size(); ++pixel)
    if (data.class_plane[pixel] != kNoClass)
      ++counts[data.class_plane[pixel]][data.part_plane[pixel]];
  std::vector<std::vector<std::string>> rows = {
      {"class", "id", "train", "validation", "test", "left out"}};
  for (std::size_t i = 0; i < scene.classes.size(); ++i)
    rows.push_back({scene.classes[i].name, std::to_string(scene.classes[i].id),
                    std::to_string(counts[i][1]), std::to_string(counts[i][2]),
                    std::to_string(counts[i][3]), std::to_string(counts[i][0])});
  return text_table(rows);
}

/// The files in the places given, and labels and split where they were named and lie elsewhere.
std::vector<FoundFile> files_of(const SceneRequest& request) {
  std::vector<FoundFile> files = find_files(request.places);
  for (const fs::path& named : {request.choices.labels, fs::path(request.choices.split)}) {
    std::error_code ignored;
    const bool is_found = std::any_of(files.begin(), files.end(), [&](const FoundFile& file) {
      return file.file == named || fs::equivalent(file.file, named, ignored);
    });
    if (!is_found && fs::is_regular_file(named, ignored)) files.push_back(inspect_file(named));
  }
  return files;
}

void make_scene(SceneRequest& request) {
  std::error_code ignored;
  const bool is_folder = request.places.size() == 1 && fs::is_directory(request.places[0], ignored);
  for (const fs::path& place : request.places)
    if (!fs::exists(place, ignored))
      throw InputError(place.string(), "", "expected a folder or a file, found none");
  fs::path output = request.output;
  if (output.empty()) {
    if (!is_folder)
      throw InputError("", "", "expected -o FILE, as not one folder was given, found none");
    output = request.places[0] / "scene.json";
  }
  if (output.extension() != ".json") output /= "scene.json";
  if (request.choices.name.empty())
    request.choices.name =
        fs::weakly_canonical(is_folder ? request.places[0] : fs::absolute(output).parent_path())
            .filename()
            .string();
  check_can_write(output);

  const std::vector<FoundFile> files = files_of(request);
  GuessedScene guess = guess_scene(files, request.choices);
  // What `run` would refuse later is refused now: labels and split, and each modality's values.
  const ReferenceGrid reference = reference_grid(guess.scene);
  const SceneData data = load_scene(guess.scene, {});
  guess.notes.insert(guess.notes.end(), data.notes.begin(), data.notes.end());
  std::string modalities;
  for (const Modality& modality : guess.scene.modalities) {
    ModalityReader reader(modality, reference);
    const std::vector<BandSummary> bands = summarise(reader, reference, data.part_plane, nullptr);
    for (std::string& note : doubtful_values(modality, bands, training_statistics(modality, bands)))
      guess.notes.push_back(std::move(note));
    modalities += "modality " + modality.name + ": " + std::to_string(modality.num_bands) +
                  (modality.num_bands == 1 ? " band, " : " bands, ") +
                  std::to_string(reader.scale()) + " x " + std::to_string(reader.scale()) +
                  " of its pixels to one of the grid's " + size_text(reference.grid) + "\n";
  }

  nlohmann::json taken = nlohmann::json::array();
  for (const TakenFile& file : guess.files) taken.push_back(file_json(file));
  const std::string tables =
      files_table(guess.files) + "\n" + modalities + "\n" + classes_table(guess.scene, data);
  Scene written = guess.scene;
  const fs::path base = fs::weakly_canonical(fs::absolute(output)).parent_path();
  for_each_path(written, [&](fs::path& path) {
    path = fs::proximate(fs::weakly_canonical(fs::absolute(path)), base);
  });
  write_file(output, json_text(to_json(written)));
  for (const std::string& note : guess.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  print_result(request,
               {{"scene", output.string()},
                {"files", taken},
                {"notes", guess.notes},
                {"num_train", data.train.size()},
                {"num_validation", data.validation.size()},
                {"num_test", data.test.size()}},
               tables + "\nwrote " + output.string() + "\n");
}

}  // namespace

void add_scene_verb(CLI::App& program) {
  auto request = std::make_shared<SceneRequest>();
  CLI::App* verb = add_verb(program, "scene", "Make a scene of the rasters in a folder",
                            "cadastre scene my-rasters --class 1=Water --class 2=Forest", request,
                            [request] { make_scene(*request); });
  verb->add_option("places", request->places, "Folders, rasters, polygons or STAC items")
      ->required();
  verb->add_option("-o,--output", request->output, "Scene to write; FOLDER/scene.json by default");
  SceneChoices& choices = request->choices;
  verb->add_option("--name", choices.name, "Name of the scene; the folder's by default");
  verb->add_option("--labels", choices.labels, "File of class ids, or of polygons");
  verb->add_option("--attribute", choices.attribute, "Attribute of the polygons that is the class");
  verb->add_option("--layer", choices.layer, "Layer of the polygons");
  verb->add_option("--split", choices.split, "Raster of 1 (train) and 2 (test), blocks or random");
  verb->add_option("--modality", choices.modalities,
                   "NAME=FILE[,FILE...][:BAND,...]; then none is guessed")
      ->allow_extra_args(false);
  verb->add_option("--grid", choices.grid, "Pixels of the map: labels, or a modality's name");
  verb->add_option("--class", choices.classes, "ID=NAME or ID=NAME=#rrggbb")
      ->allow_extra_args(false);
  verb->add_option("--exclude", choices.excluded, "Files to leave out, such as '*_old.tif'")
      ->allow_extra_args(false);
}

}  // namespace cadastre
