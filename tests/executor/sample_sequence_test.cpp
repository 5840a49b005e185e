#include "executor/sample_sequence.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

/// 100 of class 0, 25 of class 1, 1 of class 2.
std::vector<std::int32_t> unequal_classes() {
  std::vector<std::int32_t> classes(126, 0);
  std::fill(classes.begin() + 100, classes.begin() + 125, 1);
  classes[125] = 2;
  return classes;
}

std::vector<std::int32_t> positions(SampleSequence& sequence, std::int64_t begin,
                                    std::int64_t end) {
  std::vector<std::int32_t> samples;
  for (std::int64_t p = begin; p < end; ++p) samples.push_back(sequence.at(p));
  return samples;
}

TEST_CASE("without balance a pass has every sample once", "[executor]") {
  SampleSequence sequence(unequal_classes(), 1, 126, 3);
  for (const std::int64_t pass : {0, 1, 5}) {
    const std::vector<std::int32_t> samples = positions(sequence, pass * 126, (pass + 1) * 126);
    CHECK(std::set<std::int32_t>(samples.begin(), samples.end()).size() == 126);
  }
}

TEST_CASE("classes are drawn in proportion to a power of their samples", "[executor]") {
  // Square roots 10 : 5 : 1 of 126 places: 78.75, 39.375, 7.875.
  const std::vector<std::int32_t> classes = unequal_classes();
  SampleSequence sequence(classes, 0.5, 126, 3);
  std::map<int, int> drawn;
  for (const std::int32_t sample : positions(sequence, 0, 126))
    ++drawn[classes[static_cast<std::size_t>(sample)]];
  CHECK(drawn[0] == 79);
  CHECK(drawn[1] == 39);
  CHECK(drawn[2] == 8);
  CHECK(sequence.draw_chances()[1] == Approx(39.0 / 126));
  // Each as often.
  SampleSequence even(classes, 0, 126, 3);
  CHECK(even.draw_chances() == std::vector<double>(3, 42.0 / 126));
}

TEST_CASE("a class's samples come once each before one comes again", "[executor]") {
  const std::vector<std::int32_t> classes = unequal_classes();
  SampleSequence sequence(classes, 0.5, 126, 3);
  std::vector<std::int32_t> of_class_1;
  for (const std::int32_t sample : positions(sequence, 0, 25 * 126))
    if (classes[static_cast<std::size_t>(sample)] == 1) of_class_1.push_back(sample);
  // 39 a pass: by passes, each pass is in an order of its own, so look at the counts.
  std::map<std::int32_t, int> counts;
  for (const std::int32_t sample : of_class_1) ++counts[sample];
  REQUIRE(counts.size() == 25);
  for (const auto& [sample, count] : counts) CHECK(count == 39);  // 25 passes of 39 places
}

TEST_CASE("a class with one sample, and fewer samples than places, go on for ever", "[executor]") {
  SampleSequence sequence({0, 1, 0}, 0.5, 3, 1);
  for (std::int64_t p = 0; p < 1000; ++p) {
    CHECK(sequence.at(p) >= 0);
    CHECK(sequence.at(p) < 3);
  }
  // A pass of two places for three classes: the largest gives one up.
  SampleSequence few({0, 0, 0, 1, 2}, 0.5, 2, 1);
  CHECK(few.at(0) != few.at(1));
}

TEST_CASE("a position's sample depends on the seed alone, not on who asks when", "[executor]") {
  SampleSequence forward(unequal_classes(), 0.5, 126, 3);
  SampleSequence backward(unequal_classes(), 0.5, 126, 3);
  const std::vector<std::int32_t> expected = positions(forward, 0, 400);
  for (std::int64_t p = 399; p >= 0; p -= 7)
    CHECK(backward.at(p) == expected[static_cast<std::size_t>(p)]);
  SampleSequence other(unequal_classes(), 0.5, 126, 4);
  CHECK(positions(other, 0, 400) != expected);
  // Passes are not alike.
  CHECK(positions(forward, 0, 126) != positions(forward, 126, 252));
}

}  // namespace
}  // namespace cadastre
