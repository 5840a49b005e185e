#include "planner/study/sensitivity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "planner/error.h"
#include "planner/refusal.h"
#include "planner/study/quantity.h"

namespace cadastre {

namespace {

bool is_resource(const std::string& key) {
  static constexpr std::array kKeys = {"relative_speed", "bandwidth_bytes_per_s", "latency_s",
                                       "memory_bytes", "memory_bandwidth_bytes_per_s"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool is_zero(const nlohmann::json& value) { return value.is_number() && value == 0; }

/// All resources in `place`, in the document's order.
void collect(const nlohmann::json& place, const StudyPointer& here,
             std::vector<StudyPointer>& resources) {
  for (const auto& [key, value] : place.items()) {
    const StudyPointer below = child_of(here, place, key);
    if (value.is_structured())
      collect(value, below, resources);
    else if (is_resource(key) && !is_zero(value))
      resources.push_back(below);
  }
}

/// The numbers of the base at a pointer, which are several where it has a `*`.
std::vector<std::pair<StudyPointer, double>> numbers_at(const StudyPointer& pointer,
                                                        const Study& study,
                                                        const StudyInputsReader& reader) {
  const std::string& place = study.sensitivity->place;
  const std::string blamed = " (asked for by " + place + ")";
  const nlohmann::json* document = reader.document(pointer.document());
  std::vector<std::pair<StudyPointer, double>> numbers;
  if (document != nullptr)
    for (const StudyPointer& concrete : expanded(*document, pointer)) {
      const std::string& key = concrete.tokens.back();
      const nlohmann::json* found = find_at(*document, concrete);
      // Speeds that are not written are 1.
      static const nlohmann::json kOne = 1;
      if (found == nullptr && key == "relative_speed" && concrete.tokens[1] == "hosts")
        found = &kOne;
      if (found == nullptr) continue;
      const double value = quantity_number(JsonPlace(*found, study.file, concrete.text), key);
      if (!(value > 0))
        throw InputError(
            study.file, concrete.text,
            "expected a number > 0 to change a part of, found " + number_text(value) + blamed);
      numbers.emplace_back(concrete, value);
    }
  if (numbers.empty())
    throw InputError(study.file, pointer.text,
                     "expected a pointer to a number of the base, found one to nothing" + blamed);
  return numbers;
}

double scaled(double value, double factor, const std::string& key) {
  return key.ends_with("_bytes") ? std::round(value * factor) : value * factor;
}

}  // namespace

std::vector<SensitivityProbe> sensitivity_probes(const Study& study,
                                                 const StudyInputsReader& reader) {
  std::vector<StudyPointer> pointers = study.sensitivity->pointers;
  if (pointers.empty()) {
    const StudyPointer cluster{.text = "/cluster", .tokens = {"cluster"}};
    const nlohmann::json& document = *reader.document("cluster");
    const StudyPointer hosts = child_of(cluster, document, "hosts");
    for (std::size_t h = 0; h < document.at("hosts").size(); ++h) {
      const StudyPointer host = child_of(hosts, document.at("hosts"), std::to_string(h));
      if (!document.at("hosts")[h].contains("relative_speed"))
        pointers.push_back(child_of(host, document.at("hosts")[h], "relative_speed"));
    }
    collect(document, cluster, pointers);
  }
  std::vector<SensitivityProbe> probes;
  const double change = study.sensitivity->change;
  for (const StudyPointer& pointer : pointers) {
    const std::string& key = pointer.tokens.back();
    SensitivityProbe probe{.pointer = pointer};
    for (const auto& [concrete, value] : numbers_at(pointer, study, reader)) {
      const double less = scaled(value, 1 - change, key);
      const double more = scaled(value, 1 + change, key);
      if (probe.lessened.empty()) {
        probe.value = value;
        probe.less = less;
        probe.more = more;
      }
      const std::string& place = study.sensitivity->place;
      probe.lessened.push_back({.pointer = concrete, .value = json_number(less), .place = place});
      probe.increased.push_back({.pointer = concrete, .value = json_number(more), .place = place});
    }
    probes.push_back(std::move(probe));
  }
  return probes;
}

SensitivityAnswer sensitivity_answer(const SensitivityProbe& probe, const std::string& strategy,
                                     const StudyOutcome& lessened, const StudyOutcome& increased) {
  SensitivityAnswer answer{
      .pointer = probe.pointer.text, .strategy = strategy, .value = probe.value};
  for (const StudyOutcome* outcome : {&lessened, &increased})
    if (outcome->kind != StudyOutcomeKind::kDone) {
      answer.error = outcome->error;
      return answer;
    }
  answer.step_s_when_less = lessened.figures.simulated_step_s;
  answer.step_s_when_more = increased.figures.simulated_step_s;
  if (!(answer.step_s_when_less > 0) || !(answer.step_s_when_more > 0)) {
    answer.error = "the step takes no time";
    return answer;
  }
  const double elasticity = std::log(answer.step_s_when_more / answer.step_s_when_less) /
                            std::log(probe.more / probe.less);
  // Below that it is the rounding of the clocks.
  constexpr double kRounding = 1e-9;
  answer.elasticity = std::abs(elasticity) < kRounding ? 0 : elasticity;
  return answer;
}

void sort_by_elasticity(std::vector<SensitivityAnswer>& answers) {
  std::sort(answers.begin(), answers.end(),
            [](const SensitivityAnswer& a, const SensitivityAnswer& b) {
              return std::tuple(!a.error.empty(), -std::abs(a.elasticity), a.pointer, a.strategy) <
                     std::tuple(!b.error.empty(), -std::abs(b.elasticity), b.pointer, b.strategy);
            });
}

}  // namespace cadastre
