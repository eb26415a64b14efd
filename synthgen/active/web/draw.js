// Drawing people as SVG: the one at hand with markers, and thin ones to compare with. Side is told twice, by colour
// (Okabe and Ito's, safe for colour-blind eyes) and by shape: left round, right square, spine diamond, middle triangle.

import { el, svg } from "./dom.js";
import { C, V, X, Y, placed } from "./doc.js";
import { chainOf, smoothPath } from "./spine.js";

export function sideOf(schema, i) {
  if (schema.spine.includes(i)) return "spine";
  const name = schema.names[i];
  return name.startsWith("left") ? "left" : name.startsWith("right") ? "right" : "middle";
}

const linkSide = (schema, [a, b]) => {
  const sides = [sideOf(schema, a), sideOf(schema, b)];
  if (sides[0] === "spine" && sides[1] === "spine") return "spine";
  if (sides.includes("left") && sides.includes("right")) return "middle";
  return sides.find((s) => s === "left" || s === "right") ?? "middle";
};

const SHAPES = {
  left: "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",
  right: "M-4.6-4.6H4.6V4.6H-4.6Z",
  spine: "M0-6.4L6.4 0L0 6.4L-6.4 0Z",
  middle: "M0-6L5.6 4.4H-5.6Z",
};

export function marker(schema, i) {
  const side = sideOf(schema, i);
  return svg("g", { class: `point ${side}`, "data-id": i },
    svg("circle", { class: "doubt", r: 0 }), svg("circle", { class: "ring", r: 11 }),
    svg("path", { class: "halo", d: SHAPES[side] }), svg("path", { class: "shape", d: SHAPES[side] }),
    svg("path", { class: "cross", d: "M-3-3L3 3M3-3L-3 3" }));
}

// Put a marker where its point is.
export function placeMarker(node, p, at, selected) {
  node.classList.toggle("absent", !placed(p));
  if (!placed(p)) return;
  node.setAttribute("transform", `translate(${at[0].toFixed(2)} ${at[1].toFixed(2)})`);
  node.classList.toggle("selected", selected);
  node.dataset.v = p[V];
  // The less sure, the wider the soft disc around.
  node.firstChild.setAttribute("r", p[V] > 0 && p[C] < 0.85 ? (8 + 16 * (0.85 - p[C])).toFixed(1) : 0);
}

export function lines(schema) {
  const group = svg("g", { class: "links" });
  for (const link of schema.links) group.append(svg("line", { class: `link ${linkSide(schema, link)}` }));
  group.append(svg("path", { class: "column dark" }), svg("path", { class: "column" }));
  return group;
}

// at: id -> [x, y] on the screen
export function placeLines(group, schema, points, at) {
  schema.links.forEach((link, k) => {
    const [a, b] = link, node = group.children[k];
    const spinal = schema.spine.includes(a) && schema.spine.includes(b);
    const shown = !spinal && placed(points[a]) && placed(points[b]) && points[a][V] > 0 && points[b][V] > 0;
    node.classList.toggle("absent", !shown);
    node.classList.toggle("hidden-part", points[a][V] === 1 || points[b][V] === 1);
    if (!shown) return;
    const [p, q] = [at[a], at[b]];
    for (const [name, value] of [["x1", p[0]], ["y1", p[1]], ["x2", q[0]], ["y2", q[1]]]) {
      node.setAttribute(name, value.toFixed(1));
    }
  });
  const path = smoothPath(chainOf(points, schema.spine).filter((i) => points[i][V] > 0).map((i) => at[i]));
  for (const node of group.querySelectorAll(".column")) node.setAttribute("d", path);
}

// A person as thin lines and dots, for comparison.
export function ghost(schema, kind) {
  const group = svg("g", { class: `ghost ${kind}` }, lines(schema));
  group.append(svg("g", { class: "dots" }, schema.names.map(() => svg("circle", { r: 2.6 }))));
  return group;
}

export function placeGhost(group, schema, points, at) {
  placeLines(group.firstChild, schema, points, at);
  points.forEach((p, i) => {
    const dot = group.lastChild.children[i];
    dot.classList.toggle("absent", p[V] === 0);
    dot.setAttribute("cx", at[i][0].toFixed(1));
    dot.setAttribute("cy", at[i][1].toFixed(1));
  });
}

// A small picture of a person with points, as an element: for looking at two versions side by side.
export function miniature(schema, source, size, bbox, points, kind, title) {
  const [x, y, w, h] = [bbox[0] - bbox[2] * 0.1, bbox[1] - bbox[3] * 0.08, bbox[2] * 1.2, bbox[3] * 1.16];
  const scale = 520 / Math.max(w, h);
  const picture = svg("image", { href: source, width: size[0] * scale, height: size[1] * scale });
  const frame = svg("svg", { class: "miniature", viewBox: `${x * scale} ${y * scale} ${w * scale} ${h * scale}` }, picture);
  if (points) {
    const body = ghost(schema, `alone ${kind}`);
    placeGhost(body, schema, points, points.map((p) => [(p[X] + 0.5) * scale, (p[Y] + 0.5) * scale]));
    frame.append(body);
  }
  return el("figure", {}, frame, el("figcaption", {}, title));
}
