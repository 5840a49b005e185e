// How near predictions come to what is measured, as cadastre writes it (planner/fidelity/fidelity.h),
// as far as the viewer reads it.

export interface FidelityPlanAsked {
  strategy: string;
  micro_batches?: number;
  averaging_period?: number;
}

export interface FidelityGroup {
  model: string;
  cluster: string;
  batch_size: number;
  held_out: boolean; // from all calibration
  plans: FidelityPlanAsked[];
}

export interface StepFigures {
  step_s: number;
  traffic_bytes: number;
  hosts: {host: string; compute_s: number; transfer_s: number; waiting_s: number; peak_memory_bytes: number}[];
  kinds: {kind: string; seconds: number; count: number}[]; // on all hosts together
}

/// Without figures where `error` says why.
export interface FidelityPoint {
  group: number;
  asked: FidelityPlanAsked;
  runs: {step_s: number; median_s: number; spread_s: number; agrees: boolean}[];
  failures?: string[];
  error?: string;
  num_hosts?: number;
  plan?: {batch_size: number; micro_batches: number; schedule: string; stages: {first_layer: string; last_layer: string; num_layers: number; hosts: string[]}[]};
  measured?: StepFigures;
  predicted?: StepFigures;
  simulated?: StepFigures;
  explanation?: string;
}

/// Of relative errors: all but `mean` of their absolute values.
export interface ErrorSummary {
  median: number;
  p95: number;
  worst: number;
  mean: number;
}

export interface PredictorSummary {
  step: ErrorSummary;
  compute: ErrorSummary;
  transfer: ErrorSummary;
  waiting: ErrorSummary;
  num_traffic_exact: number;
  num_groups: number;
  mean_tau: number;
  num_best: number;
  mean_regret: number;
  worst_regret: number;
}

export interface FidelitySummary {
  part: string; // all, calibration, held out
  num_points: number;
  num_without_figures: number;
  num_disturbed: number;
  median_noise: number;
  worst_noise: number;
  median_spread: number;
  process_bytes: number;
  memory: ErrorSummary;
  predicted: PredictorSummary;
  simulated: PredictorSummary;
}

export interface RankedGroup {
  group: number;
  num_plans: number;
  tau: number;
  chosen: number; // point
  best: number;
  regret: number;
}

/// A host that has other processors than those that profiles are by, and how fast it is of their speed.
export interface MeasuredSpeed {
  group: number;
  host: string;
  num_threads?: number; // of the profiles, each by a whole processor; without it, 1
  stated: number;
  measured?: number; // where it could be measured
  beside_others?: number; // likewise, while the other hosts compute
  failures?: string[];
}

/// What a cause is worth to the points whose step it changes: medians of the sizes of their errors.
export interface AblationEffect {
  num_points: number;
  error_with: number;
  error_without: number;
}

export interface AblationFigures {
  name: string;
  left_out: string; // in words
  simulated: AblationEffect; // of all points
  predicted: AblationEffect;
  held_out_simulated: AblationEffect;
  held_out_predicted: AblationEffect;
}

export interface Fidelity {
  format: "cadastre-fidelity/1";
  suite: string;
  description: string;
  machine: string;
  num_processors: number;
  method: {num_steps: number; warm_up_steps: number; quantile: number; num_runs: number; most_runs: number; tolerance: number};
  groups: FidelityGroup[];
  points: FidelityPoint[];
  host_speeds?: MeasuredSpeed[];
  ablations?: AblationFigures[]; // where they were asked for
  summaries: FidelitySummary[];
  rankings: {predicted: RankedGroup[]; simulated: RankedGroup[]};
  worst: number[]; // points, that of the largest error of the simulated step first
}
