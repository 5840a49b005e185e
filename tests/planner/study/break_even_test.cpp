#include "planner/study/break_even.h"

#include <cmath>
#include <functional>

#include "planner/study/goal.h"
#include "tests/support/catch.h"

using namespace cadastre;

namespace {

const std::vector<std::string> kNames = {"a", "b"};

BreakEvenQuestion question(double from, double to, bool logarithmic) {
  return {.pointers = {{.text = "/cluster/network/bandwidth_bytes_per_s",
                        .tokens = {"cluster", "network", "bandwidth_bytes_per_s"}}},
          .range = {.from = from, .to = to, .logarithmic = logarithmic},
          .strategies = kNames,
          .place = "/break_even/0"};
}

StudyOutcome taking(double step_s) {
  StudyOutcome outcome;
  outcome.figures.simulated_step_s = step_s;
  return outcome;
}

struct Found {
  std::vector<BreakEvenStretch> stretches;
  std::string sentence;
  std::size_t num_asked = 0;
};

/// Asks `a` and `b`, seconds by position; a NaN has no figures.
Found search(const BreakEvenQuestion& question, const std::function<double(double)>& a,
             const std::function<double(double)>& b) {
  BreakEvenSearch search(question);
  Found found;
  for (std::vector<double> wanted = search.wanted(); !wanted.empty(); wanted = search.wanted())
    for (const double position : wanted) {
      ++found.num_asked;
      StudyOutcome first = taking(a(position));
      StudyOutcome second = taking(b(position));
      for (StudyOutcome* outcome : {&first, &second})
        if (std::isnan(outcome->figures.simulated_step_s))
          outcome->kind = StudyOutcomeKind::kNoPlan;
      search.tell(position, break_even_answer(question, kNames, {&first, &second}));
    }
  CHECK(search.num_bisections_left() == 0);
  found.stretches = search.stretches();
  found.sentence = break_even_sentence(question, kNames, found.stretches);
  return found;
}

double one(double) { return 1; }

}  // namespace

TEST_CASE("a crossing is found as well as was asked for", "[planner][study]") {
  BreakEvenQuestion asked = question(1e6, 1e9, true);
  for (const double tolerance : {0.1, 0.01, 1e-6}) {
    asked.tolerance = tolerance;
    // a takes x / 53.75e6 seconds, b one: equal at 430 Mbit/s.
    const Found found = search(
        asked, [](double x) { return x / 53.75e6; }, one);
    REQUIRE(found.stretches.size() == 2);
    CHECK(found.stretches[0].answer == "a");
    CHECK(found.stretches[1].answer == "b");
    CHECK(found.stretches[0].from == 1e6);
    CHECK(found.stretches[1].to == 1e9);
    CHECK(found.stretches[0].to <= 53.75e6);
    CHECK(found.stretches[1].from >= 53.75e6);
    CHECK(found.stretches[1].from / found.stretches[0].to <= 1 + tolerance);
    // The scan, then halvings of the logarithm of one of its eight parts.
    const double halvings =
        std::ceil(std::log2(std::log(std::pow(1e3, 1.0 / 8)) / std::log1p(tolerance)));
    CHECK(static_cast<double>(found.num_asked) <= 9 + halvings + 1);
  }
  asked.tolerance = 1e-6;
  CHECK(search(
            asked, [](double x) { return x / 53.75e6; }, one)
            .sentence ==
        "a beats b below 430 Mbit/s; b beats a above 430 Mbit/s "
        "(/cluster/network/bandwidth_bytes_per_s)");
}

TEST_CASE("several crossings are all found, and none is told as well", "[planner][study]") {
  BreakEvenQuestion asked = question(0, 8, false);
  asked.tolerance = 1e-6;
  // Zero at 1, 3.5 and 7: a is the better below 1, and between 3.5 and 7.
  const auto cubic = [](double x) { return 1 + 1e-3 * (x - 1) * (x - 3.5) * (x - 7); };
  const Found several = search(asked, cubic, one);
  REQUIRE(several.stretches.size() == 4);
  CHECK_THAT(several.stretches[0].to, WithinAbs(1, 1e-4));
  CHECK_THAT(several.stretches[1].to, WithinAbs(3.5, 1e-4));
  CHECK_THAT(several.stretches[2].to, WithinAbs(7, 1e-4));
  CHECK(several.sentence ==
        "a beats b below 8 bit/s and between 28 bit/s and 56 bit/s; b beats a between 8 bit/s "
        "and 28 bit/s and above 56 bit/s (/cluster/network/bandwidth_bytes_per_s)");

  const Found none = search(
      asked, [](double) { return 2; }, one);
  CHECK(none.num_asked == 9);
  CHECK(none.stretches == std::vector<BreakEvenStretch>{{.from = 0, .to = 8, .answer = "b"}});
  CHECK(none.sentence ==
        "b beats a from 0 bit/s to 64 bit/s (/cluster/network/bandwidth_bytes_per_s)");
}

TEST_CASE("a tie at a crossing is none, a tie on a stretch is one", "[planner][study]") {
  BreakEvenQuestion asked = question(0, 8, false);
  asked.tolerance = 1e-3;
  // The scan meets 4 exactly, where both take the same.
  const Found at_point = search(
      asked, [](double x) { return x / 4; }, one);
  REQUIRE(at_point.stretches.size() == 2);
  CHECK_THAT(at_point.stretches[0].to, WithinAbs(4, 0.02));
  CHECK_THAT(at_point.stretches[1].from, WithinAbs(4, 0.02));

  const Found on_stretch = search(
      asked, [](double x) { return std::max(1.0, x / 4); }, one);
  REQUIRE(on_stretch.stretches.size() == 2);
  CHECK(on_stretch.stretches[0].answer == "equal");
  CHECK(on_stretch.stretches[1].answer == "b");
  CHECK_THAT(on_stretch.sentence, Catch::Matchers::StartsWith("a and b are equal below 3"));
}

TEST_CASE("where one has no figures the two cannot be compared, and the rest is told",
          "[planner][study]") {
  BreakEvenQuestion asked = question(0, 8, false);
  asked.tolerance = 1e-3;
  const Found found = search(
      asked, [](double x) { return x < 5 ? std::nan("") : 2; }, one);
  REQUIRE(found.stretches.size() == 2);
  CHECK(found.stretches[0].answer == "unknown");
  CHECK_THAT(found.stretches[1].from, WithinAbs(5, 0.01));
  CHECK_THAT(found.sentence, Catch::Matchers::StartsWith("a and b cannot be compared below 39."));
}

TEST_CASE("whole numbers are bisected down to neighbours", "[planner][study]") {
  BreakEvenQuestion asked = question(1, 64, true);
  asked.range.whole = true;
  asked.pointers[0].tokens.back() = "count";
  for (int limit = 1; limit < 64; ++limit) {
    const Found found = search(
        asked, [&](double x) { return x <= limit ? 0.5 : 2; }, one);
    CAPTURE(limit);
    REQUIRE(found.stretches.size() == 2);
    CHECK(found.stretches[0].to == limit);
    CHECK(found.stretches[1].from == limit + 1);
    CHECK_THAT(found.sentence,
               Catch::Matchers::StartsWith("a beats b up to " + std::to_string(limit) +
                                           "; b beats a " + "from " + std::to_string(limit + 1)));
  }
}

TEST_CASE("answers that change at every look come to an end", "[planner][study]") {
  BreakEvenQuestion asked = question(0, 1, false);
  asked.tolerance = 1e-9;
  std::size_t calls = 0;
  BreakEvenSearch search(asked);
  for (std::vector<double> wanted = search.wanted(); !wanted.empty(); wanted = search.wanted())
    for (const double position : wanted) search.tell(position, std::to_string(calls++));
  CHECK(calls < 50'000);
}

namespace {

StudyRow row(const std::string& strategy, double step_s, double price_per_hour) {
  StudyRow row{.values = {nlohmann::json(strategy)}, .strategy = strategy};
  row.outcome.figures.simulated_step_s = step_s;
  row.outcome.figures.price_per_hour = price_per_hour;
  return row;
}

}  // namespace

TEST_CASE("the goal's answer is the best row that keeps the limits", "[planner][study]") {
  const GoalQuestion goal{.limits = {{.metric = "simulated_step_s", .limit = 0.05}},
                          .metric = "price_per_hour"};
  std::vector<StudyRow> rows = {row("a", 0.04, 4), row("b", 0.06, 1), row("c", 0.05, 3),
                                row("d", 0.01, 3)};
  CHECK(goal_answer(goal, {"x"}, rows) ==
        GoalAnswer{.met = true,
                   .row = 2,
                   .sentence = "best price_per_hour with simulated_step_s at most 50 ms: c at x = "
                               "c: price_per_hour 3 per hour, simulated_step_s 50 ms"});
  // What does not fit, has no figures, or computes something else is no candidate.
  rows[2].outcome.fits_memory = false;
  rows[3].outcome.kind = StudyOutcomeKind::kNoPlan;
  CHECK(goal_answer(goal, {"x"}, rows).row == 0);
  rows[0].outcome.plan.averaging_period = 10;
  const GoalAnswer missed = goal_answer(goal, {"x"}, rows);
  CHECK_FALSE(missed.met);
  CHECK(missed.row == 1);
  CHECK(missed.sentence ==
        "no point has simulated_step_s at most 50 ms; the nearest misses by 20 %: b at x = b: "
        "price_per_hour 1 per hour, simulated_step_s 60 ms");
  rows.erase(rows.begin() + 1);
  CHECK(goal_answer(goal, {"x"}, rows).row == 0);  // nothing else is there to compare with
  CHECK(goal_answer(goal, {"x"}, {}).row == -1);
}
