// What is told first: warnings, the figures that matter, and what the report lacks.

import type {Report} from "../documents";
import {bytes, fixed, percent, plural, seconds, times} from "./format";
import {type PlanView, best_view, comparable_source} from "./strategies";

export interface Figure {
  name: string;
  value: string;
  note?: string;
}

const MOST_ERROR = 0.2; // of a step, before a prediction or simulation is warned of
const MOST_GAP = 0.1; // to the proven bound
const MOST_SPREAD = 0.2; // of measured steps

/// How far `found_s` is from `true_s`, as a part of it: positive when `found_s` is too long.
export function relative_error(found_s: number, true_s: number): number {
  return true_s > 0 ? found_s / true_s - 1 : Number.NaN;
}

/// +0.0312 as "3.1 % above", with what it is above of.
export function error_text(error: number, than: string): string {
  if (!Number.isFinite(error)) return "";
  if (Math.abs(error) < 0.0005) return `as ${than}`;
  return `${percent(Math.abs(error))} ${error > 0 ? "above" : "below"} ${than}`;
}

/// How many times as fast `view` is as the plan of a strategy, by the best source both have.
export function speedup_over(view: PlanView, views: PlanView[], strategy: string): number | undefined {
  const other = views.find((entry) => entry.strategy === strategy);
  if (!other || other === view) return undefined;
  const source = comparable_source([view, other]);
  return source && (other[`${source}_step_s`] as number) / (view[`${source}_step_s`] as number);
}

function step_figures({predicted_step_s, simulated_step_s, measured_step_s}: PlanView): Figure[] {
  const figures: Figure[] = [];
  const add = (name: string, value_s: number | undefined, reference_s: number | undefined, reference: string) => {
    if (value_s === undefined) return;
    const note = reference_s === undefined ? "" : error_text(relative_error(value_s, reference_s), reference);
    figures.push({name, value: seconds(value_s), ...(note && {note})});
  };
  add("measured step", measured_step_s, undefined, "");
  const [reference_s, reference] = measured_step_s === undefined ? [simulated_step_s, "simulated"] : [measured_step_s, "measured"];
  add("simulated step", simulated_step_s, measured_step_s, "measured");
  add("predicted step", predicted_step_s, reference_s, reference);
  return figures;
}

/// The figures of the plan that the report is about, the most telling first.
export function figures_of(report: Report, view: PlanView | undefined, views: PlanView[]): Figure[] {
  const figures = view ? step_figures(view) : [];
  if (view) {
    for (const [strategy, name] of [["single", "than a single host"], ["data-parallel", "than data-parallel"]] as const) {
      const factor = speedup_over(view, views, strategy);
      if (factor !== undefined && Number.isFinite(factor)) figures.push({name: `as fast ${name.replace("than", "as")}`, value: times(factor)});
    }
    if (view.traffic_bytes !== undefined) figures.push({name: "traffic a step", value: bytes(view.traffic_bytes)});
    if (view.peak_memory_bytes !== undefined) figures.push({name: "peak memory", value: bytes(view.peak_memory_bytes), note: "of one host"});
  }
  const search = report.plan?.search;
  if (search)
    figures.push({name: "from the proven bound", value: search.proven_optimal ? "optimal" : percent(search.optimality_gap),
      ...(search.proven_optimal ? {note: "by the cost model"} : {note: "at most, by the cost model"})});
  const metrics = report.run?.metrics;
  if (metrics) figures.push({name: "overall accuracy", value: percent(metrics.overall_accuracy), note: `kappa ${fixed(metrics.kappa, 3)}`});
  return figures;
}

function step_warnings(view: PlanView): string[] {
  const {measured_step_s, predicted_step_s, simulated_step_s} = view;
  const found: string[] = [];
  const check = (what: string, value_s: number | undefined) => {
    if (value_s === undefined || measured_step_s === undefined) return;
    const error = relative_error(value_s, measured_step_s);
    if (Math.abs(error) > MOST_ERROR)
      found.push(`The ${what} step is ${error_text(error, "the measured one")}: ${seconds(value_s)} against ${seconds(measured_step_s)}. Profile and probe again under the load that the hosts have while they train.`);
  };
  check("predicted", predicted_step_s);
  check("simulated", simulated_step_s);
  if (!view.fits_memory) found.push("The plan exceeds the memory of a host.");
  return found;
}

/// What the reader should know before trusting the rest, a sentence each.
export function warnings_of(report: Report, view: PlanView | undefined, views: PlanView[]): string[] {
  const {run, plan} = report;
  const warnings = [...report.left_out.map((why) => `${why}.`)];
  for (const {host, cause, num_steps, restart_s, is_left_out} of run?.failures ?? [])
    warnings.push(`Host ${host} ${cause} after ${plural(num_steps, "step")}; training went on after ${seconds(restart_s)}${is_left_out ? " without it" : ""}.`);
  if (!run?.failures?.length) for (const note of run?.notes ?? []) warnings.push(`${note}.`);
  if (view) warnings.push(...step_warnings(view));
  const best = best_view(views);
  if (view?.ran && best && best !== view) {
    const source = comparable_source([view, best]);
    const gain = source ? relative_error(view[`${source}_step_s`] as number, best[`${source}_step_s`] as number) : 0;
    if (gain > 0.01) warnings.push(`Not the fastest plan ran: by the ${source} step, ${view.strategy} is ${percent(gain)} above ${best.strategy}.`);
  }
  const spread = run?.measured ? run.measured.step_spread_s / run.measured.step_s : 0;
  if (spread > MOST_SPREAD) warnings.push(`Steps were uneven: they spread by ${percent(spread, 0)} of their length, which a plan of equal steps cannot foresee.`);
  if (plan?.search && !plan.search.proven_optimal && plan.search.optimality_gap > MOST_GAP)
    warnings.push(`The plan may be improved: it is proven only to within ${percent(plan.search.optimality_gap)} of the best. A longer search may find a better one or prove this one.`);
  const lost = run?.steps.filter(({loss}) => !Number.isFinite(loss)).length ?? 0;
  if (lost > 0) warnings.push(`The loss of ${plural(lost, "step")} is not a number: lower the learning rate.`);
  return warnings;
}

/// What the report lacks, and how it is had: only beside what it would belong to.
export function lacks_of(report: Report, view: PlanView | undefined): string[] {
  const lacks: string[] = [];
  if (report.plan && !report.simulation) lacks.push("no simulation (cadastre simulate)");
  if (report.plan && !report.run) lacks.push("no run (cadastre run)");
  if (report.run && !report.plan) lacks.push("no plan, hence no strategies to compare with (cadastre plan)");
  if (report.run && view && !view.timelines.some(({source}) => source === "measured")) lacks.push("no measured timeline");
  if (view && view.timelines.every(({events}) => events.length === 0) && view.timelines.length > 0) lacks.push("no instruction in its timelines");
  if (report.run && !report.run.metrics) lacks.push("no accuracy (a scene with a test split gives it)");
  if (report.run && !report.images.map) lacks.push("no map (cadastre predict)");
  return lacks;
}
