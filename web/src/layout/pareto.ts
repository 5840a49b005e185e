// What cannot be bettered in one respect without being worse in another.

export interface Candidate {
  x: number;
  y: number;
}

/// The indices of the points that no other point beats in both, by ascending `x`: of equal points the
/// first. `sign` is 1 where less is better and -1 where more is.
export function pareto_front(points: Candidate[], sign_x: 1 | -1 = 1, sign_y: 1 | -1 = 1): number[] {
  const order = points.map((_, index) => index).filter((index) => Number.isFinite(points[index].x) && Number.isFinite(points[index].y))
    .sort((a, b) => sign_x * (points[a].x - points[b].x) || sign_y * (points[a].y - points[b].y) || a - b);
  const front: number[] = [];
  let best = Number.POSITIVE_INFINITY;
  for (const index of order) {
    if (sign_y * points[index].y >= best) continue;
    best = sign_y * points[index].y;
    front.push(index);
  }
  return front.sort((a, b) => points[a].x - points[b].x);
}
