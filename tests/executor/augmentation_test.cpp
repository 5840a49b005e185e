#include "executor/augmentation.h"

#include <cmath>
#include <set>
#include <vector>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("a square has eight views, the same for pixels of any size", "[executor]") {
  // Ground of 3 x 3, and the same in pixels of half the side.
  constexpr std::int64_t kSide = 3;
  std::set<std::vector<float>> views;
  for (int view = 0; view < 8; ++view) {
    std::vector<std::int64_t> labels;
    std::vector<float> coarse;
    for (std::int64_t i = 0; i < kSide * kSide; ++i) {
      labels.push_back(i);
      coarse.push_back(static_cast<float>(i));
    }
    std::vector<float> fine;
    for (std::int64_t y = 0; y < 2 * kSide; ++y)
      for (std::int64_t x = 0; x < 2 * kSide; ++x)
        fine.push_back(static_cast<float>(y / 2 * kSide + x / 2));
    turn_square(labels.data(), kSide, view);
    turn_square(coarse.data(), kSide, view);
    turn_square(fine.data(), 2 * kSide, view);
    for (std::int64_t y = 0; y < 2 * kSide; ++y)
      for (std::int64_t x = 0; x < 2 * kSide; ++x) {
        const auto at = static_cast<std::size_t>(y / 2 * kSide + x / 2);
        CHECK(fine[static_cast<std::size_t>(y * 2 * kSide + x)] == coarse[at]);
        CHECK(static_cast<float>(labels[at]) == coarse[at]);
      }
    CHECK(coarse[4] == 4);  // the centre stays
    views.insert(coarse);
  }
  CHECK(views.size() == 8);
}

TEST_CASE("all modalities of a sample have one view, and a variation of their own", "[executor]") {
  const Augmentation all{.dihedral = true,
                         .gain = 0.2,
                         .offset = 0.2,
                         .noise = 0.3,
                         .band_dropout = 0.3,
                         .modality_dropout = 0.25};
  std::set<int> views;
  int num_dropped = 0;
  for (std::int64_t position = 0; position < 4000; ++position) {
    const PatchVariation a = drawn_variation(all, 7, position, "sar", 40, 2);
    const PatchVariation b = drawn_variation(all, 7, position, "optical", 40, 2);
    REQUIRE(a.view == b.view);
    REQUIRE(a.view == drawn_view(all, 7, position));
    REQUIRE(a.gain != b.gain);
    REQUIRE(a.offset != b.offset);
    REQUIRE(a.gain == drawn_variation(all, 7, position, "sar", 40, 2).gain);
    views.insert(a.view);
    if (a.is_dropped) ++num_dropped;
  }
  CHECK(views.size() == 8);
  CHECK(std::abs(num_dropped - 1000) < 140);  // five standard deviations of 27
  // Another seed, another variation; nothing is drawn of what is not asked for.
  CHECK(drawn_variation(all, 8, 0, "sar", 40, 2).gain !=
        drawn_variation(all, 7, 0, "sar", 40, 2).gain);
  const PatchVariation none = drawn_variation({}, 7, 0, "sar", 40, 2);
  std::vector<float> patch = {1, 2, 3, 4};
  vary_patch(patch.data(), 1, 2, none);
  CHECK(patch == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("noise has the spread that was asked for, and no mean", "[executor]") {
  constexpr std::int64_t kSide = 201;  // odd: the last value has a draw of its own
  std::vector<float> patch(kSide * kSide, 0.0F);
  PatchVariation variation;
  variation.noise = 0.5;
  variation.noise_key = 42;
  vary_patch(patch.data(), 1, kSide, variation);
  double sum = 0;
  double sum_of_squares = 0;
  double neighbours = 0;
  for (std::size_t i = 0; i < patch.size(); ++i) {
    sum += static_cast<double>(patch[i]);
    sum_of_squares += static_cast<double>(patch[i]) * static_cast<double>(patch[i]);
    if (i > 0) neighbours += static_cast<double>(patch[i]) * static_cast<double>(patch[i - 1]);
  }
  const auto size = static_cast<double>(patch.size());
  CHECK(std::abs(sum / size) < 0.0125);  // five times 0.5 / 201
  CHECK(std::sqrt(sum_of_squares / size) == Approx(0.5).epsilon(0.02));
  CHECK(std::abs(neighbours / sum_of_squares) < 0.025);
}

TEST_CASE("bands are dropped as often as asked for, and the mean stays", "[executor]") {
  constexpr std::int64_t kBands = 400;
  const Augmentation dropout{.band_dropout = 0.3};
  int num_zero = 0;
  double sum = 0;
  for (std::int64_t position = 0; position < 25; ++position) {
    std::vector<float> patch(kBands, 1.0F);
    vary_patch(patch.data(), kBands, 1, drawn_variation(dropout, 1, position, "a", kBands, 1));
    for (const float value : patch) {
      if (value == 0) ++num_zero;
      sum += static_cast<double>(value);
    }
  }
  CHECK(std::abs(num_zero - 3000) < 230);  // five standard deviations of 46
  CHECK(sum / 10000 == Approx(1).epsilon(0.04));
  // Modalities of few bands keep them, and are varied less.
  CHECK(drawn_variation(dropout, 1, 0, "a", 3, 1).band_dropout == 0);
  const Augmentation noise{.noise = 0.4};
  CHECK(drawn_variation(noise, 1, 0, "a", 20, 1).noise == Approx(0.4));
  CHECK(drawn_variation(noise, 1, 0, "a", 1, 1).noise == Approx(0.4 * (1 + 5 * 0.05) / 6));
}

TEST_CASE("many samples are varied less, as they vary by themselves", "[executor]") {
  const Augmentation full{.dihedral = true,
                          .gain = 0.2,
                          .offset = 0.1,
                          .noise = 0.3,
                          .band_dropout = 0.4,
                          .modality_dropout = 0.5,
                          .few_samples = 1000};
  CHECK(varied_for(full, 1000) == full);
  const Augmentation half = varied_for(full, 4000);
  CHECK(half.gain == Approx(0.1));
  CHECK(half.offset == Approx(0.05));
  CHECK(half.noise == Approx(0.15));
  CHECK(half.band_dropout == Approx(0.2));
  CHECK(half.modality_dropout == 0.5);
  CHECK(half.dihedral);
  CHECK(varied_for({.noise = 0.3}, 1'000'000).noise == 0.3);
}

}  // namespace
}  // namespace cadastre
