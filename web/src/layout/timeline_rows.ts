// The rows of all timelines in one picture: host by host, a row for each rank of each source, so
// that what was predicted, simulated and measured of a host lie on each other.

import type {Timeline, TimelineEvent, TimelineRank} from "../documents";
import {type Lane, lanes_of} from "./lanes";

export interface Row {
  timeline: Timeline;
  rank: number;
  lane: Lane;
  top: number; // pixels from the top of the picture
}

export interface HostRows {
  host: string;
  rank: TimelineRank; // of the first row
  top: number;
  height: number;
  rows: Row[];
}

export interface RowsLayout {
  hosts: HostRows[];
  height: number;
}

export const ROW = 17; // pixels from one row to the next
const GAP = 9; // between hosts
const LEAST_HEIGHT = 30; // of a host: it has two lines of text

export function rows_layout(timelines: Timeline[]): RowsLayout {
  const by_host = new Map<string, HostRows>();
  for (const timeline of timelines) {
    const lanes = lanes_of(timeline);
    timeline.ranks.forEach((rank, index) => {
      const entry = by_host.get(rank.host) ?? {host: rank.host, rank, top: 0, height: 0, rows: []};
      by_host.set(rank.host, entry);
      entry.rows.push({timeline, rank: index, lane: lanes[index], top: 0});
    });
  }
  const hosts = [...by_host.values()];
  let top = 0;
  for (const host of hosts) {
    host.top = top;
    host.rows.forEach((row, index) => (row.top = top + index * ROW));
    host.height = Math.max(LEAST_HEIGHT, host.rows.length * ROW);
    top += host.height + GAP;
  }
  return {hosts, height: Math.max(0, top - GAP)};
}

/// The hosts that are seen in `height` pixels from `top` on.
export function visible_hosts({hosts}: RowsLayout, top: number, height: number): HostRows[] {
  return hosts.filter((host) => host.top + host.height >= top && host.top <= top + height);
}

export function row_at({hosts}: RowsLayout, y: number): Row | undefined {
  const host = hosts.find((entry) => y >= entry.top && y < entry.top + entry.height);
  return host?.rows.find(({top}) => y >= top && y < top + ROW);
}

/// Whether every word of `query` is found in what the instruction is: its kind, host, layer, stage
/// ("s2") or micro-batch ("m3").
export function matcher(query: string, timeline: Timeline, layer_ids: string[]): (event: TimelineEvent) => boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const known = new Map<string, boolean>();
  return ({kind, rank, layer = -1, stage = timeline.ranks[rank]?.parts[0]?.stage ?? -1, micro_batch = -1}) => {
    const key = `${kind} ${rank} ${layer} ${stage} ${micro_batch}`;
    let found = known.get(key);
    if (found === undefined) {
      const text = `${kind} ${kind.replaceAll("_", " ")} ${timeline.ranks[rank]?.host ?? ""} ${layer_ids[layer] ?? ""} ${timeline.source}`.toLowerCase();
      found = words.every((word) => (/^[sm]\d+$/.test(word) ? word === `s${stage + 1}` || word === `m${micro_batch}` : text.includes(word)));
      known.set(key, found);
    }
    return found;
  };
}
