// What a comparison of predictions with runs tells: points as they are drawn, errors by kind of
// instruction, names. Summaries and ranks are the document's own.

import type {Fidelity, FidelityGroup, FidelityPlanAsked, FidelityPoint, FidelitySummary, StepFigures} from "../fidelity_documents";
import {kind_label, plural} from "./format";
import {relative_error} from "./overview";
import {KINDS} from "./palette";

export const PREDICTORS = ["simulated", "predicted"] as const;
export type Predictor = (typeof PREDICTORS)[number];

/// A point that has figures.
export interface MeasuredPoint extends FidelityPoint {
  measured: StepFigures;
  predicted: StepFigures;
  simulated: StepFigures;
}

export function has_figures(point: FidelityPoint): point is MeasuredPoint {
  return point.error === undefined && point.measured !== undefined && point.predicted !== undefined && point.simulated !== undefined;
}

export function plan_name({strategy, micro_batches, averaging_period}: FidelityPlanAsked): string {
  return [strategy, micro_batches && plural(micro_batches, "micro-batch"), averaging_period && `averaged every ${averaging_period} steps`].filter(Boolean).join(", ");
}

export function group_name({model, cluster, batch_size}: FidelityGroup): string {
  return `${model} on ${cluster}, batch ${batch_size}`;
}

export function point_name({groups}: Fidelity, {group, asked}: FidelityPoint): string {
  return `${group_name(groups[group])}, ${plan_name(asked)}`;
}

/// How much longer the step is than was measured, as a part of it: negative when it is shorter.
export function step_error(point: MeasuredPoint, predictor: Predictor): number {
  return relative_error(point[predictor].step_s, point.measured.step_s);
}

/// How far from the median run, as a part of it, the farthest is of as many as the method wants to
/// agree, the nearest first; none of fewer runs than two.
export function noise_of({runs}: FidelityPoint, {method}: Fidelity): number | undefined {
  const steps = runs.map(({step_s}) => step_s).sort((a, b) => a - b);
  const median = steps[Math.floor((steps.length - 1) / 2)];
  const distances = steps.map((step_s) => Math.abs(step_s / median - 1)).sort((a, b) => a - b);
  return steps.length > 1 ? distances[Math.min(Math.max(method.num_runs, 2), steps.length) - 1] : undefined;
}

export function is_disturbed({runs}: FidelityPoint, {method}: Fidelity): boolean {
  return runs.filter(({agrees}) => agrees).length < method.num_runs;
}

/// The part that judges: what no calibration has seen, where there is such.
export function judging_summary({summaries}: Fidelity): FidelitySummary | undefined {
  return summaries.find(({part, num_points, num_without_figures}) => part === "held out" && num_points > num_without_figures) ?? summaries[0];
}

/// Linear between the values in order (which it sorts); NaN of none.
export function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = part * (sorted.length - 1);
  const below = Math.floor(rank);
  return sorted.length === 0 ? Number.NaN : sorted[below] + (rank - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}

export interface KindError {
  kind: string;
  name: string;
  num_points: number;
  share: number; // of the measured time of all hosts, in the mean of the points
  /// By predictor: the median of predicted / measured - 1, with its sign; and the median of how far
  /// apart they are as a part of the hosts' time, which says what the error does to the step.
  median: {[predictor in Predictor]: number};
  of_step: {[predictor in Predictor]: number};
}

/// The error of every kind of instruction, in the order in which a step has them. A point counts
/// where it has the kind, and its timeline shows what is compared (a step of local training shows
/// no reduction).
export function kind_errors({points}: Fidelity): KindError[] {
  const measured_points = points.filter(has_figures);
  const kinds = [...new Set(measured_points.flatMap(({measured}) => measured.kinds.map(({kind}) => kind)))];
  const order = (kind: string) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);
  const seconds_of = ({kinds: all}: StepFigures, kind: string) => all.find((entry) => entry.kind === kind)?.seconds;
  return kinds.sort((a, b) => order(a) - order(b)).flatMap((kind): KindError[] => {
    const rows = measured_points.flatMap((point) => {
      const measured_s = seconds_of(point.measured, kind);
      const [simulated_s, predicted_s] = PREDICTORS.map((predictor) => seconds_of(point[predictor], kind));
      const hosts_s = point.measured.step_s * point.measured.hosts.length;
      return measured_s === undefined || simulated_s === undefined || predicted_s === undefined || !(hosts_s > 0) ? []
        : [{measured_s, hosts_s, by: {simulated: simulated_s, predicted: predicted_s}}];
    });
    if (rows.length === 0) return [];
    const by_predictor = (figure: (predictor: Predictor) => number) => ({simulated: figure("simulated"), predicted: figure("predicted")});
    return [{kind, name: kind_label(kind), num_points: rows.length,
      share: rows.reduce((sum, {measured_s, hosts_s}) => sum + measured_s / hosts_s, 0) / rows.length,
      median: by_predictor((predictor) => quantile(rows.filter(({measured_s}) => measured_s > 0).map(({measured_s, by}) => relative_error(by[predictor], measured_s)), 0.5)),
      of_step: by_predictor((predictor) => quantile(rows.map(({measured_s, hosts_s, by}) => Math.abs(by[predictor] - measured_s) / hosts_s), 0.5))}];
  });
}

/// The corners of the band within `part` of the diagonal, inside of [from, to] on both axes.
export function band_corners(from: number, to: number, part: number): [number, number][] {
  const [low, high] = [1 - part, 1 + part];
  return [[from, from], [from / low, from], [to, to * low], [to, to], [to / high, to], [from, from * high]];
}

/// "5 points", or "4 of 5 points" where others have no figures yet.
function points_with_figures(num_points: number, num_without: number): string {
  return num_without === 0 ? plural(num_points, "point") : `${num_points - num_without} of ${plural(num_points, "point")}`;
}

/// The result in one clause, for the page's heading.
export function fidelity_clause(fidelity: Fidelity, percent: (part: number) => string): string {
  const summary = judging_summary(fidelity);
  const {points} = fidelity;
  const told = `Suite ${fidelity.suite}: ${points_with_figures(points.length, points.filter((point) => !has_figures(point)).length)}`;
  if (!summary || summary.num_points === summary.num_without_figures) return told;
  const {simulated, predicted, part, num_points, num_without_figures} = summary;
  const held_out = `, on ${num_without_figures === 0 ? "what was" : points_with_figures(num_points, num_without_figures)} held out`;
  return `${told}; the simulated step is off by ${percent(simulated.step.median)} in the median, the cost model's by ${percent(predicted.step.median)}${part === "held out" ? held_out : ""}`;
}
