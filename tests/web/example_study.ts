// A made-up study: two strategies over three bandwidths, one of them with uneven steps.

import type {StudyResult, StudyRow} from "../../web/src/study_documents";

const row = (bandwidth: number, strategy: string, step_s: number, more: object = {}): StudyRow => ({
  values: {bandwidth}, strategy, outcome: "done", fits_memory: true,
  plan: {batch_size: 32, micro_batches: 1, ...{schedule: "gpipe", stages: [{first_layer: "a", last_layer: "b", num_layers: 2, hosts: ["node1", "node2"]}]}},
  figures: {simulated_step_s: step_s, step_p5_s: step_s, step_p95_s: step_s, predicted_step_s: step_s, throughput_samples_per_s: 32 / step_s,
    traffic_bytes_per_step: strategy === "pipeline" ? 4e5 : 3e6, peak_memory_bytes: strategy === "pipeline" ? 2e8 : 3e8, num_hosts: 2, utilization_min: 0.4, utilization_mean: 0.5,
    utilization_max: 0.6, energy_j_per_sample: 0, price_per_million_samples: 0, price_per_hour: 0.2, inference_latency_s: 0.01, inference_samples_per_s: 100, ...more}});

export function example_study(): StudyResult {
  return {
    format: "cadastre-study-result/1", name: "a sweep", description: "Made up", network_model: "none", columns: ["bandwidth"],
    pointers: [["/cluster/network/bandwidth_bytes_per_s"]],
    rows: [
      row(1.25e6, "pipeline", 0.2, {step_p5_s: 0.15, step_p95_s: 0.3}), row(1.25e6, "data-parallel", 1.2),
      row(1.25e7, "pipeline", 0.1, {step_p5_s: 0.09, step_p95_s: 0.12}), row(1.25e7, "data-parallel", 0.2),
      row(1.25e8, "pipeline", 0.09), row(1.25e8, "data-parallel", 0.05),
      {values: {bandwidth: 1.25e9}, strategy: "pipeline", outcome: "no-plan", error: "nothing fits"}, row(1.25e9, "data-parallel", 0.04)],
    break_even: [{pointer: "/cluster/network/bandwidth_bytes_per_s", metric: "simulated_step_s", strategies: ["pipeline", "data-parallel"], values: {},
      stretches: [{from: 1.25e6, to: 4e7, answer: "pipeline"}, {from: 4.1e7, to: 1.25e9, answer: "data-parallel"}], sentence: "pipeline beats data-parallel below 324 Mbit/s"}],
    sensitivity: [
      {pointer: "/cluster/hosts/node1/relative_speed", strategy: "pipeline", value: 1, elasticity: -0.95, step_s_when_less: 0.0521, step_s_when_more: 0.0431},
      {pointer: "/cluster/network/latency_s", strategy: "pipeline", value: 5e-5, elasticity: 0.1, step_s_when_less: 0.044, step_s_when_more: 0.046},
      {pointer: "/cluster/hosts/node2/memory_bytes", strategy: "pipeline", value: 1e9, error: "no plan with less"}],
    goal: {met: true, row: 5, sentence: "best price_per_hour with simulated_step_s at most 60 ms: data-parallel"},
  };
}
