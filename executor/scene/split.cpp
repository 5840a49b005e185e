#include "executor/scene/split.h"

#include <algorithm>

#include "executor/scene/block_split.h"
#include "executor/scene/clean_raster.h"
#include "executor/scene/row_strips.h"
#include "executor/scene_data.h"
#include "planner/error.h"

namespace cadastre {

namespace {

std::vector<std::uint8_t> parts_of_raster(const Scene& scene, const ReferenceGrid& reference,
                                          const std::vector<std::uint8_t>& class_plane) {
  const Split& split = scene.split;
  DatasetPtr opened =
      open_clean_raster({.files = {split.raster}, .is_scaled = false, .skips_nodata = false});
  check_num_bands(*opened, split.raster, 1);
  AlignedRaster raster(std::move(opened), {split.raster}, reference, 1, Resampling::kNearest);
  std::vector<std::uint8_t> parts(class_plane.size(), static_cast<std::uint8_t>(Part::kNone));
  std::vector<float> values;
  for (const Window& strip : row_strips(reference.grid, 1)) {
    values.resize(static_cast<std::size_t>(strip.num_rows * strip.num_columns));
    raster.read(1, strip, values.data());
    auto pixel = static_cast<std::size_t>(strip.row * reference.grid.num_columns);
    for (const float value : values) {
      Part part = Part::kNone;
      if (class_plane[pixel] == kNoClass)
        part = Part::kNone;
      else if (value == static_cast<float>(split.train))
        part = Part::kTrain;
      else if (value == static_cast<float>(split.test))
        part = Part::kTest;
      else if (split.validation && value == static_cast<float>(*split.validation))
        part = Part::kValidation;
      parts[pixel++] = static_cast<std::uint8_t>(part);
    }
  }
  return parts;
}

/// Pixels of each class in a part.
std::vector<std::int64_t> class_counts(const std::vector<std::uint8_t>& class_plane,
                                       const std::vector<std::uint8_t>& parts, Part part,
                                       std::size_t num_classes) {
  std::vector<std::int64_t> counts(num_classes, 0);
  for (std::size_t pixel = 0; pixel < parts.size(); ++pixel)
    if (parts[pixel] == static_cast<std::uint8_t>(part)) ++counts[class_plane[pixel]];
  return counts;
}

/// A class that is never seen cannot be learnt: a network trained so would never map it, silently.
void check_training(const Scene& scene, const std::vector<std::int64_t>& num_train) {
  const Split& split = scene.split;
  const bool is_raster = split.kind == Split::Kind::kRaster;
  const std::string file = (is_raster ? split.raster : scene.labels).string();
  std::string expected = "expected labelled ";
  expected += is_raster ? "training pixels (value " + std::to_string(split.train) + ")"
                        : "pixels to train on";
  if (std::all_of(num_train.begin(), num_train.end(), [](std::int64_t n) { return n == 0; }))
    throw InputError(file, "", expected + ", found none");
  for (std::size_t i = 0; i < num_train.size(); ++i)
    if (num_train[i] == 0)
      throw InputError(file, "",
                       expected + " of every class, found none of " + scene.classes[i].name);
}

}  // namespace

DividedPixels divide_pixels(const Scene& scene, const ReferenceGrid& reference,
                            const std::vector<std::uint8_t>& class_plane) {
  const Split& split = scene.split;
  const std::size_t num_classes = scene.classes.size();
  DividedPixels divided;
  switch (split.kind) {
    case Split::Kind::kRaster:
      divided.parts = parts_of_raster(scene, reference, class_plane);
      break;
    case Split::Kind::kBlocks:
      divided.parts = labelled_pixels(class_plane);
      part_off_blocks(split, reference.grid, class_plane, num_classes, Part::kTest,
                      split.test_fraction, divided.parts);
      break;
    case Split::Kind::kRandom:
      divided.parts = labelled_pixels(class_plane);
      part_off_pixels(split, class_plane, num_classes, Part::kTest, split.test_fraction,
                      divided.parts);
      divided.notes.emplace_back(
          "test pixels were drawn at random beside training pixels: accuracy is flattered, as "
          "neighbours resemble each other; a split of kind \"blocks\" is not");
      break;
  }
  if (split.validation_fraction > 0 && !split.validation) {
    if (split.kind == Split::Kind::kRandom)
      part_off_pixels(split, class_plane, num_classes, Part::kValidation, split.validation_fraction,
                      divided.parts);
    else
      part_off_blocks(split, reference.grid, class_plane, num_classes, Part::kValidation,
                      split.validation_fraction, divided.parts);
  }
  check_training(scene, class_counts(class_plane, divided.parts, Part::kTrain, num_classes));
  const std::vector<std::int64_t> num_test =
      class_counts(class_plane, divided.parts, Part::kTest, num_classes);
  for (std::size_t i = 0; i < num_classes; ++i)
    if (num_test[i] == 0)
      divided.notes.push_back("no test pixel is " + scene.classes[i].name +
                              ": its accuracy is not known");
  return divided;
}

}  // namespace cadastre
