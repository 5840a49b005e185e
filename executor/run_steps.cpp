#include "executor/run_steps.h"

#include <algorithm>

namespace cadastre {

RunSteps::RunSteps(int num_ranks, std::int64_t batch_size, std::int64_t num_steps)
    : num_ranks_(num_ranks), batch_size_(batch_size), steps_(static_cast<std::size_t>(num_steps)) {}

void RunSteps::restore(const std::vector<double>& losses, const std::vector<double>& ends_s,
                       double now_s) {
  for (std::size_t i = 0; i < std::min(losses.size(), steps_.size()); ++i) {
    Step& step = steps_[i];
    step.num_ranks = num_ranks_;
    step.loss_sum = losses[i] * static_cast<double>(batch_size_);
    step.end_s = now_s - (ends_s.back() - ends_s[i]);
    ++num_complete_;
  }
}

void RunSteps::add(int rank, const StepReport& report) {
  if (report.step < 0 || report.step >= static_cast<std::int64_t>(steps_.size())) return;
  Step& step = steps_[static_cast<std::size_t>(report.step)];
  ++step.num_ranks;
  step.loss_sum += report.loss_sum;
  step.end_s = std::max(step.end_s, report.end_s);
  step.sent_bytes += report.sent_bytes;
  if (report.busy_s > step.longest_busy_s) {
    step.longest_busy_s = report.busy_s;
    step.slowest_rank = rank;
  }
  while (num_complete_ < static_cast<std::int64_t>(steps_.size()) &&
         steps_[static_cast<std::size_t>(num_complete_)].num_ranks == num_ranks_)
    ++num_complete_;
}

void RunSteps::end_after(std::int64_t num_steps) {
  steps_.resize(std::min(steps_.size(), static_cast<std::size_t>(num_steps)));
}

double RunSteps::loss(std::int64_t step) const {
  return steps_[static_cast<std::size_t>(step)].loss_sum / static_cast<double>(batch_size_);
}

std::int64_t RunSteps::sent_bytes(std::int64_t step) const {
  return steps_[static_cast<std::size_t>(step)].sent_bytes;
}

int RunSteps::slowest_rank(std::int64_t step) const {
  return steps_[static_cast<std::size_t>(step)].slowest_rank;
}

std::vector<double> RunSteps::ends_s() const {
  std::vector<double> ends;
  for (std::int64_t i = 0; i < num_complete_; ++i)
    ends.push_back(steps_[static_cast<std::size_t>(i)].end_s);
  return ends;
}

std::vector<double> RunSteps::durations_s() const {
  std::vector<double> durations;
  for (std::int64_t i = 1; i < num_complete_; ++i)
    durations.push_back(steps_[static_cast<std::size_t>(i)].end_s -
                        steps_[static_cast<std::size_t>(i - 1)].end_s);
  return durations;
}

}  // namespace cadastre
