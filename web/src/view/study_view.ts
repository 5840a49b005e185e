// A study: which claims hold, and the figures that this rests on.

import type {MeasuredArchitecture, MeasuredHost, StudyResult, StudyRow} from "../study_documents";
import {type Unit, byte_unit, bytes, count, in_unit, percent, seconds, significant, time_unit} from "../layout/format";
import {type MeasuredGroup, inference_s_per_pixel, measured_groups} from "../layout/measured";
import {metrics_of} from "../layout/metrics";
import {point_name, study_points} from "../layout/study";
import {type Child, el, section} from "./dom";
import {type ParetoPoint, pareto_part} from "./pareto_view";

function bar(source: string, value: number, most: number, text: string): HTMLElement {
  const width = most > 0 ? (100 * value) / most : 0;
  return el("div", {class: `bar ${source}`},
    el("span", {class: "track"}, el("span", {class: "fill", style: `width: ${width}%`})),
    el("span", {class: "value"}, text));
}

function head(label: Child, number = false): HTMLElement {
  return el("th", {scope: "col", class: number ? "number" : undefined}, label);
}

function cell(label: string, ...content: Child[]): HTMLElement {
  return el("td", {"data-label": label, class: "number"}, ...content);
}

export function claims_section(study: StudyResult): HTMLElement {
  const mark: {[verdict: string]: string} = {holds: "mark best", "does not hold": "mark bad"};
  const cards = (study.claims ?? []).map(({claim, verdict, when, evidence}) =>
    el("article", {class: "claim"},
      el("h3", {}, `“${claim}”`, el("span", {class: mark[verdict] ?? "mark"}, verdict)),
      when && when.length > 0 && el("ul", {class: "when"}, ...when.map((sentence) => el("li", {}, sentence))),
      el("details", {}, el("summary", {}, `${evidence.length} ${evidence.length === 1 ? "figure" : "figures"} that this rests on`),
        el("ul", {}, ...evidence.map((sentence) => el("li", {}, sentence))))));
  return section("claims", "Claims",
    "In the words of Aspri, Tsagkatakis and Tsakalides (Remote Sensing 12(17):2670, 2020), what the figures below say of them, and when.",
    ...cards);
}

const most_of = <T>(rows: T[], value: (row: T) => number) => rows.reduce((most, row) => Math.max(most, value(row)), 0);

function measured_host(host: MeasuredHost): HTMLElement {
  return el("tr", {},
    el("td", {}, host.name),
    host.sent_bytes !== undefined && el("td", {class: "number"}, bytes(Math.round(host.sent_bytes))),
    el("td", {class: "number"}, bytes(host.predicted_bytes)),
    el("td", {class: "part"}, bar("measured", host.processor_part, 1, percent(host.processor_part, 0))));
}

function hosts_table(hosts: MeasuredHost[]): HTMLElement {
  return el("table", {class: "by-host"}, el("tbody", {}, ...hosts.map(measured_host)));
}

function measured_table({name, rows}: MeasuredGroup): HTMLElement[] {
  const done = rows.filter(({error}) => error === undefined);
  const most_s = most_of(done, ({step_s}) => step_s ?? 0);
  const step_unit = time_unit(most_s);
  const traffic_unit = byte_unit(most_of(done, ({traffic_bytes_per_step}) => traffic_bytes_per_step ?? 0));
  const row = (of: MeasuredArchitecture) => {
    if (of.error !== undefined)
      return el("tr", {}, el("th", {scope: "row"}, of.strategy), el("td", {colspan: 7, class: "hosts"}, of.error));
    const inference = inference_s_per_pixel(of);
    return el("tr", {},
      el("th", {scope: "row"}, of.strategy),
      el("td", {class: "steps"}, bar("measured", of.step_s ?? 0, most_s, in_unit(of.step_s ?? 0, step_unit))),
      cell("epoch", of.epoch_s === undefined ? "–" : seconds(of.epoch_s)),
      cell(`traffic, ${traffic_unit.name}`, in_unit(of.traffic_bytes_per_step ?? 0, traffic_unit)),
      el("td", {"data-label": "by host"}, hosts_table(of.hosts ?? [])),
      cell("accuracy", of.overall_accuracy === undefined ? "–" : percent(of.overall_accuracy)),
      cell("kappa", of.kappa === undefined ? "–" : significant(of.kappa)),
      cell("inference of a pixel", inference === undefined ? "–" : seconds(inference)));
  };
  return [
    el("h3", {class: "point"}, name === "" ? "On the machines that the study was given" : name),
    el("table", {class: "strategies"},
      el("thead", {}, el("tr", {}, head("architecture"), head(`step, ${step_unit.name}`), head("epoch", true),
        head(`traffic, ${traffic_unit.name}`, true), head("by host: sent, sent by the program, processor"),
        head("accuracy", true), head("kappa", true), head("inference of a pixel", true))),
      el("tbody", {}, ...rows.map(row))),
  ];
}

export function measured_section(measured: MeasuredArchitecture[]): HTMLElement {
  return section("measured", "Measured",
    "Each architecture trained for real. A step's traffic in all is as the ranks counted it. By host: what its network interfaces sent, headers included; what the plan's program sends from it (that alone, where nobody counted); and the processor time of its rank, as a part of what it may use. Of averaged parameters a step has its part of the averaging.",
    ...measured_groups(measured).flatMap(measured_table));
}

function simulated_row(row: StudyRow, most_s: number, step_unit: Unit, traffic_unit: Unit): HTMLElement {
  const figures = row.figures;
  if (row.outcome !== "done" || !figures)
    return el("tr", {}, el("th", {scope: "row"}, row.strategy),
      el("td", {colspan: 5, class: "hosts"}, row.error ?? row.outcome));
  return el("tr", {},
    el("th", {scope: "row"}, row.strategy, row.fits_memory === false && el("span", {class: "mark bad"}, "exceeds memory")),
    el("td", {class: "steps"}, bar("simulated", figures.simulated_step_s, most_s, in_unit(figures.simulated_step_s, step_unit))),
    cell(`traffic, ${traffic_unit.name}`, in_unit(figures.traffic_bytes_per_step, traffic_unit)),
    cell("hosts", count(figures.num_hosts)),
    cell("busy", `${percent(figures.utilization_mean, 0)} (${percent(figures.utilization_min, 0)}–${percent(figures.utilization_max, 0)})`),
    cell("samples/s", significant(figures.throughput_samples_per_s)));
}

export function simulated_section(study: StudyResult): HTMLElement {
  const points = study_points(study.columns, study.rows, study.pointers);
  const tables = points.flatMap(({name, rows}) => {
    const most_s = most_of(rows, ({figures}) => figures?.simulated_step_s ?? 0);
    const step_unit = time_unit(most_s);
    const traffic_unit = byte_unit(most_of(rows, ({figures}) => figures?.traffic_bytes_per_step ?? 0));
    return [
      el("h3", {class: "point"}, name),
      el("table", {class: "strategies"},
        el("thead", {}, el("tr", {}, head("architecture"), head(`step, ${step_unit.name}`),
          head(`traffic, ${traffic_unit.name}`, true), head("hosts", true), head("busy, mean (least–most)", true), head("samples/s", true))),
        el("tbody", {}, ...rows.map((row) => simulated_row(row, most_s, step_unit, traffic_unit)))),
    ];
  });
  return section("simulated", "Simulated", study.description, ...tables);
}

/// Each row of the study against the others. Steps of different batches are compared by the sample.
export function trade_offs_section(study: StudyResult): HTMLElement | undefined {
  const done = study.rows.filter(({outcome, figures}) => outcome === "done" && figures);
  const is_one_batch = new Set(done.map(({plan}) => plan?.batch_size)).size <= 1;
  const metrics = metrics_of(done);
  const first = metrics.find(({key}) => key === (is_one_batch ? "simulated_step_s" : "throughput_samples_per_s"));
  const others = metrics.filter(({key}) => !["simulated_step_s", "predicted_step_s", "throughput_samples_per_s"].includes(key));
  if (!first || others.length === 0) return undefined;
  const quantities = [first, ...others];
  const points = done.map((row): ParetoPoint => {
    const averages = (row.plan?.averaging_period ?? 0) > 0;
    const at = study.columns.length > 0 ? ` at ${point_name(study.columns, row.values, study.pointers)}` : "";
    return {name: `${row.strategy}${at}`, series: row.strategy, counts: row.fits_memory !== false && !averages,
      ...(row.fits_memory === false ? {note: "exceeds the memory of a host"} : averages ? {note: "averages parameters: it computes another function"} : {}),
      values: quantities.map(({key}) => row.figures?.[key])};
  });
  const part = pareto_part(points, quantities);
  return part && section("trade-offs", "Trade-offs", "Every row of the study; the line joins those that none betters in both.", part);
}
