// Which boxes of a timeline are drawn where, on a time axis that can be zoomed.

import type {Timeline, TimelineEvent} from "../documents";

/// The part of the time axis that is seen.
export interface Viewport {
  begin_s: number;
  end_s: number;
}

/// The axis of all timelines of a report: from 0 to the latest end.
export function common_axis(timelines: Timeline[]): Viewport {
  let end_s = 0;
  for (const {step_s, events} of timelines) {
    end_s = Math.max(end_s, step_s);
    for (const event of events) end_s = Math.max(end_s, event.end_s);
  }
  return {begin_s: 0, end_s: end_s > 0 ? end_s : 1};
}

/// The narrowest view, as a part of the whole axis: far below any instruction, far above what
/// doubles can tell apart.
const LEAST_VIEW = 1e-6;

/// Moves a view inside of the axis without changing its length, unless it is too long or short.
export function clamped(view: Viewport, axis: Viewport): Viewport {
  const axis_s = axis.end_s - axis.begin_s;
  const length_s = Math.min(axis_s, Math.max(axis_s * LEAST_VIEW, view.end_s - view.begin_s));
  const begin_s = Math.min(axis.end_s - length_s, Math.max(axis.begin_s, view.begin_s));
  return {begin_s, end_s: begin_s + length_s};
}

/// Makes the view `factor` times as long, with the time at `anchor_s` staying where it is.
export function zoomed(view: Viewport, axis: Viewport, factor: number, anchor_s: number): Viewport {
  const axis_s = axis.end_s - axis.begin_s;
  const length_s = view.end_s - view.begin_s;
  const new_length_s = Math.min(axis_s, Math.max(axis_s * LEAST_VIEW, length_s * factor));
  const anchor = (anchor_s - view.begin_s) / length_s;
  const begin_s = anchor_s - anchor * new_length_s;
  return clamped({begin_s, end_s: begin_s + new_length_s}, axis);
}

/// Moves the view by a part of its own length, to later times when positive.
export function panned(view: Viewport, axis: Viewport, part: number): Viewport {
  const shift_s = part * (view.end_s - view.begin_s);
  return clamped({begin_s: view.begin_s + shift_s, end_s: view.end_s + shift_s}, axis);
}

export function time_to_x(time_s: number, view: Viewport, width: number): number {
  return ((time_s - view.begin_s) / (view.end_s - view.begin_s)) * width;
}

export function x_to_time(x: number, view: Viewport, width: number): number {
  return view.begin_s + (x / width) * (view.end_s - view.begin_s);
}

/// The events of each rank by start. A rank does one thing at a time, so that the ends ascend too
/// and both can be searched.
export function lanes_of(timeline: Timeline): TimelineEvent[][] {
  const lanes: TimelineEvent[][] = timeline.ranks.map(() => []);
  for (const event of timeline.events) lanes[event.rank]?.push(event);
  for (const lane of lanes) lane.sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
  return lanes;
}

/// The first index of `lane` whose event ends at or after `time_s`.
function first_ending_after(lane: TimelineEvent[], time_s: number): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane[middle].end_s < time_s) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Box {
  event: TimelineEvent;
  x: number;
  width: number; // at least `LEAST_WIDTH`, so that sends, which take no time, are seen
}

const LEAST_WIDTH = 1;

/// The boxes of one lane in a view of `width` pixels. Of boxes narrower than a pixel that would
/// fall on the same pixel, only the first of each kind is kept: the number of boxes stays in
/// proportion to the pixels, whatever the number of events.
export function visible_boxes(lane: TimelineEvent[], view: Viewport, width: number): Box[] {
  const boxes: Box[] = [];
  const taken = new Map<string, number>(); // kind → the last pixel that got a narrow box
  for (let index = first_ending_after(lane, view.begin_s); index < lane.length; ++index) {
    const event = lane[index];
    if (event.start_s > view.end_s) break;
    const begin_x = Math.max(-1, time_to_x(event.start_s, view, width));
    const end_x = Math.min(width + 1, time_to_x(event.end_s, view, width));
    if (end_x - begin_x < LEAST_WIDTH) {
      const pixel = Math.floor(begin_x);
      if (taken.get(event.kind) === pixel) continue;
      taken.set(event.kind, pixel);
    }
    boxes.push({event, x: begin_x, width: Math.max(LEAST_WIDTH, end_x - begin_x)});
  }
  return boxes;
}

/// The event of `lane` under the pointer: the nearest within `reach` pixels, the longest-lasting
/// ones giving way to those that take no time, which could not be hit otherwise.
export function event_at(
  lane: TimelineEvent[],
  x: number,
  view: Viewport,
  width: number,
  reach = 3,
): TimelineEvent | undefined {
  const reach_s = (reach / width) * (view.end_s - view.begin_s);
  const time_s = x_to_time(x, view, width);
  let found: TimelineEvent | undefined;
  for (let index = first_ending_after(lane, time_s - reach_s); index < lane.length; ++index) {
    const event = lane[index];
    if (event.start_s > time_s + reach_s) break;
    const inside = event.start_s <= time_s && time_s <= event.end_s;
    const brief = event.end_s - event.start_s < reach_s;
    if (!inside && !brief) continue;
    if (!found || event.end_s - event.start_s < found.end_s - found.start_s) found = event;
  }
  return found;
}
