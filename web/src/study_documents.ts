// The result of a study as cadastre writes it (planner/study/result.h), as far as the viewer reads it.

export interface StudyFigures {
  simulated_step_s: number;
  step_p5_s?: number;
  step_p95_s?: number;
  traffic_bytes_per_step: number;
  throughput_samples_per_s: number;
  num_hosts: number;
  utilization_min: number;
  utilization_mean: number;
  utilization_max: number;
  [metric: string]: number | undefined; // all others of planner/study/metric.h
}

export interface StudyRow {
  values: {[column: string]: unknown};
  strategy: string;
  outcome: string; // done, no-plan, failed
  error?: string;
  fits_memory?: boolean;
  figures?: StudyFigures;
  plan?: {batch_size: number; micro_batches: number; averaging_period?: number};
}

/// Where one strategy begins to beat another: between two stretches lies a crossing.
export interface BreakEven {
  pointer?: string;
  metric?: string;
  strategies?: string[];
  threshold?: number;
  values?: {[column: string]: unknown}; // of the other columns
  stretches?: {from: number; to: number; answer: string}[];
  sentence: string;
}

/// How the step goes with one of the base's numbers: d log(step) / d log(number).
export interface Sensitivity {
  pointer: string;
  strategy: string;
  value: number;
  error?: string;
  elasticity?: number;
  step_s_when_less?: number;
  step_s_when_more?: number;
}

export interface MeasuredHost {
  name: string;
  processor_part: number;
  predicted_bytes: number;
  sent_bytes?: number; // at the network interfaces
  received_bytes?: number;
}

/// Without figures where `error` says why.
export interface MeasuredArchitecture {
  machines?: string;
  network?: string;
  setting?: string;
  strategy: string;
  error?: string;
  step_s?: number;
  epoch_s?: number;
  traffic_bytes_per_step?: number;
  hosts?: MeasuredHost[];
  overall_accuracy?: number;
  kappa?: number;
  inference_s?: number;
  inference_pixels?: number;
}

export interface StudyResult {
  format: "cadastre-study-result/1";
  name: string;
  description: string;
  network_model: string;
  columns: string[];
  rows: StudyRow[];
  pointers?: string[][]; // by column: what it changes
  break_even: BreakEven[];
  sensitivity?: Sensitivity[];
  goal?: {met: boolean; row?: number; sentence: string};
  measured?: MeasuredArchitecture[];
  claims?: {claim: string; verdict: string; when?: string[]; evidence: string[]}[];
}
