// Which plans cannot be bettered: one figure against another, and the front.

import {type Candidate, pareto_front} from "../layout/pareto";
import {stage_color} from "../layout/palette";
import {chart, marker, room} from "./chart";
import {el, svg} from "./dom";
import {hide_tooltip, show_tooltip} from "./tooltip";

export interface Quantity {
  name: string;
  text: (value: number) => string;
  more_is_better?: boolean | undefined;
}

export interface ParetoPoint {
  name: string;
  series: string; // its strategy
  counts: boolean; // false: it is drawn, but no rival (it does not fit in memory, or computes another function)
  note?: string;
  values: (number | undefined)[]; // by quantity; the first is along the horizontal
}

const HEIGHT = 320;

export function legend_of(series: string[]): HTMLElement {
  return el("ul", {class: "legend"}, ...series.map((name, index) => el("li", {},
    svg("svg", {class: "legend-marker", viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true", "data-saved": true, style: `--color: var(${stage_color(index)})`}, marker(index, 0, 0)), name)));
}

/// A choice of one of `names`, and what it is of.
export function choice(label: string, names: string[], act: (index: number) => void): HTMLElement {
  const select = el("select", {}, ...names.map((name, index) => el("option", {value: index}, name)));
  select.addEventListener("change", () => act(Number(select.value)));
  return el("label", {class: "choice"}, el("span", {}, label), select);
}

function picture(points: ParetoPoint[], series: string[], x: Quantity, y: Quantity, index: number): HTMLElement {
  const shown = points.filter(({values}) => Number.isFinite(values[0]) && Number.isFinite(values[index]));
  const at = ({values}: ParetoPoint): Candidate => ({x: values[0] as number, y: values[index] as number});
  const rivals = shown.filter(({counts}) => counts);
  const front = pareto_front(rivals.map(at), x.more_is_better ? -1 : 1, y.more_is_better ? -1 : 1).map((found) => rivals[found]);
  const on_front = new Set(front);
  const [x_from, x_to] = room(shown.map((point) => at(point).x));
  const [y_from, y_to] = room(shown.map((point) => at(point).y));
  const names = front.map((point) => `${point.name} (${x.text(at(point).x)}, ${y.text(at(point).y)})`);
  const drawn = chart(`${y.name} against ${x.name}: ${shown.length} plans. Not bettered by any other: ${names.slice(0, 12).join("; ")}`, HEIGHT,
    {label: x.name, from: x_from, to: x_to, text: x.text}, {label: y.name, from: y_from, to: y_to, text: y.text},
    (plot) => [
      svg("path", {class: "front", d: front.map((point, i) => `${i === 0 ? "M" : `H${plot.x(at(point).x)}V`}${i === 0 ? `${plot.x(at(point).x)} ${plot.y(at(point).y)}` : plot.y(at(point).y)}`).join("")}),
      ...[...shown].sort((a, b) => Number(on_front.has(a)) - Number(on_front.has(b))).map((point) => {
        const number = series.indexOf(point.series);
        const mark = svg("g", {class: on_front.has(point) ? "plan on-front" : point.counts ? "plan" : "plan no-rival", style: `--color: var(${stage_color(number)})`},
          marker(number, plot.x(at(point).x), plot.y(at(point).y)));
        mark.addEventListener("pointerenter", (event) => show_tooltip(event.clientX, event.clientY, el("strong", {}, point.name),
          el("div", {}, `${x.name} ${x.text(at(point).x)}`), el("div", {}, `${y.name} ${y.text(at(point).y)}`),
          el("div", {class: "note"}, on_front.has(point) ? "not bettered by any other" : point.note ?? "another is better in both")));
        mark.addEventListener("pointerleave", hide_tooltip);
        return mark;
      })]);
  return el("div", {}, drawn, el("p", {class: "note"}, `On the front: ${names.slice(0, 6).join("; ")}${names.length > 6 ? `; and ${names.length - 6} more` : ""}.`));
}

/// Undefined where there are not two plans and two quantities to compare.
export function pareto_part(points: ParetoPoint[], quantities: Quantity[]): HTMLElement | undefined {
  const usable = quantities.map((_, index) => index).filter((index) => points.filter(({values}) => Number.isFinite(values[index])).length > 1);
  if (usable[0] !== 0 || usable.length < 2) return undefined;
  const series = [...new Set(points.map((point) => point.series))];
  const holder = el("div", {});
  const [x] = quantities;
  const rest = usable.slice(1);
  const draw = (chosen: number) => holder.replaceChildren(picture(points, series, x, quantities[rest[chosen]], rest[chosen]));
  draw(0);
  return el("div", {class: "pareto"},
    el("div", {class: "tools"}, legend_of(series), choice(`${x.name} against`, rest.map((index) => quantities[index].name), draw)),
    holder);
}
