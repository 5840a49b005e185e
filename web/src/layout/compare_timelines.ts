// The steps of several reports paired: host by host, and kind by kind of instruction.

import type {Report, Timeline} from "../documents";
import {loads_of_timeline} from "./loads";
import {KINDS} from "./palette";
import {SOURCES, main_view, plan_views} from "./strategies";

export interface PairedRow {
  name: string;
  values: (number | undefined)[]; // by report; absent where it has no such host or instruction
}

export type HostPart = "compute_s" | "transfer_s" | "reduction_s" | "waiting_s";

/// The truest timeline of the plan that a report is about.
function truest_timeline(report: Report): Timeline | undefined {
  const timelines = main_view(plan_views(report))?.timelines ?? [];
  return [...timelines].sort((a, b) => SOURCES.indexOf(b.source) - SOURCES.indexOf(a.source))[0];
}

/// The timelines that are paired, by report; undefined where fewer than two have one.
export function paired_timelines(reports: Report[]): (Timeline | undefined)[] | undefined {
  const found = reports.map(truest_timeline);
  return found.filter((timeline) => timeline !== undefined && timeline.events.length > 0).length > 1 ? found : undefined;
}

/// A row for each host that any of them has, by name.
export function paired_hosts(timelines: (Timeline | undefined)[], part: HostPart): PairedRow[] {
  const loads = timelines.map((timeline) => new Map((timeline ? loads_of_timeline(timeline) : []).map((load) => [load.host, load[part]])));
  return [...new Set(loads.flatMap((of_host) => [...of_host.keys()]))].map((name) => ({name, values: loads.map((of_host) => of_host.get(name))}));
}

/// A row for each kind that takes time in any of them: the seconds of all ranks together.
export function paired_kinds(timelines: (Timeline | undefined)[]): PairedRow[] {
  const sums = timelines.map((timeline) => {
    const spent_s = new Map<string, number>();
    for (const {kind, start_s, end_s} of timeline?.events ?? []) spent_s.set(kind, (spent_s.get(kind) ?? 0) + end_s - start_s);
    return spent_s;
  });
  const kinds = [...new Set([...KINDS, ...sums.flatMap((spent_s) => [...spent_s.keys()])])];
  return kinds.filter((kind) => sums.some((spent_s) => (spent_s.get(kind) ?? 0) > 0)).map((name) => ({name, values: sums.map((spent_s) => spent_s.get(name))}));
}

/// How `value` differs from the first report's, as a part of that; undefined where that says nothing.
export function difference(values: (number | undefined)[], index: number): number | undefined {
  const [first] = values;
  const value = values[index];
  return index === 0 || first === undefined || value === undefined || !(first > 0) ? undefined : value / first - 1;
}
