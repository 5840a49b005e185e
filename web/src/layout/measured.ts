// What a study measured, by where and how it was measured.

import type {MeasuredArchitecture} from "../study_documents";

export interface MeasuredGroup {
  name: string;
  rows: MeasuredArchitecture[];
}

/// "4 hosts at 1 Gbit/s, batch 256"; nothing of what is the study's own.
export function measured_name({machines, network, setting}: MeasuredArchitecture): string {
  return [machines, network, setting].filter((part) => part !== undefined && part !== "").join(", ");
}

/// Groups in the order of their first rows.
export function measured_groups(measured: MeasuredArchitecture[]): MeasuredGroup[] {
  const groups = new Map<string, MeasuredGroup>();
  for (const row of measured) {
    const name = measured_name(row);
    const group = groups.get(name) ?? {name, rows: []};
    groups.set(name, group);
    group.rows.push(row);
  }
  return [...groups.values()];
}

/// Seconds of inference for a pixel; undefined where none was measured.
export function inference_s_per_pixel({inference_s, inference_pixels}: MeasuredArchitecture): number | undefined {
  return inference_s !== undefined && inference_pixels ? inference_s / inference_pixels : undefined;
}
