// The network: who sends how much to whom, how busy its links are over the step, and whether it is
// what the step waits for.

import type {Cluster, SimulationFigures, Timeline} from "../documents";
import {critical_path} from "../layout/critical_path";
import {byte_unit, bytes, count, in_unit, percent, plural, rounded} from "../layout/format";
import {type Traffic, traffic_of_timeline} from "../layout/loads";
import {type LinkView, bottleneck_sentences, flows_of, links_of, rate_text, traffic_of_figures} from "../layout/network";
import type {PlanView} from "../layout/strategies";
import {el, first_of, section, svg} from "./dom";
import {type PictureRow, rows_png} from "./row_picture";
import {csv_saving, png_of, saved_by} from "./save";
import {context_of, theme_colors} from "./timeline_paint";
import {hide_tooltip, show_tooltip} from "./tooltip";

const MOST_HOSTS = 24; // of a table; more are a picture
const MOST_LINKS = 12;
const MOST_FLOWS = 20;
const USE = {width: 300, height: 26};

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

function matrix_table({hosts, bytes: moved, most_bytes, total_bytes}: Traffic, order: number[]): HTMLElement {
  const unit = byte_unit(most_bytes || 1);
  const cell = (from: number, to: number) => el("td", {
    class: from === to ? "number diagonal" : "number", style: `--part: ${most_bytes > 0 ? moved[from][to] / most_bytes : 0}`, "data-csv": Math.round(moved[from][to]),
    title: `${hosts[from]} to ${hosts[to]}: ${bytes(Math.round(moved[from][to]))}`},
    from === to || moved[from][to] === 0 ? "" : in_unit(moved[from][to], unit));
  const total = (value: number) => el("td", {class: "number sum", "data-csv": Math.round(value)}, in_unit(value, unit));
  return el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": `Traffic between hosts, ${unit.name}`},
    el("table", {class: "matrix traffic-matrix", "aria-label": "traffic between hosts, bytes"},
      el("thead", {}, el("tr", {}, el("th", {class: "corner"}, "from \\ to"),
        ...order.map((to) => el("th", {scope: "col"}, hosts[to])), el("th", {scope: "col", class: "sum"}, "sent"))),
      el("tbody", {}, ...order.map((from) => el("tr", {}, el("th", {scope: "row"}, hosts[from]),
        ...order.map((to) => cell(from, to)), total(sum(moved[from]))))),
      el("tfoot", {}, el("tr", {}, el("th", {scope: "row"}, "received"),
        ...order.map((to) => total(sum(moved.map((row) => row[to])))), total(total_bytes)))));
}

/// Of hundreds of hosts: a point for each pair, and the largest of them in words.
function matrix_picture(traffic: Traffic, order: number[]): HTMLElement {
  const {hosts, bytes: moved, most_bytes} = traffic;
  const side = Math.max(1, Math.floor(560 / hosts.length)) * hosts.length;
  const canvas = el("canvas", {role: "img", class: "traffic-picture", style: `width: ${side}px; height: ${side}px`,
    "aria-label": `Traffic between ${plural(hosts.length, "host")}, from left to top; the largest flows are in the table beside it`});
  const paint = (context: CanvasRenderingContext2D) => {
    const color = theme_colors();
    const size = side / hosts.length;
    context.fillStyle = color("--lane");
    context.fillRect(0, 0, side, side);
    context.fillStyle = color("--kind-forward");
    order.forEach((from, row) => order.forEach((to, column) => {
      if (moved[from][to] === 0) return;
      context.globalAlpha = 0.25 + 0.75 * (moved[from][to] / most_bytes);
      context.fillRect(column * size, row * size, size, size);
    }));
    context.globalAlpha = 1;
  };
  const draw = () => paint(context_of(canvas, side, side));
  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.addEventListener("beforeprint", draw);
  window.addEventListener("afterprint", draw);
  canvas.addEventListener("pointermove", (event) => {
    const {left, top, width} = canvas.getBoundingClientRect();
    const [from, to] = [order[Math.floor(((event.clientY - top) / width) * hosts.length)], order[Math.floor(((event.clientX - left) / width) * hosts.length)]];
    if (from !== undefined && to !== undefined) show_tooltip(event.clientX, event.clientY, el("strong", {}, `${hosts[from]} to ${hosts[to]}`), el("div", {}, bytes(Math.round(moved[from][to]))));
  });
  canvas.addEventListener("pointerleave", hide_tooltip);
  const flows = flows_of(traffic);
  saved_by(canvas, () => [
    {name: "traffic between hosts", kind: "png", make: () => png_of(side, side, paint)},
    csv_saving("traffic between hosts", () => [["from", "to", "bytes"], ...flows.map(({from, to, bytes: sent}) => [from, to, Math.round(sent)])])]);
  return el("div", {class: "columns"},
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Traffic between hosts"}, canvas),
    el("table", {class: "plain", "aria-label": "the largest flows"},
      el("thead", {}, el("tr", {}, ...["from", "to", "a step"].map((name) => el("th", {scope: "col"}, name)))),
      el("tbody", {}, ...flows.slice(0, MOST_FLOWS).map(({from, to, bytes: sent}) =>
        el("tr", {}, el("td", {}, from), el("td", {}, to), el("td", {class: "number", "data-csv": Math.round(sent)}, bytes(Math.round(sent))))))));
}

/// How much of a link is in use, over the step: a stepped area.
function use_picture({name, utilisation, mean, most}: LinkView): SVGSVGElement {
  const {width, height} = USE;
  const x_of = (part: number) => ((part * width) / Math.max(1, utilisation.length)).toFixed(2);
  const y_of = (value: number) => (height - Math.min(1, value) * height).toFixed(2);
  const steps = utilisation.map((value, part) => `L${x_of(part)} ${y_of(value)}L${x_of(part + 1)} ${y_of(value)}`).join("");
  return svg("svg", {class: "use", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `use of ${name} over the step: ${percent(mean, 0)} in the mean, ${percent(most, 0)} at most`},
    svg("rect", {class: "back", width, height}), svg("path", {d: `M0 ${height}${steps}L${width} ${height}Z`}));
}

/// The same in a picture.
function use_row({name, utilisation, mean}: LinkView): PictureRow {
  return {name, figure: percent(mean, 0), draw: (context, width, height) => {
    context.fillStyle = theme_colors()("--part-transfer"); // as .use path
    const part = width / Math.max(1, utilisation.length);
    utilisation.forEach((value, index) => context.fillRect(index * part, height * (1 - Math.min(1, value)), part + 0.25, height * Math.min(1, value)));
  }};
}

function links_table(links: LinkView[]): HTMLElement {
  const row = (link: LinkView) => el("tr", {},
    el("th", {scope: "row"}, link.name),
    el("td", {class: "use-cell"}, use_picture(link)),
    el("td", {class: "number"}, percent(link.mean, 0)),
    el("td", {class: "number"}, percent(link.full, 0)),
    el("td", {class: "number"}, bytes(Math.round(link.bytes))),
    el("td", {class: "number"}, rate_text(link.bandwidth_bytes_per_s)));
  const body = el("tbody", {});
  const table = el("table", {class: "plain links", "aria-label": "links"},
    el("thead", {}, el("tr", {}, ...["link", "use over the step, 0 to 100\u202f%", "in the mean", "at capacity", "a step", "bandwidth"].map((name, index) =>
      el("th", {scope: "col", class: index > 1 ? "number" : undefined}, name)))), body);
  saved_by(table, () => [
    {name: "use of links over the step", kind: "png", make: () => rows_png(links.map(use_row))},
    csv_saving("links", () => [["link", "utilisation", "mean", "at_capacity", "bytes_per_step", "bandwidth_bytes_per_s"],
      ...links.map((link) => [link.name, link.utilisation.join(" "), link.mean, link.full, Math.round(link.bytes), link.bandwidth_bytes_per_s])])]);
  return el("div", {}, el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Use of links over the step"}, table),
    first_of(body, links, MOST_LINKS, row, "link"));
}

/// Undefined where nothing is known of what goes between hosts.
export function network_section(view: PlanView, figures: SimulationFigures | undefined, counted_bytes: number | undefined, cluster: Cluster | undefined): HTMLElement | undefined {
  const timeline = view.timelines[view.timelines.length - 1] as Timeline | undefined;
  if (!timeline || new Set(timeline.ranks.map(({host}) => host)).size < 2) return undefined;
  const simulated = view.timelines.find(({source}) => source === "simulated");
  const by_figures = timeline === simulated && (figures?.traffic?.length ?? 0) > 0;
  const traffic = by_figures ? traffic_of_figures(figures as SimulationFigures, [...new Set(timeline.ranks.map(({host}) => host))]) : traffic_of_timeline(timeline);
  const rank = new Map((cluster?.hosts ?? []).map(({name}, index) => [name, index]));
  const order = traffic.hosts.map((_, index) => index).sort((a, b) => (rank.get(traffic.hosts[a]) ?? a) - (rank.get(traffic.hosts[b]) ?? b));
  const links = links_of(figures);
  const zones = cluster?.network?.zones ?? [];
  const of_links = simulated && figures ? traffic_of_figures(figures, traffic.hosts) : traffic;
  const why = el("ul", {class: "answers"});
  // Of a hundred thousand instructions the path takes a moment: after what can be drawn at once.
  const explain = () => why.replaceChildren(...bottleneck_sentences(links, simulated ?? timeline, of_links, critical_path(simulated ?? timeline), zones).map((text) => el("li", {}, text)));
  if (timeline.events.length < 5000) explain();
  else setTimeout(explain, 100);
  return section("network", "Network",
    `Bytes of one step, from the ${timeline.source} timeline${by_figures ? "" : "; reductions as a ring"}: ${rounded(bytes(Math.round(traffic.total_bytes)))} in all.` +
      (counted_bytes === undefined ? "" : ` The ranks counted ${bytes(counted_bytes)}.`),
    why,
    el("h3", {class: "point"}, "Traffic between hosts", el("span", {class: "note"}, traffic.hosts.length > MOST_HOSTS ? `${count(traffic.hosts.length)} hosts; the darker, the more` : byte_unit(traffic.most_bytes || 1).name)),
    traffic.hosts.length > MOST_HOSTS ? matrix_picture(traffic, order) : matrix_table(traffic, order),
    links.length > 0 && el("h3", {class: "point"}, "Links", el("span", {class: "note"}, "simulated; the most used first")),
    links.length > 0 ? links_table(links) : el("p", {class: "note point"}, "How busy each link is, a simulation tells of the plan that it is given (cadastre simulate)."));
}
