// Which boxes of a lane of a timeline are drawn where. A lane is one rank's instructions; there may
// be hundreds of thousands, of which a screen shows thousands at most.

import type {Timeline, TimelineEvent} from "../documents";
import {type Viewport, time_to_x, x_to_time} from "./timeline_layout";

/// The instructions of one rank by start. A rank does one thing at a time, so that the ends ascend
/// too and both can be searched.
export interface Lane {
  events: TimelineEvent[];
  kinds: string[]; // that occur
  spent_s: Float64Array[]; // by kind: the time spent in the first i instructions, for i in [0, n]
}

export function lane_of(events: TimelineEvent[]): Lane {
  events.sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  const kinds = [...new Set(events.map(({kind}) => kind))];
  const spent_s = kinds.map((kind) => {
    const sums = new Float64Array(events.length + 1);
    for (let i = 0; i < events.length; ++i)
      sums[i + 1] = sums[i] + (events[i].kind === kind ? events[i].end_s - events[i].start_s : 0);
    return sums;
  });
  return {events, kinds, spent_s};
}

/// A lane for each rank; events of unknown ranks are left out, and those that `keep` does not take.
export function lanes_of(timeline: Timeline, keep: (event: TimelineEvent) => boolean = () => true): Lane[] {
  const events: TimelineEvent[][] = timeline.ranks.map(() => []);
  for (const event of timeline.events) if (keep(event)) events[event.rank]?.push(event);
  return events.map(lane_of);
}

/// The first index from `low` on for which `is_past` holds; it holds for all after the first.
function first_past(events: TimelineEvent[], low: number, is_past: (event: TimelineEvent) => boolean): number {
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is_past(events[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Box {
  event: TimelineEvent; // the first of those it stands for
  kind: string; // that most of its time is spent in
  x: number;
  width: number; // at least `LEAST_WIDTH`, so that sends, which take no time, are seen
  count: number; // of instructions that it stands for
}

const LEAST_WIDTH = 1;

/// The kind that most time is spent in from `begin` to `end`; the first one's when none takes time.
function longest_kind({events, kinds, spent_s}: Lane, begin: number, end: number): string {
  let longest = events[begin].kind;
  let most_s = 0;
  kinds.forEach((kind, index) => {
    const time_s = spent_s[index][end] - spent_s[index][begin];
    if (time_s > most_s) [longest, most_s] = [kind, time_s];
  });
  return longest;
}

/// The boxes of one lane in a view of `width` pixels. Instructions narrower than a pixel that begin
/// in the same one share a box, in the colour of what most of its time is spent in: the number of
/// boxes, and the time to find them, stay in proportion to the pixels, whatever the number of events.
export function visible_boxes(lane: Lane, view: Viewport, width: number): Box[] {
  const {events} = lane;
  const boxes: Box[] = [];
  let index = first_past(events, 0, ({end_s}) => end_s >= view.begin_s);
  while (index < events.length) {
    const event = events[index];
    if (event.start_s > view.end_s) break;
    const begin_x = Math.max(-1, time_to_x(event.start_s, view, width));
    const end_x = Math.min(width + 1, time_to_x(event.end_s, view, width));
    let end = index + 1;
    if (end_x - begin_x < LEAST_WIDTH) {
      const pixel_end_s = x_to_time(Math.floor(begin_x) + 1, view, width);
      if (events[end]?.start_s < pixel_end_s) {
        end = first_past(events, end, ({start_s}) => start_s >= pixel_end_s);
        // The last of them may go on beyond the pixel: it has a box of its own.
        const last = events[end - 1];
        if (end - 1 > index && time_to_x(last.end_s, view, width) - time_to_x(last.start_s, view, width) >= LEAST_WIDTH) --end;
      }
    }
    const count = end - index;
    boxes.push({event, kind: count > 1 ? longest_kind(lane, index, end) : event.kind, x: begin_x, width: Math.max(LEAST_WIDTH, end_x - begin_x), count});
    index = end;
  }
  return boxes;
}

/// The event of `lane` under the pointer: the nearest within `reach` pixels, the longest-lasting
/// ones giving way to those that take no time, which could not be hit otherwise.
export function event_at({events}: Lane, x: number, view: Viewport, width: number, reach = 3): TimelineEvent | undefined {
  const reach_s = (reach / width) * (view.end_s - view.begin_s);
  const time_s = x_to_time(x, view, width);
  const begin = first_past(events, 0, ({end_s}) => end_s >= time_s - reach_s);
  let found: TimelineEvent | undefined;
  for (let index = begin; index < events.length && index < begin + 1000; ++index) {
    const event = events[index];
    if (event.start_s > time_s + reach_s) break;
    const inside = event.start_s <= time_s && time_s <= event.end_s;
    const brief = event.end_s - event.start_s < reach_s;
    if (!inside && !brief) continue;
    if (!found || event.end_s - event.start_s < found.end_s - found.start_s) found = event;
  }
  return found;
}
