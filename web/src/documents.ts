// The documents as cadastre writes them (planner/*_json.cpp), as far as the viewer reads them.
// Times are seconds, sizes bytes.

import type {MapAreas, Metrics, Validation} from "./accuracy_documents";
import type {Fidelity} from "./fidelity_documents";
import type {StudyResult} from "./study_documents";

export type {ClassMetrics, MapAreas, Metrics, Validation, ValidationPoint} from "./accuracy_documents";

export interface Replica {
  host: string;
  share: number; // of every micro-batch, in (0, 1]
}

export interface Stage {
  layers: string[];
  replicas: Replica[];
  recompute?: boolean; // keeps its inputs alone from forward to backward
}

export interface HostPrediction {
  host: string;
  compute_s: number;
  waiting_s: number;
  transfer_s: number;
  reduction_s: number;
  sent_bytes: number;
  peak_memory_bytes: number;
}

export interface Prediction {
  step_s: number;
  traffic_bytes_per_step: number;
  peak_memory_bytes: number;
  fits_memory: boolean;
  energy_j_per_step?: number;
  price_per_step?: number;
  hosts: HostPrediction[];
}

export interface Plan {
  strategy: string;
  batch_size: number;
  micro_batches: number;
  schedule: string;
  stages: Stage[];
  predicted: Prediction;
  simulated?: {step_s: number};
  averaging_period?: number;
}

export interface Layer {
  id: string;
  kind: string;
  inputs: string[];
  [attribute: string]: unknown;
}

export interface Model {
  name: string;
  inputs: {name: string; shape: number[]}[];
  layers: Layer[];
  output: string;
}

export interface Measurement {
  batch_size: number;
  forward_s: number;
  backward_s: number;
}

export interface LayerProfile {
  layer: string;
  measurements: Measurement[];
  activation_bytes_per_sample: number;
  saved_bytes_per_sample?: number;
  parameter_bytes: number;
}

export interface Profile {
  format: "cadastre-profile/1";
  device: string;
  num_threads: number;
  model: Model;
  layers: LayerProfile[];
}

export interface Host {
  name: string;
  relative_speed: number;
  cores?: number;
  memory_bytes?: number;
}

/// Hosts behind an uplink of their own.
export interface Zone {
  name: string;
  hosts: string[];
  bandwidth_bytes_per_s: number;
  latency_s: number;
}

export interface Cluster {
  format: "cadastre-cluster/1";
  name: string;
  hosts: Host[];
  network: {bandwidth_bytes_per_s: number; latency_s: number; zones?: Zone[]};
}

export interface PlanDocument extends Plan {
  format: "cadastre-plan/1";
  search?: {objective: string; bound?: number; proven_optimal: boolean; optimality_gap: number; search_s: number; num_evaluated: number};
  alternatives?: Plan[];
  profile?: Profile;
  cluster?: Cluster;
}

export interface RankPart {
  stage: number;
  replica: number;
}

export interface TimelineRank {
  host: string;
  parts: RankPart[]; // in one stage or several
}

export interface TimelineEvent {
  rank: number;
  kind: string;
  stage?: number; // whose work it is
  micro_batch?: number; // -1 or absent: of the whole step
  layer?: number; // index into the model's layers
  peer?: number; // the other rank of a send or receive; the same one between two of its stages
  start_s: number;
  end_s: number;
  bytes?: number;
  resident_bytes?: number; // of the rank's process at the end; 0 or absent: not known
}

export interface Timeline {
  source: string;
  step_s: number;
  ranks: TimelineRank[];
  events: TimelineEvent[];
}

/// What a simulation counted of one plan (planner/simulation.h).
export interface SimulationFigures {
  hosts?: {host: string; peak_memory_bytes: number; memory?: [number, number][]}[]; // [seconds, bytes from then on]
  traffic?: {from: string; to: string; bytes: number}[]; // of one step
  links?: {link: string; bandwidth_bytes_per_s: number; bytes: number; utilisation: number[]}[]; // parts of the step, alike long
}

export interface SimulatedPlan {
  strategy: string;
  micro_batches: number;
  schedule: string;
  predicted_step_s: number;
  simulated_step_s: number;
  traffic_bytes_per_step: number;
  fits_memory: boolean;
  averaging_period?: number;
  timeline: Timeline;
  figures?: SimulationFigures;
}

export interface Simulation {
  format: "cadastre-simulation/1";
  network_model: string;
  cluster: string;
  best: number;
  plans: SimulatedPlan[];
}

export interface TrainingStep {
  step: number;
  loss: number;
  learning_rate: number;
  end_s: number;
}

export interface Scene {
  name: string;
  description?: string;
  classes: {id: number; name: string; color: string}[];
}

export interface Run {
  format: "cadastre-run/1";
  model: Model;
  strategy: string;
  batch_size: number;
  micro_batches: number;
  schedule: string;
  stages: Stage[];
  training?: {epochs: number; samples_per_epoch: number; seed: number};
  scene?: Scene;
  predicted?: {step_s: number};
  simulated?: {step_s: number};
  measured?: {step_s: number; step_spread_s: number; wall_s: number};
  traffic_bytes_per_step: number;
  steps: TrainingStep[];
  validation?: Validation;
  metrics?: Metrics;
  notes?: string[]; // what went otherwise than asked
  failures?: {host: string; cause: string; num_steps: number; restart_s: number; is_left_out: boolean}[];
}

/// What `make_report` (planner/report.cpp) puts into the page.
export interface Embedded {
  documents: {name: string; document: {format?: string}}[];
  images: {[name in "map" | "labels" | "rgb"]?: string}; // data: URLs
}

/// Everything a report is about; what was not given is absent.
export interface Report {
  plan?: PlanDocument;
  simulation?: Simulation;
  run?: Run;
  study?: StudyResult;
  fidelity?: Fidelity;
  profile?: Profile;
  cluster?: Cluster;
  model?: Model;
  scene?: Scene;
  areas?: MapAreas;
  timelines: Timeline[]; // given by themselves, beside those inside of a simulation
  images: Embedded["images"];
  names: string[]; // of the documents
  left_out: string[]; // why documents are not shown, a sentence each
}

const KINDS = ["plan", "simulation", "run", "study-result", "fidelity", "profile", "cluster", "model", "scene", "timeline", "map"];

/// Why a document is not shown; undefined when it can be.
function refusal(name: string, document: {format?: string} | null): string | undefined {
  const format = document?.format;
  if (typeof format !== "string") return `${name} is not shown: it is none of cadastre's documents`;
  const [, kind, version] = /^cadastre-(.+)\/(\d+)$/.exec(format) ?? [];
  if (!kind || !KINDS.includes(kind)) return `${name} is not shown: expected a document that a report is about, found ${format}`;
  return version === "1" ? undefined : `${name} is not shown: expected cadastre-${kind}/1, found ${format}`;
}

/// Sorts documents by their format. Of several of one format the first counts; a profile, cluster,
/// model or scene by itself goes before the copy inside of a plan or run.
export function gather(embedded: Embedded): Report {
  const of_format = <T>(kind: string): T[] =>
    embedded.documents
      .map(({document}) => document)
      .filter(({format}) => format === `cadastre-${kind}/1`) as unknown as T[];
  const given: {[key: string]: unknown} = {};
  const take = (key: keyof Report, ...candidates: unknown[]) => {
    const found = candidates.find((candidate) => candidate !== undefined && candidate !== null);
    if (found !== undefined) given[key] = found;
  };
  const [plan] = of_format<PlanDocument>("plan");
  const [run] = of_format<Run>("run");
  const [own_profile] = of_format<Profile>("profile");
  take("plan", plan);
  take("run", run);
  take("study", of_format<StudyResult>("study-result")[0]);
  take("fidelity", of_format<Fidelity>("fidelity")[0]);
  take("simulation", of_format<Simulation>("simulation")[0]);
  take("profile", own_profile, plan?.profile);
  take("cluster", of_format<Cluster>("cluster")[0], plan?.cluster);
  take("model", run?.model, plan?.profile?.model, own_profile?.model, of_format<Model>("model")[0]);
  take("areas", of_format<MapAreas>("map")[0]);
  take("scene", run?.scene, of_format<Scene>("scene")[0]);
  return {
    ...given,
    timelines: of_format<Timeline>("timeline"),
    images: embedded.images,
    names: embedded.documents.map(({name}) => name),
    left_out: embedded.documents.map(({name, document}) => refusal(name, document)).filter((why) => why !== undefined),
  };
}
