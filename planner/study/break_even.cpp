#include "planner/study/break_even.h"

#include <algorithm>
#include <cmath>

#include "planner/study/quantity.h"

namespace cadastre {

namespace {

// Answers that change at every look are not followed for ever.
constexpr std::size_t kMostPositions = 20'000;

/// Where a crossing lies, of which these are the ends known.
double between(const StudyRange& range, double low, double high) {
  return range.logarithmic ? std::sqrt(low) * std::sqrt(high) : (low + high) / 2;
}

}  // namespace

BreakEvenSearch::BreakEvenSearch(const BreakEvenQuestion& question)
    : question_(question), scanned_(positions(question.range, question.num_scanned)) {}

bool BreakEvenSearch::is_narrow(double low, double high) const {
  const StudyRange& range = question_.range;
  if (range.whole) return high - low <= 1;
  if (range.logarithmic) return high / low - 1 <= question_.tolerance;
  return high - low <= question_.tolerance * (range.to - range.from);
}

double BreakEvenSearch::middle(double low, double high) const {
  const double position = between(question_.range, low, high);
  // Rounded, it stays strictly between two whole numbers that are more than 1 apart.
  return question_.range.whole ? std::clamp(std::round(position), low + 1, high - 1) : position;
}

std::vector<double> BreakEvenSearch::wanted() const {
  std::vector<double> wanted;
  for (const double position : scanned_)
    if (!answers_.contains(position)) wanted.push_back(position);
  if (!wanted.empty() || answers_.size() > kMostPositions) return wanted;
  for (auto low = answers_.begin(), high = std::next(low); high != answers_.end(); ++low, ++high)
    if (low->second != high->second && !is_narrow(low->first, high->first))
      wanted.push_back(middle(low->first, high->first));
  return wanted;
}

void BreakEvenSearch::tell(double position, const std::string& answer) {
  answers_.insert_or_assign(position, answer);
}

std::size_t BreakEvenSearch::num_bisections_left() const {
  std::size_t num = 0;
  if (answers_.size() < 2) return num;
  for (auto low = answers_.begin(), high = std::next(low); high != answers_.end(); ++low, ++high) {
    if (low->second == high->second) continue;
    double upper = high->first;
    while (!is_narrow(low->first, upper)) {
      upper = middle(low->first, upper);
      ++num;
    }
  }
  return num;
}

std::vector<BreakEvenStretch> BreakEvenSearch::stretches() const {
  std::vector<BreakEvenStretch> stretches;
  for (const auto& [position, answer] : answers_) {
    if (stretches.empty() || stretches.back().answer != answer)
      stretches.push_back({.from = position, .to = position, .answer = answer});
    stretches.back().to = position;
  }
  // Two that are equal at a crossing are so at a point, not on a stretch.
  for (std::size_t i = 1; i + 1 < stretches.size();) {
    if (stretches[i].answer == kEqual && !question_.range.whole &&
        stretches[i - 1].answer != stretches[i + 1].answer && stretches[i - 1].answer != kUnknown &&
        stretches[i + 1].answer != kUnknown && is_narrow(stretches[i].from, stretches[i].to))
      stretches.erase(stretches.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
  return stretches;
}

std::string break_even_answer(const BreakEvenQuestion& question,
                              const std::vector<std::string>& strategies,
                              const std::vector<const StudyOutcome*>& outcomes) {
  const StudyMetric& metric = *study_metric(question.metric);
  std::vector<double> values;
  for (const StudyOutcome* outcome : outcomes) {
    if (outcome->kind != StudyOutcomeKind::kDone || !outcome->fits_memory) return kUnknown;
    values.push_back(outcome->figures.*metric.value);
  }
  if (question.threshold) return values[0] <= *question.threshold ? kAtMost : kMore;
  // A difference below this part is rounding.
  constexpr double kRounding = 1e-9;
  const double difference = values[0] - values[1];
  if (std::abs(difference) <= kRounding * std::max(std::abs(values[0]), std::abs(values[1])))
    return kEqual;
  return (difference < 0) != metric.more_is_better ? strategies[0] : strategies[1];
}

namespace {

/// What an answer says, without where.
std::string claim(const BreakEvenQuestion& question, const std::vector<std::string>& strategies,
                  const std::string& answer) {
  const StudyMetric& metric = *study_metric(question.metric);
  const bool step = question.metric == "simulated_step_s";
  if (question.threshold) {
    const std::string& strategy = strategies[0];
    if (answer == kUnknown) return strategy + " has no figures";
    return question.metric + " of " + strategy + " is " +
           (answer == kAtMost ? "at most " : "more than ") +
           metric_text(metric, *question.threshold);
  }
  const std::string suffix = step ? "" : " in " + question.metric;
  if (answer == kEqual) return strategies[0] + " and " + strategies[1] + " are equal" + suffix;
  if (answer == kUnknown) return strategies[0] + " and " + strategies[1] + " cannot be compared";
  return answer + " beats " + strategies[answer == strategies[0] ? 1 : 0] + suffix;
}

}  // namespace

std::string break_even_sentence(const BreakEvenQuestion& question,
                                const std::vector<std::string>& strategies,
                                const std::vector<BreakEvenStretch>& stretches) {
  const std::string& key = question.pointers.front().tokens.back();
  const StudyRange& range = question.range;
  const auto said = [&](double position) { return quantity_text(position, key); };
  const auto where = [&](std::size_t i) {
    const BreakEvenStretch& stretch = stretches[i];
    const bool first = i == 0;
    const bool last = i + 1 == stretches.size();
    if (first && last) return "from " + said(stretch.from) + " to " + said(stretch.to);
    if (range.whole) {
      if (first) return "up to " + said(stretch.to);
      if (last) return "from " + said(stretch.from) + " on";
      return "from " + said(stretch.from) + " to " + said(stretch.to);
    }
    const auto crossing = [&](std::size_t after) {
      return said(between(range, stretches[after].to, stretches[after + 1].from));
    };
    if (first) return "below " + crossing(i);
    if (last) return "above " + crossing(i - 1);
    return "between " + crossing(i - 1) + " and " + crossing(i);
  };
  std::vector<std::string> told;
  std::string sentence;
  for (const BreakEvenStretch& stretch : stretches) {
    if (std::find(told.begin(), told.end(), stretch.answer) != told.end()) continue;
    told.push_back(stretch.answer);
    sentence += (sentence.empty() ? "" : "; ") + claim(question, strategies, stretch.answer);
    bool first = true;
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      if (stretches[i].answer != stretch.answer) continue;
      sentence += (first ? " " : " and ") + where(i);
      first = false;
    }
  }
  return sentence + " (" + question.pointers.front().text + ")";
}

}  // namespace cadastre
