// Which link is in use how much, and whether the network is what a step waits for.

import type {SimulationFigures, Timeline, Zone} from "../documents";
import {type CriticalPath} from "./critical_path";
import {bytes, percent, rounded} from "./format";
import type {Traffic} from "./loads";

export interface LinkView {
  name: string;
  bandwidth_bytes_per_s: number;
  bytes: number; // that crossed it in the step
  utilisation: number[]; // in [0, 1], by equal parts of the step
  mean: number;
  most: number;
  full: number; // part of the step for which it is at its capacity
}

const FULL = 0.95; // in use, and more: at capacity

/// The links that carried anything, the most used first.
export function links_of(figures: SimulationFigures | undefined): LinkView[] {
  return (figures?.links ?? []).map(({link, bandwidth_bytes_per_s, bytes: moved, utilisation}): LinkView => {
    const parts = Math.max(1, utilisation.length);
    return {name: link, bandwidth_bytes_per_s, bytes: moved, utilisation,
      mean: utilisation.reduce((sum, part) => sum + part, 0) / parts,
      most: utilisation.reduce((most, part) => Math.max(most, part), 0),
      full: utilisation.filter((part) => part >= FULL).length / parts};
  }).sort((a, b) => b.mean - a.mean || (a.name < b.name ? -1 : 1));
}

/// The bytes between hosts that a simulation counted, its collectives' messages as they were sent.
export function traffic_of_figures(figures: SimulationFigures, hosts: string[]): Traffic {
  const index_of = new Map(hosts.map((host, index) => [host, index]));
  const moved = hosts.map(() => hosts.map(() => 0));
  let [total_bytes, most_bytes] = [0, 0];
  for (const {from, to, bytes: count} of figures.traffic ?? []) {
    const row = moved[index_of.get(from) ?? -1];
    const column = index_of.get(to);
    if (row === undefined || column === undefined) continue;
    row[column] += count;
    total_bytes += count;
    most_bytes = Math.max(most_bytes, row[column]);
  }
  return {hosts, bytes: moved, total_bytes, most_bytes};
}

export interface Flow {
  from: string;
  to: string;
  bytes: number;
}

/// What is sent from whom to whom, the most first.
export function flows_of({hosts, bytes: moved}: Traffic): Flow[] {
  return moved.flatMap((row, from) => row.flatMap((count, to) => (count > 0 && from !== to ? [{from: hosts[from], to: hosts[to], bytes: count}] : [])))
    .sort((a, b) => b.bytes - a.bytes);
}

export function rate_text(bytes_per_s: number): string {
  const bits = bytes_per_s * 8;
  return bits >= 1e9 ? `${Number((bits * 1e-9).toPrecision(3))}\u202fGbit/s` : `${Number((bits * 1e-6).toPrecision(3))}\u202fMbit/s`;
}

/// What crosses a link that is called by a host or zone and its direction; undefined for others.
function crossing(link: string, flows: Flow[], zones: Zone[]): Flow[] | undefined {
  const [, place = "", direction = ""] = /^(.*)\.(up|down)$/.exec(link) ?? [];
  const members = new Set(zones.find(({name}) => name === place)?.hosts ?? [place]);
  const found = flows.filter(({from, to}) => {
    const [inner, outer] = direction === "up" ? [from, to] : [to, from];
    return members.has(inner) && !members.has(outer);
  });
  return direction !== "" && found.length > 0 ? found : undefined;
}

/// What the bytes of `flows` are, the most first: "82 % reduced gradients, 18 % activations".
function kinds_text(timeline: Timeline, flows: Flow[]): string {
  const pairs = new Set(flows.map(({from, to}) => `${from} ${to}`));
  const total = flows.reduce((sum, flow) => sum + flow.bytes, 0);
  let [activations, gradients] = [0, 0];
  for (const {kind, rank, peer = -1, bytes: moved = 0} of timeline.events) {
    if (!kind.startsWith("send_") || !pairs.has(`${timeline.ranks[rank]?.host} ${timeline.ranks[peer]?.host}`)) continue;
    if (kind === "send_activation") activations += moved;
    else gradients += moved;
  }
  const parts: [string, number][] = [["activations", activations], ["gradients of activations", gradients], ["reductions of parameters' gradients", total - activations - gradients]];
  return parts.filter(([, part]) => part > 0.005 * total).sort((a, b) => b[1] - a[1]).map(([name, part]) => `${percent(part / total, 0)} ${name}`).join(", ");
}

/// The busiest link, what it carries, and whether the step waits for the network: a sentence each.
export function bottleneck_sentences(links: LinkView[], timeline: Timeline, traffic: Traffic, path: CriticalPath, zones: Zone[]): string[] {
  const total_s = Object.values(path.spent_s).reduce((sum, part_s) => sum + part_s, 0);
  const network = total_s > 0 ? (path.spent_s.transfer + path.spent_s.reduction) / total_s : 0;
  const sentences: string[] = [];
  const [link] = links;
  if (link) {
    const alike = links.filter(({mean}) => mean > 0.98 * link.mean).length - 1;
    sentences.push(`The busiest link is ${link.name} (${rate_text(link.bandwidth_bytes_per_s)}): in the mean ${percent(link.mean, 0)} of its capacity is in use, ${link.full > 0 ? `and all of it for ${percent(link.full, 0)} of the step` : `at most ${percent(link.most, 0)}`}.` +
      (alike > 0 ? ` ${alike} other ${alike === 1 ? "link is" : "links are"} as busy.` : ""));
    const flows = crossing(link.name, flows_of(traffic), zones);
    if (flows)
      sentences.push(`It carries ${rounded(bytes(Math.round(link.bytes)))} a step: ${kinds_text(timeline, flows)}; most goes from ${flows[0].from} to ${flows[0].to} (${bytes(Math.round(flows[0].bytes))}).`);
  }
  if (total_s > 0)
    sentences.push(network < 0.02
      ? `The network is no bottleneck: ${percent(network)} of the critical path is spent on it.`
      : `${percent(network, 0)} of the critical path is spent on the network: a faster one shortens the step by that at most.`);
  return sentences;
}
