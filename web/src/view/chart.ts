// Charts with two axes of numbers, as SVG.

import {ticks} from "d3-array";
import {rounded} from "../layout/format";
import {draw_to_width, el, svg} from "./dom";

export interface Axis {
  label: string;
  from: number;
  to: number;
  is_logarithmic?: boolean;
  scale?: number; // round numbers are those of the value times this: 8 for bytes that are told in bits
  text: (value: number) => string;
}

export interface Plot {
  x: (value: number) => number; // pixels
  y: (value: number) => number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const MARGIN = {top: 26, right: 16, bottom: 40, left: 74};

/// Where along an axis a value is, in [0, 1].
function position({from, to, is_logarithmic}: Axis): (value: number) => number {
  if (to <= from) return () => 0.5;
  if (is_logarithmic && from > 0) return (value) => Math.log(value / from) / Math.log(to / from);
  return (value) => (value - from) / (to - from);
}

/// Marks of an axis: round numbers, by equal factors on a logarithmic one of a decade or more.
export function axis_marks({scale = 1, ...axis}: Axis, number: number): number[] {
  return round_marks({...axis, from: axis.from * scale, to: axis.to * scale}, number).map((mark) => mark / scale);
}

function round_marks({from, to, is_logarithmic}: Axis, number: number): number[] {
  if (to <= from) return [from];
  const decades = from > 0 ? Math.log10(to / from) : 0;
  if (!is_logarithmic || decades < 1) return ticks(from, to, number);
  const factors = decades * 3 <= number ? [1, 2, 5] : decades * 2 <= number ? [1, 3] : [1];
  const marks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); ++power)
    for (const factor of factors) {
      const mark = Number(`${factor}e${power}`);
      if (mark >= from * 0.999 && mark <= to * 1.001) marks.push(mark);
    }
  const stride = Math.max(1, Math.ceil(marks.length / Math.max(2, number)));
  return marks.filter((_, index) => index % stride === 0);
}

/// A chart that is drawn anew when its width changes. `paint` gives what is drawn into the plot.
export function chart(label: string, height: number, x_axis: Axis, y_axis: Axis, paint: (plot: Plot) => SVGElement[]): HTMLElement {
  const holder = el("div", {class: "chart"});
  const [x_of, y_of] = [position(x_axis), position(y_axis)];
  draw_to_width(holder, (width) => {
    const plot: Plot = {left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom,
      x: (value) => MARGIN.left + x_of(value) * (width - MARGIN.left - MARGIN.right),
      y: (value) => height - MARGIN.bottom - y_of(value) * (height - MARGIN.top - MARGIN.bottom)};
    holder.replaceChildren(svg("svg", {width, height, role: "img", "aria-label": label},
      ...axis_marks(y_axis, 5).map((mark) => svg("g", {class: "tick"},
        svg("line", {x1: plot.left, x2: plot.right, y1: plot.y(mark), y2: plot.y(mark)}),
        svg("text", {x: plot.left - 8, y: plot.y(mark) + 4, "text-anchor": "end"}, mark === 0 ? "0" : rounded(y_axis.text(mark))))),
      ...axis_marks(x_axis, Math.max(2, Math.floor(width / 110))).map((mark) => svg("g", {class: "tick"},
        svg("line", {x1: plot.x(mark), x2: plot.x(mark), y1: plot.bottom, y2: plot.bottom + 4}),
        svg("text", {x: Math.min(plot.x(mark), plot.right), y: plot.bottom + 18, "text-anchor": plot.x(mark) > plot.right - 22 ? "end" : "middle"}, mark === 0 ? "0" : rounded(x_axis.text(mark))))),
      svg("text", {class: "axis-name", x: 0, y: 12}, y_axis.label),
      svg("text", {class: "axis-name", x: plot.right, y: height - 4, "text-anchor": "end"}, x_axis.label),
      ...paint(plot)));
  });
  return holder;
}

/// A range that holds all values, with some room at both ends; from 0 where that is near.
export function room(values: number[], is_logarithmic = false): [number, number] {
  const finite = values.filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  if (finite.length === 0) return [0, 1];
  if (is_logarithmic && least > 0) return [least / 1.15, most * 1.15];
  const margin = (most - least || Math.abs(most) || 1) * 0.08;
  return [least >= 0 && least < 0.6 * most ? 0 : least - margin, most + margin];
}

const SHAPES = [
  "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z", "M-4-4H4V4H-4Z", "M0-5L5 4H-5Z", "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
  "M0 5L5-4H-5Z", "M-1.5-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z", "M-5-2H5V2H-5Z"];

/// The mark of the n-th series: each has a shape beside its colour.
export function marker(series: number, x: number, y: number): SVGElement {
  const shape = series + Math.floor(series / SHAPES.length); // there are as many colours: no two series look alike
  return svg("path", {class: "marker", d: SHAPES[shape % SHAPES.length], transform: `translate(${x.toFixed(1)},${y.toFixed(1)})`});
}
