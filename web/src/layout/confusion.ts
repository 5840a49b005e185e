// Shading of a confusion matrix.

/// Each count as a part of its row (the reference class); 0 in rows without samples.
export function row_normalized(confusion: number[][]): number[][] {
  return confusion.map((row) => {
    const total = row.reduce((sum, entry) => sum + entry, 0);
    return row.map((entry) => (total > 0 ? entry / total : 0));
  });
}

/// How strongly a cell is shaded, in [0, 1]: a square root, so that rare confusions are still seen.
export function shading(fraction: number): number {
  return Math.sqrt(Math.min(1, Math.max(0, fraction)));
}
