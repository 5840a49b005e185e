// The loss by step.

import {ticks} from "d3-array";
import {line} from "d3-shape";
import type {Run, Validation, ValidationPoint} from "../documents";
import {count, fixed, percent, plural, seconds, significant} from "../layout/format";
import {stage_color} from "../layout/palette";
import {loss_range, nearest_step, smoothed, smoothing_weight, thinned} from "../layout/training";
import {chart, marker, room} from "./chart";
import {draw_to_width, el, section, svg} from "./dom";
import {legend_of} from "./pareto_view";
import {csv_saving, saved_by} from "./save";
import {hide_tooltip, show_tooltip} from "./tooltip";

const HEIGHT = 240;
const MARGIN = {top: 10, right: 12, bottom: 34, left: 44};
const MOST_POINTS = 1500;

export function training_section(run: Run): HTMLElement {
  const {steps} = run;
  const averages = smoothed(steps.map(({loss}) => loss), smoothing_weight(steps.length));
  const [least, most] = loss_range(steps);
  const first = steps[0].step;
  const last = steps[steps.length - 1].step;
  const holder = el("div", {class: "chart"});

  draw_to_width(holder, (width) => {
    const inner = width - MARGIN.left - MARGIN.right;
    const x_of = (step: number) => MARGIN.left + (last > first ? (step - first) / (last - first) : 0.5) * inner;
    const y_of = (loss: number) =>
      MARGIN.top + (1 - (Math.min(most, loss) - least) / (most - least)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const bottom = HEIGHT - MARGIN.bottom;
    const finite = steps.map((step, index) => ({...step, average: averages[index]})).filter(({loss}) => Number.isFinite(loss));
    const curve = line<(typeof finite)[number]>(({step}) => x_of(step), ({average}) => y_of(average));
    const cursor = svg("line", {class: "cursor", y1: MARGIN.top, y2: bottom, visibility: "hidden"});
    const chart = svg("svg",
      {width, height: HEIGHT, role: "img",
       "aria-label": `loss by step, from ${significant(steps[0].loss)} to ${significant(averages[averages.length - 1])}`},
      ...ticks(least, most, 5).map((loss) =>
        svg("g", {class: "tick"},
          svg("line", {x1: MARGIN.left, x2: width - MARGIN.right, y1: y_of(loss), y2: y_of(loss)}),
          svg("text", {x: MARGIN.left - 8, y: y_of(loss) + 4, "text-anchor": "end"}, String(loss)))),
      ...ticks(first, last, Math.max(2, Math.floor(width / 110))).filter(Number.isInteger).map((step) =>
        svg("text", {class: "tick", x: x_of(step), y: bottom + 16, "text-anchor": "middle"}, count(step))),
      svg("text", {class: "tick", x: width - MARGIN.right, y: HEIGHT - 3, "text-anchor": "end"}, "step"),
      ...thinned(finite, MOST_POINTS).map(({step, loss}) => svg("circle", {class: "point", cx: x_of(step), cy: y_of(loss), r: 1.8})),
      svg("path", {class: "curve", d: curve(thinned(finite, MOST_POINTS)) ?? ""}),
      cursor,
    );
    chart.addEventListener("pointermove", (event) => {
      const x = event.clientX - chart.getBoundingClientRect().left;
      const index = nearest_step(steps, first + ((x - MARGIN.left) / inner) * (last - first));
      const step = steps[index];
      cursor.setAttribute("x1", String(x_of(step.step)));
      cursor.setAttribute("x2", String(x_of(step.step)));
      cursor.setAttribute("visibility", "visible");
      show_tooltip(event.clientX, event.clientY,
        el("strong", {}, `step ${count(step.step)}`),
        el("div", {}, `loss ${significant(step.loss)}, smoothed ${significant(averages[index])}`),
        el("div", {class: "note"}, `learning rate ${significant(step.learning_rate, 2)}, after ${seconds(step.end_s)}`));
    });
    chart.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      hide_tooltip();
    });
    holder.replaceChildren(chart);
  });
  const {training, measured} = run;
  return section("training", "Training",
    `Mean cross-entropy over the global batch of ${plural(run.batch_size, "sample")}, by step; the line is smoothed.` +
      (training ? ` ${plural(steps.length, "step")} in ${plural(training.epochs, "epoch")}` : ` ${plural(steps.length, "step")}`) +
      (measured ? `, ${seconds(measured.wall_s)} in all.` : "."),
    saved_by(el("span", {hidden: true}), () => [csv_saving("training", () => [["step", "loss", "learning_rate", "end_s"], ...steps.map((step) => [step.step, step.loss, step.learning_rate, step.end_s])])]),
    holder,
    run.validation && validation_part(run.validation, last));
}

const MEASURES = [
  {key: "overall_accuracy", name: "overall accuracy"},
  {key: "average_accuracy", name: "average accuracy"},
  {key: "kappa", name: "kappa"},
] as const;

/// How accurate the network was on samples that it did not learn from, as it trained.
function validation_part({curve, num_samples, best_num_steps}: Validation, last_step: number): HTMLElement {
  const best = curve.find(({num_steps}) => num_steps === best_num_steps);
  const told = best ? ` The weights after ${plural(best.num_steps, "step")} were kept: overall accuracy ${percent(best.overall_accuracy)}, kappa ${fixed(best.kappa, 3)}.` : "";
  const [from, to] = room(curve.flatMap((point) => MEASURES.map(({key}) => point[key])));
  const drawn = chart(`Accuracy on ${plural(num_samples, "validation sample")} by step.${told}`, HEIGHT,
    {label: "steps", from: 0, to: Math.max(last_step, curve[curve.length - 1].num_steps), text: count},
    {label: "on validation samples", from, to: Math.min(1, to), text: fixed},
    (plot) => [
      ...(best ? [svg("line", {class: "best-steps", x1: plot.x(best.num_steps), x2: plot.x(best.num_steps), y1: plot.top, y2: plot.bottom})] : []),
      ...MEASURES.flatMap(({key, name}, index) => [
        svg("path", {class: "sweep", style: `--color: var(${stage_color(index)})`, d: line<ValidationPoint>((point) => plot.x(point.num_steps), (point) => plot.y(point[key]))(curve.filter((point) => Number.isFinite(point[key]))) ?? ""}),
        ...thinned(curve, 80).filter((point) => Number.isFinite(point[key])).map((point) => {
          const mark = svg("g", {class: "plan on-front", style: `--color: var(${stage_color(index)})`}, marker(index, plot.x(point.num_steps), plot.y(point[key])));
          mark.addEventListener("pointerenter", (event) => show_tooltip(event.clientX, event.clientY, el("strong", {}, `after ${plural(point.num_steps, "step")}`), el("div", {}, `${name} ${fixed(point[key], 3)}`), el("div", {class: "note"}, `loss ${significant(point.loss)}`)));
          mark.addEventListener("pointerleave", hide_tooltip);
          return mark;
        })])]);
  const table = saved_by(el("span", {hidden: true}), () => [csv_saving("accuracy by step", () => [["num_steps", "loss", ...MEASURES.map(({key}) => key)], ...curve.map((point) => [point.num_steps, point.loss, ...MEASURES.map(({key}) => point[key])])])]);
  return el("div", {}, el("h3", {class: "point"}, "Accuracy as it trained", el("span", {class: "note"}, `on ${plural(num_samples, "validation sample")}.${told}`)),
    legend_of(MEASURES.map(({name}) => name)), drawn, table);
}
