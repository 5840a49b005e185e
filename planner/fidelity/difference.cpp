#include "planner/fidelity/difference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "planner/fidelity/step_figures.h"
#include "planner/table.h"

namespace cadastre {

namespace {

/// Of some work of a step: what it takes by each of the two timelines.
struct Two {
  double measured_s = 0;
  double simulated_s = 0;

  [[nodiscard]] double difference_s() const { return std::abs(measured_s - simulated_s); }
};

std::string milliseconds(double seconds) {
  constexpr double kMilli = 1e3;
  const double value = kMilli * seconds;
  constexpr double kLarge = 10;
  return fixed(value, std::abs(value) < kLarge ? 2 : 1);
}

/// "31 ms, not 19".
std::string took(const Two& two) {
  return milliseconds(two.measured_s) + " ms, not " + milliseconds(two.simulated_s);
}

std::string work_name(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kLoadMicroBatch:
      return "loading samples";
    case InstructionKind::kForward:
      return "the forward passes";
    case InstructionKind::kRecompute:
      return "the recomputed forward passes";
    case InstructionKind::kBackward:
      return "the backward passes";
    case InstructionKind::kOptimizerStep:
      return "the optimizer step";
    case InstructionKind::kSendActivation:
    case InstructionKind::kSendGradient:
      return "handing messages to the network";
    case InstructionKind::kStartReduction:
      return "starting reductions";
    case InstructionKind::kReceiveActivation:
      return "activations";
    case InstructionKind::kReceiveGradient:
      return "gradients";
    case InstructionKind::kReduceGradients:
      return "the all-reduce";
  }
  return "";
}

/// The larger of the differences found so far, with what is to be said of it.
class Largest {
 public:
  /// `sentence` is asked for only where the difference is the largest yet.
  template <typename Sentence>
  void offer(const Two& two, const Sentence& sentence) {
    if (two.difference_s() <= difference_s_) return;
    difference_s_ = two.difference_s();
    sentence_ = sentence();
  }

  [[nodiscard]] const std::string& sentence() const { return sentence_; }

 private:
  double difference_s_ = 0;
  std::string sentence_ = "the timelines do not differ";
};

class Difference {
 public:
  Difference(const Timeline& measured, const Timeline& simulated, const ModelGraph& model)
      : measured_(measured),
        simulated_(simulated),
        model_(model),
        measured_transfers_(step_transfers(measured)),
        simulated_transfers_(step_transfers(simulated)) {}

  std::string sentence() {
    offer_work();
    offer_transfers();
    offer_between();
    return largest_.sentence();
  }

 private:
  [[nodiscard]] const std::string& host(int rank) const {
    return measured_.ranks[static_cast<std::size_t>(rank)].host;
  }

  /// What the rank itself does, by stage and kind.
  void offer_work() {
    std::map<std::tuple<int, int, InstructionKind>, Two> work;
    const auto add = [&](const Timeline& timeline, double Two::*seconds) {
      for (const TimelineEvent& event : timeline.events) {
        if (is_receive(event.kind) || event.kind == InstructionKind::kReduceGradients) continue;
        const InstructionKind kind = event.kind == InstructionKind::kSendGradient
                                         ? InstructionKind::kSendActivation
                                         : event.kind;
        work[{event.rank, event.stage, kind}].*seconds += event.end_s - event.start_s;
      }
    };
    add(measured_, &Two::measured_s);
    add(simulated_, &Two::simulated_s);
    for (const auto& [what, two] : work)
      largest_.offer(two, [&, &what = what, &two = two] {
        const auto& [rank, stage, kind] = what;
        return work_name(kind) + " of stage " + std::to_string(stage) + " on " + host(rank) +
               " took " + took(two);
      });
  }

  /// What is waited for while it is on the network, by its ends and its layer.
  void offer_transfers() {
    using Name = std::tuple<InstructionKind, int, int, int, int>;
    const auto name = [](const StepTransfer& transfer) {
      return Name(transfer.kind, transfer.from, transfer.to, transfer.stage, transfer.layer);
    };
    std::map<Name, Two> waits;
    const auto add = [&](const std::vector<StepTransfer>& transfers, double Two::*seconds) {
      for (const StepTransfer& transfer : transfers)
        waits[name(transfer)].*seconds +=
            std::max(0.0, transfer.end_s - std::max(transfer.waited_from_s, transfer.posted_s));
    };
    add(measured_transfers_, &Two::measured_s);
    add(simulated_transfers_, &Two::simulated_s);
    for (const auto& [what, two] : waits)
      largest_.offer(two, [&, &what = what, &two = two] {
        // The longest of those that are alike stands for them.
        const StepTransfer* longest = nullptr;
        for (const StepTransfer& transfer : measured_transfers_)
          if (name(transfer) == what &&
              (longest == nullptr ||
               transfer.end_s - transfer.posted_s > longest->end_s - longest->posted_s))
            longest = &transfer;
        const auto& [kind, from, to, stage, layer] = what;
        const std::string where =
            kind == InstructionKind::kReduceGradients
                ? " of stage " + std::to_string(stage) + " kept " + host(to)
                : layer_text(layer) + " from " + host(from) + " kept " + host(to);
        return work_name(kind) + where + " waiting for " + took(two) +
               (longest == nullptr ? std::string() : company(*longest));
      });
  }

  [[nodiscard]] std::string layer_text(int layer) const {
    if (layer < 0 || static_cast<std::size_t>(layer) >= model_.layers.size()) return "";
    return " of " + model_.layers[static_cast<std::size_t>(layer)].id;
  }

  /// What else was on the links of its ends, for a good part of the time that it was.
  [[nodiscard]] std::string company(const StepTransfer& transfer) const {
    constexpr double kGoodPart = 0.2;
    const double taken_s = transfer.end_s - transfer.posted_s;
    const StepTransfer* other = nullptr;
    double most_s = kGoodPart * taken_s;
    for (const StepTransfer& candidate : measured_transfers_) {
      if (candidate == transfer || !share_link(candidate, transfer)) continue;
      const double together_s = std::min(candidate.end_s, transfer.end_s) -
                                std::max(candidate.posted_s, transfer.posted_s);
      if (together_s <= most_s) continue;
      most_s = together_s;
      other = &candidate;
    }
    if (other != nullptr) {
      const bool reduction = other->kind == InstructionKind::kReduceGradients;
      return ": it shared a link with " + work_name(other->kind) +
             (reduction ? " of stage " + std::to_string(other->stage)
                        : layer_text(other->layer) + " from " + host(other->from) + " to " +
                              host(other->to));
    }
    if (transfer.from < 0 || !(taken_s > 0) || transfer.bytes <= 0) return "";
    constexpr double kMega = 1e6;
    return ": " + fixed(static_cast<double>(transfer.bytes) / kMega, 2) + " MB at " +
           fixed(static_cast<double>(transfer.bytes) / taken_s / kMega, 0) +
           " MB/s, alone on its links";
  }

  /// A reduction is on the links of all ranks of its stage, and each of them waits for it.
  static bool share_link(const StepTransfer& a, const StepTransfer& b) {
    if (a.from < 0 && b.from < 0) return a.stage != b.stage && a.to == b.to;
    return (a.from >= 0 && a.from == b.from) || a.to == b.to || (a.from < 0 && a.to == b.from) ||
           (b.from < 0 && b.to == a.from);
  }

  /// Of a rank's step, what none of its instructions takes.
  void offer_between() {
    const auto left_s = [](const Timeline& timeline, int rank) {
      double seconds = timeline.step_s;
      for (const TimelineEvent& event : timeline.events)
        if (event.rank == rank) seconds -= event.end_s - event.start_s;
      return seconds;
    };
    for (int rank = 0; rank < static_cast<int>(measured_.ranks.size()); ++rank) {
      const Two two{.measured_s = std::max(0.0, left_s(measured_, rank)),
                    .simulated_s = std::max(0.0, left_s(simulated_, rank))};
      largest_.offer(two, [&] {
        return milliseconds(two.measured_s) + " ms of " + host(rank) +
               "'s step went by between its instructions, not " + milliseconds(two.simulated_s);
      });
    }
  }

  const Timeline& measured_;
  const Timeline& simulated_;
  const ModelGraph& model_;
  std::vector<StepTransfer> measured_transfers_;
  std::vector<StepTransfer> simulated_transfers_;
  Largest largest_;
};

}  // namespace

std::string explain_difference(const Timeline& measured, const Timeline& simulated,
                               const ModelGraph& model) {
  return Difference(measured, simulated, model).sentence();
}

}  // namespace cadastre
