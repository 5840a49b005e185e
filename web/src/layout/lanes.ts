// Which boxes of a lane of a timeline are drawn where. A lane is one rank's instructions; there may
// be hundreds of thousands, of which a screen shows thousands at most.

import type {Timeline, TimelineEvent} from "../documents";
import {type Viewport, x_to_time} from "./timeline_layout";

/// The instructions of one rank by start. A rank does one thing at a time, so that the ends ascend
/// too and both can be searched. What is asked for in every frame lies in arrays of numbers.
export interface Lane {
  events: TimelineEvent[];
  start_s: Float64Array;
  end_s: Float64Array;
  kinds: string[]; // that occur
  kind: Uint8Array; // index into `kinds`, of which there are fewer than 256
  is_local: Uint8Array; // 1: between two stages of the rank, with no network
  spent_s: Float64Array[]; // by kind: the time spent in the first i instructions, for i in [0, n]
}

export function lane_of(events: TimelineEvent[]): Lane {
  events.sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  const kinds = [...new Set(events.map(({kind}) => kind))];
  const index_of = new Map(kinds.map((kind, index) => [kind, index]));
  const lane = {events, kinds, start_s: new Float64Array(events.length), end_s: new Float64Array(events.length),
    kind: new Uint8Array(events.length), is_local: new Uint8Array(events.length), spent_s: kinds.map(() => new Float64Array(events.length + 1))};
  const sums = kinds.map(() => 0);
  events.forEach(({kind, rank, peer, start_s, end_s}, i) => {
    const index = index_of.get(kind) as number;
    lane.kind[i] = index;
    lane.is_local[i] = Number(peer === rank);
    lane.start_s[i] = start_s;
    lane.end_s[i] = end_s;
    sums[index] += end_s - start_s;
    for (let k = 0; k < sums.length; ++k) lane.spent_s[k][i + 1] = sums[k];
  });
  return lane;
}

/// A lane for each rank; events of unknown ranks are left out, and those that `keep` does not take.
export function lanes_of(timeline: Timeline, keep: (event: TimelineEvent) => boolean = () => true): Lane[] {
  const events: TimelineEvent[][] = timeline.ranks.map(() => []);
  for (const event of timeline.events) if (keep(event)) events[event.rank]?.push(event);
  return events.map(lane_of);
}

/// The first index from `low` on whose time is at least `time_s`; `times` ascend. Quick where it is
/// near to `low`, as it is for whoever goes along.
function first_from(times: Float64Array, low: number, time_s: number): number {
  let high = low;
  for (let stride = 1; high < times.length && times[high] < time_s; stride *= 2) {
    low = high + 1;
    high += stride;
  }
  high = Math.min(high, times.length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] >= time_s) high = middle;
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
function longest_kind({kind, spent_s}: Lane, begin: number, end: number): number {
  let longest = kind[begin];
  let most_s = 0;
  for (let index = 0; index < spent_s.length; ++index) {
    const time_s = spent_s[index][end] - spent_s[index][begin];
    if (time_s > most_s) [longest, most_s] = [index, time_s];
  }
  return longest;
}

/// Called for each box: of the instructions from `begin` to `end`, in the colour of `kinds[kind]`.
export type BoxVisitor = (begin: number, end: number, kind: number, x: number, width: number) => void;

/// The boxes of one lane in a view of `width` pixels. Instructions narrower than a pixel that begin
/// in the same one share a box, in the colour of what most of its time is spent in: the number of
/// boxes, and the time to find them, stay in proportion to the pixels, whatever the number of events.
export function for_boxes(lane: Lane, view: Viewport, width: number, visit: BoxVisitor): void {
  const {start_s, end_s, kind} = lane;
  const length = start_s.length;
  const pixels_per_s = width / (view.end_s - view.begin_s);
  let index = first_from(end_s, 0, view.begin_s);
  while (index < length && start_s[index] <= view.end_s) {
    const begin_x = Math.max(-1, (start_s[index] - view.begin_s) * pixels_per_s);
    const end_x = Math.min(width + 1, (end_s[index] - view.begin_s) * pixels_per_s);
    let end = index + 1;
    if (end_x - begin_x < LEAST_WIDTH) {
      const pixel_end_s = x_to_time(Math.floor(begin_x) + 1, view, width);
      if (end < length && start_s[end] < pixel_end_s) {
        end = first_from(start_s, end, pixel_end_s);
        // The last of them may go on beyond the pixel: it has a box of its own.
        if (end - 1 > index && (end_s[end - 1] - start_s[end - 1]) * pixels_per_s >= LEAST_WIDTH) --end;
      }
    }
    visit(index, end, end - index > 1 ? longest_kind(lane, index, end) : kind[index], begin_x, Math.max(LEAST_WIDTH, end_x - begin_x));
    index = end;
  }
}

/// All of them at once.
export function visible_boxes(lane: Lane, view: Viewport, width: number): Box[] {
  const boxes: Box[] = [];
  for_boxes(lane, view, width, (begin, end, kind, x, wide) =>
    boxes.push({event: lane.events[begin], kind: lane.kinds[kind], x, width: wide, count: end - begin}));
  return boxes;
}

/// The event of `lane` under the pointer: the nearest within `reach` pixels, the longest-lasting
/// ones giving way to those that take no time, which could not be hit otherwise.
export function event_at({events, end_s}: Lane, x: number, view: Viewport, width: number, reach = 3): TimelineEvent | undefined {
  const reach_s = (reach / width) * (view.end_s - view.begin_s);
  const time_s = x_to_time(x, view, width);
  const begin = first_from(end_s, 0, time_s - reach_s);
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
