#include "planner/fidelity/step_figures.h"

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "planner/json_reader.h"

namespace cadastre {

namespace {

/// What both ends of a message say of it: sender, receiver, whether it is a gradient, layer and
/// micro-batch. Messages that are alike in all this are taken in their order.
using MessageName = std::tuple<int, int, bool, int, int>;

MessageName name_at_sender(const TimelineEvent& event) {
  return {event.rank, event.peer, event.kind == InstructionKind::kSendGradient, event.layer,
          event.micro_batch};
}

MessageName name_at_receiver(const TimelineEvent& event) {
  return {event.peer, event.rank, event.kind == InstructionKind::kReceiveGradient, event.layer,
          event.micro_batch};
}

StepTransfer transfer_of(const TimelineEvent& event, int from, double posted_s) {
  return {.kind = event.kind,
          .from = from,
          .to = event.rank,
          .stage = event.stage,
          .micro_batch = event.micro_batch,
          .layer = event.layer,
          .bytes = event.bytes,
          .posted_s = posted_s,
          .waited_from_s = event.start_s,
          .end_s = event.end_s};
}

/// Seconds of the wait in which the message was on its way.
double on_network_s(const StepTransfer& transfer) {
  return std::max(0.0, transfer.end_s - std::max(transfer.waited_from_s, transfer.posted_s));
}

}  // namespace

bool is_computation(InstructionKind kind) {
  return !is_send(kind) && !is_receive(kind) && !is_reduction(kind);
}

std::vector<StepTransfer> step_transfers(const Timeline& timeline) {
  std::map<MessageName, std::deque<double>> posted_s;
  std::map<int, double> reduction_ready_s;  // by stage
  for (const TimelineEvent& event : timeline.events) {
    if (is_send(event.kind)) posted_s[name_at_sender(event)].push_back(event.start_s);
    if (event.kind == InstructionKind::kStartReduction) {
      double& ready_s = reduction_ready_s[event.stage];
      ready_s = std::max(ready_s, event.end_s);
    }
  }
  std::vector<StepTransfer> transfers;
  for (const TimelineEvent& event : timeline.events) {
    if (is_receive(event.kind) && event.peer != event.rank) {
      std::deque<double>& sent = posted_s[name_at_receiver(event)];
      // A timeline of part of a step may lack the send: then the wait is all that is known.
      const double at_s = sent.empty() ? event.start_s : sent.front();
      if (!sent.empty()) sent.pop_front();
      transfers.push_back(transfer_of(event, event.peer, at_s));
    }
    if (event.kind == InstructionKind::kReduceGradients)
      transfers.push_back(transfer_of(event, -1, reduction_ready_s[event.stage]));
  }
  return transfers;
}

StepFigures step_figures(const Timeline& timeline) {
  StepFigures figures{.step_s = timeline.step_s};
  for (const TimelineRank& rank : timeline.ranks) figures.hosts.emplace_back().host = rank.host;
  std::map<InstructionKind, KindSeconds> kinds;
  for (const TimelineEvent& event : timeline.events) {
    const double seconds = event.end_s - event.start_s;
    HostStep& host = figures.hosts[static_cast<std::size_t>(event.rank)];
    host.peak_memory_bytes = std::max(host.peak_memory_bytes, event.resident_bytes);
    if (is_send(event.kind)) host.transfer_s += seconds;
    if (is_computation(event.kind)) host.compute_s += seconds;
    KindSeconds& of_kind = kinds[event.kind];
    of_kind.kind = event.kind;
    of_kind.seconds += seconds;
    ++of_kind.count;
  }
  for (const StepTransfer& transfer : step_transfers(timeline))
    figures.hosts[static_cast<std::size_t>(transfer.to)].transfer_s += on_network_s(transfer);
  for (HostStep& host : figures.hosts)
    host.waiting_s = std::max(0.0, figures.step_s - host.compute_s - host.transfer_s);
  for (const auto& [kind, seconds] : kinds) figures.kinds.push_back(seconds);
  return figures;
}

nlohmann::json to_json(const StepFigures& figures) {
  nlohmann::json hosts = nlohmann::json::array();
  for (const HostStep& host : figures.hosts)
    hosts.push_back({{"host", host.host},
                     {"compute_s", host.compute_s},
                     {"transfer_s", host.transfer_s},
                     {"waiting_s", host.waiting_s},
                     {"peak_memory_bytes", host.peak_memory_bytes}});
  nlohmann::json kinds = nlohmann::json::array();
  for (const KindSeconds& kind : figures.kinds)
    kinds.push_back(
        {{"kind", instruction_name(kind.kind)}, {"seconds", kind.seconds}, {"count", kind.count}});
  return {{"step_s", figures.step_s},
          {"traffic_bytes", figures.traffic_bytes},
          {"hosts", std::move(hosts)},
          {"kinds", std::move(kinds)}};
}

StepFigures step_figures_from_json(const JsonPlace& place) {
  JsonObject object = place.object();
  StepFigures figures;
  figures.step_s = object.at("step_s").number(0);
  figures.traffic_bytes = object.at("traffic_bytes").integer(0);
  for (const JsonPlace& item : object.at("hosts").array()) {
    JsonObject host = item.object();
    figures.hosts.push_back({.host = host.at("host").string(),
                             .compute_s = host.at("compute_s").number(0),
                             .transfer_s = host.at("transfer_s").number(0),
                             .waiting_s = host.at("waiting_s").number(0),
                             .peak_memory_bytes = host.at("peak_memory_bytes").integer(0)});
    host.finish();
  }
  for (const JsonPlace& item : object.at("kinds").array()) {
    JsonObject kind = item.object();
    figures.kinds.push_back(
        {.kind = static_cast<InstructionKind>(kind.at("kind").one_of(instruction_names())),
         .seconds = kind.at("seconds").number(0),
         .count = kind.at("count").integer(1)});
    kind.finish();
  }
  object.finish();
  return figures;
}

}  // namespace cadastre
