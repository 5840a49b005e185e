// What each host does with its time in a step, and what it sends to the others.

import type {Prediction, Timeline, TimelineEvent} from "../documents";

/// A host's step: the four parts sum to the step.
export interface HostLoad {
  host: string;
  compute_s: number;
  transfer_s: number; // waiting for a tensor while it is on the network
  reduction_s: number;
  waiting_s: number;
}

const COMPUTE = new Set(["load_micro_batch", "forward", "recompute", "backward", "optimizer_step"]);
const SEND_OF: {[receive: string]: string} = {receive_activation: "send_activation", receive_gradient: "send_gradient"};

/// What a tensor is known by at both ends.
function tensor_key(kind: string, from: number, to: number, {layer = -1, micro_batch = -1}: TimelineEvent): string {
  return `${kind} ${from} ${to} ${layer} ${micro_batch}`;
}

/// What `sends_of_receives` found: several views ask for it, of a hundred thousand instructions.
const sends_found = new WeakMap<TimelineEvent[], Map<TimelineEvent, TimelineEvent>>();

/// The send of each receive that crosses the network, by order where two stages of one rank get the
/// same layer's output from the same rank. Receives whose send is not in the timeline are absent.
export function sends_of_receives(timeline: Timeline): Map<TimelineEvent, TimelineEvent> {
  const known = sends_found.get(timeline.events);
  if (known) return known;
  const sends = new Map<string, TimelineEvent[]>();
  for (const event of timeline.events) {
    if (event.kind !== "send_activation" && event.kind !== "send_gradient") continue;
    const key = tensor_key(event.kind, event.rank, event.peer ?? -1, event);
    const same = sends.get(key);
    if (same) same.push(event);
    else sends.set(key, [event]);
  }
  const found = new Map<TimelineEvent, TimelineEvent>();
  for (const event of timeline.events) {
    const {rank, kind, peer = -1} = event;
    if (!(kind in SEND_OF) || peer === rank) continue;
    const send = sends.get(tensor_key(SEND_OF[kind], peer, rank, event))?.shift();
    if (send) found.set(event, send);
  }
  sends_found.set(timeline.events, found);
  return found;
}

export type Part = "compute" | "transfer" | "reduction" | "waiting";

/// How long a rank computes, waits for a tensor that is on the network, reduces, and waits for one
/// that was not sent yet, in an instruction.
export function parts_of_event(event: TimelineEvent, send: TimelineEvent | undefined): {[part in Part]?: number} {
  const {rank, kind, peer = -1, start_s, end_s} = event;
  if (COMPUTE.has(kind)) return {compute: end_s - start_s};
  if (kind === "reduce_gradients") return {reduction: end_s - start_s};
  if (!(kind in SEND_OF) || peer === rank) return {};
  const sent_s = Math.max(start_s, Math.min(send?.start_s ?? end_s, end_s));
  return {transfer: end_s - sent_s, waiting: sent_s - start_s};
}

/// Waiting is what is left of the step: for tensors that were not sent yet, and gaps between
/// instructions (the bubble). As in planner/cost_model.h.
export function loads_of_timeline(timeline: Timeline): HostLoad[] {
  const sends = sends_of_receives(timeline);
  const loads = new Map<string, HostLoad>();
  for (const {host} of timeline.ranks)
    if (!loads.has(host)) loads.set(host, {host, compute_s: 0, transfer_s: 0, reduction_s: 0, waiting_s: 0});
  for (const event of timeline.events) {
    const load = loads.get(timeline.ranks[event.rank]?.host ?? "");
    if (!load) continue;
    const {compute = 0, transfer = 0, reduction = 0} = parts_of_event(event, sends.get(event));
    load.compute_s += compute;
    load.transfer_s += transfer;
    load.reduction_s += reduction;
  }
  for (const load of loads.values())
    load.waiting_s = Math.max(0, timeline.step_s - load.compute_s - load.transfer_s - load.reduction_s);
  return [...loads.values()];
}

export function loads_of_prediction(prediction: Prediction): HostLoad[] {
  return prediction.hosts.map(({host, compute_s, transfer_s, reduction_s, waiting_s}) => ({
    host,
    compute_s,
    transfer_s,
    reduction_s,
    waiting_s,
  }));
}

export interface Traffic {
  hosts: string[];
  bytes: number[][]; // [from][to], in one step
  total_bytes: number;
  most_bytes: number; // the greatest entry
}

/// Sends count from the sender to its peer. A reduction over n replicas counts as a ring, where its
/// ranks wait for all of its buckets (their starts say the same bytes, bucket by bucket): each rank
/// sends 2 (n-1)/n of the buffer to the next (Patarasuk and Yuan 2009), as in planner/program.h.
export function traffic_of_timeline(timeline: Timeline): Traffic {
  const hosts = [...new Set(timeline.ranks.map(({host}) => host))];
  const bytes = hosts.map(() => hosts.map(() => 0));
  const add = (from_rank: number, to_rank: number, moved: number) => {
    const from = timeline.ranks[from_rank];
    const to = timeline.ranks[to_rank];
    if (from && to && from.host !== to.host) bytes[hosts.indexOf(from.host)][hosts.indexOf(to.host)] += moved;
  };
  const stage_ranks = new Map<number, number[]>();
  timeline.ranks.forEach(({parts}, rank) => {
    for (const {stage, replica} of parts) {
      const ring = stage_ranks.get(stage) ?? [];
      ring[replica] = rank;
      stage_ranks.set(stage, ring);
    }
  });
  for (const event of timeline.events) {
    const moved = event.bytes ?? 0;
    if (event.kind === "send_activation" || event.kind === "send_gradient") {
      add(event.rank, event.peer ?? -1, moved);
    } else if (event.kind === "reduce_gradients") {
      const ring = stage_ranks.get(event.stage ?? -1) ?? [];
      const next = ring[(ring.indexOf(event.rank) + 1) % ring.length];
      if (ring.length > 1) add(event.rank, next, (2 * (ring.length - 1) * moved) / ring.length);
    }
  }
  const entries = bytes.flat();
  return {
    hosts,
    bytes,
    total_bytes: entries.reduce((sum, entry) => sum + entry, 0),
    most_bytes: entries.reduce((most, entry) => Math.max(most, entry), 0),
  };
}
