// A small replay of GPipe that gives the example its timelines.

import type {Cluster, Plan, Profile, Timeline, TimelineEvent} from "../../web/src/documents";
import {ranks_of_stages} from "../../web/src/layout/strategies";

/// Numbers in [0, 1), the same for the same seed (mulberry32).
export function random_numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const rounded = (value: number) => Number(value.toPrecision(6));

interface Replayed {
  timeline: Timeline;
  traffic_bytes: number;
}

/// A rank's part in a stage.
interface Part {
  rank: number;
  stage: number;
  share: number;
}

/// GPipe on `stages`: all forwards, stage by stage, then all backwards, each as soon as the host is
/// free and its tensors have come. `noise` in [0, 1) lengthens instructions at random.
export function replay(
  plan: Pick<Plan, "stages" | "batch_size" | "micro_batches">,
  profile: Profile,
  cluster: Cluster,
  source: string,
  noise: number,
  seed: number,
): Replayed {
  const random = random_numbers(seed);
  const {stages, micro_batches} = plan;
  const samples = plan.batch_size / micro_batches;
  const ranks = ranks_of_stages(stages);
  const parts_of = (stage: number): Part[] =>
    stages[stage].replicas.map(({host, share}) => ({rank: ranks.findIndex((rank) => rank.host === host), stage, share}));
  const cost_of = new Map(profile.layers.map((entry) => [entry.layer, entry]));
  const stage_of = new Map(stages.flatMap(({layers}, stage) => layers.map((layer): [string, number] => [layer, stage])));
  const ids = profile.model.layers.map(({id}) => id);
  // Tensors that cross: producer layer → consuming stages.
  const crossing = profile.model.layers.flatMap((layer) =>
    layer.inputs.filter((input) => stage_of.has(input) && stage_of.get(input) !== stage_of.get(layer.id))
      .map((input) => ({layer: input, from: stage_of.get(input) as number, to: stage_of.get(layer.id) as number})));
  const events: TimelineEvent[] = [];
  const free_s = ranks.map(() => 0);
  let traffic_bytes = 0;
  const longer = () => 1 + noise * random();
  const work = ({rank, stage}: Part, kind: string, micro_batch: number, duration_s: number) => {
    const start_s = free_s[rank];
    free_s[rank] = start_s + duration_s * longer();
    events.push({rank, kind, stage, micro_batch, layer: -1, peer: -1, start_s, end_s: free_s[rank], bytes: 0});
  };
  const speed = (rank: number) => cluster.hosts.find(({name}) => name === ranks[rank].host)?.relative_speed ?? 1;
  const stage_s = ({rank, stage, share}: Part, pass: "forward_s" | "backward_s") =>
    stages[stage].layers.reduce((sum, layer) => {
      const measurements = cost_of.get(layer)?.measurements ?? [];
      const last = measurements[measurements.length - 1];
      return sum + (last[pass] / last.batch_size) * samples * share;
    }, 0) / speed(rank);
  const arrivals = new Map<string, number>();
  const moved_bytes = (layer: string, a: Part, b: Part) =>
    Math.round((cost_of.get(layer)?.activation_bytes_per_sample ?? 0) * samples * a.share * b.share);
  const transfer = (kinds: ["send_activation" | "send_gradient", "receive_activation" | "receive_gradient"]) => ({
    send: (from: Part, to_stage: number, layer: string, micro_batch: number) => {
      const {rank, stage} = from;
      for (const to of parts_of(to_stage)) {
        const bytes = moved_bytes(layer, from, to);
        events.push({rank, kind: kinds[0], stage, micro_batch, layer: ids.indexOf(layer), peer: to.rank, start_s: free_s[rank], end_s: free_s[rank], bytes});
        const on_network = to.rank !== rank;
        arrivals.set([kinds[0], rank, to.rank, to_stage, layer, micro_batch].join(" "),
          free_s[rank] + (on_network ? (2e-4 + bytes / 125e6) * longer() : 0));
        if (on_network) traffic_bytes += bytes;
      }
    },
    receive: (to: Part, from_stage: number, layer: string, micro_batch: number) => {
      const {rank, stage} = to;
      for (const from of parts_of(from_stage)) {
        const arrival_s = arrivals.get([kinds[0], from.rank, rank, stage, layer, micro_batch].join(" ")) ?? 0;
        const end_s = Math.max(free_s[rank], arrival_s);
        events.push({rank, kind: kinds[1], stage, micro_batch, layer: ids.indexOf(layer), peer: from.rank, start_s: free_s[rank], end_s, bytes: moved_bytes(layer, to, from)});
        free_s[rank] = end_s;
      }
    },
  });
  const activations = transfer(["send_activation", "receive_activation"]);
  const gradients = transfer(["send_gradient", "receive_gradient"]);
  for (let stage = 0; stage < stages.length; ++stage)
    for (const part of parts_of(stage))
      for (let micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
        work(part, "load_micro_batch", micro_batch, 8e-6 * samples * part.share);
        for (const {layer, from, to} of crossing) if (to === stage) activations.receive(part, from, layer, micro_batch);
        work(part, "forward", micro_batch, stage_s(part, "forward_s"));
        for (const {layer, from, to} of crossing) if (from === stage) activations.send(part, to, layer, micro_batch);
      }
  for (let stage = stages.length - 1; stage >= 0; --stage)
    for (const part of parts_of(stage))
      for (let micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
        if (stages[stage].recompute) work(part, "recompute", micro_batch, stage_s(part, "forward_s"));
        for (const {layer, from, to} of crossing) if (from === stage) gradients.receive(part, to, layer, micro_batch);
        work(part, "backward", micro_batch, stage_s(part, "backward_s"));
        for (const {layer, from, to} of crossing) if (to === stage) gradients.send(part, from, layer, micro_batch);
      }
  for (let stage = 0; stage < stages.length; ++stage) {
    const members = parts_of(stage);
    const bytes = stages[stage].layers.reduce((sum, layer) => sum + (cost_of.get(layer)?.parameter_bytes ?? 0), 0);
    if (members.length > 1) {
      const ready_s = Math.max(...members.map(({rank}) => free_s[rank]));
      const ring_bytes = (2 * (members.length - 1) * bytes) / members.length;
      for (const {rank} of members) {
        const end_s = ready_s + 4e-4 + ring_bytes / 125e6;
        events.push({rank, kind: "reduce_gradients", stage, micro_batch: -1, layer: -1, peer: -1, start_s: free_s[rank], end_s, bytes});
        free_s[rank] = end_s;
        traffic_bytes += Math.round(ring_bytes);
      }
    }
    for (const part of members) work(part, "optimizer_step", -1, 1e-4 + bytes * 4e-10);
  }
  for (const event of events) {
    event.start_s = rounded(event.start_s);
    event.end_s = Math.max(event.start_s, rounded(event.end_s));
  }
  events.sort((a, b) => a.rank - b.rank || a.start_s - b.start_s);
  return {
    timeline: {
      ...{format: "cadastre-timeline/1"},
      source,
      step_s: rounded(Math.max(...free_s)),
      ranks,
      events,
    },
    traffic_bytes,
  };
}
