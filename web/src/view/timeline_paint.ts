// Paints timelines on canvases; what is painted where is layout/'s.

import {ticks} from "d3-array";
import type {TimelineEvent} from "../documents";
import {time_unit} from "../layout/format";
import {type Box, type Lane, for_boxes} from "../layout/lanes";
import {BOX_GAP, type KindLook, LanePixels, type Pixel, fill, mixed, pixel_of} from "../layout/pixels";
import {kind_color, stage_color} from "../layout/palette";
import {ROW, type Row} from "../layout/timeline_rows";
import {type Viewport, time_to_x} from "../layout/timeline_layout";

export const AXIS = 22; // pixels of height
const BOX = 14;
const DIGIT = 6.1; // pixels of width of a number's digits, about: they are centred by it
const RECEIVES = new Set(["receive_activation", "receive_gradient"]);
export const SENDS = new Set(["send_activation", "send_gradient", "start_reduction"]); // entered and left at once
const LIGHT_TEXT = new Set(["forward", "optimizer_step", "reduce_gradients"]);
const FAINT = 0.22; // of what a search did not find

export type Colors = (variable: string) => string;

let theme: {is_dark: boolean; is_print: boolean; colors: Map<string, string>; font: string} | undefined;

/// What is known of the page's current theme: asking the page in every frame would have it worked
/// out anew each time.
function current_theme(): NonNullable<typeof theme> {
  const is_dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const is_print = window.matchMedia("print").matches || document.documentElement.classList.contains("printing");
  if (theme?.is_dark !== is_dark || theme.is_print !== is_print)
    theme = {is_dark, is_print, colors: new Map(), font: getComputedStyle(document.body).fontFamily};
  return theme;
}

/// The colours of the page's current theme, by CSS variable.
export function theme_colors(): Colors {
  const {colors} = current_theme();
  return (variable) => {
    let color = colors.get(variable);
    if (color === undefined) colors.set(variable, (color = getComputedStyle(document.documentElement).getPropertyValue(variable).trim()));
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
  context.font = `10.5px ${current_theme().font}`;
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

/// What lanes are painted with, of the page's current theme.
interface Palette {
  lane: Pixel;
  grid: Pixel;
  text: Pixel;
  look: (kind: string) => KindLook;
  faint: (kind: string) => KindLook; // of what a search did not find
}

function palette_of(color: Colors): Palette {
  const lane = pixel_of(color("--lane"));
  const look = (kind: string): KindLook => ({color: pixel_of(color(kind_color(kind))), shape: SENDS.has(kind) ? "tall" : RECEIVES.has(kind) ? "thin" : "box"});
  return {lane, look, grid: pixel_of(color("--grid")), text: pixel_of(color("--text")),
    faint: (kind) => ({...look(kind), color: mixed(lane, look(kind).color, FAINT)})};
}

/// The numbers of micro-batches, in boxes that are wide enough.
function paint_numbers(context: CanvasRenderingContext2D, color: Colors, boxes: Box[], top: number, scale: number): void {
  for (const {event: {kind, micro_batch = -1}, x, width} of boxes) {
    const wide = width / scale;
    if (wide < 11 || micro_batch < 0) continue;
    const text = String(micro_batch);
    const text_width = DIGIT * text.length;
    if (wide <= text_width + 5) continue;
    context.fillStyle = color(LIGHT_TEXT.has(kind) ? "--on-dark" : "--on-light");
    context.fillText(text, x / scale + (wide - BOX_GAP - text_width) / 2, top + BOX / 2 + 0.5);
  }
}

export interface Marks {
  found: Map<Row, Lane> | undefined; // what a search found; the rest is faint
  critical: Map<Row, Lane> | undefined;
  selected: Map<Row, TimelineEvent>;
  pointer_s: number | undefined;
}

let canvas_image: ImageData | undefined; // of the last painting: a new one in every frame is dear

/// The rows that are seen from `scroll_top` on; says how many boxes were drawn.
export function paint_rows(canvas: HTMLCanvasElement, rows: Row[], scroll_top: number, view: Viewport, width: number, height: number, marks: Marks): number {
  const color = theme_colors();
  const context = context_of(canvas, width, height);
  const palette = palette_of(color);
  const columns = canvas.width;
  const lines = canvas.height;
  const scale = columns / width;
  const image = canvas_image?.width === columns && canvas_image.height === lines ? canvas_image : context.createImageData(columns, lines);
  canvas_image = image;
  const pixels = new Uint32Array(image.data.buffer);
  const around = new Uint32Array(columns);
  for (const time_s of axis_ticks(view, width)) {
    const x = Math.round(time_to_x(time_s, view, columns));
    around.fill(palette.grid, x, x + Math.max(1, Math.round(scale)));
  }
  const put = (line: Uint32Array, from: number, to: number) => {
    for (let y = Math.max(0, Math.round(from * scale)); y < Math.min(lines, Math.round(to * scale)); ++y) pixels.set(line, y * columns);
  };
  put(around, 0, height);
  const numbered: {boxes: Box[]; top: number}[] = [];
  let drawn = 0;
  for (const row of rows) {
    const {timeline, lane, rank} = row;
    const top = top_of(row, scroll_top);
    const painted = new LanePixels(around, palette.lane);
    const found = marks.found?.get(row);
    const boxes: Box[] = [];
    drawn += painted.paint(lane, view, marks.found ? palette.faint : palette.look, scale, boxes);
    if (marks.found) boxes.length = 0; // faint ones have no numbers
    if (found) drawn += painted.paint(found, view, palette.look, scale, boxes);
    numbered.push({boxes, top});
    put(painted.tall, top - 1, top + BOX + 1);
    put(painted.box, top, top + BOX);
    put(painted.thin, top + BOX / 2 - 1.5, top + BOX / 2 + 1.5);
    if (timeline.ranks[rank].parts.length > 1) {
      for (const {event: {stage = -1}, x, width: wide} of boxes) fill(painted.box, x, x + wide - BOX_GAP * scale, pixel_of(color(stage_color(stage))));
      put(painted.box, top + BOX - 2, top + BOX);
    }
    const critical = marks.critical?.get(row);
    if (critical) {
      const below = around.slice();
      for_boxes(critical, view, columns, (_, __, ___, x, wide) => fill(below, x, x + wide, palette.text));
      put(below, top + BOX, top + BOX + 2);
    }
  }
  context.putImageData(image, 0, 0);
  for (const {boxes, top} of numbered) paint_numbers(context, color, boxes, top, scale);
  for (const row of rows) paint_marks(context, color, row, top_of(row, scroll_top), view, width, marks);
  if (marks.pointer_s !== undefined) {
    context.fillStyle = color("--accent");
    context.fillRect(Math.round(time_to_x(marks.pointer_s, view, width)), 0, 1, height);
  }
  return drawn;
}

/// Where a row's boxes begin on the canvas.
function top_of(row: Row, scroll_top: number): number {
  return Math.round(row.top - scroll_top + (ROW - BOX) / 2);
}

/// What is selected in a row, and the end of its step.
function paint_marks(context: CanvasRenderingContext2D, color: Colors, row: Row, top: number, view: Viewport, width: number, marks: Marks): void {
  const selected = marks.selected.get(row);
  if (selected) {
    const x = time_to_x(selected.start_s, view, width);
    context.strokeStyle = color("--text");
    context.lineWidth = 2;
    context.strokeRect(x - 1, top - 1, Math.max(3, time_to_x(selected.end_s, view, width) - x + 2), BOX + 2);
  }
  const end_x = Math.round(time_to_x(row.timeline.step_s, view, width)) - 1;
  if (end_x > width) return;
  context.fillStyle = color("--text");
  for (let y = 0; y < ROW; y += 6) context.fillRect(end_x, top - 1 + y, 1, 3);
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
