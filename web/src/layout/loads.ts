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

export const COMPUTE = new Set(["load_micro_batch", "forward", "recompute", "backward", "optimizer_step"]);
const SENDS = ["send_activation", "send_gradient"];
const RECEIVES = ["receive_activation", "receive_gradient"];

/// What `sends_of_receives` found: several views ask for it, of a hundred thousand instructions.
const sends_found = new WeakMap<TimelineEvent[], Int32Array>();

/// Of each event of a timeline the index of its send, where it is a receive that crosses the network
/// and its send is in the timeline too; else -1. Where two stages of one rank get the same layer's
/// output from the same rank, by order.
export function sends_of_receives(timeline: Timeline): Int32Array {
  const known = sends_found.get(timeline.events);
  if (known) return known;
  const {events} = timeline;
  let [most_layer, most_micro_batch, most_rank] = [0, 0, timeline.ranks.length];
  for (const {layer = -1, micro_batch = -1, rank, peer = -1} of events) {
    most_layer = Math.max(most_layer, layer);
    most_micro_batch = Math.max(most_micro_batch, micro_batch);
    most_rank = Math.max(most_rank, rank, peer);
  }
  // What a tensor is known by at both ends, as one number: below 2^53 for 1,000 ranks, 10,000 layers
  // and 100,000 micro-batches.
  const key = (kind: number, from: number, to: number, {layer = -1, micro_batch = -1}: TimelineEvent) =>
    (((kind * (most_rank + 2) + from) * (most_rank + 2) + to + 1) * (most_layer + 2) + layer + 1) * (most_micro_batch + 2) + micro_batch + 1;
  const first = new Map<number, number>(); // send of each tensor
  const next = new Int32Array(events.length).fill(-1); // send of the same tensor
  for (let i = events.length - 1; i >= 0; --i) {
    const kind = SENDS.indexOf(events[i].kind);
    if (kind < 0) continue;
    const tensor = key(kind, events[i].rank, events[i].peer ?? -1, events[i]);
    next[i] = first.get(tensor) ?? -1;
    first.set(tensor, i);
  }
  const found = new Int32Array(events.length).fill(-1);
  events.forEach((event, i) => {
    const {rank, peer = -1} = event;
    const kind = RECEIVES.indexOf(event.kind);
    if (kind < 0 || peer === rank) return;
    const tensor = key(kind, peer, rank, event);
    const send = first.get(tensor) ?? -1;
    if (send < 0) return;
    found[i] = send;
    first.set(tensor, next[send]);
  });
  sends_found.set(events, found);
  return found;
}

export type Part = "compute" | "transfer" | "reduction" | "waiting";

/// How long a rank computes, waits for a tensor that is on the network, reduces, and waits for one
/// that was not sent yet, in an instruction.
export function parts_of_event(event: TimelineEvent, send: TimelineEvent | undefined): {[part in Part]?: number} {
  const {rank, kind, peer = -1, start_s, end_s} = event;
  if (COMPUTE.has(kind)) return {compute: end_s - start_s};
  if (kind === "reduce_gradients") return {reduction: end_s - start_s};
  if (!RECEIVES.includes(kind) || peer === rank) return {};
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
  const load_of = timeline.ranks.map(({host}) => loads.get(host));
  timeline.events.forEach((event, index) => {
    const load = load_of[event.rank];
    if (!load) return;
    const {compute = 0, transfer = 0, reduction = 0} = parts_of_event(event, timeline.events[sends[index]]);
    load.compute_s += compute;
    load.transfer_s += transfer;
    load.reduction_s += reduction;
  });
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
