// What a simulation would count of a replayed plan: traffic, links and memory, so that they fit its
// timeline.

import type {Cluster, SimulationFigures, Timeline} from "../../web/src/documents";
import {loads_of_timeline, sends_of_receives, traffic_of_timeline} from "../../web/src/layout/loads";
import {rounded} from "./example_replay";

const NUM_PARTS = 60; // of the step, for links

/// The links on the way from one host to another: theirs, and the uplinks of zones that are left.
function way(cluster: Cluster, from: string, to: string): string[] {
  const zone_of = (host: string) => cluster.network.zones?.find(({hosts}) => hosts.includes(host))?.name;
  const [out, into] = [zone_of(from), zone_of(to)];
  return [`${from}.up`, ...(out !== into ? [out && `${out}.up`, into && `${into}.down`] : []), `${to}.down`].filter((link) => link !== undefined);
}

export function example_figures(timeline: Timeline, cluster: Cluster, memory_bytes: Map<string, number>): SimulationFigures & object {
  const {step_s, events, ranks} = timeline;
  const used = new Map<string, number[]>(); // bytes by part
  const move = (from: string, to: string, bytes: number, begin_s: number, end_s: number) => {
    for (const link of way(cluster, from, to)) {
      const parts = used.get(link) ?? new Array<number>(NUM_PARTS).fill(0);
      used.set(link, parts);
      const length_s = Math.max(end_s - begin_s, 1e-9);
      parts.forEach((_, part) => {
        const [part_begin_s, part_end_s] = [(part * step_s) / NUM_PARTS, ((part + 1) * step_s) / NUM_PARTS];
        parts[part] += (bytes * Math.max(0, Math.min(end_s, part_end_s) - Math.max(begin_s, part_begin_s))) / length_s;
      });
    }
  };
  const sends = sends_of_receives(timeline);
  events.forEach((event, index) => {
    const send = events[sends[index]];
    if (send) move(ranks[send.rank].host, ranks[event.rank].host, send.bytes ?? 0, send.start_s, send.start_s + (send.bytes ?? 0) / 110e6);
  });
  const traffic = traffic_of_timeline({...timeline, events: events.filter(({kind}) => kind === "reduce_gradients")});
  const last = events.filter(({kind}) => kind === "reduce_gradients").reduce((latest_s, {end_s}) => Math.max(latest_s, end_s), 0);
  traffic.hosts.forEach((from, i) => traffic.hosts.forEach((to, k) => {
    if (traffic.bytes[i][k] > 0) move(from, to, traffic.bytes[i][k], last - traffic.bytes[i][k] / 110e6, last);
  }));
  const all = traffic_of_timeline(timeline);
  const bandwidth = (link: string) => cluster.network.zones?.find(({name}) => link.startsWith(`${name}.`))?.bandwidth_bytes_per_s ?? cluster.network.bandwidth_bytes_per_s;
  const loads = loads_of_timeline(timeline);
  return {
    ...{steps: {num_steps: 1, mean_s: step_s, p5_s: step_s, median_s: step_s, p95_s: step_s}, run: {run_s: rounded(2 * step_s), checkpoint_s: 0, restarts: []}},
    hosts: loads.map(({host, compute_s, transfer_s, reduction_s, waiting_s}, index) => {
      const peak = memory_bytes.get(host) ?? 0;
      const sum = (values: number[]) => Math.round(values.reduce((total, value) => total + value, 0));
      return {host, ...{compute_s: rounded(compute_s), receiving_s: rounded(transfer_s + reduction_s), sending_s: 0, waiting_s: rounded(waiting_s),
        sent_bytes: sum(all.bytes[index]), received_bytes: sum(all.bytes.map((row) => row[index])), energy_j: 0, price: 0},
        peak_memory_bytes: peak, memory: [[0, Math.round(peak / 3)], [rounded(step_s / 4), Math.round(peak * 0.8)], [rounded(step_s / 3), peak], [rounded(step_s * 0.8), Math.round(peak / 3)]] as [number, number][]};
    }),
    traffic: all.hosts.flatMap((from, i) => all.hosts.flatMap((to, k) => (all.bytes[i][k] > 0 ? [{from, to, bytes: Math.round(all.bytes[i][k])}] : []))),
    links: [...used].sort(([a], [b]) => (a < b ? -1 : 1)).map(([link, parts]) => ({link, bandwidth_bytes_per_s: bandwidth(link),
      bytes: rounded(parts.reduce((total, value) => total + value, 0)),
      utilisation: parts.map((value) => Math.min(1, rounded(value / (bandwidth(link) * (step_s / NUM_PARTS)))))})),
  };
}

/// A simulation of `num_hosts` hosts in a row, each sending to the next, with a cluster of them.
export function row_of_hosts(num_hosts: number): {[name: string]: object} {
  const hosts = Array.from({length: num_hosts}, (_, i) => `node-${i}`);
  const ranks = hosts.map((host, stage) => ({host, parts: [{stage, replica: 0}]}));
  const events = hosts.flatMap((_, rank) => [
    ...(rank > 0 ? [{rank, kind: "receive_activation", stage: rank, micro_batch: 0, layer: rank - 1, peer: rank - 1, start_s: 0, end_s: rank, bytes: 1000}] : []),
    {rank, kind: "forward", stage: rank, micro_batch: 0, layer: -1, peer: -1, start_s: rank, end_s: rank + 0.5, bytes: 0},
    ...(rank + 1 < num_hosts ? [{rank, kind: "send_activation", stage: rank, micro_batch: 0, layer: rank, peer: rank + 1, start_s: rank + 0.5, end_s: rank + 0.5, bytes: 1000}] : [])]);
  const timeline = {format: "cadastre-timeline/1", source: "simulated", step_s: num_hosts, ranks, events} as Timeline & object;
  const cluster: Cluster = {format: "cadastre-cluster/1", name: "row", hosts: hosts.map((name) => ({name, relative_speed: 1, cores: 1, memory_bytes: 1e9})), network: {bandwidth_bytes_per_s: 1.25e6, latency_s: 1e-4}};
  return {"cluster.json": cluster, "simulation.json": {format: "cadastre-simulation/1", network_model: "none", cluster: "row", best: 0, plans: [{
    strategy: "pipeline", micro_batches: 1, schedule: "gpipe", predicted_step_s: num_hosts, simulated_step_s: num_hosts, traffic_bytes_per_step: 1000 * (num_hosts - 1),
    fits_memory: true, timeline, figures: example_figures(timeline, cluster, new Map())}]}};
}
