// The time axis of the timelines, which can be zoomed and moved.

import type {Timeline} from "../documents";

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
