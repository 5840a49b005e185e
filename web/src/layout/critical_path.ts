// The chain of instructions that a step's length comes from: shorten none of them, and the step
// stays as long as it is.

import type {Timeline, TimelineEvent} from "../documents";
import {type Part, parts_of_event, sends_of_receives} from "./loads";

export interface CriticalPath {
  events: TimelineEvent[]; // from the step's end to its begin
  spent_s: {[part in Part]: number}; // sums to the end of the last instruction
  compute_s_by_host: Map<string, number>;
}

const MOST_IDLE = 1e-9; // of the step: less is rounding

/// The events' indices by start, then end.
function by_start({events}: Timeline): Uint32Array {
  return Uint32Array.from(events.keys()).sort((a, b) => events[a].start_s - events[b].start_s || events[a].end_s - events[b].end_s || a - b);
}

/// The reductions that end together: the n-th of a stage, on each of its ranks. By event, those of
/// its group.
function reductions_of({events}: Timeline, order: Uint32Array): Map<number, number[]> {
  const groups = new Map<string, number[]>();
  const seen = new Map<string, number>();
  const found = new Map<number, number[]>();
  for (const index of order) {
    const {kind, rank, stage = -1} = events[index];
    if (kind !== "reduce_gradients") continue;
    const own = `${rank} ${stage}`;
    const number = seen.get(own) ?? 0;
    seen.set(own, number + 1);
    const key = `${stage} ${number}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(index);
    found.set(index, group);
  }
  return found;
}

/// Walks back from the instruction that ends last. A receive that had to wait comes from its send, a
/// reduction from whoever came to it last, and anything else from what its rank did before.
export function critical_path(timeline: Timeline): CriticalPath {
  const {events, ranks} = timeline;
  const path: CriticalPath = {events: [], spent_s: {compute: 0, transfer: 0, reduction: 0, waiting: 0}, compute_s_by_host: new Map()};
  const order = by_start(timeline);
  const before = new Int32Array(events.length).fill(-1); // of the same rank
  const last_of = new Int32Array(ranks.length).fill(-1);
  let index = -1; // of the event that the path is at: the last at first
  for (const next of order) {
    const {rank, end_s} = events[next];
    if (ranks[rank] === undefined) continue;
    before[next] = last_of[rank];
    last_of[rank] = next;
    if (index < 0 || end_s > events[index].end_s) index = next;
  }
  const sends = sends_of_receives(timeline);
  const reductions = reductions_of(timeline, order);
  const idle_s = MOST_IDLE * timeline.step_s;
  let until_s = events[index]?.end_s ?? 0; // what is later is explained
  const visited = new Set<number>();
  while (index >= 0 && !visited.has(index)) {
    visited.add(index);
    const event = events[index];
    path.events.push(event);
    const send: TimelineEvent | undefined = events[sends[index]];
    const waited = send && event.end_s - event.start_s > idle_s && send.start_s > event.start_s;
    const latest = reductions.get(index)?.reduce((late, other) => (events[other].start_s > events[late].start_s ? other : late));
    const begin_s = Math.min(until_s, waited ? send.start_s : latest !== undefined ? events[latest].start_s : event.start_s);
    const spent_s = until_s - begin_s;
    const [part] = waited ? ["transfer" as Part] : (Object.entries(parts_of_event(event, send)) as [Part, number][]).sort((a, b) => b[1] - a[1])[0] ?? ["waiting" as Part];
    path.spent_s[part] += spent_s;
    if (part === "compute") {
      const {host} = ranks[event.rank];
      path.compute_s_by_host.set(host, (path.compute_s_by_host.get(host) ?? 0) + spent_s);
    }
    index = waited ? sends[index] : before[latest ?? index];
    // A gap before it, which nothing in the timeline explains.
    const next_end_s = Math.min(begin_s, events[index]?.end_s ?? 0);
    path.spent_s.waiting += begin_s - next_end_s;
    until_s = next_end_s;
  }
  return path;
}
