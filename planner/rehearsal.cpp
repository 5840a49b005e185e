#include "planner/rehearsal.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "planner/error.h"
#include "planner/failure_detection.h"
#include "planner/json_reader.h"
#include "planner/table.h"
#include "planner/units.h"

namespace cadastre {

namespace {

const char* kind_name(HostFailure::Kind kind) {
  return kind == HostFailure::Kind::kDead ? "dead" : "frozen";
}

/// A stretch of training without failures.
class Stretch {
 public:
  Stretch(const RehearsedPlan& plan, double begin_s, std::int64_t begin_steps)
      : plan_(plan), now_s_(begin_s), num_steps_(begin_steps), safe_steps_(begin_steps) {}

  /// Trains until `end_steps` are done, or a step would end after `until_s`.
  void train(std::int64_t end_steps, double until_s) {
    while (num_steps_ < end_steps && now_s_ + plan_.step_s <= until_s) {
      now_s_ += plan_.step_s;
      ++num_steps_;
      if (plan_.checkpoint_every == 0 || num_steps_ % plan_.checkpoint_every != 0 ||
          num_steps_ == end_steps)
        continue;
      note_safe(now_s_);
      now_s_ += plan_.checkpoint_s;
      on_its_way_ = {num_steps_, now_s_ + plan_.send_s};
    }
  }

  /// The steps of the last checkpoint that is safe by then.
  [[nodiscard]] std::int64_t safe_steps(double at_s) {
    note_safe(at_s);
    return safe_steps_;
  }

  [[nodiscard]] double now_s() const { return now_s_; }

  [[nodiscard]] std::int64_t num_steps() const { return num_steps_; }

 private:
  void note_safe(double at_s) {
    if (on_its_way_ && on_its_way_->second <= at_s)
      safe_steps_ = std::exchange(on_its_way_, std::nullopt)->first;
  }

  RehearsedPlan plan_;
  double now_s_;
  std::int64_t num_steps_;
  std::int64_t safe_steps_;
  std::optional<std::pair<std::int64_t, double>> on_its_way_;  ///< steps, and when it is safe
};

nlohmann::json to_json(const RehearsedPlan& plan) {
  return {{"plan", plan.plan},
          {"step_s", plan.step_s},
          {"checkpoint_every", plan.checkpoint_every},
          {"checkpoint_s", plan.checkpoint_s},
          {"send_s", plan.send_s},
          {"reload_s", plan.reload_s}};
}

nlohmann::json to_json(const RehearsedFailure& failure) {
  nlohmann::json written = {{"host", failure.failure.host},
                            {"at_s", failure.failure.at_s},
                            {"kind", kind_name(failure.failure.kind)},
                            {"was_in_use", failure.was_in_use}};
  if (!failure.was_in_use) return written;
  written["noticed_s"] = failure.noticed_s;
  written["resumed_s"] = failure.resumed_s;
  written["num_steps"] = failure.num_steps;
  written["went_on_from"] = failure.went_on_from;
  written["lost_s"] = failure.lost_s;
  written["then"] = to_json(failure.then);
  return written;
}

std::string plan_text(const RehearsedPlan& plan) {
  return plan.plan + ": " + fixed(plan.step_s * 1e3, 1) + " ms a step, " +
         (plan.checkpoint_every > 0
              ? "a checkpoint every " + std::to_string(plan.checkpoint_every) + " steps"
              : "no checkpoints");
}

}  // namespace

HostFailure host_failure_from(const std::string& text) {
  const auto refuse = [&] {
    return InputError("--fail", "",
                      "expected HOST@TIME or HOST@TIME=frozen, found \"" + text + "\"");
  };
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) throw refuse();
  HostFailure failure;
  failure.host = text.substr(0, at);
  std::string time = text.substr(at + 1);
  if (const std::size_t equals = time.find('='); equals != std::string::npos) {
    const std::string kind = time.substr(equals + 1);
    if (kind != "frozen" && kind != "dead") throw refuse();
    if (kind == "frozen") failure.kind = HostFailure::Kind::kSilent;
    time.resize(equals);
  }
  nlohmann::json value = nlohmann::json::parse(time, nullptr, /*allow_exceptions=*/false);
  if (!value.is_number()) value = time;
  failure.at_s = span_s(JsonPlace(value, "--fail " + text, ""));
  if (failure.at_s < 0) throw refuse();
  return failure;
}

Rehearsal rehearse(std::int64_t num_steps, const RehearsedPlan& first,
                   std::vector<HostFailure> failures, double restart_s, const NextPlan& next) {
  std::stable_sort(failures.begin(), failures.end(),
                   [](const auto& one, const auto& other) { return one.at_s < other.at_s; });
  Rehearsal rehearsal;
  rehearsal.num_steps = num_steps;
  rehearsal.first = first;
  Stretch undisturbed(first, 0, 0);
  undisturbed.train(num_steps, INFINITY);
  rehearsal.undisturbed_s = undisturbed.now_s();

  RehearsedPlan plan = first;
  Stretch stretch(plan, 0, 0);
  double resumed_s = 0;
  std::vector<std::string> lost;
  for (const HostFailure& failure : failures) {
    stretch.train(num_steps, failure.at_s);
    RehearsedFailure& cost = rehearsal.failures.emplace_back();
    cost.failure = failure;
    const bool is_over = stretch.num_steps() == num_steps && stretch.now_s() <= failure.at_s;
    if (is_over ||
        std::find(plan.hosts.begin(), plan.hosts.end(), failure.host) == plan.hosts.end())
      continue;
    cost.was_in_use = true;
    cost.noticed_s =
        failure.at_s +
        (failure.kind == HostFailure::Kind::kDead ? kDeadRankNoticedS : kSilentRankNoticedS);
    cost.num_steps = stretch.num_steps();
    cost.went_on_from = stretch.safe_steps(failure.at_s);
    cost.lost_s = static_cast<double>(cost.num_steps - cost.went_on_from) * plan.step_s;
    lost.push_back(failure.host);
    plan = next(lost);
    // One that comes while the last is not yet dealt with is noticed by what deals with that.
    resumed_s =
        std::max(resumed_s - restart_s - plan.reload_s, cost.noticed_s) + restart_s + plan.reload_s;
    cost.resumed_s = resumed_s;
    cost.then = plan;
    stretch = Stretch(plan, resumed_s, cost.went_on_from);
  }
  stretch.train(num_steps, INFINITY);
  rehearsal.total_s = stretch.now_s();
  return rehearsal;
}

nlohmann::json to_json(const Rehearsal& rehearsal) {
  nlohmann::json failures = nlohmann::json::array();
  for (const RehearsedFailure& failure : rehearsal.failures) failures.push_back(to_json(failure));
  return {{"num_steps", rehearsal.num_steps},
          {"first", to_json(rehearsal.first)},
          {"undisturbed_s", rehearsal.undisturbed_s},
          {"total_s", rehearsal.total_s},
          {"failures", std::move(failures)}};
}

std::string rehearsal_text(const Rehearsal& rehearsal) {
  std::string text = plan_text(rehearsal.first) + "\n";
  std::vector<std::vector<std::string>> rows = {
      {"lost", "at s", "noticed s", "goes on s", "steps done", "from step", "work lost s", "then"}};
  for (const RehearsedFailure& cost : rehearsal.failures) {
    const std::string name =
        cost.failure.host + (cost.failure.kind == HostFailure::Kind::kDead ? "" : " (frozen)");
    if (!cost.was_in_use) {
      rows.push_back({name, fixed(cost.failure.at_s, 1), "", "", "", "", "", "(not in use)"});
      continue;
    }
    rows.push_back({name, fixed(cost.failure.at_s, 1), fixed(cost.noticed_s, 1),
                    fixed(cost.resumed_s, 1), std::to_string(cost.num_steps),
                    std::to_string(cost.went_on_from), fixed(cost.lost_s, 1),
                    plan_text(cost.then)});
  }
  text += text_table(rows);
  const double more = rehearsal.total_s / rehearsal.undisturbed_s - 1;
  text += std::to_string(rehearsal.num_steps) + " steps: " + fixed(rehearsal.total_s, 1) +
          " s, undisturbed " + fixed(rehearsal.undisturbed_s, 1) + " s (" + fixed(100 * more, 1) +
          " % more)\n";
  return text;
}

}  // namespace cadastre
