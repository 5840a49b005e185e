// One instruction in several timelines of the same program: where it is in each, and why its ends
// differ.

import type {Timeline, TimelineEvent} from "../documents";
import {type Part, parts_of_event, sends_of_receives} from "./loads";

export const PARTS: Part[] = ["compute", "transfer", "reduction", "waiting"];

export interface Occurrence {
  timeline: Timeline;
  event: TimelineEvent;
  spent_s: {[part in Part]: number}; // by its rank, from the step's begin to the instruction's end
}

/// What an instruction is known by in every timeline of its program.
function key_of({ranks}: Timeline, {rank, kind, stage = -1, micro_batch = -1, layer = -1, peer = -1}: TimelineEvent): string {
  return [ranks[rank]?.host, kind, stage < 0 ? ranks[rank]?.parts[0]?.stage : stage, micro_batch, layer, ranks[peer]?.host].join(" ");
}

const earlier = (a: TimelineEvent, b: TimelineEvent) => a.start_s - b.start_s || a.end_s - b.end_s;

/// Of instructions that cannot be told apart otherwise, the n-th is the n-th everywhere.
function same_as(timeline: Timeline, event: TimelineEvent): TimelineEvent[] {
  const key = key_of(timeline, event);
  return timeline.events.filter((other) => other.rank === event.rank && key_of(timeline, other) === key).sort(earlier);
}

function spent_until(timeline: Timeline, event: TimelineEvent): {[part in Part]: number} {
  const sends = sends_of_receives(timeline);
  const spent = {compute: 0, transfer: 0, reduction: 0, waiting: 0};
  timeline.events.forEach((other, index) => {
    if (other.rank !== event.rank || other.end_s > event.end_s) return;
    const parts = parts_of_event(other, timeline.events[sends[index]]);
    for (const part of PARTS) spent[part] += parts[part] ?? 0;
  });
  // What is left are gaps between instructions: the rank had nothing to do, so it waited.
  spent.waiting = Math.max(0, event.end_s - spent.compute - spent.transfer - spent.reduction);
  return spent;
}

/// `event` of `timeline` in each of `timelines` that has it.
export function occurrences(timelines: Timeline[], timeline: Timeline, event: TimelineEvent): Occurrence[] {
  const key = key_of(timeline, event);
  const index = same_as(timeline, event).indexOf(event);
  return timelines.flatMap((other) => {
    const example = other === timeline ? event : other.events.find((entry) => key_of(other, entry) === key);
    const found = example && same_as(other, example)[index];
    return found ? [{timeline: other, event: found, spent_s: spent_until(other, found)}] : [];
  });
}
