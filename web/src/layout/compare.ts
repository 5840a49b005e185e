// Several reports side by side: the figures that they have in common.

import type {Report} from "../documents";
import {bytes, count, percent, schedule_label, seconds} from "./format";
import {type PlanView, hosts_of, main_view, plan_views} from "./strategies";

export interface ComparedRow {
  name: string;
  values: string[]; // by report
  best: number; // index of the best; -1 where no value is better than another
}

type Value = number | undefined | null;

interface Quantity {
  name: string;
  text: (value: number) => string;
  less_is_better: boolean;
  of: (report: Report, view: PlanView | undefined) => Value;
}

const QUANTITIES: Quantity[] = [
  {name: "measured step", text: seconds, less_is_better: true, of: (_, view) => view?.measured_step_s},
  {name: "simulated step", text: seconds, less_is_better: true, of: (_, view) => view?.simulated_step_s},
  {name: "predicted step", text: seconds, less_is_better: true, of: (_, view) => view?.predicted_step_s},
  {name: "training time", text: seconds, less_is_better: true, of: ({run}) => run?.measured?.wall_s},
  {name: "traffic a step", text: bytes, less_is_better: true, of: (_, view) => view?.traffic_bytes},
  {name: "peak memory of a host", text: bytes, less_is_better: true, of: (_, view) => view?.peak_memory_bytes},
  {name: "overall accuracy", text: percent, less_is_better: false, of: ({run}) => run?.metrics?.overall_accuracy},
  {name: "average accuracy", text: percent, less_is_better: false, of: ({run}) => run?.metrics?.average_accuracy},
  {name: "kappa", text: (value) => value.toFixed(3), less_is_better: false, of: ({run}) => run?.metrics?.kappa},
];

/// Rows of what any of the reports has; words first, then quantities with their best, then the F1 of
/// every class.
export function compared_rows(reports: Report[]): ComparedRow[] {
  const views = reports.map((report) => main_view(plan_views(report)));
  const rows: ComparedRow[] = [];
  const add_text = (name: string, of: (report: Report, view: PlanView | undefined) => string | undefined) => {
    const values = reports.map((report, index) => of(report, views[index]) ?? "–");
    if (values.some((value) => value !== "–")) rows.push({name, values, best: -1});
  };
  const add = ({name, text, less_is_better, of}: Quantity) => {
    const values = reports.map((report, index) => of(report, views[index]));
    const known = values.filter((value): value is number => typeof value === "number" && Number.isFinite(value));
    if (known.length === 0) return;
    const best = less_is_better ? Math.min(...known) : Math.max(...known);
    const is_best = known.length > 1 && known.some((value) => value !== best);
    rows.push({name, best: is_best ? values.indexOf(best) : -1,
      values: values.map((value) => (typeof value === "number" && Number.isFinite(value) ? text(value) : "–"))});
  };
  add_text("model", ({model}) => model?.name);
  add_text("scene", ({scene}) => scene?.name);
  add_text("strategy", (_, view) => view?.strategy);
  add_text("schedule", (_, view) => (view?.schedule ? `${schedule_label(view.schedule)}, ${view.micro_batches}` : undefined));
  add_text("hosts", (_, view) => (view ? count(hosts_of(view).length) : undefined));
  add_text("batch", (_, view) => (view?.batch_size ? count(view.batch_size) : undefined));
  QUANTITIES.forEach(add);
  const classes = new Set(reports.flatMap(({run}) => run?.metrics?.classes.map(({name}) => name) ?? []));
  for (const name of classes)
    add({name: `F1 of ${name}`, text: (value) => value.toFixed(2), less_is_better: false,
      of: ({run}) => run?.metrics?.classes.find((entry) => entry.name === name)?.f1});
  return rows;
}
