#include "executor/predictor.h"

#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

constexpr std::int64_t kRows = 70;  // more than a tile, and no multiple of one
constexpr std::int64_t kColumns = 67;

/// Two bands on the grid: band 0 is 0, band 1 is row - column. The network below scores class k by
/// band k at the patch's centre, so the class is 1 below the diagonal and 0 above it.
SceneData diagonal_scene() {
  SceneData scene;
  scene.grid.num_rows = kRows;
  scene.grid.num_columns = kColumns;
  ModalityData modality;
  modality.name = "bands";
  modality.num_bands = 2;
  modality.values.assign(static_cast<std::size_t>(2 * kRows * kColumns), 0.0F);
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < kColumns; ++column)
      modality.values[static_cast<std::size_t>((kRows + row) * kColumns + column)] =
          static_cast<float>(row - column);
  scene.modalities.push_back(modality);
  return scene;
}

StageNetwork centre_network() {
  const ModelGraph model = small::checked(
      {.name = "centre",
       .inputs = {{.name = "bands", .shape = {2, 3, 3}}},
       .layers = {small::layer("flatten", Flatten{}, {"bands"}),
                  small::layer("head", Linear{.out_features = 2, .bias = false}, {"flatten"})},
       .output = "head"});
  StageNetwork network = whole_network(model, 1);
  network.flat_parameters().zero_();
  network.flat_parameters()[4] = 1;           // class 0: band 0, row 1, column 1
  network.flat_parameters()[18 + 9 + 4] = 1;  // class 1: band 1, row 1, column 1
  return network;
}

const PatchSize kPatch{.reference_pixels = 3, .scales = {1}};
const std::vector<LandCoverClass> kClasses{{.id = 3, .name = "above"}, {.id = 8, .name = "below"}};

}  // namespace

TEST_CASE("every pixel gets its class and the probability of it", "[executor]") {
  const SceneData scene = diagonal_scene();
  StageNetwork network = centre_network();
  std::vector<Pixel> pixels;
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < kColumns; ++column) pixels.push_back({row, column});
  std::int64_t done = 0;
  const Classification found = classify(
      network, scene, kPatch, pixels,
      {.batch_size = 100, .num_threads = 3, .progress = [&](std::int64_t now, std::int64_t total) {
         CHECK(now > done);
         CHECK(total == kRows * kColumns);
         done = now;
       }});
  CHECK(done == kRows * kColumns);
  std::int64_t num_wrong = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const double score = static_cast<double>(pixels[i].row - pixels[i].column);
    const int expected = score > 0 ? 1 : 0;
    // softmax of (0, s) is 1 / (1 + e^-|s|) for the greater one.
    const double confidence = 1 / (1 + std::exp(-std::abs(score)));
    if (score != 0 && found.class_indices[i] != expected) ++num_wrong;
    if (std::abs(static_cast<double>(found.confidence[i]) - confidence) > 1e-5) ++num_wrong;
  }
  CHECK(num_wrong == 0);
}

TEST_CASE("metrics compare predicted classes with the test samples", "[executor]") {
  SceneData scene = diagonal_scene();
  // Two right, one wrong: the last lies below the diagonal.
  scene.test = {{.row = 2, .column = 30, .class_index = 0},
                {.row = 60, .column = 5, .class_index = 1},
                {.row = 50, .column = 5, .class_index = 0}};
  StageNetwork network = centre_network();
  const Metrics metrics = test_metrics(network, scene, kPatch, kClasses, {.batch_size = 2});
  CHECK(metrics.confusion == std::vector<std::vector<std::int64_t>>{{1, 1}, {0, 1}});
  CHECK(metrics.overall_accuracy == Approx(2.0 / 3));
  CHECK(metrics.average_accuracy == Approx((0.5 + 1) / 2));
  CHECK(metrics_text(metrics).find("overall accuracy 66.67 %") == 0);
}
