// The plans a report compares: one row each, whatever documents speak of them.

import type {Prediction, Report, Stage, Timeline, TimelineRank} from "../documents";

/// One plan with everything the documents know of it.
export interface PlanView {
  strategy: string;
  schedule: string;
  micro_batches: number;
  batch_size?: number;
  stages?: Stage[];
  predicted?: Prediction;
  predicted_step_s?: number;
  simulated_step_s?: number;
  measured_step_s?: number;
  traffic_bytes?: number;
  peak_memory_bytes?: number;
  fits_memory: boolean;
  averages: boolean; // parameters, not gradients: it computes another function, and is no rival
  timelines: Timeline[]; // predicted, simulated, measured: at most one each, in this order
  ran: boolean; // the plan of the run
}

export const SOURCES = ["predicted", "simulated", "measured"];

type Key = Pick<PlanView, "strategy" | "schedule" | "micro_batches">;

/// A plan with `undefined` members left out, so that "absent" has one meaning.
function present<T extends object>(values: {[key in keyof T]?: T[key] | undefined}): Partial<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<T>;
}

/// The ranks of a plan: its hosts in the order in which they appear, each with its parts. As in
/// planner/program.h.
export function ranks_of_stages(stages: Stage[]): TimelineRank[] {
  const ranks = new Map<string, TimelineRank>();
  stages.forEach(({replicas}, stage) =>
    replicas.forEach(({host}, replica) => {
      const rank = ranks.get(host) ?? {host, parts: []};
      rank.parts.push({stage, replica});
      ranks.set(host, rank);
    }),
  );
  return [...ranks.values()];
}

/// True when `timeline` can be of `view`: the same hosts on the same stages, the same micro-batches.
export function timeline_is_of(timeline: Timeline, view: PlanView): boolean {
  const ranks = view.stages ? ranks_of_stages(view.stages) : view.timelines[0]?.ranks;
  if (!ranks || ranks.length !== timeline.ranks.length) return false;
  const text = ({host, parts}: TimelineRank) => `${parts.map(({stage}) => stage).join(" ")} ${host}`;
  if (timeline.ranks.some((rank, index) => text(rank) !== text(ranks[index]))) return false;
  const last = timeline.events.reduce((most, {micro_batch = -1}) => Math.max(most, micro_batch), -1);
  return last < 0 || view.micro_batches === 0 || last + 1 === view.micro_batches;
}

function add_timeline(view: PlanView, timeline: Timeline): void {
  if (view.timelines.some(({source}) => source === timeline.source)) return;
  view.timelines.push(timeline);
  view.timelines.sort((a, b) => SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source));
}

/// One view per different plan: those of the plan document first, in its order, then what only a
/// simulation, a run or a timeline knows.
export function plan_views(report: Report): PlanView[] {
  const views: PlanView[] = [];
  const find = (key: Key): PlanView | undefined =>
    views.find(
      (view) =>
        view.strategy === key.strategy &&
        view.schedule === key.schedule &&
        view.micro_batches === key.micro_batches,
    );
  const find_or_add = ({strategy, schedule, micro_batches}: Key): PlanView => {
    const found = find({strategy, schedule, micro_batches});
    if (found) return found;
    const view = {strategy, schedule, micro_batches, fits_memory: true, averages: false, timelines: [], ran: false};
    views.push(view);
    return view;
  };

  const {plan, simulation, run} = report;
  for (const entry of plan ? [plan, ...(plan.alternatives ?? [])] : []) {
    if (find(entry)) continue;
    Object.assign(
      find_or_add(entry),
      present<PlanView>({
        batch_size: entry.batch_size,
        stages: entry.stages,
        predicted: entry.predicted,
        predicted_step_s: entry.predicted.step_s,
        simulated_step_s: entry.simulated?.step_s,
        traffic_bytes: entry.predicted.traffic_bytes_per_step,
        peak_memory_bytes: entry.predicted.peak_memory_bytes,
        fits_memory: entry.predicted.fits_memory,
        averages: (entry.averaging_period ?? 0) > 0,
      }),
    );
  }
  for (const entry of simulation?.plans ?? []) {
    const view = find_or_add(entry);
    view.predicted_step_s ??= entry.predicted_step_s;
    view.simulated_step_s = entry.simulated_step_s;
    view.traffic_bytes ??= entry.traffic_bytes_per_step;
    view.fits_memory &&= entry.fits_memory;
    view.averages ||= (entry.averaging_period ?? 0) > 0;
    add_timeline(view, entry.timeline);
  }
  if (run) {
    const view = find_or_add(run);
    view.ran = true;
    view.stages = run.stages;
    Object.assign(
      view,
      present<PlanView>({
        batch_size: run.batch_size,
        predicted_step_s: view.predicted_step_s ?? run.predicted?.step_s,
        simulated_step_s: view.simulated_step_s ?? run.simulated?.step_s,
        measured_step_s: run.measured?.step_s,
        traffic_bytes: view.traffic_bytes ?? run.traffic_bytes_per_step,
      }),
    );
  }
  for (const timeline of report.timelines) {
    // A measured timeline is of the run; others are of the plan they fit, the run's before others.
    const candidates = [...views].sort((a, b) => Number(b.ran) - Number(a.ran));
    const fitting = candidates.find((view) => timeline_is_of(timeline, view));
    const view = fitting ?? find_or_add({strategy: "timeline", schedule: "", micro_batches: 0});
    add_timeline(view, timeline);
    const key = `${timeline.source}_step_s` as "predicted_step_s";
    if (SOURCES.includes(timeline.source)) view[key] ??= timeline.step_s;
  }
  return views;
}

/// The step time by which plans are compared: simulated where there is one, else predicted, else
/// measured. Plans are only ever compared by a source that all of them have.
export function comparable_source(views: PlanView[]): "simulated" | "predicted" | "measured" | undefined {
  for (const source of ["simulated", "predicted", "measured"] as const)
    if (views.length > 0 && views.every((view) => view[`${source}_step_s`] !== undefined)) return source;
  return undefined;
}

/// The plan with the least step among those that fit in memory and reduce gradients in every step;
/// ties to the earlier.
export function best_view(views: PlanView[]): PlanView | undefined {
  const source = comparable_source(views);
  if (!source) return undefined;
  const step_s = (view: PlanView) => view[`${source}_step_s`] as number;
  return views
    .filter(({fits_memory, averages}) => fits_memory && !averages)
    .reduce<PlanView | undefined>(
      (best, view) => (best === undefined || step_s(view) < step_s(best) ? view : best),
      undefined,
    );
}

/// The plan a report is about: the one that ran, else the best, else the first.
export function main_view(views: PlanView[]): PlanView | undefined {
  return views.find(({ran}) => ran) ?? best_view(views) ?? views[0];
}

/// How many times as fast as the single host `view` is, by the best source both have.
export function speedup(view: PlanView, views: PlanView[]): number | undefined {
  const single = views.find(({strategy}) => strategy === "single");
  if (!single || single === view) return undefined;
  const source = comparable_source([view, single]);
  return source && (single[`${source}_step_s`] as number) / (view[`${source}_step_s`] as number);
}

/// The hosts of a plan, each once, in the order of the stages.
export function hosts_of(view: PlanView): string[] {
  const ranks = view.stages?.flatMap(({replicas}) => replicas) ?? view.timelines[0]?.ranks ?? [];
  return [...new Set(ranks.map(({host}) => host))];
}
