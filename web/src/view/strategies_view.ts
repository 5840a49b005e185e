// The table of strategies.

import type {Report} from "../documents";
import {type Unit, byte_unit, bytes, count, in_unit, percent, plural, rounded, schedule_label, seconds, significant, time_unit} from "../layout/format";
import {type PlanView, SOURCES, best_view, comparable_source, hosts_of} from "../layout/strategies";
import {type Child, el, section} from "./dom";
import {type ParetoPoint, type Quantity, pareto_part} from "./pareto_view";
import {csv_saving, saved_by} from "./save";

const MOST_HOSTS = 12; // of a cluster, in words

type StepKey = "predicted_step_s";

function step_s(view: PlanView, source: string): number | undefined {
  return view[`${source}_step_s` as StepKey];
}

function step_bars(view: PlanView, sources: string[], most_s: number, unit: Unit): HTMLElement {
  const bars = sources
    .filter((source) => step_s(view, source) !== undefined)
    .map((source) => {
      const value_s = step_s(view, source) as number;
      return el(
        "div",
        {class: `bar ${source}`, title: `${source}: ${seconds(value_s)}`},
        el("span", {class: "bar-name"}, source),
        el("span", {class: "track"}, el("span", {class: "fill", style: `width: ${(100 * value_s) / most_s}%`})),
        el("span", {class: "value"}, in_unit(value_s, unit)),
      );
    });
  return el("div", {class: "bars"}, ...bars);
}

function search_note(report: Report): string {
  const search = report.plan?.search;
  if (!search) return "";
  const aim = search.objective === "step-time" ? "" : ` for ${search.objective}`;
  const quality = search.proven_optimal
    ? `no plan of the search space is better${aim} by the cost model`
    : `at most ${percent(search.optimality_gap)} from the best that can be${aim} by the cost model`;
  return ` The search evaluated ${plural(search.num_evaluated, "plan")} in ${seconds(search.search_s)}: ${quality}.`;
}

export function strategies_section(
  report: Report,
  views: PlanView[],
  selected: PlanView,
  select: (view: PlanView) => void,
): HTMLElement {
  const sources = SOURCES.filter((source) => views.some((view) => step_s(view, source) !== undefined));
  const most = (value: (view: PlanView) => number | undefined) =>
    views.reduce((greatest, view) => Math.max(greatest, value(view) ?? 0), 0);
  const most_s = Math.max(...sources.map((source) => most((view) => step_s(view, source)))) || 1;
  const step_unit = time_unit(most_s);
  const traffic_unit = byte_unit(most(({traffic_bytes}) => traffic_bytes));
  const memory_unit = byte_unit(most(({peak_memory_bytes}) => peak_memory_bytes));
  const best = best_view(views);

  const cell = (label: string, number: boolean, ...content: Child[]) =>
    el("td", {"data-label": label, class: number ? "number" : undefined}, ...content);
  const row = (view: PlanView) => {
    const hosts = hosts_of(view);
    const radio = el("input", {type: "radio", name: "plan", checked: view === selected});
    radio.addEventListener("change", () => select(view));
    const marks = [
      view === best && views.length > 1 && el("span", {class: "mark best"}, "best"),
      view.ran && el("span", {class: "mark"}, "ran"),
      !view.fits_memory && el("span", {class: "mark bad"}, "exceeds memory"),
    ];
    const tr = el(
      "tr",
      {class: view === best ? "best" : undefined},
      el("th", {scope: "row"}, el("label", {}, radio, el("span", {}, view.strategy)), ...marks),
      cell("schedule", false, schedule_label(view.schedule)),
      cell("micro-batches", true, view.micro_batches > 0 ? count(view.micro_batches) : "–"),
      cell("hosts", false, el("span", {class: "hosts", title: hosts.slice(0, 40).join(", ")}, hosts.length > 4 ? plural(hosts.length, "host") : hosts.join(", "))),
      el("td", {class: "steps"}, step_bars(view, sources, most_s, step_unit)),
      cell(`traffic, ${traffic_unit.name}`, true, view.traffic_bytes === undefined ? "–" : in_unit(view.traffic_bytes, traffic_unit)),
      cell(`peak memory, ${memory_unit.name}`, true, view.peak_memory_bytes === undefined ? "–" : in_unit(view.peak_memory_bytes, memory_unit)),
    );
    tr.addEventListener("click", () => radio.checked || (radio.checked = true, select(view)));
    return tr;
  };
  const head = (label: Child, number = false) => el("th", {scope: "col", class: number ? "number" : undefined}, label);
  const key = el("span", {class: "key"}, ...sources.map((source) => el("span", {class: `bar-key ${source}`}, source)));
  const source = comparable_source(views);
  return section(
    "strategies",
    "Strategies",
    `Seconds and bytes of one training step${views[0].batch_size ? ` of ${count(views[0].batch_size)} samples` : ""}.` +
      (source && views.length > 1 ? ` Best by the ${source} step.` : "") +
      search_note(report) +
      (views.length > 1 ? " Choose a row to see that plan below." : ""),
    el("div", {class: "scroll"}, saved_by(el(
      "table",
      {class: "strategies"},
      el("thead", {}, el("tr", {},
        head("strategy"), head("schedule"), head("micro-batches", true), head("hosts"),
        head(el("span", {}, `step, ${step_unit.name} `, key)),
        head(`traffic, ${traffic_unit.name}`, true), head(`peak memory, ${memory_unit.name}`, true))),
      el("tbody", {}, ...views.map(row)),
    ), () => [csv_saving("strategies", () => csv_rows(views))])),
    report.cluster && cluster_note(report),
    trade_offs(views),
  );
}

/// The step against what else a plan costs, where plans differ in it.
function trade_offs(views: PlanView[]): HTMLElement | undefined {
  const source = comparable_source(views);
  if (!source || views.length < 2) return undefined;
  const known = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined); // 0: no price was given
  const all: [Quantity, (view: PlanView) => number | undefined][] = [
    [{name: `step time, ${source}`, text: seconds}, (view) => step_s(view, source)],
    [{name: "traffic a step", text: (value) => bytes(Math.round(value))}, ({traffic_bytes}) => traffic_bytes],
    [{name: "peak memory of a host", text: (value) => bytes(Math.round(value))}, ({peak_memory_bytes}) => peak_memory_bytes],
    [{name: "hosts in use", text: count}, (view) => hosts_of(view).length],
    [{name: "energy a step", text: (value) => `${significant(value)}\u202fJ`}, ({predicted}) => known(predicted?.energy_j_per_step)],
    [{name: "price of a step", text: significant}, ({predicted}) => known(predicted?.price_per_step)]];
  const telling = all.filter(([, of]) => new Set(views.map(of)).size > 1);
  const points = views.map((view): ParetoPoint => ({name: view.strategy, series: view.strategy, counts: view.fits_memory && !view.averages,
    ...(!view.fits_memory ? {note: "exceeds the memory of a host"} : view.averages ? {note: "averages parameters: it computes another function"} : {}),
    values: telling.map(([, of]) => of(view))}));
  const part = telling[0]?.[0] === all[0][0] ? pareto_part(points, telling.map(([quantity]) => quantity)) : undefined;
  return part && el("div", {}, el("h3", {class: "point"}, "Trade-offs", el("span", {class: "note"}, "the line joins the plans that none betters in both")), part);
}

function csv_rows(views: PlanView[]): (string | number | undefined)[][] {
  return [["strategy", "schedule", "micro_batches", "hosts", ...SOURCES.map((source) => `${source}_step_s`), "traffic_bytes_per_step", "peak_memory_bytes", "fits_memory"],
    ...views.map((view) => [view.strategy, schedule_label(view.schedule), view.micro_batches, hosts_of(view).join(" "),
      ...SOURCES.map((source) => step_s(view, source)), view.traffic_bytes, view.peak_memory_bytes, String(view.fits_memory)])];
}

function cluster_note(report: Report): HTMLElement {
  const {name, hosts, network} = report.cluster as NonNullable<Report["cluster"]>;
  const gbit = (bytes_per_s: number) => `${Number((bytes_per_s * 8e-9).toPrecision(3))}\u202fGbit/s`;
  const each = hosts.slice(0, MOST_HOSTS).map(({name: host, relative_speed, cores, memory_bytes}) =>
    `${host} (${significant(relative_speed)}× speed${cores ? `, ${plural(cores, "core")}` : ""}${memory_bytes ? `, ${rounded(bytes(memory_bytes))}` : ""})`);
  const zones = (network?.zones ?? []).slice(0, MOST_HOSTS).map((zone) =>
    `; ${zone.name} (${zone.hosts.length > MOST_HOSTS ? plural(zone.hosts.length, "host") : zone.hosts.join(", ")}) behind an uplink of ${gbit(zone.bandwidth_bytes_per_s)}, ${rounded(seconds(zone.latency_s))}`);
  return el("p", {class: "note cluster"},
    `Cluster ${name}: ${each.join(", ")}${hosts.length > MOST_HOSTS ? ` and ${plural(hosts.length - MOST_HOSTS, "other host")}` : ""}; ${gbit(network?.bandwidth_bytes_per_s ?? 0)}, ${rounded(seconds(network?.latency_s ?? 0))} per link${zones.join("")}.`);
}
