#include "executor/scene/split.h"

#include <algorithm>
#include <cmath>

#include "executor/scene/block_split.h"
#include "executor/scene_data.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr std::int64_t kSide = 96;

Scene blocks_scene(std::int64_t buffer_pixels) {
  Scene scene;
  scene.labels = "labels.tif";
  scene.classes = {
      {.id = 1, .name = "Common"}, {.id = 2, .name = "Stripes"}, {.id = 3, .name = "Lone"}};
  scene.split.kind = Split::Kind::kBlocks;
  scene.split.block_pixels = 8;
  scene.split.buffer_pixels = buffer_pixels;
  scene.split.test_fraction = 0.25;
  return scene;
}

ReferenceGrid square() {
  ReferenceGrid reference;
  reference.grid.num_rows = kSide;
  reference.grid.num_columns = kSide;
  return reference;
}

/// Stripes of class 1 in class 0; one single pixel of class 2.
std::vector<std::uint8_t> stripes() {
  std::vector<std::uint8_t> plane(kSide * kSide, 0);
  for (std::size_t pixel = 0; pixel < plane.size(); ++pixel)
    if (pixel / kSide % 24 < 3) plane[pixel] = 1;
  plane[50 * kSide + 50] = 2;
  return plane;
}

std::int64_t count(const std::vector<std::uint8_t>& classes, const std::vector<std::uint8_t>& parts,
                   std::uint8_t class_index, Part part) {
  std::int64_t number = 0;
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] == class_index && parts[i] == static_cast<std::uint8_t>(part)) ++number;
  return number;
}

/// The least distance, in rows or columns whichever is more, between a pixel of each part.
std::int64_t least_distance(const std::vector<std::uint8_t>& parts, Part one, Part other) {
  std::int64_t least = kSide;
  for (std::int64_t a = 0; a < kSide * kSide; ++a) {
    if (parts[static_cast<std::size_t>(a)] != static_cast<std::uint8_t>(one)) continue;
    for (std::int64_t row = std::max<std::int64_t>(0, a / kSide - 12);
         row < std::min(kSide, a / kSide + 13); ++row)
      for (std::int64_t column = std::max<std::int64_t>(0, a % kSide - 12);
           column < std::min(kSide, a % kSide + 13); ++column)
        if (parts[static_cast<std::size_t>(row * kSide + column)] ==
            static_cast<std::uint8_t>(other))
          least =
              std::min(least, std::max(std::abs(row - a / kSide), std::abs(column - a % kSide)));
  }
  return least;
}

TEST_CASE("blocks give every class near its fraction to the test", "[executor]") {
  const std::vector<std::uint8_t> classes = stripes();
  const DividedPixels divided = divide_pixels(blocks_scene(0), square(), classes);
  for (const std::uint8_t class_index : std::vector<std::uint8_t>{0, 1}) {
    const auto of_test =
        static_cast<double>(count(classes, divided.parts, class_index, Part::kTest));
    const auto all = static_cast<double>(std::count(classes.begin(), classes.end(), class_index));
    CHECK(of_test / all == Approx(0.25).margin(0.03));
  }
  // The only pixel of a class trains, and a note says what cannot be known.
  CHECK(count(classes, divided.parts, 2, Part::kTrain) == 1);
  CHECK(divided.notes ==
        std::vector<std::string>{"no test pixel is Lone: its accuracy is not known"});
}

TEST_CASE("a buffer on each side keeps the parts of a block split apart", "[executor]") {
  std::vector<std::uint8_t> classes = stripes();
  classes[50 * kSide + 50] = 0;
  Scene scene = blocks_scene(2);
  scene.classes.pop_back();
  scene.split.block_pixels = 16;
  scene.split.validation_fraction = 0.3;
  const DividedPixels divided = divide_pixels(scene, square(), classes);
  // Two pixels left out on each side of the border: the fifth pixel is the next.
  CHECK(least_distance(divided.parts, Part::kTrain, Part::kTest) >= 5);
  CHECK(least_distance(divided.parts, Part::kTrain, Part::kValidation) >= 5);
  CHECK(count(classes, divided.parts, 0, Part::kValidation) > 0);
}

TEST_CASE("a split depends on its seed and on nothing else", "[executor]") {
  const std::vector<std::uint8_t> classes = stripes();
  Scene scene = blocks_scene(1);
  scene.split.kind = GENERATE(Split::Kind::kBlocks, Split::Kind::kRandom);
  const std::vector<std::uint8_t> parts = divide_pixels(scene, square(), classes).parts;
  CHECK(divide_pixels(scene, square(), classes).parts == parts);
  scene.split.seed = 2;
  CHECK(divide_pixels(scene, square(), classes).parts != parts);
}

TEST_CASE("a random split has its fraction of each class, and a warning", "[executor]") {
  const std::vector<std::uint8_t> classes = stripes();
  Scene scene = blocks_scene(0);
  scene.split.kind = Split::Kind::kRandom;
  const DividedPixels divided = divide_pixels(scene, square(), classes);
  CHECK(count(classes, divided.parts, 1, Part::kTest) == 12 * kSide / 4);
  REQUIRE(divided.notes.size() == 2);
  CHECK(divided.notes[0] ==
        "test pixels were drawn at random beside training pixels: accuracy is flattered, as "
        "neighbours resemble each other; a split of kind \"blocks\" is not");
}

}  // namespace
}  // namespace cadastre
