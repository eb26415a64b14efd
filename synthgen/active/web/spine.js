// The nine-point chain of the spine as a curve, and how a handle bends it.

import { X, Y, placed } from "./doc.js";

export const HANDLES = [0, 0.25, 0.5, 0.75, 1]; // places along the chain, as shares of its length

// Ids of the chain that are placed, sacrum first.
export const chainOf = (points, spine) => spine.filter((i) => placed(points[i]));

// A smooth path through positions [[x, y], ..] (Catmull-Rom, as cubic Bezier pieces).
export function smoothPath(at) {
  if (at.length < 2) return "";
  let path = `M${at[0][0]} ${at[0][1]}`;
  for (let i = 0; i + 1 < at.length; i++) {
    const [a, b, c, d] = [at[i - 1] ?? at[i], at[i], at[i + 1], at[i + 2] ?? at[i + 1]];
    path += `C${b[0] + (c[0] - a[0]) / 6} ${b[1] + (c[1] - a[1]) / 6} ${c[0] - (d[0] - b[0]) / 6} ` +
      `${c[1] - (d[1] - b[1]) / 6} ${c[0]} ${c[1]}`;
  }
  return path;
}

// Share of the chain's length at each of its points.
function shares(points, chain) {
  const along = [0];
  for (let i = 1; i < chain.length; i++) {
    const [a, b] = [points[chain[i - 1]], points[chain[i]]];
    along.push(along[i - 1] + Math.hypot(b[X] - a[X], b[Y] - a[Y]));
  }
  const whole = along[along.length - 1] || 1;
  return along.map((s) => s / whole);
}

// Where the handles sit, [[x, y], ..]; none where fewer than three points are placed.
export function handlesOf(points, spine) {
  const chain = chainOf(points, spine);
  if (chain.length < 3) return [];
  const along = shares(points, chain);
  return HANDLES.map((share) => {
    let i = along.findIndex((s) => s >= share - 1e-9);
    if (i <= 0) i = 1;
    const t = (share - along[i - 1]) / (along[i] - along[i - 1] || 1);
    const [a, b] = [points[chain[i - 1]], points[chain[i]]];
    return [a[X] + t * (b[X] - a[X]), a[Y] + t * (b[Y] - a[Y])];
  });
}

// Move one handle of `points` by dx, dy: the points between the handles beside it follow by a raised cosine, so the
// chain stays smooth and nothing beyond those handles moves.
export function bend(points, spine, handle, dx, dy) {
  const chain = chainOf(points, spine);
  const along = shares(points, chain);
  const gap = HANDLES[1] - HANDLES[0];
  chain.forEach((id, i) => {
    const far = Math.abs(along[i] - HANDLES[handle]) / gap;
    if (far >= 1) return;
    const weight = 0.5 + 0.5 * Math.cos(Math.PI * far);
    points[id][X] += weight * dx;
    points[id][Y] += weight * dy;
  });
}

// Move the whole chain.
export function shift(points, spine, dx, dy) {
  for (const id of chainOf(points, spine)) {
    points[id][X] += dx;
    points[id][Y] += dy;
  }
}
