// The loss by step.

import {ticks} from "d3-array";
import {line} from "d3-shape";
import type {Run} from "../documents";
import {count, plural, seconds, significant} from "../layout/format";
import {loss_range, nearest_step, smoothed, smoothing_weight, thinned} from "../layout/training";
import {draw_to_width, el, section, svg} from "./dom";
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
    holder);
}
