#include "planner/explanation.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "planner/lowering.h"
#include "planner/objective.h"
#include "planner/prediction.h"
#include "planner/refusal.h"
#include "planner/search/incumbent.h"
#include "planner/table.h"

namespace cadastre {

namespace {

constexpr double kPercent = 100;

/// With the unit that leaves one to three digits before the point.
std::string seconds_text(double seconds) {
  constexpr double kThousand = 1e3;
  constexpr double kMillion = 1e6;
  const auto significant = [](double value) {
    return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
  };
  if (seconds >= 1) return significant(seconds) + " s";
  if (seconds >= 1e-3 || seconds == 0) return significant(seconds * kThousand) + " ms";
  return significant(seconds * kMillion) + " us";
}

std::string bytes_text(double bytes) {
  for (const auto& [unit, size] : {std::pair("GB", 1e9), {"MB", 1e6}, {"kB", 1e3}})
    if (bytes >= size) return fixed(bytes / size, 1) + " " + unit;
  return fixed(bytes, 0) + " bytes";
}

std::string percent_text(double part) { return fixed(part * kPercent, part < 0.1 ? 1 : 0) + " %"; }

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

class Explanation {
 public:
  explicit Explanation(const PlanDocument& document)
      : document_(document),
        plan_(document.plan),
        division_(division_of(plan_, document.profile.model, document.cluster)) {}

  std::vector<std::string> run() && {
    what_it_is();
    bottleneck();
    idle_hosts();
    memory();
    other_clusters();
    robustness();
    other_kinds();
    proof();
    return std::move(sentences_);
  }

 private:
  [[nodiscard]] double step_s() const { return plan_.predicted.step_s; }

  /// Whether it would not be rounded away beside the step.
  [[nodiscard]] bool matters(double seconds) const {
    return seconds >= 1e-3 * step_s() && seconds > 0;
  }

  void say(std::string sentence) { sentences_.push_back(std::move(sentence)); }

  /// "stage 2" or "stages 1 and 3" of a host; empty where it has none.
  [[nodiscard]] std::string stages_of(const std::string& host) const {
    std::vector<std::string> numbers;
    for (std::size_t s = 0; s < plan_.stages.size(); ++s)
      for (const Replica& replica : plan_.stages[s].replicas)
        if (replica.host == host) numbers.push_back(std::to_string(s));
    if (numbers.empty()) return "";
    std::string text = numbers.size() == 1 ? "stage " : "stages ";
    for (std::size_t i = 0; i < numbers.size(); ++i)
      text += (i == 0 ? "" : i + 1 == numbers.size() ? " and " : ", ") + numbers[i];
    return text;
  }

  void what_it_is() {
    const std::size_t num_used = plan_.predicted.hosts.size();
    const std::size_t num_hosts = document_.cluster.hosts.size();
    say("The plan is " + plan_kind(plan_, document_.profile.model, document_.cluster) + ": " +
        plural(plan_.stages.size(), "stage") + " on " + std::to_string(num_used) + " of " +
        plural(num_hosts, "host") + ", " + std::to_string(plan_.micro_batches) +
        (plan_.micro_batches == 1 ? " micro-batch" : " micro-batches") + " under " +
        schedule_name(plan_.schedule) + all_reduce_text() + wire_dtype_text() + "; a step of " +
        plural(static_cast<std::size_t>(plan_.batch_size), "sample") + " takes " +
        seconds_text(step_s()) + " and moves " +
        bytes_text(static_cast<double>(plan_.predicted.traffic_bytes_per_step)) + ".");
    if (num_used < num_hosts) {
      std::set<std::string> used;
      for (const HostPrediction& host : plan_.predicted.hosts) used.insert(host.host);
      std::vector<std::string> unused;
      for (const Host& host : document_.cluster.hosts)
        if (!used.contains(host.name)) unused.push_back(host.name);
      say("It leaves out " + listed(unused) + ": with " + (unused.size() == 1 ? "it" : "them") +
          ", no plan that was met is better.");
    }
  }

  /// ", gradients reduced by tree", where it is another way than the usual.
  [[nodiscard]] std::string all_reduce_text() const {
    const AllReduce& all_reduce = plan_.all_reduce;
    if (all_reduce == AllReduce{}) return "";
    std::string text = ", gradients reduced by ";
    text += all_reduce_name(all_reduce.algorithm);
    if (!all_reduce.root.empty()) text += " on " + all_reduce.root;
    return text;
  }

  [[nodiscard]] std::string wire_dtype_text() const {
    if (plan_.wire_dtype == WireDtype::kFloat32) return "";
    return ", " + wire_dtype_name(plan_.wire_dtype) + " between hosts";
  }

  void bottleneck() {
    // A host of a server or driver alone has no stage.
    const auto busy_s = [&](const HostPrediction& host) {
      return stages_of(host.host).empty() ? -1 : host.compute_s + host.reduction_s;
    };
    const auto busiest = std::max_element(
        plan_.predicted.hosts.begin(), plan_.predicted.hosts.end(),
        [&](const HostPrediction& a, const HostPrediction& b) { return busy_s(a) < busy_s(b); });
    std::string sentence = "The bottleneck is " + stages_of(busiest->host) + " on " +
                           busiest->host + ": it computes for " + seconds_text(busiest->compute_s) +
                           " of the step's " + seconds_text(step_s());
    if (matters(busiest->reduction_s))
      sentence += ", reduces gradients for " + seconds_text(busiest->reduction_s);
    if (matters(busiest->transfer_s))
      sentence += ", waits for transfers for " + seconds_text(busiest->transfer_s);
    if (matters(busiest->waiting_s))
      sentence += ", waits for other hosts for " + seconds_text(busiest->waiting_s);
    say(sentence + ".");
  }

  void idle_hosts() {
    if (plan_.predicted.hosts.size() < 2 || step_s() <= 0) return;
    const auto idlest = std::min_element(
        plan_.predicted.hosts.begin(), plan_.predicted.hosts.end(),
        [](const HostPrediction& a, const HostPrediction& b) { return a.compute_s < b.compute_s; });
    double computing_s = 0;
    for (const HostPrediction& host : plan_.predicted.hosts) computing_s += host.compute_s;
    say("On average a host computes for " +
        percent_text(computing_s / static_cast<double>(plan_.predicted.hosts.size()) / step_s()) +
        " of the step; least does " + idlest->host + ", for " +
        percent_text(idlest->compute_s / step_s()) + ".");
  }

  void memory() {
    double fullest = 0;
    const HostPrediction* tightest = nullptr;
    for (const HostPrediction& host : plan_.predicted.hosts) {
      const Host& of =
          document_.cluster
              .hosts[static_cast<std::size_t>(host_index(document_.cluster, host.host))];
      const double part =
          static_cast<double>(host.peak_memory_bytes) / static_cast<double>(of.memory_bytes);
      if (part <= fullest) continue;
      fullest = part;
      tightest = &host;
    }
    if (tightest == nullptr) return;
    say("Memory is tightest on " + tightest->host + ": " +
        bytes_text(static_cast<double>(tightest->peak_memory_bytes)) + ", " +
        percent_text(fullest) + " of what it has.");
    std::vector<std::string> numbers;
    for (std::size_t s = 0; s < plan_.stages.size(); ++s)
      if (plan_.stages[s].recompute) numbers.push_back(std::to_string(s));
    if (!numbers.empty())
      say("Activations are computed again in " + plural(numbers.size(), "stage") + " (" +
          listed(numbers) + "): a host would lack memory otherwise.");
  }

  /// The same plan where links or the busiest host are other.
  void other_clusters() {
    if (plan_.stages.size() == 1 && plan_.stages.front().replicas.size() == 1) return;
    const auto with_bandwidth = [&](double factor) {
      Cluster cluster = document_.cluster;
      scale_bandwidth(cluster, factor);
      return step_on(cluster);
    };
    say("With links of half the bandwidth this plan takes " + change(with_bandwidth(0.5)) +
        ", with twice the bandwidth " + change(with_bandwidth(2)) + ".");
    const auto busiest = std::max_element(
        plan_.predicted.hosts.begin(), plan_.predicted.hosts.end(),
        [](const HostPrediction& a, const HostPrediction& b) { return a.compute_s < b.compute_s; });
    Cluster cluster = document_.cluster;
    constexpr double kFaster = 1.1;
    cluster.hosts[static_cast<std::size_t>(host_index(cluster, busiest->host))].relative_speed *=
        kFaster;
    say("Were " + busiest->host + " a tenth faster, it would take " + change(step_on(cluster)) +
        ".");
  }

  [[nodiscard]] double step_on(const Cluster& cluster) const {
    const PlanningProblem problem(document_.profile, cluster);
    return predict_training(division_, lower(division_, problem.training.model()), problem).step_s;
  }

  /// "6.1 ms more (+14 %)".
  [[nodiscard]] std::string change(double other_s) const {
    const double more_s = other_s - step_s();
    if (std::abs(more_s) <= 1e-3 * step_s()) return "as long";
    if (step_s() <= 0) return seconds_text(more_s) + " more";
    return seconds_text(std::abs(more_s)) + (more_s > 0 ? " more (+" : " less (-") +
           percent_text(std::abs(more_s) / step_s()) + ")";
  }

  /// Why this plan and not the one of the least step without variation, where plans were replayed
  /// with it.
  void robustness() {
    if (!plan_.simulated_p95_s) return;
    const Plan* plain = &plan_;
    std::size_t num_replayed = 1;
    for (const std::vector<Plan>* plans : {&document_.runners_up, &document_.alternatives})
      for (const Plan& plan : *plans) {
        if (!plan.simulated_p95_s) continue;
        ++num_replayed;
        if (plan.predicted.step_s < plain->predicted.step_s) plain = &plan;
      }
    const auto times_of = [](const Plan& plan) {
      return "a median of " + seconds_text(plan.simulated_median_s.value_or(0)) + ", a mean of " +
             seconds_text(plan.simulated_step_s.value_or(0)) + " and a 95th percentile of " +
             seconds_text(plan.simulated_p95_s.value_or(0));
    };
    if (plain == &plan_) {
      say("As hosts and links vary from step to step, its simulated steps have " + times_of(plan_) +
          ": of the " + plural(num_replayed, "plan") +
          " that were replayed and are shown, none is clearly less likely to be late, nor faster "
          "without variation.");
      return;
    }
    say("It is chosen for its 95th percentile: as hosts and links vary from step to step, its "
        "simulated steps have " +
        times_of(plan_) + "; those of the plan that is fastest without variation (" +
        plan_kind(*plain, document_.profile.model, document_.cluster) + ", " +
        seconds_text(plain->predicted.step_s) + ") have " + times_of(*plain) + ".");
    less_on_what_varies(*plain);
  }

  /// On which hosts and over how much of the network the plan relies less than `plain` does.
  void less_on_what_varies(const Plan& plain) {
    const auto compute_s = [](const Plan& plan, const std::string& name) {
      for (const HostPrediction& host : plan.predicted.hosts)
        if (host.host == name) return host.compute_s;
      return 0.0;
    };
    // Where conditions alone said what varies, the cluster names no host.
    const bool any_named =
        std::any_of(document_.cluster.hosts.begin(), document_.cluster.hosts.end(),
                    [](const Host& host) { return host.speed_spread > 0; });
    std::string relieved;
    for (const Host& host : document_.cluster.hosts) {
      const double now_s = compute_s(plan_, host.name);
      const double before_s = compute_s(plain, host.name);
      if ((any_named && !(host.speed_spread > 0)) || !matters(before_s - now_s)) continue;
      relieved += (relieved.empty() ? "" : "; ") + host.name;
      if (any_named) relieved += ", whose speed varies by " + percent_text(host.speed_spread) + ",";
      relieved += " computes for " + seconds_text(now_s) + " of a step, there for " +
                  seconds_text(before_s);
    }
    if (!relieved.empty())
      say((any_named ? "It asks less of what varies: " : "It asks less of some: ") + relieved +
          ".");
    const auto traffic = [](const Plan& plan) {
      return static_cast<double>(plan.predicted.traffic_bytes_per_step);
    };
    if (traffic(plan_) < traffic(plain))
      say("It moves " + bytes_text(traffic(plan_)) + " a step over the network, there it is " +
          bytes_text(traffic(plain)) + ".");
  }

  void other_kinds() {
    const auto objective = static_cast<Objective>(
        std::find(objective_names().begin(), objective_names().end(), document_.search.objective) -
        objective_names().begin());
    const double own =
        minimised(objective, objective_value(plan_.predicted, objective, plan_.batch_size));
    for (const Plan& other : document_.runners_up) {
      const double value =
          minimised(objective, objective_value(other.predicted, objective, other.batch_size));
      if (!(own > 0)) break;
      if (plan_.simulated_p95_s) {
        if (const auto& p95_s = other.simulated_p95_s; p95_s && *p95_s > *plan_.simulated_p95_s)
          say("The best " + plan_kind(other, document_.profile.model, document_.cluster) +
              " plan met has a 95th percentile that is worse by " +
              percent_text(*p95_s / *plan_.simulated_p95_s - 1) + ".");
        continue;
      }
      double reduction_s = 0;
      double waiting_s = 0;
      for (const HostPrediction& host : other.predicted.hosts) {
        reduction_s = std::max(reduction_s, host.reduction_s);
        waiting_s = std::max(waiting_s, host.waiting_s + host.transfer_s);
      }
      std::string sentence = "The best " +
                             plan_kind(other, document_.profile.model, document_.cluster) +
                             " plan met is worse by " + percent_text(value / own - 1) +
                             ": a step of " + seconds_text(other.predicted.step_s);
      if (reduction_s > waiting_s && matters(reduction_s))
        sentence += ", " + seconds_text(reduction_s) + " of it in the reduction";
      else if (matters(waiting_s))
        sentence += ", up to " + seconds_text(waiting_s) + " of it waiting";
      say(sentence + ".");
    }
  }

  void proof() {
    const SearchReport& search = document_.search;
    const std::string without =
        plan_.simulated_p95_s ? "Without variation, no plan is better" : "No plan is better";
    if (search.optimality_gap <= kTolerance && search.proven)
      say(without + ": proven.");
    else
      say(without + " by more than " + percent_text(search.optimality_gap) +
          ": that is how far the bound is away.");
  }

  const PlanDocument& document_;
  const Plan& plan_;
  Division division_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::string plan_kind(const Plan& plan, const ModelGraph& model, const Cluster& cluster) {
  return kind_of(division_of(plan, model, cluster), model_facts(model));
}

std::vector<std::string> explain(const PlanDocument& document) {
  return Explanation(document).run();
}

}  // namespace cadastre
