#include "planner/study/claims.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "planner/study/quantity.h"
#include "planner/study/result.h"
#include "planner/study/study.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kPercent = 100;

enum class Parallelism { kModel, kData, kOther };

Parallelism parallelism_of(const std::string& strategy) {
  if (strategy == "data-parallel" || strategy == "parameter-averaging") return Parallelism::kData;
  if (strategy == "single" || strategy == "auto" || strategy == kFixedPlan)
    return Parallelism::kOther;
  return Parallelism::kModel;
}

std::vector<const ComparedArchitecture*> of_kind(const ComparedSetting& setting,
                                                 Parallelism parallelism) {
  std::vector<const ComparedArchitecture*> found;
  for (const ComparedArchitecture& architecture : setting.architectures)
    if (parallelism_of(architecture.strategy) == parallelism) found.push_back(&architecture);
  return found;
}

std::string bytes_text(double bytes) { return quantity_text(bytes, "_bytes"); }

std::string part_text(double part) { return fixed(part * kPercent, 1) + " %"; }

std::string times_text(double ratio) { return fixed(ratio, 1) + " times"; }

/// How often a claim was put to the test, and how often it held.
struct Tally {
  int num_asked = 0;
  int num_held = 0;

  void add(bool held) {
    ++num_asked;
    if (held) ++num_held;
  }

  [[nodiscard]] std::string verdict() const {
    const std::vector<std::string>& verdicts = claim_verdicts();
    if (num_asked == 0) return verdicts[3];
    if (num_held == num_asked) return verdicts[0];
    return num_held > 0 ? verdicts[1] : verdicts[2];
  }
};

StudyClaim resource_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim =
      "The way a model is parallelized has tremendous effect on resource allocation.";
  Tally tally;
  for (const ComparedSetting& setting : settings) {
    const std::vector<const ComparedArchitecture*> divided = of_kind(setting, Parallelism::kModel);
    if (divided.size() < 2) continue;
    const auto extremes = [&](double ComparedArchitecture::*figure) {
      return std::minmax_element(divided.begin(), divided.end(),
                                 [&](const auto* a, const auto* b) { return a->*figure < b->*figure; });
    };
    const auto traffic = extremes(&ComparedArchitecture::traffic_bytes_per_sample);
    const auto busy = extremes(&ComparedArchitecture::utilization);
    const double least_bytes = (*traffic.first)->traffic_bytes_per_sample;
    const double most_bytes = (*traffic.second)->traffic_bytes_per_sample;
    const double least_busy = (*busy.first)->utilization;
    const double most_busy = (*busy.second)->utilization;
    const auto differ = [](double least, double most) {
      return most > 0 && most >= kTremendous * least;
    };
    tally.add(differ(least_bytes, most_bytes) || differ(least_busy, most_busy));
    std::string sentence = setting.name;
    sentence += ": a sample moves " + bytes_text(least_bytes) + " under " +
                (*traffic.first)->strategy + " and " + bytes_text(most_bytes) + " under " +
                (*traffic.second)->strategy;
    if (least_bytes > 0) sentence += " (" + times_text(most_bytes / least_bytes) + ")";
    sentence += "; hosts compute " + part_text(least_busy) + " of a step under " +
                (*busy.first)->strategy + " and " + part_text(most_busy) + " under " +
                (*busy.second)->strategy;
    claim.evidence.push_back(std::move(sentence));
  }
  claim.verdict = tally.verdict();
  return claim;
}

StudyClaim tuning_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim = "Hyper-parameter tuning can reduce network overheads.";
  struct Range {
    const ComparedSetting* least = nullptr;
    const ComparedSetting* most = nullptr;
    double least_bytes = 0;
    double most_bytes = 0;
    int num = 0;
  };
  std::map<std::pair<std::string, std::string>, Range> ranges;
  std::vector<std::pair<std::string, std::string>> order;
  for (const ComparedSetting& setting : settings)
    for (const ComparedArchitecture& architecture : setting.architectures) {
      if (parallelism_of(architecture.strategy) == Parallelism::kOther) continue;
      const std::pair key(setting.surroundings, architecture.strategy);
      Range& range = ranges[key];
      const double bytes = architecture.traffic_bytes_per_sample;
      if (range.num++ == 0) order.push_back(key);
      if (range.least == nullptr || bytes < range.least_bytes) {
        range.least = &setting;
        range.least_bytes = bytes;
      }
      if (range.most == nullptr || bytes > range.most_bytes) {
        range.most = &setting;
        range.most_bytes = bytes;
      }
    }
  Tally tally;
  for (const auto& key : order) {
    const Range& range = ranges.at(key);
    if (range.num < 2) continue;
    const double saved = range.most_bytes > 0 ? 1 - range.least_bytes / range.most_bytes : 0;
    tally.add(saved >= kNoticeable);
    std::string sentence = key.second;
    sentence += ": from " + bytes_text(range.most_bytes) + " a sample (" + range.most->name +
                ") to " + bytes_text(range.least_bytes) + " (" + range.least->name + "), " +
                part_text(saved) + " less";
    claim.evidence.push_back(std::move(sentence));
  }
  claim.verdict = tally.verdict();
  return claim;
}

/// The model-parallel architecture that is best for `better`, among those given.
template <typename Better>
const ComparedArchitecture* best(const std::vector<const ComparedArchitecture*>& among,
                                 const Better& better) {
  return *std::min_element(among.begin(), among.end(),
                           [&](const auto* a, const auto* b) { return better(*a, *b); });
}

void judge_resources(const ComparedSetting& setting, const ComparedArchitecture& data,
                     const std::vector<const ComparedArchitecture*>& divided, Tally& tally,
                     StudyClaim& claim) {
  std::vector<const ComparedArchitecture*> ahead;
  for (const ComparedArchitecture* of : divided)
    if (of->traffic_bytes_per_sample < data.traffic_bytes_per_sample &&
        of->utilization > data.utilization)
      ahead.push_back(of);
  tally.add(!ahead.empty());
  // Where none is ahead in both, the one that moves least is told of.
  const ComparedArchitecture& shown =
      *best(ahead.empty() ? divided : ahead, [](const auto& a, const auto& b) {
        return a.traffic_bytes_per_sample < b.traffic_bytes_per_sample;
      });
  std::string sentence = setting.name;
  sentence += ": " + shown.strategy + " moves " + bytes_text(shown.traffic_bytes_per_sample) +
              " a sample, its hosts compute " + part_text(shown.utilization) + " of a step; " +
              data.strategy + " " + bytes_text(data.traffic_bytes_per_sample) + " and " +
              part_text(data.utilization);
  if (data.step_s > 0)
    sentence += ", with a step that takes " + times_text(shown.step_s / data.step_s) + " as long";
  claim.evidence.push_back(std::move(sentence));
}

void judge_accuracy(const ComparedSetting& setting, const ComparedArchitecture& data,
                    const std::vector<const ComparedArchitecture*>& divided, Tally& tally,
                    StudyClaim& claim) {
  std::vector<const ComparedArchitecture*> known;
  for (const ComparedArchitecture* of : divided)
    if (of->accuracy) known.push_back(of);
  if (!data.accuracy || known.empty()) return;
  const ComparedArchitecture& most =
      *best(known, [](const auto& a, const auto& b) { return *a.accuracy > *b.accuracy; });
  const double gained = *most.accuracy - *data.accuracy;
  tally.add(gained >= kMoreAccurate);
  std::string sentence = setting.name;
  sentence += ": " + most.strategy + " is " + part_text(*most.accuracy) + " accurate, " +
              data.strategy + " " + part_text(*data.accuracy);
  claim.evidence.push_back(std::move(sentence));
}

StudyClaim data_parallel_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim =
      "Model parallelism gives more efficient resource use and more accurate predictions compared "
      "to data parallelization.";
  Tally resources;
  Tally accuracy;
  for (const ComparedSetting& setting : settings) {
    const std::vector<const ComparedArchitecture*> divided = of_kind(setting, Parallelism::kModel);
    if (divided.empty()) continue;
    for (const ComparedArchitecture* data : of_kind(setting, Parallelism::kData)) {
      judge_resources(setting, *data, divided, resources, claim);
      judge_accuracy(setting, *data, divided, accuracy, claim);
    }
  }
  if (accuracy.num_asked == 0 && resources.num_asked > 0) {
    claim.evidence.emplace_back(
        "accuracy is not known: it is measured where machines and a scene are given");
    // Half of the claim was not put to the test.
    claim.verdict = claim_verdicts()[resources.num_held > 0 ? 1 : 2];
    return claim;
  }
  claim.verdict = Tally{.num_asked = resources.num_asked + accuracy.num_asked,
                        .num_held = resources.num_held + accuracy.num_held}
                      .verdict();
  return claim;
}

bool is_hyper_parameter(const StudyColumn& column) {
  return std::all_of(column.pointers.begin(), column.pointers.end(), [](const StudyPointer& of) {
    return of.document() == "model" || of.document() == "settings";
  });
}

}  // namespace

const std::vector<std::string>& claim_verdicts() {
  static const std::vector<std::string> verdicts = {"holds", "holds in part", "does not hold",
                                                    "unknown"};
  return verdicts;
}

std::vector<ComparedSetting> compared_settings(const Study& study, const StudyResult& result) {
  std::vector<ComparedSetting> settings;
  std::map<std::string, std::size_t> known;  // by all values
  for (const StudyRow& row : result.rows) {
    if (row.outcome.kind != StudyOutcomeKind::kDone) continue;
    std::string values;
    std::string surroundings = "simulated\n";
    for (std::size_t c = 0; c < row.values.size(); ++c) {
      const std::string value = row.values[c] ? row.values[c]->dump() : std::string();
      values += value + "\n";
      // The name of a point has no pointers, and changes nothing.
      if (!study.columns[c].pointers.empty() && !is_hyper_parameter(study.columns[c]))
        surroundings += value + "\n";
    }
    const auto [found, is_new] = known.emplace(values, settings.size());
    if (is_new)
      settings.push_back({.name = "simulated, " + values_text(result.columns, row.values),
                          .surroundings = surroundings,
                          .architectures = {}});
    const StudyFigures& figures = row.outcome.figures;
    settings[found->second].architectures.push_back(
        {.strategy = row.strategy,
         .step_s = figures.simulated_step_s,
         .traffic_bytes_per_sample =
             figures.traffic_bytes_per_step / static_cast<double>(row.outcome.plan.batch_size),
         .utilization = figures.utilization_mean,
         .accuracy = std::nullopt});
  }
  ComparedSetting measured{.name = "measured", .surroundings = "measured", .architectures = {}};
  for (const MeasuredArchitecture& of : result.measured)
    if (of.error.empty())
      measured.architectures.push_back(
          {.strategy = of.strategy,
           .step_s = of.step_s,
           .traffic_bytes_per_sample = static_cast<double>(of.traffic_bytes_per_step) /
                                       static_cast<double>(of.plan.batch_size),
           .utilization = mean_processor_part(of),
           .accuracy = of.overall_accuracy});
  if (!measured.architectures.empty()) settings.push_back(std::move(measured));
  return settings;
}

std::vector<StudyClaim> judged_claims(const std::vector<ComparedSetting>& settings) {
  return {resource_claim(settings), tuning_claim(settings), data_parallel_claim(settings)};
}

std::string claim_text(const StudyClaim& claim) {
  std::string text = "\"";
  text += claim.claim + "\" " + claim.verdict + ":\n";
  for (const std::string& sentence : claim.evidence) text += "  " + sentence + "\n";
  return text;
}

StudyClaim claim_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  StudyClaim claim;
  claim.claim = object.at("claim").string();
  claim.verdict = claim_verdicts()[object.at("verdict").one_of(claim_verdicts())];
  claim.evidence = object.at("evidence").strings();
  object.finish();
  return claim;
}

nlohmann::json to_json(const StudyClaim& claim) {
  return {{"claim", claim.claim}, {"verdict", claim.verdict}, {"evidence", claim.evidence}};
}

}  // namespace cadastre
