// How a figure goes with what a study varied: a curve for each strategy, bands of the steps' spread,
// and where one strategy begins to beat another.

import {area, line} from "d3-shape";
import type {StudyResult} from "../study_documents";
import {type Metric, metrics_of, quantity_text} from "../layout/metrics";
import {stage_color} from "../layout/palette";
import {type CurvePoint, type Sweep, sweeps_of} from "../layout/sweeps";
import {chart, marker, room} from "./chart";
import {el, section, svg} from "./dom";
import {choice, legend_of} from "./pareto_view";
import {csv_saving, saved_by} from "./save";
import {hide_tooltip, show_tooltip} from "./tooltip";

const HEIGHT = 300;
const DASHES = ["", "7 3", "2 3", "9 3 2 3"]; // after the palette's end, lines differ by these

function sweep_picture({name, label: of, quantity, curves, crossings, is_logarithmic}: Sweep, metric: Metric, strategies: string[]): HTMLElement {
  const points = curves.flatMap((curve) => curve.points);
  const xs = points.map(({x}) => x);
  const ys = points.flatMap(({y, low = y, high = y}) => [low, y, high]);
  const is_wide = Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 15;
  const [y_from, y_to] = room(ys, is_wide);
  const x_text = (value: number) => quantity_text(quantity, value);
  const told = curves.map(({strategy, points: found}) => `${strategy} from ${metric.text(found[0].y)} to ${metric.text(found[found.length - 1].y)}`);
  const label = `${metric.name} by ${of}${name && `, ${name}`}: ${told.join("; ")}` +
    crossings.map(({x, better_below, better_above}) => `; ${better_below} is better below ${x_text(x)}, ${better_above} above`).join("");
  const drawn = chart(label, HEIGHT,
    {label: of, scale: /_bytes_per_s$/.test(quantity) ? 8 : 1, from: Math.min(...xs), to: Math.max(...xs), is_logarithmic, text: x_text},
    {label: metric.name, from: y_from, to: y_to, is_logarithmic: is_wide, text: metric.text},
    (plot) => [
      ...crossings.map(({x, better_below, better_above}, index) => svg("g", {class: "crossing"},
        svg("title", {}, `${better_below} is better below ${x_text(x)}, ${better_above} above`),
        svg("line", {x1: plot.x(x), x2: plot.x(x), y1: plot.top, y2: plot.bottom}),
        svg("text", {x: plot.x(x) + 5, y: plot.top + 12 + 15 * (index % 3)}, x_text(x)))),
      ...curves.flatMap(({strategy, points: found}) => {
        const number = strategies.indexOf(strategy);
        const band = found.filter(({low}) => low !== undefined);
        const dash = DASHES[Math.floor(number / 7) % DASHES.length];
        return [
          band.length > 1 && svg("path", {class: "band", style: `--color: var(${stage_color(number)})`,
            d: area<CurvePoint>(({x}) => plot.x(x), ({low = 0}) => plot.y(low), ({high = 0}) => plot.y(high))(band) ?? ""}),
          svg("path", {class: "sweep", style: `--color: var(${stage_color(number)})`, "stroke-dasharray": dash || undefined,
            d: line<CurvePoint>(({x}) => plot.x(x), ({y}) => plot.y(y))(found) ?? ""}),
          ...found.map((point) => {
            const mark = svg("g", {class: "plan on-front", style: `--color: var(${stage_color(number)})`}, marker(number, plot.x(point.x), plot.y(point.y)));
            mark.addEventListener("pointerenter", (event) => show_tooltip(event.clientX, event.clientY, el("strong", {}, strategy), el("div", {}, `${metric.text(point.y)} at ${x_text(point.x)}`),
              point.low !== undefined && point.high !== undefined && el("div", {class: "note"}, `90\u202f% of the steps from ${metric.text(point.low)} to ${metric.text(point.high)}`)));
            mark.addEventListener("pointerleave", hide_tooltip);
            return mark;
          })].filter((part) => part !== false);
      })]);
  return el("div", {}, name && el("h3", {class: "point"}, name), saved_by_rows(drawn, label, curves, quantity, metric));
}

/// The chart is saved as it is drawn; beside it, its numbers.
function saved_by_rows(drawn: HTMLElement, label: string, curves: Sweep["curves"], quantity: string, metric: Metric): HTMLElement {
  const table = saved_by(el("span", {hidden: true}), () => [csv_saving(label.split(":")[0], () => [["strategy", quantity.split("/").pop(), metric.key, "p5", "p95"],
    ...curves.flatMap(({strategy, points}) => points.map(({x, y, low, high}) => [strategy, x, y, low, high]))])]);
  return el("div", {}, drawn, table);
}

/// Undefined where the study varied no number over three values.
export function sweeps_section(study: StudyResult): HTMLElement | undefined {
  const metrics = metrics_of(study.rows);
  const strategies = [...new Set(study.rows.map(({strategy}) => strategy))];
  if (metrics.length === 0 || sweeps_of(study, metrics[0].key).length === 0) return undefined;
  const holder = el("div", {});
  const draw = (chosen: number) => holder.replaceChildren(...sweeps_of(study, metrics[chosen].key).map((sweep) => sweep_picture(sweep, metrics[chosen], strategies)));
  draw(0);
  const has_bands = study.rows.some(({figures}) => figures?.step_p5_s !== undefined && figures.step_p95_s !== undefined && figures.step_p95_s > figures.step_p5_s * 1.001);
  return section("sweeps", "Sweeps", "What each strategy reaches as the study's numbers change; a dotted line is where the better of two changes." +
    (has_bands ? " Bands hold 90\u202f% of the steps." : ""),
    el("div", {class: "tools"}, legend_of(strategies), choice("Shown", metrics.map(({name}) => name), draw)),
    holder);
}
