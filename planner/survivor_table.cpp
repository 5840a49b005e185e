#include "planner/survivor_table.h"

#include <nlohmann/json.hpp>

#include "planner/error.h"
#include "planner/explanation.h"
#include "planner/plan_parts_json.h"
#include "planner/table.h"

namespace cadastre {

namespace {

/// "a + b".
std::string together(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += " + ";
    text += name;
  }
  return text;
}

}  // namespace

std::string strategy_in_short(const PlanDocument& document) {
  const Plan& plan = document.plan;
  if (plan.strategy != "auto") return plan.strategy;
  return plan_kind(plan, document.profile.model, document.cluster);
}

std::string stages_in_short(const Plan& plan) {
  constexpr std::size_t kMostHosts = 4;
  std::string text;
  for (const Stage& stage : plan.stages) {
    if (!text.empty()) text += " | ";
    for (std::size_t r = 0; r < stage.replicas.size() && r < kMostHosts; ++r)
      text += (r == 0 ? "" : ", ") + stage.replicas[r].host;
    if (stage.replicas.size() > kMostHosts)
      text += " and " + std::to_string(stage.replicas.size() - kMostHosts) + " more";
  }
  return text;
}

std::vector<std::vector<std::string>> losses(const Cluster& cluster, int most_lost) {
  const std::size_t num_hosts = cluster.hosts.size();
  const auto most = static_cast<std::size_t>(most_lost);
  if (most >= num_hosts)
    throw InputError("--survivors", "",
                     "expected fewer lost hosts than the cluster has (" +
                         std::to_string(num_hosts) + "), found " + std::to_string(most));
  std::vector<std::vector<std::string>> found;
  std::vector<std::string> chosen;
  const std::function<void(std::size_t, std::size_t)> choose = [&](std::size_t first,
                                                                   std::size_t num_left) {
    if (num_left == 0) {
      found.push_back(chosen);
      if (found.size() > kMostLosses)
        throw InputError("--survivors", "",
                         "expected " + std::to_string(kMostLosses) +
                             " losses at most, each of which is planned for, found more sets of up "
                             "to " +
                             std::to_string(most) + " of " + std::to_string(num_hosts) +
                             " hosts: ask for fewer lost hosts");
      return;
    }
    for (std::size_t h = first; h + num_left <= num_hosts; ++h) {
      chosen.push_back(cluster.hosts[h].name);
      choose(h + 1, num_left - 1);
      chosen.pop_back();
    }
  };
  for (std::size_t size = 1; size <= most; ++size) choose(0, size);
  return found;
}

std::vector<SurvivorPlan> plan_losses(const PlanDocument& document,
                                      const std::vector<std::vector<std::string>>& losses,
                                      const SearchEffort& effort,
                                      const std::function<void(std::size_t)>& on_planned) {
  std::vector<SurvivorPlan> survivors;
  for (const std::vector<std::string>& lost : losses) {
    survivors.push_back(plan_without(document, lost, effort));
    if (on_planned) on_planned(survivors.size());
  }
  return survivors;
}

std::string survivor_table(const PlanDocument& document,
                           const std::vector<SurvivorPlan>& survivors) {
  constexpr double kMilli = 1e3;
  std::vector<std::vector<std::string>> rows = {
      {"lost", "plan that follows", "step ms", "slower", "hosts by stage"}};
  for (const SurvivorPlan& survivor : survivors) {
    if (!survivor.plan) {
      rows.push_back({together(survivor.lost), "none", "-", "-", survivor.why_none});
      continue;
    }
    const Plan& plan = survivor.plan->plan;
    const double before_s = document.plan.predicted.step_s;
    rows.push_back(
        {together(survivor.lost), strategy_in_short(*survivor.plan),
         fixed(plan.predicted.step_s * kMilli, 1),
         before_s > 0 ? fixed(plan.predicted.step_s / before_s, 2) + " x" : std::string("-"),
         stages_in_short(plan)});
  }
  return text_table(rows);
}

nlohmann::json survivors_json(const PlanDocument& document,
                              const std::vector<SurvivorPlan>& survivors) {
  nlohmann::json list = nlohmann::json::array();
  for (const SurvivorPlan& survivor : survivors) {
    nlohmann::json entry = {{"lost", survivor.lost}, {"fits", survivor.plan.has_value()}};
    if (survivor.plan) {
      const Plan& plan = survivor.plan->plan;
      entry["strategy"] = strategy_in_short(*survivor.plan);
      entry["stages"] = to_json(plan.stages);
      entry["step_s"] = plan.predicted.step_s;
      if (document.plan.predicted.step_s > 0)
        entry["slowdown"] = plan.predicted.step_s / document.plan.predicted.step_s;
    } else {
      entry["why_none"] = survivor.why_none;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string fatal_losses(const std::vector<SurvivorPlan>& survivors) {
  std::string text;
  for (const SurvivorPlan& survivor : survivors) {
    if (survivor.plan) continue;
    if (!text.empty()) text += "; ";
    text += "without " + together(survivor.lost) + " " + survivor.why_none;
  }
  return text;
}

}  // namespace cadastre
