#include "planner/search/objective_bound.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "planner/search/layer_work.h"

namespace cadastre {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

ObjectiveBound::ObjectiveBound(const PlanningProblem& problem, Objective objective,
                               std::int64_t batch_size)
    : problem_(problem),
      objective_(objective),
      batch_size_(batch_size),
      table_(objective == Objective::kLatency || objective == Objective::kThroughput
                 ? &problem.inference
                 : &problem.training),
      least_rate_(kInfinity),
      least_rate_per_speed_(kInfinity) {
  double least_computing_per_speed = kInfinity;
  for (const Host& host : problem.cluster.hosts) {
    const double computing = computing_rate(host);
    least_rate_ = std::min(least_rate_, rate(host));
    least_rate_per_speed_ =
        std::min(least_rate_per_speed_, (rate(host) + computing) / host.relative_speed);
    least_computing_per_speed =
        std::min(least_computing_per_speed, computing / host.relative_speed);
    all_speed_ += host.relative_speed;
  }
  if (least_computing_per_speed > 0) {
    const std::vector<double> layers =
        least_layer_work(*table_, batch_size, batch_size, Loading::kCounted);
    computing_ = least_computing_per_speed * std::accumulate(layers.begin(), layers.end(), 0.0);
  }
}

double ObjectiveBound::rate(const Host& host) const {
  constexpr double kSecondsPerHour = 3600;
  constexpr double kMillion = 1e6;
  if (objective_ == Objective::kEnergy) return idle_watts(host);
  return host.price_per_hour / kSecondsPerHour * kMillion;
}

double ObjectiveBound::computing_rate(const Host& host) const {
  return objective_ == Objective::kEnergy ? host.watts - idle_watts(host) : 0;
}

double ObjectiveBound::at_least(double step_s) const {
  const auto samples = static_cast<double>(batch_size_);
  switch (objective_) {
    case Objective::kStepTime:
    case Objective::kLatency:
      return step_s;
    case Objective::kThroughput:
      return step_s / samples;
    case Objective::kEnergy:
    case Objective::kCost:
      return (least_rate_ * step_s + computing_) / samples;
    case Objective::kTraffic:
    case Objective::kMemory:
      return 0;
  }
  return 0;
}

double ObjectiveBound::of(double step_s, const std::vector<PlacedStage>& stages,
                          const Downsets& downsets, bool interleaved) const {
  const auto samples = static_cast<double>(batch_size_);
  switch (objective_) {
    case Objective::kEnergy:
    case Objective::kCost: {
      std::vector<int> hosts;
      for (const PlacedStage& stage : stages)
        hosts.insert(hosts.end(), stage.hosts.begin(), stage.hosts.end());
      std::sort(hosts.begin(), hosts.end());
      hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
      double sum = 0;
      for (const int host : hosts)
        sum += rate(problem_.cluster.hosts[static_cast<std::size_t>(host)]);
      return (sum * step_s + computing_) / samples;
    }
    case Objective::kTraffic: {
      double bytes = 0;
      const LayerSet none(table_->model().num_layers());
      for (const PlacedStage& stage : stages) {
        std::int64_t reduced = 0;
        downsets.sets[stage.upto].visit_without(downsets.sets[stage.below], [&](std::size_t i) {
          reduced += table_->model().reduced_bytes(i, problem_.wire_dtype);
          // What a later stage reads crosses, unless that stage may be on the same host.
          if (interleaved) return;
          const std::vector<int>& readers = table_->model().read_by[i];
          if (std::any_of(readers.begin(), readers.end(), [&](int reader) {
                return !downsets.sets[stage.upto].contains(static_cast<std::size_t>(reader));
              }))
            bytes += static_cast<double>(
                         wire_bytes(table_->model().activation_bytes[i], problem_.wire_dtype) *
                         (table_->model().has_gradient[i] ? 2 : 1)) *
                     samples;
        });
        bytes += static_cast<double>(
            sent_bytes(collective_shape(problem_.all_reduce, stage.hosts), reduced));
      }
      return bytes / samples;
    }
    case Objective::kMemory: {
      double most = 0;
      for (const PlacedStage& stage : stages) {
        std::int64_t bytes = 0;
        downsets.sets[stage.upto].visit_without(downsets.sets[stage.below], [&](std::size_t i) {
          bytes += table_->parameter_bytes()[i];
        });
        most = std::max(most, static_cast<double>(table_->copies_of_parameters() * bytes));
      }
      return most;
    }
    case Objective::kStepTime:
    case Objective::kLatency:
    case Objective::kThroughput:
      break;
  }
  return at_least(step_s);
}

double ObjectiveBound::of_all(const std::vector<std::int64_t>& micro_batches) const {
  const auto samples = static_cast<double>(batch_size_);
  switch (objective_) {
    case Objective::kTraffic:
      return 0;
    case Objective::kMemory: {
      const auto& bytes = table_->parameter_bytes();
      const auto all =
          static_cast<double>(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}));
      const auto largest = static_cast<double>(*std::max_element(bytes.begin(), bytes.end()));
      return static_cast<double>(table_->copies_of_parameters()) *
             std::max(largest, all / static_cast<double>(problem_.cluster.hosts.size()));
    }
    default:
      break;
  }
  double least = kInfinity;
  for (const std::int64_t count : micro_batches) {
    const std::int64_t batch = one_sample() ? 1 : batch_size_;
    const std::int64_t pass = one_sample() ? 1 : batch_size_ / count;
    const std::vector<double> layers = least_layer_work(*table_, batch, pass, Loading::kCounted);
    const double work_s = std::accumulate(layers.begin(), layers.end(), 0.0);
    const double way_s =
        layer_bound_s(least_layer_work(*table_, batch, pass, Loading::kLeftOut), count);
    double bound = at_least(std::max(work_s / all_speed_, way_s));
    if (objective_ == Objective::kEnergy || objective_ == Objective::kCost)
      bound = std::max(bound, work_s * least_rate_per_speed_ / samples);
    least = std::min(least, bound);
  }
  return least;
}

/// What the longest way through the model takes on the fastest hosts. Throughput does not feel it.
double ObjectiveBound::layer_bound_s(const std::vector<double>& work_s, std::int64_t count) const {
  if (steady()) return 0;
  double fastest = 0;
  for (const Host& host : problem_.cluster.hosts) fastest = std::max(fastest, host.relative_speed);
  const ModelFacts& model = table_->model();
  std::vector<double> until_s(work_s.size(), 0);
  double longest_s = 0;
  const bool training = table_ == &problem_.training;
  for (std::size_t i = 0; i < work_s.size(); ++i) {
    // Nobody waits for what comes after layers without a gradient: they may run a step ahead.
    if (training && model.has_gradient[i] == 0) continue;
    for (const int read : model.reads[i])
      until_s[i] = std::max(until_s[i], until_s[static_cast<std::size_t>(read)]);
    until_s[i] += work_s[i];
    longest_s = std::max(longest_s, until_s[i]);
  }
  // One micro-batch goes all the way; a sample that shares it with others on replicas is quicker.
  const std::int64_t most_replicas = static_cast<std::int64_t>(problem_.cluster.hosts.size());
  const auto passes = static_cast<double>(one_sample() ? 1 : count * most_replicas);
  return longest_s / fastest / passes;
}

}  // namespace cadastre
