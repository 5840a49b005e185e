// A study's rows as curves: how a figure goes with one of the numbers that the study varied.

import type {BreakEven, StudyResult, StudyRow} from "../study_documents";
import {pointer_text} from "./metrics";
import {point_name} from "./study";

export interface CurvePoint {
  x: number;
  y: number;
  low?: number; // the fifth percentile of the measured steps, and
  high?: number; // the ninety-fifth
}

export interface Curve {
  strategy: string;
  points: CurvePoint[]; // ascending
}

export interface Crossing {
  x: number;
  better_below: string;
  better_above: string;
}

/// The curves over one column, where the other columns have the same values.
export interface Sweep {
  column: string;
  name: string; // of the other columns' values; empty where there are none
  label: string;
  quantity: string; // whose last word says the unit
  is_logarithmic: boolean;
  curves: Curve[];
  crossings: Crossing[];
}

const PREFIXES: {[prefix: string]: number} = {"": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, m: 1e-3, u: 1e-6, "µ": 1e-6, n: 1e-9, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3};

/// A value of a column in base units: bytes, seconds, bytes per second. Undefined for what is no
/// quantity (planner/parse_quantity.h reads the same texts).
export function number_of_value(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const [, number, prefix, unit] = /^\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(Ki|Mi|Gi|[kMGTmuµn]?)(bps|Bps|B\/s|B|s|)\s*$/.exec(value) ?? [];
  if (number === undefined || (prefix !== "" && unit === "")) return undefined;
  const found = Number(number) * PREFIXES[prefix] * (unit === "bps" ? 0.125 : 1);
  return Number.isFinite(found) ? Number(found.toPrecision(15)) : undefined;
}

const LEAST_POINTS = 3; // of a curve: two are no course
const LOGARITHMIC = 20; // the greatest value is so many times the least

function point_of(row: StudyRow, x: number, metric: string): CurvePoint | undefined {
  const {figures} = row;
  const y = figures?.[metric];
  if (row.outcome !== "done" || figures === undefined || typeof y !== "number" || !Number.isFinite(y)) return undefined;
  const {step_p5_s: low, step_p95_s: high} = figures;
  const has_band = metric === "simulated_step_s" && low !== undefined && high !== undefined && high > low * 1.001;
  return {x, y, ...(has_band && {low, high})};
}

/// Where the better of two strategies changes.
export function crossings_of({stretches = [], strategies = []}: BreakEven, is_logarithmic: boolean): Crossing[] {
  if (strategies.length !== 2) return [];
  return stretches.slice(1).flatMap((after, index): Crossing[] => {
    const before = stretches[index];
    if (![before.answer, after.answer].every((answer) => strategies.includes(answer))) return [];
    const x = is_logarithmic && before.to > 0 ? Math.sqrt(before.to * after.from) : (before.to + after.from) / 2;
    return [{x, better_below: before.answer, better_above: after.answer}];
  });
}

/// All sweeps of a study: a column of at least three different numbers, at each combination of the
/// others' values.
export function sweeps_of(study: StudyResult, metric: string): Sweep[] {
  return study.columns.flatMap((column, index): Sweep[] => {
    if (column === "point") return [];
    const others = study.columns.filter((other) => other !== column && other !== "point");
    const cases = new Map<string, StudyRow[]>();
    for (const row of study.rows) {
      if (number_of_value(row.values[column]) === undefined) continue;
      const key = JSON.stringify(others.map((other) => row.values[other] ?? null));
      cases.set(key, [...(cases.get(key) ?? []), row]);
    }
    const pointers = study.pointers?.[index] ?? [column];
    return [...cases.values()].flatMap((rows): Sweep[] => {
      const positions = [...new Set(rows.map((row) => number_of_value(row.values[column]) as number))].sort((a, b) => a - b);
      if (positions.length < LEAST_POINTS) return [];
      const is_logarithmic = positions[0] > 0 && positions[positions.length - 1] / positions[0] > LOGARITHMIC;
      const values = rows[0].values;
      const same = (other: BreakEven) => others.every((name) => JSON.stringify(other.values?.[name] ?? null) === JSON.stringify(values[name] ?? null));
      const curves = [...new Set(rows.map(({strategy}) => strategy))].map((strategy): Curve => ({strategy, points: rows
        .filter((row) => row.strategy === strategy)
        .map((row) => point_of(row, number_of_value(row.values[column]) as number, metric))
        .filter((point) => point !== undefined)
        .sort((a, b) => a.x - b.x)})).filter(({points}) => points.length > 0);
      const questions = study.break_even.filter((answer) => answer.metric === metric && answer.pointer !== undefined && pointers.includes(answer.pointer) && same(answer));
      const name = others.some((other) => values[other] !== undefined) ? point_name(others, Object.fromEntries(others.map((other) => [other, values[other]]).filter(([, value]) => value !== undefined)), study.pointers?.filter((_, i) => others.includes(study.columns[i]))) : "";
      return curves.length === 0 ? [] : [{column, name, label: column.startsWith("/") ? pointer_text(column) : column, quantity: pointers[0] ?? column, is_logarithmic, curves,
        crossings: questions.flatMap((answer) => crossings_of(answer, is_logarithmic)).filter(({x}) => x >= positions[0] && x <= positions[positions.length - 1])}];
    });
  });
}
