// Made-up but consistent documents: a network of one branch per sensor on a few unequal hosts. The
// timelines come from a small replay of GPipe, so that they obey the order of things; their seconds
// are plausible, nothing more.

import type {Cluster, Layer, Metrics, Model, Plan, Profile, Stage, Validation} from "../../web/src/documents";
import {type HostLoad, loads_of_timeline} from "../../web/src/layout/loads";
import {example_figures} from "./example_figures";
import {random_numbers, replay, rounded} from "./example_replay";

const SENSORS = [
  {name: "hyperspectral", prefix: "hs", bands: 48, size: 12, channels: [64, 96]},
  {name: "lidar", prefix: "lidar", bands: 2, size: 24, channels: [16, 32]},
  {name: "rgb", prefix: "rgb", bands: 3, size: 48, channels: [16, 32]},
];

const CLASSES = [
  {id: 1, name: "grass", color: "#7fbf4d"},
  {id: 2, name: "tree", color: "#1f6b2e"},
  {id: 3, name: "road", color: "#6b6b6b"},
  {id: 4, name: "building", color: "#c0392b"},
  {id: 5, name: "water", color: "#2f6fb5"},
  {id: 6, name: "bare soil", color: "#c9a26b"},
];

export function example_model(): Model {
  const layers: Layer[] = [];
  for (const {name, prefix, channels} of SENSORS) {
    let input = name;
    const add = (layer: Layer) => {
      layers.push(layer);
      input = layer.id;
    };
    channels.forEach((out_channels, index) => {
      const n = index + 1;
      add({id: `${prefix}_conv${n}`, kind: "conv2d", inputs: [input], out_channels, kernel_size: 3, stride: 1, padding: 1, groups: 1, bias: true});
      add({id: `${prefix}_relu${n}`, kind: "relu", inputs: [input]});
      if (n < channels.length) add({id: `${prefix}_pool${n}`, kind: "max_pool2d", inputs: [input], kernel_size: 2, stride: 2, padding: 0});
    });
    add({id: `${prefix}_mean`, kind: "adaptive_avg_pool2d", inputs: [input], output_size: 1});
    add({id: `${prefix}_flat`, kind: "flatten", inputs: [input]});
  }
  layers.push(
    {id: "fuse", kind: "concat", inputs: SENSORS.map(({prefix}) => `${prefix}_flat`)},
    {id: "hidden", kind: "linear", inputs: ["fuse"], out_features: 4096, bias: true},
    {id: "hidden_relu", kind: "relu", inputs: ["hidden"]},
    {id: "scores", kind: "linear", inputs: ["hidden_relu"], out_features: CLASSES.length, bias: true},
  );
  return {
    ...{format: "cadastre-model/1", batch_norm_group_samples: 1},
    name: "multimodal-cnn",
    inputs: SENSORS.map(({name, bands, size}) => ({name, shape: [bands, size, size]})),
    layers,
    output: "scores",
  };
}

function example_profile(model: Model): Profile {
  const parameters: {[id: string]: number} = {
    hs_conv1: 27712, hs_conv2: 55392, lidar_conv1: 304, lidar_conv2: 4640, rgb_conv1: 448, rgb_conv2: 4640,
    hidden: 659456, scores: 24582,
  };
  const elements: {[prefix: string]: [number, number, number]} = {hs: [9216, 3456, 96], lidar: [9216, 4608, 32], rgb: [36864, 18432, 32]};
  const layers = model.layers.map(({id, kind}) => {
    const [prefix] = id.split("_");
    const late = /2$/.test(id) ? 1 : 0;
    const output = elements[prefix] ? (/mean|flat/.test(id) ? elements[prefix][2] : /pool/.test(id) ? elements[prefix][0] / 4 : elements[prefix][late])
      : id === "fuse" ? 160 : id === "scores" ? CLASSES.length : 4096;
    const forward_s = kind === "conv2d" ? (prefix === "hs" ? 52e-6 : prefix === "rgb" ? 31e-6 : 14e-6) : 1.2e-6 + output * 2e-10;
    return {
      layer: id,
      measurements: [1, 8, 32].map((batch_size) => ({
        batch_size,
        forward_s: rounded(20e-6 + batch_size * forward_s),
        forward_spread_s: rounded(batch_size * forward_s * 0.03),
        backward_s: rounded(30e-6 + batch_size * forward_s * 1.9),
        backward_spread_s: rounded(batch_size * forward_s * 0.05),
      })),
      activation_bytes_per_sample: 4 * output,
      saved_bytes_per_sample: 4 * output,
      parameter_bytes: 4 * (parameters[id] ?? 0),
      fit_error: 0.02,
    };
  });
  return {
    ...{load_s_per_sample: 8e-6, optimizer_s_per_parameter_byte: 4e-10, loss_s_per_sample: 1e-6},
    format: "cadastre-profile/1",
    device: "AMD EPYC 7313",
    num_threads: 2,
    model,
    layers,
  };
}

function example_cluster(): Cluster {
  const host = (name: string, relative_speed: number, cores: number, memory_gb: number) => ({name, relative_speed, cores, memory_bytes: memory_gb * 1e9});
  return {
    format: "cadastre-cluster/1",
    name: "lab-four-1gbe",
    hosts: [host("atlas", 1.6, 16, 64), host("boreas", 1, 8, 32), host("ceres", 1, 8, 32), host("dione", 0.5, 4, 16)],
    network: {bandwidth_bytes_per_s: 125e6, latency_s: 5e-5,
      zones: [{name: "attic", hosts: ["ceres", "dione"], bandwidth_bytes_per_s: 250e6, latency_s: 1e-5}]},
  };
}

export function example_metrics(seed: number, names = CLASSES.map(({name}) => name)): Metrics {
  const random = random_numbers(seed);
  const confusion = names.map((_, row) =>
    names.map((__, column) => Math.round(row === column ? 600 + 900 * random() : Math.abs(row - column) < 3 ? 90 * random() ** 2 : 6 * random())));
  const total = confusion.flat().reduce((sum, entry) => sum + entry, 0);
  const row_sums = confusion.map((row) => row.reduce((sum, entry) => sum + entry, 0));
  const column_sums = names.map((_, column) => confusion.reduce((sum, row) => sum + row[column], 0));
  const agreed = confusion.reduce((sum, row, index) => sum + row[index], 0) / total;
  const chance = row_sums.reduce((sum, row_sum, index) => sum + row_sum * column_sums[index], 0) / total ** 2;
  const classes = names.map((name, index) => {
    const precision = rounded(confusion[index][index] / column_sums[index]);
    const recall = rounded(confusion[index][index] / row_sums[index]);
    return {name, num_samples: row_sums[index], precision, recall, f1: rounded((2 * precision * recall) / (precision + recall))};
  });
  return {
    overall_accuracy: rounded(agreed),
    average_accuracy: rounded(classes.reduce((sum, {recall}) => sum + recall, 0) / classes.length),
    kappa: rounded((agreed - chance) / (1 - chance)),
    classes,
    confusion,
  };
}

function example_validation(num_steps: number): Validation {
  const curve = Array.from({length: 8}, (_, index) => {
    const learned = 1 - Math.exp(-0.5 * (index + 1)) - (index === 7 ? 0.02 : 0);
    return {num_steps: Math.round(((index + 1) * num_steps) / 8), loss: rounded(1.8 - 1.5 * learned), overall_accuracy: rounded(0.3 + 0.62 * learned),
      average_accuracy: rounded(0.25 + 0.63 * learned), kappa: rounded(0.15 + 0.74 * learned)};
  });
  return {num_samples: 900, curve, best_num_steps: curve[6].num_steps, ...{metrics: example_metrics(4)}};
}

function example_areas(): object {
  const random = random_numbers(8);
  const pixels = [3900, 1300, 1500, 700, 900, 916];
  return {format: "cadastre-map/1", map: "map.tif", run: "run", model: "multimodal-cnn", scene: "synthetic-parish", num_rows: 96, num_columns: 96,
    num_nodata_pixels: 0, min_area_pixels: 0, num_views: 1, area_unit: "hectare", estimated_overall_accuracy: 0.9, estimated_overall_accuracy_half_width: 0.01,
    classes: CLASSES.map(({id, name}, index) => ({id, name, num_pixels: pixels[index], mapped_area: pixels[index] / 1e4,
      estimated_area: rounded((pixels[index] / 1e4) * (0.9 + 0.2 * random())), estimated_area_half_width: rounded(0.004 + 0.006 * random()),
      users_accuracy: 0.9, users_accuracy_half_width: 0.02, producers_accuracy: 0.9, producers_accuracy_half_width: 0.02}))};
}

/// All documents of a demo, by file name.
export function example_documents(num_steps = 240): {[name: string]: object} {
  const model = example_model();
  const profile = example_profile(model);
  const cluster = example_cluster();
  const all = model.layers.map(({id}) => id);
  const of = (...prefixes: string[]) => all.filter((id) => prefixes.includes(id.split("_")[0]));
  const shared = of("fuse", "hidden", "scores");
  const alone = (host: string) => [{host, share: 1}];
  const strategies: [string, number, Stage[]][] = [
    ["auto", 4, [
      {layers: of("hs"), replicas: [{host: "boreas", share: 0.5}, {host: "ceres", share: 0.5}]},
      {layers: of("lidar", "rgb"), replicas: alone("atlas")},
      {layers: shared, replicas: alone("dione")}]],
    ["single", 1, [{layers: all, replicas: alone("atlas")}]],
    ["data-parallel", 1, [{layers: all, replicas: [
      {host: "atlas", share: 0.4}, {host: "boreas", share: 0.25}, {host: "ceres", share: 0.25}, {host: "dione", share: 0.1}]}]],
    ["branch", 4, [
      {layers: of("hs"), replicas: alone("atlas")},
      {layers: of("lidar"), replicas: alone("dione")},
      {layers: of("rgb"), replicas: alone("boreas")},
      {layers: shared, replicas: alone("ceres")}]],
    ["pipeline", 8, [
      {layers: all.slice(0, 5), replicas: alone("atlas"), recompute: true},
      {layers: all.slice(5, 12), replicas: alone("boreas")},
      {layers: all.slice(12, 17), replicas: alone("atlas"), recompute: true},
      {layers: all.slice(17), replicas: alone("boreas")}]],
  ];
  const memory_of = new Map(profile.layers.map((layer) => [layer.layer, 3 * layer.parameter_bytes + 128 * (layer.saved_bytes_per_sample ?? 0)]));
  const made = strategies.map(([strategy, micro_batches, stages], index) => {
    const division = {stages, batch_size: 128, micro_batches};
    const predicted = replay(division, profile, cluster, "predicted", 0, 1);
    const simulated = replay(division, profile, cluster, "simulated", 0.08, 100 + index);
    const {step_s, ranks, events} = predicted.timeline;
    const loads = new Map(loads_of_timeline(predicted.timeline).map((load) => [load.host, load]));
    const hosts = ranks.map(({host, parts}, rank) => {
      const {compute_s, transfer_s, reduction_s, waiting_s} = loads.get(host) as HostLoad;
      const sent_bytes = events.filter(({rank: from, kind, peer}) => from === rank && kind.startsWith("send") && peer !== rank)
        .reduce((total, {bytes = 0}) => total + bytes, 0);
      const peak_memory_bytes = parts.flatMap(({stage}) => stages[stage].layers)
        .reduce((total, layer) => total + (memory_of.get(layer) ?? 0), 0);
      return {host, compute_s: rounded(compute_s), transfer_s: rounded(transfer_s), reduction_s: rounded(reduction_s),
        waiting_s: rounded(waiting_s), sent_bytes, peak_memory_bytes};
    });
    const plan: Plan = {
      strategy, ...division, schedule: strategy === "pipeline" ? "interleaved-1f1b" : "gpipe",
      predicted: {step_s, traffic_bytes_per_step: predicted.traffic_bytes, fits_memory: true, hosts,
        ...{latency_s: rounded(step_s / 400), inference_samples_per_s: rounded(400 / step_s), energy_j_per_step: 0, price_per_step: 0},
        peak_memory_bytes: Math.max(...hosts.map(({peak_memory_bytes}) => peak_memory_bytes))},
      simulated: {step_s: simulated.timeline.step_s},
    };
    return {plan, predicted, simulated};
  });
  const [best] = made;
  const measured = replay(best.plan, profile, cluster, "measured", 0.15, 7);
  const random = random_numbers(11);
  const steps = Array.from({length: num_steps}, (_, step) => ({
    step,
    loss: rounded(0.22 + 1.55 * Math.exp((-5 * step) / num_steps) + 0.25 * (random() - 0.5) * Math.exp((-2 * step) / num_steps)),
    learning_rate: rounded(0.025 * (1 + Math.cos((Math.PI * step) / num_steps))),
    end_s: rounded((step + 1) * measured.timeline.step_s),
  }));
  const raster = (name: string) => `${name}.tif`;
  const run = {
    format: "cadastre-run/1", model, strategy: "auto", batch_size: 128, micro_batches: best.plan.micro_batches, schedule: "gpipe",
    stages: best.plan.stages,
    training: {epochs: 4, samples_per_epoch: 7680, max_steps: 0, learning_rate: 0.05, momentum: 0.9, weight_decay: 1e-4, seed: 1},
    scene: {format: "cadastre-scene/1", name: "synthetic-parish", description: "Parcels, roads, buildings, trees and a river, made by a program",
      modalities: SENSORS.map(({name, bands}) => ({name, raster: raster(name), num_bands: bands, resampling: "bilinear"})),
      labels: raster("labels"), classes: CLASSES, split: {raster: raster("split"), train: 1, test: 2}},
    predicted: {step_s: best.plan.predicted.step_s}, simulated: best.plan.simulated,
    measured: {step_s: measured.timeline.step_s, step_spread_s: rounded(measured.timeline.step_s * 0.04), wall_s: rounded(num_steps * measured.timeline.step_s * 1.1)},
    traffic_bytes_per_step: measured.traffic_bytes, steps, metrics: example_metrics(3), validation: example_validation(num_steps),
  };
  return {
    "profile.json": profile,
    "cluster.json": cluster,
    "plan.json": {format: "cadastre-plan/1", ...best.plan,
      search: {objective: "step-time", value: best.plan.predicted.step_s, bound: rounded(best.plan.predicted.step_s * 0.97),
        proven_optimal: false, feasible: true, optimality_gap: 0.03, search_s: 0.41, num_evaluated: 3812},
      runners_up: [],
      alternatives: made.slice(1).map(({plan}) => plan), profile, cluster},
    "simulation.json": {format: "cadastre-simulation/1", network_model: "CM02, no cross-traffic", cluster: cluster.name, best: 0,
      plans: made.map(({plan, simulated}, index) => ({strategy: plan.strategy, micro_batches: plan.micro_batches, schedule: plan.schedule,
        predicted_step_s: plan.predicted.step_s, simulated_step_s: simulated.timeline.step_s,
        traffic_bytes_per_step: plan.predicted.traffic_bytes_per_step, fits_memory: true, timeline: simulated.timeline,
        ...(index === 0 && {figures: example_figures(simulated.timeline, cluster, new Map(plan.predicted.hosts.map(({host, peak_memory_bytes}) => [host, peak_memory_bytes])))})}))},
    "predicted-timeline.json": best.predicted.timeline,
    "map.json": example_areas(),
    "run/run.json": run,
    "run/timeline.json": measured.timeline,
  };
}

export const EXAMPLE_CLASSES = CLASSES;
