// How much of the cluster computes, over the time of a step.

import type {Timeline} from "../documents";
import {COMPUTE} from "./loads";

/// The part of the ranks that compute in each of `num_bins` equal parts of `length_s`, in [0, 1].
export function utilization(timeline: Timeline, length_s: number, num_bins: number): number[] {
  const busy_s = new Array<number>(num_bins).fill(0);
  if (!(length_s > 0) || timeline.ranks.length === 0) return busy_s;
  const bin_s = length_s / num_bins;
  for (const event of timeline.events) {
    if (!COMPUTE.has(event.kind)) continue;
    const first = Math.max(0, Math.floor(event.start_s / bin_s));
    const last = Math.min(num_bins - 1, Math.floor(event.end_s / bin_s));
    for (let bin = first; bin <= last; ++bin)
      busy_s[bin] += Math.max(0, Math.min(event.end_s, (bin + 1) * bin_s) - Math.max(event.start_s, bin * bin_s));
  }
  return busy_s.map((time_s) => Math.min(1, time_s / (bin_s * timeline.ranks.length)));
}

/// What each rank's process held in memory, by rank, as `most_in_bins` takes it: from one end of an
/// instruction to the next, and at first as at the first end. Without those of which nothing is known.
export function resident_points({ranks, events}: Pick<Timeline, "ranks" | "events">): {rank: number; points: [number, number][]}[] {
  const by_rank = new Map(ranks.map((_, rank) => [rank, [] as [number, number][]]));
  for (const {rank, end_s, resident_bytes = 0} of events) if (resident_bytes > 0) by_rank.get(rank)?.push([end_s, resident_bytes]);
  return [...by_rank].filter(([, points]) => points.length > 0).map(([rank, points]) => {
    points.sort(([one], [other]) => one - other);
    return {rank, points: [[0, points[0][1]], ...points]};
  });
}

/// The most bytes of `points` ([seconds, bytes from then on], ascending) in each of `num_bins` equal
/// parts of `length_s`.
export function most_in_bins(points: [number, number][], length_s: number, num_bins: number): number[] {
  const most = new Array<number>(num_bins).fill(0);
  points.forEach(([from_s, bytes], index) => {
    const until_s = points[index + 1]?.[0] ?? length_s;
    const first = Math.max(0, Math.floor((from_s / length_s) * num_bins));
    const last = Math.min(num_bins - 1, Math.max(first, Math.ceil((until_s / length_s) * num_bins) - 1));
    for (let bin = first; bin <= last; ++bin) most[bin] = Math.max(most[bin], bytes);
  });
  return most;
}
