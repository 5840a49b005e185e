// A made-up comparison of predictions with runs: two groups, one of them held out, a plan that could
// not be measured and one whose runs do not agree.

import type {ErrorSummary, Fidelity, FidelityPoint, FidelitySummary, PredictorSummary, StepFigures} from "../../web/src/fidelity_documents";

const figures = (step_s: number, forward_s: number, wait_s: number): StepFigures => ({
  step_s, traffic_bytes: 425984,
  hosts: ["node1", "node2"].map((host) => ({host, compute_s: forward_s / 2, transfer_s: wait_s / 2, waiting_s: step_s - (forward_s + wait_s) / 2, peak_memory_bytes: 25e6})),
  kinds: [{kind: "forward", seconds: forward_s, count: 8}, {kind: "reduce_gradients", seconds: wait_s, count: 2}]});

const run = (step_s: number, agrees = true) => ({step_s, median_s: step_s * 1.1, spread_s: step_s * 0.05, agrees});

function point(group: number, strategy: string, measured_s: number, simulated_s: number, predicted_s: number, more: Partial<FidelityPoint> = {}): FidelityPoint {
  return {group, asked: {strategy}, num_hosts: 2, plan: {batch_size: 64, micro_batches: 4, schedule: "gpipe", stages: [{first_layer: "a", last_layer: "b", num_layers: 2, hosts: ["node1", "node2"]}]}, runs: [run(measured_s), run(measured_s * 1.02)],
    measured: figures(measured_s, measured_s, measured_s / 2), simulated: figures(simulated_s, measured_s * 0.9, measured_s / 2),
    predicted: figures(predicted_s, measured_s * 0.9, measured_s / 4), explanation: `the forward passes of stage 0 on node1 took ${measured_s * 500} ms, not ${measured_s * 450}`, ...more};
}

const errors = (median: number, p95: number, worst: number, mean: number): ErrorSummary => ({median, p95, worst, mean});
const predictor = (median: number): PredictorSummary => ({step: errors(median, median * 2, median * 3, -median), compute: errors(median, median, median, median),
  transfer: errors(median / 2, median, median, 0), waiting: errors(median / 3, median, median, 0),
  num_traffic_exact: 2, num_groups: 1, mean_tau: 1, num_best: 1, mean_regret: 0, worst_regret: 0.013});
const summary = (part: string, num_points: number, num_without_figures: number, simulated: number): FidelitySummary => ({part, num_points, num_without_figures, num_disturbed: part === "held out" ? 1 : 0,
  median_noise: 0.02, worst_noise: 0.024, median_spread: 0.05, process_bytes: 2.3e8, memory: errors(0.03, 0.09, 0.12, 0), predicted: predictor(simulated * 2), simulated: predictor(simulated)});

export function example_fidelity(): Fidelity {
  return {
    format: "cadastre-fidelity/1", suite: "made-up", description: "Made up.", machine: "a processor", num_processors: 2,
    method: {num_steps: 60, warm_up_steps: 5, quantile: 0.1, num_runs: 2, most_runs: 3, tolerance: 0.03},
    groups: [
      {model: "multimodal", cluster: "two", batch_size: 64, held_out: false, plans: [{strategy: "single"}, {strategy: "pipeline", micro_batches: 4}, {strategy: "branch"}]},
      {model: "vgg", cluster: "four", batch_size: 32, held_out: true, plans: [{strategy: "data-parallel"}, {strategy: "parameter-averaging", averaging_period: 4}]}],
    points: [
      point(0, "single", 0.08, 0.084, 0.07), point(0, "pipeline", 0.06, 0.05, 0.048, {asked: {strategy: "pipeline", micro_batches: 4}}),
      {group: 0, asked: {strategy: "branch"}, runs: [], error: "cadastre run ended with status 2: <b>no model</b>"},
      point(1, "data-parallel", 0.5, 0.51, 0.44, {runs: [run(0.5), run(0.7, false), run(0.8, false)]}),
      point(1, "parameter-averaging", 0.2, 0.206, 0.21, {asked: {strategy: "parameter-averaging", averaging_period: 4}})],
    host_speeds: [{group: 0, host: "node2", stated: 0.5, measured: 0.37, beside_others: 0.35}, {group: 0, host: "node3", num_threads: 2, stated: 0.5, measured: 0.61}, {group: 1, host: "node4", stated: 0.25, failures: ["profile 1: no memory"]}],
    ablations: [
      {name: "transport", left_out: "what messages take", simulated: {num_points: 3, error_with: 0.04, error_without: 0.11}, predicted: {num_points: 2, error_with: 0.08, error_without: 0.09},
        held_out_simulated: {num_points: 0, error_with: 0, error_without: 0}, held_out_predicted: {num_points: 0, error_with: 0, error_without: 0}}],
    summaries: [summary("all", 5, 1, 0.04), summary("calibration", 3, 1, 0.05), summary("held out", 2, 0, 0.025)],
    rankings: {
      simulated: [{group: 0, num_plans: 2, tau: 1, chosen: 1, best: 1, regret: 0}],
      predicted: [{group: 0, num_plans: 2, tau: -1, chosen: 0, best: 1, regret: 1 / 3}]},
    worst: [1, 0, 4, 3],
  };
}
