// Paints timelines on canvases; what is painted where is layout/'s.

import {ticks} from "d3-array";
import type {TimelineEvent} from "../documents";
import {time_unit} from "../layout/format";
import {type Lane, visible_boxes} from "../layout/lanes";
import {kind_color, stage_color} from "../layout/palette";
import {ROW, type Row} from "../layout/timeline_rows";
import {type Viewport, time_to_x} from "../layout/timeline_layout";

export const AXIS = 22; // pixels of height
const BOX = 14;
const RECEIVES = new Set(["receive_activation", "receive_gradient"]);
export const SENDS = new Set(["send_activation", "send_gradient", "start_reduction"]); // entered and left at once
const LIGHT_TEXT = new Set(["forward", "optimizer_step", "reduce_gradients"]);
const FAINT = 0.22; // of what a search did not find

export type Colors = (variable: string) => string;

/// The colours of the page's current theme, by CSS variable.
export function theme_colors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (variable) => {
    const color = known.get(variable) ?? style.getPropertyValue(variable).trim();
    known.set(variable, color);
    return color;
  };
}

/// A context of a canvas that is `width` × `height` CSS pixels, cleared, at the screen's resolution.
export function context_of(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = window.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.globalAlpha = 1;
  context.clearRect(0, 0, width, height);
  context.font = `10.5px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

export function axis_ticks(view: Viewport, width: number): number[] {
  return ticks(view.begin_s, view.end_s, Math.max(2, Math.floor(width / 90)));
}

export function paint_axis(canvas: HTMLCanvasElement, view: Viewport, width: number): void {
  const color = theme_colors();
  const context = context_of(canvas, width, AXIS);
  const unit = time_unit(view.end_s);
  context.fillStyle = color("--muted");
  const marks = axis_ticks(view, width);
  const step = marks.length > 1 ? (marks[1] - marks[0]) / unit.size : 1;
  const decimals = Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9)));
  for (const time_s of marks) {
    const x = time_to_x(time_s, view, width);
    const text = `${(time_s / unit.size).toFixed(decimals)} ${unit.name}`;
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(width - 2 * half, Math.max(0, x - half)), AXIS / 2);
  }
}

interface Strip {
  x: number;
  end_x: number;
}

/// The boxes of one lane; says how many. They are painted kind by kind, as a canvas is slow to change
/// its colour, and those that touch each other at once.
export function paint_lane(context: CanvasRenderingContext2D, color: Colors, lane: Lane, top: number, view: Viewport, width: number, several_parts: boolean): number {
  const boxes = visible_boxes(lane, view, width).filter(({count, event}) => count > 1 || event.peer !== event.rank); // else between two stages of the rank: no network
  const strips = new Map<string, Strip[]>();
  for (const {kind, x: exact_x, width: wide} of boxes) {
    // Narrow ones are on whole pixels, which need no blending.
    const x = wide < 2 ? Math.floor(exact_x) : exact_x;
    const end_x = wide < 2 ? x + 1 : x + wide - (wide > 4 ? 0.75 : 0);
    const same = strips.get(kind);
    const last = same?.[same.length - 1];
    if (!same) strips.set(kind, [{x, end_x}]);
    else if (last && wide < 2 && x - last.end_x <= 0 && !SENDS.has(kind)) last.end_x = Math.max(last.end_x, end_x);
    else same.push({x, end_x});
  }
  for (const [kind, same] of [...strips].sort(([a], [b]) => Number(SENDS.has(a)) - Number(SENDS.has(b)))) {
    context.fillStyle = color(kind_color(kind));
    if (RECEIVES.has(kind)) for (const {x, end_x} of same) context.fillRect(x, top + BOX / 2 - 1.5, end_x - x, 3); // waiting is not work: a thin line
    else if (SENDS.has(kind)) for (const {x} of same) context.fillRect(x - 0.5, top - 1, 2, BOX + 2);
    else for (const {x, end_x} of same) context.fillRect(x, top, end_x - x, BOX);
  }
  for (const {event: {kind, stage = -1, micro_batch = -1}, x, width: wide} of boxes) {
    if (wide <= 4 || RECEIVES.has(kind)) continue;
    if (several_parts) {
      context.fillStyle = color(stage_color(stage));
      context.fillRect(x, top + BOX - 2, wide - 0.75, 2);
    }
    if (wide < 11 || micro_batch < 0) continue;
    const text = String(micro_batch);
    const text_width = context.measureText(text).width;
    if (wide <= text_width + 5) continue;
    context.fillStyle = color(LIGHT_TEXT.has(kind) ? "--on-dark" : "--on-light");
    context.fillText(text, x + (wide - 0.75 - text_width) / 2, top + BOX / 2 + 0.5);
  }
  return boxes.length;
}

export interface Marks {
  found: Map<Row, Lane> | undefined; // what a search found; the rest is faint
  critical: Map<Row, Lane> | undefined;
  selected: Map<Row, TimelineEvent>;
  pointer_s: number | undefined;
}

/// The rows that are seen from `scroll_top` on; says how many boxes were drawn.
export function paint_rows(canvas: HTMLCanvasElement, rows: Row[], scroll_top: number, view: Viewport, width: number, height: number, marks: Marks): number {
  const color = theme_colors();
  const context = context_of(canvas, width, height);
  context.fillStyle = color("--grid");
  for (const time_s of axis_ticks(view, width)) context.fillRect(Math.round(time_to_x(time_s, view, width)), 0, 1, height);
  let drawn = 0;
  for (const row of rows) {
    const {timeline, lane, rank} = row;
    const top = row.top - scroll_top + (ROW - BOX) / 2;
    const several_parts = timeline.ranks[rank].parts.length > 1;
    context.fillStyle = color("--lane");
    context.fillRect(0, top, width, BOX);
    if (marks.found) context.globalAlpha = FAINT;
    drawn += paint_lane(context, color, lane, top, view, width, several_parts);
    context.globalAlpha = 1;
    const found = marks.found?.get(row);
    if (found) drawn += paint_lane(context, color, found, top, view, width, several_parts);
    const critical = marks.critical?.get(row);
    context.fillStyle = color("--text");
    for (const {x, width: wide} of critical ? visible_boxes(critical, view, width) : []) context.fillRect(x, top + BOX, Math.max(1, wide), 2);
    const selected = marks.selected.get(row);
    if (selected) {
      const x = time_to_x(selected.start_s, view, width);
      context.strokeStyle = color("--text");
      context.lineWidth = 2;
      context.strokeRect(x - 1, top - 1, Math.max(3, time_to_x(selected.end_s, view, width) - x + 2), BOX + 2);
    }
    const end_x = Math.round(time_to_x(timeline.step_s, view, width)) - 1;
    context.fillStyle = color("--text");
    for (let y = 0; y < ROW; y += 6) context.fillRect(end_x, top - 1 + y, 1, 3);
  }
  if (marks.pointer_s !== undefined) {
    context.fillStyle = color("--accent");
    context.fillRect(Math.round(time_to_x(marks.pointer_s, view, width)), 0, 1, height);
  }
  return drawn;
}

/// A stepped curve for each of `curves`, whose values are in [0, 1] over [0, axis_end_s].
export function paint_curves(canvas: HTMLCanvasElement, curves: {values: number[]; color: string}[], axis_end_s: number, view: Viewport, width: number, height: number): void {
  const color = theme_colors();
  const context = context_of(canvas, width, height);
  context.fillStyle = color("--lane");
  context.fillRect(0, 0, width, height);
  for (const {values, color: name} of curves) {
    context.strokeStyle = color(name);
    context.lineWidth = 1.6;
    context.beginPath();
    values.forEach((value, index) => {
      const y = 1 + (1 - value) * (height - 2);
      const from_x = time_to_x((index / values.length) * axis_end_s, view, width);
      const to_x = time_to_x(((index + 1) / values.length) * axis_end_s, view, width);
      if (to_x < -10 || from_x > width + 10) return;
      context.lineTo(from_x, y);
      context.lineTo(to_x, y);
    });
    context.stroke();
  }
}
