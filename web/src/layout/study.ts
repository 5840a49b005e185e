// A study's rows by the point that they are of.

import type {StudyRow} from "../documents";
import {rounded, bytes, significant} from "./format";

export interface StudyPoint {
  name: string;
  rows: StudyRow[];
}

/// A value of a column, with the unit that the column's last word tells.
function value_text(column: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return JSON.stringify(value);
  if (column.endsWith("_bytes_per_s")) return `${rounded(bytes(value))}/s`;
  if (column.endsWith("_bytes")) return rounded(bytes(value));
  return Number.isInteger(value) ? String(value) : significant(value);
}

/// What a point is called: by its name where it has one, else by its values.
export function point_name(columns: string[], values: {[column: string]: unknown}): string {
  if (typeof values.point === "string") return values.point;
  const parts = columns
    .filter((column) => values[column] !== undefined)
    .map((column) => `${column.split("/").pop()} ${value_text(column, values[column])}`);
  return parts.length > 0 ? parts.join(", ") : "the base";
}

/// Consecutive rows of the same values are one point.
export function study_points(columns: string[], rows: StudyRow[]): StudyPoint[] {
  const points: StudyPoint[] = [];
  let last = "";
  for (const row of rows) {
    const key = JSON.stringify(columns.map((column) => row.values[column] ?? null));
    if (points.length === 0 || key !== last) points.push({name: point_name(columns, row.values), rows: []});
    points[points.length - 1].rows.push(row);
    last = key;
  }
  return points;
}
