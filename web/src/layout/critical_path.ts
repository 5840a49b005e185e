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

/// The reductions that end together: the n-th of a stage, on each of its ranks.
function reductions_of(timeline: Timeline): Map<TimelineEvent, TimelineEvent[]> {
  const groups = new Map<string, TimelineEvent[]>();
  const seen = new Map<string, number>();
  const found = new Map<TimelineEvent, TimelineEvent[]>();
  for (const event of [...timeline.events].sort((a, b) => a.start_s - b.start_s)) {
    if (event.kind !== "reduce_gradients") continue;
    const own = `${event.rank} ${event.stage ?? -1}`;
    const index = seen.get(own) ?? 0;
    seen.set(own, index + 1);
    const key = `${event.stage ?? -1} ${index}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(event);
    found.set(event, group);
  }
  return found;
}

/// Walks back from the instruction that ends last. A receive that had to wait comes from its send, a
/// reduction from whoever came to it last, and anything else from what its rank did before.
export function critical_path(timeline: Timeline): CriticalPath {
  const path: CriticalPath = {events: [], spent_s: {compute: 0, transfer: 0, reduction: 0, waiting: 0}, compute_s_by_host: new Map()};
  const before = new Map<TimelineEvent, TimelineEvent>();
  const last_of: TimelineEvent[] = [];
  const events = timeline.events.filter(({rank}) => timeline.ranks[rank] !== undefined).sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  for (const event of events) {
    if (last_of[event.rank]) before.set(event, last_of[event.rank]);
    last_of[event.rank] = event;
  }
  const sends = sends_of_receives(timeline);
  const reductions = reductions_of(timeline);
  const idle_s = MOST_IDLE * timeline.step_s;
  let event = events.reduce<TimelineEvent | undefined>((last, other) => (!last || other.end_s > last.end_s ? other : last), undefined);
  let until_s = event?.end_s ?? 0; // what is later is explained
  const visited = new Set<TimelineEvent>();
  while (event && !visited.has(event)) {
    visited.add(event);
    path.events.push(event);
    const send = sends.get(event);
    const waited = send && event.end_s - event.start_s > idle_s && send.start_s > event.start_s;
    const latest = reductions.get(event)?.reduce((late, other) => (other.start_s > late.start_s ? other : late));
    const begin_s = Math.min(until_s, waited ? send.start_s : latest ? latest.start_s : event.start_s);
    const spent_s = until_s - begin_s;
    const [part] = waited ? ["transfer" as Part] : (Object.entries(parts_of_event(event, send)) as [Part, number][]).sort((a, b) => b[1] - a[1])[0] ?? ["waiting" as Part];
    path.spent_s[part] += spent_s;
    if (part === "compute") {
      const {host} = timeline.ranks[event.rank];
      path.compute_s_by_host.set(host, (path.compute_s_by_host.get(host) ?? 0) + spent_s);
    }
    const next: TimelineEvent | undefined = waited ? send : before.get(latest ?? event);
    // A gap before it, which nothing in the timeline explains.
    const next_end_s = Math.min(begin_s, next?.end_s ?? 0);
    path.spent_s.waiting += begin_s - next_end_s;
    until_s = next_end_s;
    event = next;
  }
  return path;
}
