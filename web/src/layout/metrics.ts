// The figures of studies: what they are called, and how they read (planner/study/metric.h).

import type {StudyFigures, StudyRow} from "../study_documents";
import {bytes, count, percent, rounded, seconds, significant} from "./format";
import {rate_text} from "./network";

export interface Metric {
  key: string;
  name: string;
  text: (value: number) => string;
  more_is_better?: boolean;
}

const METRICS: Metric[] = [
  {key: "simulated_step_s", name: "step time, simulated", text: seconds},
  {key: "predicted_step_s", name: "step time, predicted", text: seconds},
  {key: "throughput_samples_per_s", name: "samples trained a second", text: significant, more_is_better: true},
  {key: "traffic_bytes_per_step", name: "traffic a step", text: (value) => bytes(Math.round(value))},
  {key: "peak_memory_bytes", name: "peak memory of a host", text: (value) => bytes(Math.round(value))},
  {key: "num_hosts", name: "hosts in use", text: count},
  {key: "utilization_mean", name: "busy hosts, mean", text: (value) => percent(value, 0), more_is_better: true},
  {key: "energy_j_per_sample", name: "energy a sample", text: (value) => `${significant(value)}\u202fJ`},
  {key: "price_per_million_samples", name: "price of a million samples", text: significant},
  {key: "price_per_hour", name: "price of an hour", text: significant},
  {key: "inference_latency_s", name: "inference of a sample", text: seconds},
  {key: "inference_samples_per_s", name: "samples inferred a second", text: significant, more_is_better: true},
];

/// The metrics that tell rows apart: those with a finite value in all rows that have figures, not all
/// alike (a price of 0 everywhere was not given).
export function metrics_of(rows: StudyRow[]): Metric[] {
  const figures = rows.map((row) => row.figures).filter((found): found is StudyFigures => found !== undefined);
  return METRICS.filter(({key}) => {
    const values = figures.map((found) => found[key]);
    return values.length > 0 && values.every((value) => typeof value === "number" && Number.isFinite(value)) && new Set(values).size > 1;
  });
}

/// A value of what a pointer or column of that name changes, with the unit that its last word says.
export function quantity_text(name: string, value: number): string {
  if (name.endsWith("_bytes_per_s") || /bandwidth$/.test(name)) return rate_text(value);
  if (name.endsWith("_bytes")) return rounded(bytes(value));
  if (name.endsWith("_s")) return rounded(seconds(value));
  return Number.isInteger(value) ? count(value) : significant(value);
}

/// "/cluster/hosts/node1/relative_speed" as "relative speed of node1".
export function pointer_text(pointer: string): string {
  const parts = pointer.split("/").filter(Boolean).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = (parts.pop() ?? pointer).replace(/_(bytes_per_s|bytes|s)$/, "").replaceAll("_", " ");
  const place = parts.filter((part) => !["cluster", "hosts", "settings", "model", "network", "family"].includes(part));
  const of = place.map((part) => (part === "*" ? "every host" : /^\d+$/.test(part) ? `number ${Number(part) + 1}` : part)).join(", ");
  return of ? `${last} of ${of}` : parts.includes("network") ? `${last} of the network` : last;
}
