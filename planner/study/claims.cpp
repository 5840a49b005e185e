#include "planner/study/claims.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "planner/study/quantity.h"
#include "planner/study/study.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kPercent = 100;

enum class Parallelism { kModel, kData, kOther };

Parallelism parallelism_of(const std::string& strategy) {
  // "spark": what a program of Spark's own does, which a study was given the figures of.
  if (strategy == "data-parallel" || strategy == "parameter-averaging" || strategy == "spark")
    return Parallelism::kData;
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

std::string times_text(double ratio) { return fixed(ratio, ratio < 1 ? 2 : 1) + " times"; }

std::string hosts_text(int num_hosts) {
  std::string text = std::to_string(num_hosts);
  return text += num_hosts == 1 ? " host" : " hosts";
}

/// Where a claim was put to the test, and where it held. What comes out alike is asked once.
class Tally {
 public:
  /// Takes `sentence` for evidence, in the name of the setting, where its figures are new.
  void add(bool held, const ComparedSetting& setting, const std::string& sentence,
           StudyClaim& claim) {
    const bool is_measured = setting.surroundings.starts_with("measured");
    if (!seen_.emplace(is_measured, sentence).second) return;
    std::string named = setting.name;
    claim.evidence.push_back(named += ": " + sentence);
    (held ? held_ : missed_).push_back(setting.name);
  }

  [[nodiscard]] std::size_t num_asked() const { return held_.size() + missed_.size(); }
  [[nodiscard]] std::size_t num_held() const { return held_.size(); }

  /// `subject`: in 2 of 3 comparisons, namely: a; b; not: c. Nothing where nothing was asked.
  void tell(const std::string& subject, StudyClaim& claim) const {
    if (num_asked() == 0) return;
    std::string text = subject;
    text += ": " + share_text();
    if (!held_.empty() && !missed_.empty()) {
      text += ", namely: " + joined(held_);
      text += "; not: " + joined(missed_);
    }
    claim.when.push_back(std::move(text));
  }

  /// "in 2 of 3 comparisons"
  [[nodiscard]] std::string share_text() const {
    if (num_asked() == 1) return held_.empty() ? "not in the only comparison" : "in the only comparison";
    std::string text = "in ";
    if (held_.empty()) text += "none";
    else if (missed_.empty()) text += "all";
    else text += std::to_string(num_held());
    return text += " of " + std::to_string(num_asked()) + " comparisons";
  }

  [[nodiscard]] static std::string verdict(const std::vector<const Tally*>& tallies) {
    std::size_t num_asked = 0;
    std::size_t num_held = 0;
    for (const Tally* tally : tallies) {
      num_asked += tally->num_asked();
      num_held += tally->num_held();
    }
    const std::vector<std::string>& verdicts = claim_verdicts();
    if (num_asked == 0) return verdicts[3];
    if (num_held == num_asked) return verdicts[0];
    return num_held > 0 ? verdicts[1] : verdicts[2];
  }

 private:
  [[nodiscard]] static std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
      if (!text.empty()) text += "; ";
      text += name;
    }
    return text;
  }

  std::set<std::pair<bool, std::string>> seen_;
  std::vector<std::string> held_;
  std::vector<std::string> missed_;
};

StudyClaim resource_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim = "The way a model is parallelized has tremendous effect on resource allocation.";
  Tally tally;
  for (const ComparedSetting& setting : settings) {
    const std::vector<const ComparedArchitecture*> divided = of_kind(setting, Parallelism::kModel);
    if (divided.size() < 2) continue;
    const auto extremes = [&](double ComparedArchitecture::*figure) {
      return std::minmax_element(
          divided.begin(), divided.end(),
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
    std::string sentence = "a sample moves ";
    sentence += bytes_text(least_bytes) + " under " + (*traffic.first)->strategy + " and " +
                bytes_text(most_bytes) + " under " + (*traffic.second)->strategy;
    if (least_bytes > 0) sentence += " (" + times_text(most_bytes / least_bytes) + ")";
    sentence += "; the hosts in use compute " + part_text(least_busy) + " of a step under " +
                (*busy.first)->strategy + " and " + part_text(most_busy) + " under " +
                (*busy.second)->strategy;
    tally.add(differ(least_bytes, most_bytes) || differ(least_busy, most_busy), setting, sentence,
              claim);
  }
  claim.verdict = Tally::verdict({&tally});
  tally.tell("traffic or processor use differs twofold or more among model-parallel architectures",
             claim);
  return claim;
}

/// One architecture in the settings that have the same surroundings.
struct TunedArchitecture {
  std::string strategy;
  std::vector<std::pair<const ComparedSetting*, double>> settings;  ///< with bytes a sample

  /// The study's own setting, or the one with most traffic.
  [[nodiscard]] std::pair<const ComparedSetting*, double> base() const {
    for (const auto& setting : settings)
      if (setting.first->is_base) return setting;
    return *std::max_element(settings.begin(), settings.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
  }
};

std::vector<TunedArchitecture> tuned_architectures(const std::vector<ComparedSetting>& settings) {
  std::vector<TunedArchitecture> all;
  std::map<std::pair<std::string, std::string>, std::size_t> known;
  for (const ComparedSetting& setting : settings)
    for (const ComparedArchitecture& of : setting.architectures) {
      if (parallelism_of(of.strategy) == Parallelism::kOther) continue;
      const auto [found, is_new] =
          known.emplace(std::pair(setting.surroundings, of.strategy), all.size());
      if (is_new) all.push_back({.strategy = of.strategy, .settings = {}});
      all[found->second].settings.emplace_back(&setting, of.traffic_bytes_per_sample);
    }
  return all;
}

/// What the best of the settings that have the base's network (or another one) saves of its bytes.
void judge_tuning(const TunedArchitecture& tuned, bool same_network, Tally& tally,
                  StudyClaim& claim) {
  const auto [base, base_bytes] = tuned.base();
  const ComparedSetting* least = nullptr;
  double least_bytes = 0;
  for (const auto& [setting, bytes] : tuned.settings) {
    if (setting == base || (setting->network == base->network) != same_network) continue;
    if (least != nullptr && bytes >= least_bytes) continue;
    least = setting;
    least_bytes = bytes;
  }
  if (least == nullptr) return;
  const double saved = base_bytes > 0 ? 1 - least_bytes / base_bytes : 0;
  std::string sentence = tuned.strategy;
  sentence += same_network ? ", the same network: from " : ", with another network: from ";
  sentence += bytes_text(base_bytes) + " a sample to " + bytes_text(least_bytes) + " at best (" +
              least->name + "), ";
  constexpr double kNothing = 5e-4;
  if (std::abs(saved) < kNothing) sentence += "no less";
  else sentence += saved > 0 ? part_text(saved) + " less" : part_text(-saved) + " more";
  tally.add(saved >= kNoticeable, *base, sentence, claim);
}

StudyClaim tuning_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim = "Hyper-parameter tuning can reduce network overheads.";
  Tally same;
  Tally other;
  const std::vector<TunedArchitecture> all = tuned_architectures(settings);
  std::map<bool, std::string> savers;  // by whether the network stays
  for (const bool same_network : {true, false})
    for (const TunedArchitecture& tuned : all) {
      Tally& tally = same_network ? same : other;
      const std::size_t num_before = tally.num_held();
      judge_tuning(tuned, same_network, tally, claim);
      std::string& names = savers[same_network];
      if (tally.num_held() > num_before && names.find(tuned.strategy) == std::string::npos)
        names += (names.empty() ? "" : ", ") + tuned.strategy;
    }
  claim.verdict = Tally::verdict({&same, &other});
  const auto tell = [&](const Tally& tally, const std::string& subject, const std::string& names) {
    if (tally.num_asked() == 0) return;
    std::string text = subject;
    text += " saves a tenth of the traffic a sample or more: " + tally.share_text();
    if (!names.empty()) text += " (" + names + ")";
    claim.when.push_back(std::move(text));
  };
  tell(same, "tuning that leaves the network as it is (batch, averaging period)", savers[true]);
  tell(other, "another network (width, point of fusion)", savers[false]);
  return claim;
}

/// The model-parallel architecture that is best for `better`, among those given.
template <typename Better>
const ComparedArchitecture* best(const std::vector<const ComparedArchitecture*>& among,
                                 const Better& better) {
  return *std::min_element(among.begin(), among.end(),
                           [&](const auto* a, const auto* b) { return better(*a, *b); });
}

/// "branch moves 9 KiB a sample, and its 3 hosts compute 43.6 % of a step in the mean"
std::string use_text(const ComparedArchitecture& of) {
  std::string text = of.strategy;
  text += " moves " + bytes_text(of.traffic_bytes_per_sample) + " a sample, and its " +
          hosts_text(of.num_hosts) + (of.num_hosts == 1 ? " computes " : " compute ") +
          part_text(of.utilization) + " of a step";
  return text += of.num_hosts == 1 ? "" : " in the mean";
}

void judge_resources(const ComparedSetting& setting, const ComparedArchitecture& data,
                     const std::vector<const ComparedArchitecture*>& divided, Tally& tally,
                     StudyClaim& claim) {
  std::vector<const ComparedArchitecture*> ahead;
  for (const ComparedArchitecture* of : divided)
    if (of->traffic_bytes_per_sample < data.traffic_bytes_per_sample &&
        of->utilization > data.utilization)
      ahead.push_back(of);
  // Where none is ahead in both, the one that moves least is told of.
  const ComparedArchitecture& shown =
      *best(ahead.empty() ? divided : ahead, [](const auto& a, const auto& b) {
        return a.traffic_bytes_per_sample < b.traffic_bytes_per_sample;
      });
  std::string sentence = use_text(shown);
  sentence += "; " + use_text(data);
  if (data.step_s > 0)
    sentence += "; a step of " + shown.strategy + " takes " +
                times_text(shown.step_s / data.step_s) + " as long as one of " + data.strategy;
  tally.add(!ahead.empty(), setting, sentence, claim);
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
  std::string sentence = most.strategy;
  sentence += " is " + part_text(*most.accuracy) + " accurate, " + data.strategy + " " +
              part_text(*data.accuracy);
  tally.add(gained >= kMoreAccurate, setting, sentence, claim);
}

StudyClaim data_parallel_claim(const std::vector<ComparedSetting>& settings) {
  StudyClaim claim;
  claim.claim =
      "Model parallelism gives more efficient resource use and more accurate predictions compared "
      "to data parallelization.";
  std::map<std::string, Tally> resources;  // by the data-parallel strategy
  std::map<std::string, Tally> accuracy;
  std::vector<const Tally*> all;
  for (const ComparedSetting& setting : settings) {
    const std::vector<const ComparedArchitecture*> divided = of_kind(setting, Parallelism::kModel);
    if (divided.empty()) continue;
    for (const ComparedArchitecture* data : of_kind(setting, Parallelism::kData)) {
      judge_resources(setting, *data, divided, resources[data->strategy], claim);
      judge_accuracy(setting, *data, divided, accuracy[data->strategy], claim);
    }
  }
  std::size_t num_accuracies = 0;
  for (const auto& [strategy, tally] : resources) {
    tally.tell("less traffic and busier hosts than " + strategy, claim);
    all.push_back(&tally);
  }
  for (const auto& [strategy, tally] : accuracy) {
    tally.tell("more accurate than " + strategy + " by a point or more", claim);
    all.push_back(&tally);
    num_accuracies += tally.num_asked();
  }
  claim.verdict = Tally::verdict(all);
  if (num_accuracies == 0 && claim.verdict == claim_verdicts()[0]) {
    // Half of the claim was not put to the test.
    claim.verdict = claim_verdicts()[1];
  }
  if (num_accuracies == 0 && claim.verdict != claim_verdicts()[3])
    claim.when.emplace_back(
        "accuracy is not known: it is measured where machines and a scene are given");
  return claim;
}

}  // namespace

const std::vector<std::string>& claim_verdicts() {
  static const std::vector<std::string> verdicts = {"holds", "holds in part", "does not hold",
                                                    "unknown"};
  return verdicts;
}

std::vector<StudyClaim> judged_claims(const std::vector<ComparedSetting>& settings) {
  return {resource_claim(settings), tuning_claim(settings), data_parallel_claim(settings)};
}

std::string claim_text(const StudyClaim& claim) {
  std::string text = "\"";
  text += claim.claim + "\" " + claim.verdict + ":\n";
  for (const std::string& sentence : claim.when) text += "  " + sentence + "\n";
  for (const std::string& sentence : claim.evidence) text += "  - " + sentence + "\n";
  return text;
}

StudyClaim claim_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  StudyClaim claim;
  claim.claim = object.at("claim").string();
  claim.verdict = claim_verdicts()[object.at("verdict").one_of(claim_verdicts())];
  if (const auto when = object.find("when")) claim.when = when->strings();
  claim.evidence = object.at("evidence").strings();
  object.finish();
  return claim;
}

nlohmann::json to_json(const StudyClaim& claim) {
  nlohmann::json written = {
      {"claim", claim.claim}, {"verdict", claim.verdict}, {"evidence", claim.evidence}};
  if (!claim.when.empty()) written["when"] = claim.when;
  return written;
}

}  // namespace cadastre
