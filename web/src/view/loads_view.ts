// What the hosts do with a step's time.

import {bytes, seconds} from "../layout/format";
import {type HostLoad, loads_of_prediction, loads_of_timeline} from "../layout/loads";
import {type PlanView, SOURCES} from "../layout/strategies";
import {el, first_of, section, swatch} from "./dom";
import {type PictureRow, rows_png} from "./row_picture";
import {csv_saving, saved_by} from "./save";
import {theme_colors} from "./timeline_paint";

const MOST_HOSTS = 40;

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
  const busy_text = (load: HostLoad) => `${Math.round((100 * load.compute_s) / (total_s(load) || 1))}\u202f% busy`;
  const memory = new Map(view.predicted?.hosts?.map((entry) => [entry.host, entry.peak_memory_bytes]));
  const bar = (source: string, load: HostLoad) => {
    const text = PARTS.map(({key, name}) => `${name} ${seconds(load[key])}`).join(", ");
    return el("div", {class: "load", role: "img", "aria-label": `${load.host}, ${source}: ${text}`, title: text},
      el("span", {class: "source"}, source),
      el("span", {class: "track"}, ...PARTS.map(({key, color}) =>
        el("span", {style: `width: ${(100 * load[key]) / most_s}%; background: var(${color})`}))),
      el("span", {class: "value"}, busy_text(load)));
  };
  const host_rows = (host: string) => el("div", {class: "host"},
    el("h3", {}, host, memory.has(host) && el("span", {class: "note"}, `peak memory ${bytes(memory.get(host) as number)}`)),
    ...sources.flatMap(({source, loads}) => loads.filter((load) => load.host === host).map((load) => bar(source, load))));
  const list = el("div", {});
  const more = first_of(list, hosts, MOST_HOSTS, host_rows, "host");
  const picture_row = (source: string, load: HostLoad): PictureRow => ({
    name: `${load.host}, ${source}`,
    figure: busy_text(load),
    draw: (context, width, height) => {
      const color = theme_colors();
      let x = 0;
      for (const {key, color: property} of PARTS) {
        context.fillStyle = color(property);
        context.fillRect(x, 0, (load[key] / most_s) * width, height);
        x += (load[key] / most_s) * width;
      }
    },
  });
  const rows = () => hosts.flatMap((host) => sources.flatMap(({source, loads}) =>
    loads.filter((load) => load.host === host).map((load) => picture_row(source, load))));
  saved_by(list, () => [{name: "hosts", kind: "png", make: () => rows_png(rows(), PARTS)}, csv_saving("hosts", () => [["host", "source", ...PARTS.map(({key}) => key), "peak_memory_bytes"],
    ...sources.flatMap(({source, loads}) => loads.map((load) => [load.host, source, ...PARTS.map(({key}) => load[key]), memory.get(load.host)]))])]);
  return section("hosts", "Hosts", "Where each host's time goes in one step: transfer is waiting for tensors that are on the network, waiting is for other hosts to get ready.",
    el("ul", {class: "legend"}, ...PARTS.map(({name, color}) => el("li", {}, swatch(`var(${color})`), name))),
    list, more);
}
