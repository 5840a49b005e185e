// A small replay of GPipe that gives the example its timelines.

import type {Cluster, Plan, Profile, Timeline, TimelineEvent} from "../../web/src/documents";

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

/// GPipe on `stages`: all forwards, then all backwards, each as soon as the stage is free and its
/// tensors have come. `noise` in [0, 1) lengthens instructions at random.
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
  const ranks = stages.flatMap(({replicas}, stage) => replicas.map(({host, share}, replica) => ({host, stage, replica, share})));
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
  const work = (rank: number, kind: string, micro_batch: number, duration_s: number, bytes = 0) => {
    const start_s = free_s[rank];
    free_s[rank] = start_s + duration_s * longer();
    events.push({rank, kind, micro_batch, layer: -1, peer: -1, start_s, end_s: free_s[rank], bytes});
  };
  const speed = (rank: number) => cluster.hosts.find(({name}) => name === ranks[rank].host)?.relative_speed ?? 1;
  const stage_s = (rank: number, pass: "forward_s" | "backward_s") =>
    stages[ranks[rank].stage].layers.reduce((sum, layer) => {
      const measurements = cost_of.get(layer)?.measurements ?? [];
      const last = measurements[measurements.length - 1];
      return sum + (last[pass] / last.batch_size) * samples * ranks[rank].share;
    }, 0) / speed(rank);
  const ranks_of = (stage: number) => ranks.map((_, rank) => rank).filter((rank) => ranks[rank].stage === stage);
  const arrivals = new Map<string, number>();
  const transfer = (kinds: ["send_activation" | "send_gradient", "receive_activation" | "receive_gradient"]) => ({
    send: (rank: number, to_stage: number, layer: string, micro_batch: number) => {
      for (const peer of ranks_of(to_stage)) {
        const bytes = Math.round((cost_of.get(layer)?.activation_bytes_per_sample ?? 0) * samples * ranks[rank].share * ranks[peer].share);
        events.push({rank, kind: kinds[0], micro_batch, layer: ids.indexOf(layer), peer, start_s: free_s[rank], end_s: free_s[rank], bytes});
        arrivals.set(`${kinds[0]} ${rank} ${peer} ${layer} ${micro_batch}`, free_s[rank] + (2e-4 + bytes / 125e6) * longer());
        traffic_bytes += bytes;
      }
    },
    receive: (rank: number, from_stage: number, layer: string, micro_batch: number) => {
      for (const peer of ranks_of(from_stage)) {
        const arrival_s = arrivals.get(`${kinds[0]} ${peer} ${rank} ${layer} ${micro_batch}`) ?? 0;
        const bytes = Math.round((cost_of.get(layer)?.activation_bytes_per_sample ?? 0) * samples * ranks[rank].share * ranks[peer].share);
        const end_s = Math.max(free_s[rank], arrival_s);
        events.push({rank, kind: kinds[1], micro_batch, layer: ids.indexOf(layer), peer, start_s: free_s[rank], end_s, bytes});
        free_s[rank] = end_s;
      }
    },
  });
  const activations = transfer(["send_activation", "receive_activation"]);
  const gradients = transfer(["send_gradient", "receive_gradient"]);
  for (let stage = 0; stage < stages.length; ++stage)
    for (const rank of ranks_of(stage))
      for (let micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
        work(rank, "load_micro_batch", micro_batch, 8e-6 * samples * ranks[rank].share);
        for (const {layer, from, to} of crossing) if (to === stage) activations.receive(rank, from, layer, micro_batch);
        work(rank, "forward", micro_batch, stage_s(rank, "forward_s"));
        for (const {layer, from, to} of crossing) if (from === stage) activations.send(rank, to, layer, micro_batch);
      }
  for (let stage = stages.length - 1; stage >= 0; --stage)
    for (const rank of ranks_of(stage))
      for (let micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
        for (const {layer, from, to} of crossing) if (from === stage) gradients.receive(rank, to, layer, micro_batch);
        work(rank, "backward", micro_batch, stage_s(rank, "backward_s"));
        for (const {layer, from, to} of crossing) if (to === stage) gradients.send(rank, from, layer, micro_batch);
      }
  for (let stage = 0; stage < stages.length; ++stage) {
    const members = ranks_of(stage);
    const bytes = stages[stage].layers.reduce((sum, layer) => sum + (cost_of.get(layer)?.parameter_bytes ?? 0), 0);
    if (members.length > 1) {
      const ready_s = Math.max(...members.map((rank) => free_s[rank]));
      const ring_bytes = (2 * (members.length - 1) * bytes) / members.length;
      for (const rank of members) {
        const end_s = ready_s + 4e-4 + ring_bytes / 125e6;
        events.push({rank, kind: "reduce_gradients", micro_batch: -1, layer: -1, peer: -1, start_s: free_s[rank], end_s, bytes});
        free_s[rank] = end_s;
        traffic_bytes += Math.round(ring_bytes);
      }
    }
    for (const rank of members) work(rank, "optimizer_step", -1, 1e-4 + bytes * 4e-10);
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
      ranks: ranks.map(({host, stage, replica}) => ({host, stage, replica})),
      events,
    },
    traffic_bytes,
  };
}
