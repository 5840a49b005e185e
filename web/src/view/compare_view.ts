// Reports side by side.

import {line} from "d3-shape";
import type {Report} from "../documents";
import {compared_rows} from "../layout/compare";
import {type HostPart, type PairedRow, difference, paired_hosts, paired_kinds, paired_timelines} from "../layout/compare_timelines";
import {count, kind_label, percent, seconds, significant} from "../layout/format";
import {stage_color} from "../layout/palette";
import {loss_range, smoothed, smoothing_weight, thinned} from "../layout/training";
import {draw_to_width, el, first_of, section, svg, swatch} from "./dom";
import {choice} from "./pareto_view";

const HEIGHT = 220;
const MARGIN = {top: 8, right: 8, bottom: 22, left: 44};
const MOST_POINTS = 800;

function loss_chart(names: string[], reports: Report[]): HTMLElement | undefined {
  const curves = reports.map(({run}, index) => ({steps: run?.steps ?? [], index})).filter(({steps}) => steps.length > 1);
  if (curves.length < 2) return undefined;
  const last = Math.max(...curves.map(({steps}) => steps[steps.length - 1].step));
  const [least, most] = loss_range(curves.flatMap(({steps}) => steps));
  const holder = el("div", {class: "chart"});
  draw_to_width(holder, (width) => {
    const x_of = (step: number) => MARGIN.left + (step / Math.max(1, last)) * (width - MARGIN.left - MARGIN.right);
    const y_of = (loss: number) => MARGIN.top + (1 - (Math.min(most, loss) - least) / (most - least)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    holder.replaceChildren(svg("svg", {width, height: HEIGHT, role: "img", "aria-label": `smoothed loss by step of ${names.join(", ")}`},
      ...[least, (least + most) / 2, most].map((loss) => svg("g", {class: "tick"},
        svg("line", {x1: MARGIN.left, x2: width - MARGIN.right, y1: y_of(loss), y2: y_of(loss)}),
        svg("text", {x: MARGIN.left - 8, y: y_of(loss) + 4, "text-anchor": "end"}, significant(loss, 2)))),
      svg("text", {x: width - MARGIN.right, y: HEIGHT - 4, "text-anchor": "end"}, `step ${count(last)}`),
      ...curves.map(({steps, index}) => {
        const averages = smoothed(steps.map(({loss}) => loss), smoothing_weight(steps.length));
        const points = thinned(steps.map(({step}, i): [number, number] => [step, averages[i]]), MOST_POINTS).filter(([, loss]) => Number.isFinite(loss));
        return svg("path", {class: "compared", style: `stroke: var(${stage_color(index)})`, d: line<[number, number]>(([step]) => x_of(step), ([, loss]) => y_of(loss))(points) ?? ""});
      })));
  });
  return el("div", {},
    el("h3", {class: "point"}, "Loss by step, smoothed"),
    el("ul", {class: "legend"}, ...curves.map(({index}) => el("li", {}, swatch(`var(${stage_color(index)})`), names[index]))),
    holder);
}

export function compare_section(names: string[], reports: Report[]): HTMLElement {
  const rows = compared_rows(reports);
  return section("compare", "Side by side", `${count(reports.length)} reports; the best of a row is marked.`,
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Reports side by side"},
      el("table", {class: "plain compared-table"},
        el("thead", {}, el("tr", {}, el("td", {}), ...names.map((name) => el("th", {scope: "col", class: "number"}, name)))),
        el("tbody", {}, ...rows.map(({name, values, best}) =>
          el("tr", {}, el("th", {scope: "row"}, name),
            ...values.map((value, index) => el("td", {class: index === best ? "number best-value" : "number"}, value, index === best && el("span", {class: "hidden-text"}, " (best)")))))))),
    ...paired_part(names, reports),
    loss_chart(names, reports));
}

const PARTS: {key: HostPart; name: string}[] = [
  {key: "compute_s", name: "compute"}, {key: "transfer_s", name: "transfer"}, {key: "reduction_s", name: "reduction"}, {key: "waiting_s", name: "waiting"}];
const MOST_ROWS = 24;

/// Seconds by report, and how they differ from the first one's.
function paired_table(label: string, names: string[], rows: PairedRow[]): HTMLElement {
  const body = el("tbody", {});
  const row = ({name, values}: PairedRow) => el("tr", {}, el("th", {scope: "row"}, kind_label(name)),
    ...values.map((value, index) => {
      const change = difference(values, index);
      return el("td", {class: "number", "data-csv": value ?? ""}, value === undefined ? "–" : seconds(value),
        change !== undefined && el("span", {class: "note"}, ` ${change < 0 ? "−" : "+"}${percent(Math.abs(change))}`));
    }));
  return el("div", {},
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": label},
      el("table", {class: "plain", "aria-label": label},
        el("thead", {}, el("tr", {}, el("td", {}), ...names.map((name) => el("th", {scope: "col", class: "number"}, name)))), body)),
    first_of(body, rows, MOST_ROWS, row, "row"));
}

/// The steps host by host and kind by kind; nothing where fewer than two reports have a timeline.
function paired_part(names: string[], reports: Report[]): HTMLElement[] {
  const timelines = paired_timelines(reports);
  if (!timelines) return [];
  const told = timelines.map((timeline, index) => `${names[index]} ${timeline?.source ?? "has none"}`).join(", ");
  const holder = el("div", {});
  const draw = (chosen: number) => holder.replaceChildren(paired_table(`${PARTS[chosen].name} by host`, names, paired_hosts(timelines, PARTS[chosen].key)));
  draw(0);
  return [el("div", {},
    el("h3", {class: "point"}, "By host", el("span", {class: "note"}, `seconds of a step, and how they differ from ${names[0]}; ${told}`)),
    choice("of its step", PARTS.map(({name}) => name), draw), holder,
    el("h3", {class: "point"}, "By instruction", el("span", {class: "note"}, "seconds of a step, all hosts together")),
    paired_table("seconds by instruction", names, paired_kinds(timelines)))];
}
