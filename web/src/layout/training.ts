// The training curve's arithmetic.

import type {TrainingStep} from "../documents";

/// Exponential moving average that starts unbiased: value / (1 - (1-weight)^t), as Adam's first
/// moment (Kingma and Ba 2015).
function moving_average(values: number[], weight: number): number[] {
  let average = 0;
  let seen = 0;
  return values.map((value) => {
    if (Number.isFinite(value)) {
      average += weight * (value - average);
      seen += weight * (1 - seen);
    }
    return seen > 0 ? average / seen : Number.NaN;
  });
}

/// The mean of a moving average forwards and one backwards, so that the curve neither lags behind
/// nor runs ahead of its points. `weight` in (0, 1] is the newest value's. What is not a number is
/// passed over.
export function smoothed(values: number[], weight: number): number[] {
  const forwards = moving_average(values, weight);
  const backwards = moving_average([...values].reverse(), weight).reverse();
  return forwards.map((value, index) => {
    const other = backwards[index];
    return Number.isNaN(value) ? other : Number.isNaN(other) ? value : (value + other) / 2;
  });
}

/// A weight that averages over about a twentieth of the curve, and over 3 steps at least.
export function smoothing_weight(num_steps: number): number {
  return 2 / (Math.max(3, num_steps / 20) + 1);
}

/// At most `most` items, evenly spread, first and last kept.
export function thinned<T>(items: T[], most: number): T[] {
  if (items.length <= most) return items;
  return Array.from({length: most}, (_, index) => items[Math.round((index * (items.length - 1)) / (most - 1))]);
}

/// [least, most] of the loss to draw: from 0 to the greatest, without the few spikes above the
/// 99th percentile of a long curve.
export function loss_range(steps: TrainingStep[]): [number, number] {
  const losses = steps.map(({loss}) => loss).filter(Number.isFinite).sort((a, b) => a - b);
  if (losses.length === 0) return [0, 1];
  const most = losses[losses.length < 200 ? losses.length - 1 : Math.floor(0.99 * (losses.length - 1))];
  return [Math.min(0, losses[0]), most > 0 ? most * 1.05 : 1];
}

/// The index of the step whose number is nearest to `step`; steps ascend.
export function nearest_step(steps: TrainingStep[], step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle].step < step) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && step - steps[low - 1].step <= steps[low].step - step) return low - 1;
  return low;
}
