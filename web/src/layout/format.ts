// Numbers as people read them. Narrow no-break spaces keep a number and its unit on one line.

const GAP = "\u202f";

/// `digits` significant digits, no exponent.
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  // Rounded first, as rounding may carry into one digit more: 0.9999 is 1.00.
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  const decimals = Math.min(20, Math.max(0, digits - 1 - magnitude));
  return value.toFixed(decimals);
}

export interface Unit {
  name: string;
  size: number; // in the base unit
}

const TIME_UNITS: Unit[] = [
  {name: "s", size: 1},
  {name: "ms", size: 1e-3},
  {name: "µs", size: 1e-6},
];

const BYTE_UNITS: Unit[] = [
  {name: "TB", size: 1e12},
  {name: "GB", size: 1e9},
  {name: "MB", size: 1e6},
  {name: "kB", size: 1e3},
  {name: "B", size: 1},
];

function unit_for(value: number, units: Unit[]): Unit {
  return units.find(({size}) => Math.abs(value) >= size * 0.9995) ?? units[units.length - 1];
}

/// The unit in which a column of seconds reads best, chosen by its greatest value.
export function time_unit(most_s: number): Unit {
  return unit_for(most_s, TIME_UNITS);
}

/// The unit in which a column of bytes reads best, chosen by its greatest value.
export function byte_unit(most_bytes: number): Unit {
  return unit_for(most_bytes, BYTE_UNITS);
}

/// `value` in `unit`, without the unit's name.
export function in_unit(value: number, unit: Unit): string {
  return significant(value / unit.size);
}

export function seconds(value_s: number): string {
  if (!Number.isFinite(value_s)) return "–";
  const unit = time_unit(value_s);
  return `${in_unit(value_s, unit)}${GAP}${unit.name}`;
}

export function bytes(value_bytes: number): string {
  if (!Number.isFinite(value_bytes)) return "–";
  const unit = byte_unit(value_bytes);
  return unit.size === 1 ? `${value_bytes}${GAP}B` : `${in_unit(value_bytes, unit)}${GAP}${unit.name}`;
}

/// "64.0 GB" as "64 GB", for given rather than measured quantities.
export function rounded(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/// 0.9132 as 91.3 %.
export function percent(fraction: number, decimals = 1): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(decimals)}${GAP}%` : "–";
}

/// `decimals` decimals; a dash for what is not a number (which JSON has as null).
export function fixed(value: number | null | undefined, decimals = 2): string {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : "–";
}

/// 1234567 as 1 234 567.
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, GAP);
}

export function times(factor: number): string {
  return `${factor < 10 ? factor.toFixed(1) : factor.toFixed(0)}×`;
}

export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : /(tch|s)$/.test(noun) ? "es" : "s"}`;
}

/// Schedules by the names that the field prints.
export function schedule_label(schedule: string): string {
  return {gpipe: "GPipe", "1f1b": "1F1B", "eager-1f1b": "eager 1F1B", "interleaved-1f1b": "interleaved 1F1B"}[schedule] ?? schedule;
}

/// "receive_activation" as "receive activation".
export function kind_label(kind: string): string {
  return kind.replaceAll("_", " ").replace("micro batch", "micro-batch");
}
