// What the hosts do with a step's time, and the traffic between them.

import type {Host} from "../documents";
import {byte_unit, bytes, in_unit, seconds} from "../layout/format";
import {type HostLoad, loads_of_prediction, loads_of_timeline, traffic_of_timeline} from "../layout/loads";
import {type PlanView, SOURCES} from "../layout/strategies";
import {el, section, swatch} from "./dom";

const PARTS = [
  {key: "compute_s", name: "compute", color: "--part-compute"},
  {key: "transfer_s", name: "transfer", color: "--part-transfer"},
  {key: "reduction_s", name: "reduction", color: "--part-reduction"},
  {key: "waiting_s", name: "waiting", color: "--part-waiting"},
] as const;

/// The loads of each source that is known, in the order of `SOURCES`.
function loads_by_source(view: PlanView): {source: string; loads: HostLoad[]}[] {
  return SOURCES.flatMap((source) => {
    const timeline = view.timelines.find((entry) => entry.source === source);
    if (timeline) return [{source, loads: loads_of_timeline(timeline)}];
    if (source === "predicted" && view.predicted?.hosts?.length)
      return [{source, loads: loads_of_prediction(view.predicted)}];
    return [];
  });
}

export function has_loads(view: PlanView): boolean {
  return view.timelines.some(({source}) => SOURCES.includes(source)) || (view.predicted?.hosts?.length ?? 0) > 0;
}

export function hosts_section(view: PlanView): HTMLElement {
  const sources = loads_by_source(view);
  const hosts = [...new Set(sources.flatMap(({loads}) => loads.map(({host}) => host)))];
  const total_s = (load: HostLoad) => PARTS.reduce((sum, {key}) => sum + load[key], 0);
  const most_s = Math.max(...sources.flatMap(({loads}) => loads.map(total_s)), 1e-12);
  const memory = new Map(view.predicted?.hosts?.map((entry) => [entry.host, entry.peak_memory_bytes]));
  const bar = (source: string, load: HostLoad) => {
    const text = PARTS.map(({key, name}) => `${name} ${seconds(load[key])}`).join(", ");
    return el("div", {class: "load", role: "img", "aria-label": `${load.host}, ${source}: ${text}`, title: text},
      el("span", {class: "source"}, source),
      el("span", {class: "track"}, ...PARTS.map(({key, color}) =>
        el("span", {style: `width: ${(100 * load[key]) / most_s}%; background: var(${color})`}))),
      el("span", {class: "value"}, `${Math.round((100 * load.compute_s) / (total_s(load) || 1))}\u202f% busy`));
  };
  return section("hosts", "Hosts", "Where each host's time goes in one step: transfer is waiting for tensors that are on the network, waiting is for other hosts to get ready.",
    el("ul", {class: "legend"}, ...PARTS.map(({name, color}) => el("li", {}, swatch(`var(${color})`), name))),
    ...hosts.map((host) =>
      el("div", {class: "host"},
        el("h3", {}, host, memory.has(host) && el("span", {class: "note"}, `peak memory ${bytes(memory.get(host) as number)}`)),
        ...sources.flatMap(({source, loads}) =>
          loads.filter((load) => load.host === host).map((load) => bar(source, load))))));
}

export function traffic_section(view: PlanView, counted_bytes: number | undefined, cluster_hosts: Host[]): HTMLElement {
  const timeline = view.timelines[view.timelines.length - 1];
  const traffic = traffic_of_timeline(timeline);
  const order = new Map(cluster_hosts.map(({name}, index) => [name, index]));
  const indices = traffic.hosts.map((_, index) => index)
    .sort((a, b) => (order.get(traffic.hosts[a]) ?? a) - (order.get(traffic.hosts[b]) ?? b));
  const unit = byte_unit(traffic.most_bytes || 1);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const cell = (from: number, to: number) => {
    const moved = traffic.bytes[from][to];
    const part = traffic.most_bytes > 0 ? moved / traffic.most_bytes : 0;
    return el("td", {class: from === to ? "number diagonal" : "number", style: `--part: ${part}`,
      title: `${traffic.hosts[from]} to ${traffic.hosts[to]}: ${bytes(Math.round(moved))}`},
      from === to || moved === 0 ? "" : in_unit(moved, unit));
  };
  return section("traffic", "Traffic between hosts",
    `${unit.name} in one step, from the ${timeline.source} timeline; reductions as a ring.` +
      (counted_bytes === undefined ? "" : ` The ranks counted ${bytes(counted_bytes)} in all.`),
    el("div", {class: "scroll"}, el("table", {class: "matrix traffic-matrix"},
      el("thead", {},
        el("tr", {}, el("th", {class: "corner"}, "from \\ to"),
          ...indices.map((to) => el("th", {scope: "col"}, traffic.hosts[to])), el("th", {scope: "col", class: "sum"}, "sent"))),
      el("tbody", {}, ...indices.map((from) =>
        el("tr", {}, el("th", {scope: "row"}, traffic.hosts[from]),
          ...indices.map((to) => cell(from, to)),
          el("td", {class: "number sum"}, in_unit(sum(traffic.bytes[from]), unit))))),
      el("tfoot", {}, el("tr", {}, el("th", {scope: "row"}, "received"),
        ...indices.map((to) => el("td", {class: "number sum"}, in_unit(sum(traffic.bytes.map((row) => row[to])), unit))),
        el("td", {class: "number sum"}, in_unit(traffic.total_bytes, unit)))))));
}
