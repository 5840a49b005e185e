// A study's rows by the point that they are of.

import type {StudyRow} from "../study_documents";
import {quantity_text} from "./metrics";

export interface StudyPoint {
  name: string;
  rows: StudyRow[];
}

/// A value of a column, with the unit that the last word of what it changes tells.
function value_text(quantity: string, value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" ? quantity_text(quantity, value) : JSON.stringify(value);
}

/// What a point is called: by its name where it has one, else by its values. `pointers` are what the
/// columns change.
export function point_name(columns: string[], values: {[column: string]: unknown}, pointers?: string[][]): string {
  if (typeof values.point === "string") return values.point;
  const parts = columns.flatMap((column, index) => values[column] === undefined ? []
    : [`${(column.split("/").pop() ?? "").replaceAll("_", " ").replace(/ bytes per s$/, "")} ${value_text(pointers?.[index]?.[0] ?? column, values[column])}`]);
  return parts.length > 0 ? parts.join(", ") : "the base";
}

/// Consecutive rows of the same values are one point.
export function study_points(columns: string[], rows: StudyRow[], pointers?: string[][]): StudyPoint[] {
  const points: StudyPoint[] = [];
  let last = "";
  for (const row of rows) {
    const key = JSON.stringify(columns.map((column) => row.values[column] ?? null));
    if (points.length === 0 || key !== last) points.push({name: point_name(columns, row.values, pointers), rows: []});
    points[points.length - 1].rows.push(row);
    last = key;
  }
  return points;
}
