// Which colour is meant, by name; style.css gives each name a light and a dark value. Both palettes
// are told apart with every common colour-vision deficiency, and every colour comes with a number
// or a word. Source: Paul Tol, "Colour schemes", 2021 (bright); Okabe and Ito 2008 (instructions).

const NUM_STAGE_COLORS = 7;

/// The CSS variable of a stage's colour; stages beyond the palette's end start over.
export function stage_color(stage: number): string {
  return stage < 0 ? "--stage-none" : `--stage-${stage % NUM_STAGE_COLORS}`;
}

/// Instruction kinds in the order of the legend.
export const KINDS = [
  "load_micro_batch",
  "forward",
  "recompute",
  "backward",
  "send_activation",
  "receive_activation",
  "send_gradient",
  "receive_gradient",
  "start_reduction",
  "reduce_gradients",
  "optimizer_step",
];

const KIND_COLORS = new Map(KINDS.map((kind) => [kind, `--kind-${kind.replaceAll("_", "-")}`]));

/// The CSS variable of an instruction kind's colour.
export function kind_color(kind: string): string {
  return KIND_COLORS.get(kind) ?? "--kind-other";
}
