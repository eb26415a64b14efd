// Is this spine one that people have? The projected chain drawn within the range of generated people.

import { call } from "./api.js";
import { byId, debounce, el, svg } from "./dom.js";
import { copy } from "./doc.js";
import { chainOf, smoothPath } from "./spine.js";
import { X, Y } from "./doc.js";

const WIDTH = 260, HEIGHT = 170, EDGE = 12, NAMES = 46; // px; names stand in a column of their own

export class Anatomy {
  constructor(app) {
    this.app = app;
    this.asked = 0;
    this.later = debounce(220, () => this.ask());
  }

  async ask(snap = false) {
    const { app } = this, person = app.person, number = ++this.asked, points = copy(app.doc.points);
    if (!app.hasPrior) return null;
    try {
      const found = await call("POST", `/api/people/${person}/anatomy`, { names: app.schema.names, points, snap });
      if (person !== app.person || number !== this.asked) return null;
      app.band = found.range;
      this.draw(found);
      app.stage.draw();
      return found;
    } catch (error) {
      byId("spine-verdict").textContent = error.status === 0 ? "not judged while offline" : error.message;
      return null;
    }
  }

  clear() {
    this.app.band = null;
    byId("spine-verdict").textContent = "";
    byId("spine-plot").replaceChildren();
    byId("spine-reasons").replaceChildren();
  }

  draw({ unlikely, reasons, range }) {
    const verdict = byId("spine-verdict");
    verdict.textContent = !range ? "cannot be judged: too few points" : unlikely < 0.02 ? "within the range" : unlikely < 0.5 ? "unusual" : "unlikely";
    verdict.className = !range || unlikely < 0.02 ? "" : "doubtful";
    byId("spine-reasons").replaceChildren(...reasons.map((r) => el("li", {}, r)));
    const plot = byId("spine-plot");
    plot.replaceChildren();
    if (!range) return;
    const { schema, doc } = this.app;
    const chain = chainOf(doc.points, schema.spine), at = chain.map((i) => [doc.points[i][X], doc.points[i][Y]]);
    const place = this.frame([...range.lower, ...range.upper, ...at]);
    const around = [...range.lower.map(place), ...[...range.upper].reverse().map(place)];
    plot.append(svg("path", { class: "band", d: `M${around.map((p) => p.join(" ")).join("L")}Z` }),
      svg("path", { class: "column", d: smoothPath(at.map(place)) }));
    const rows = apartRows(at.map((p) => place(p)[1]));
    chain.forEach((id, k) => {
      const [x, y] = place(at[k]);
      plot.append(svg("path", { class: "leader", d: `M${x + 6} ${y}L${WIDTH - NAMES} ${rows[k]}` }),
        svg("circle", { cx: x, cy: y, r: 3.2, class: id === this.app.selected ? "selected" : "" }),
        svg("text", { x: WIDTH - NAMES + 4, y: rows[k] + 3 }, schema.names[id].replace("_0", " ").replace("_", " ")));
    });
  }

  // As in the picture, only fitted: a back seen bent stays bent.
  frame(points) {
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const [wide, tall] = [Math.max(...xs) - left || 1, Math.max(...ys) - top || 1];
    const scale = Math.min((WIDTH - 3 * EDGE - NAMES) / wide, (HEIGHT - 2 * EDGE) / tall);
    return ([x, y]) => [(WIDTH - NAMES - EDGE) / 2 + (x - left - wide / 2) * scale, HEIGHT / 2 + (y - top - tall / 2) * scale];
  }
}

// Heights of labels that want to be at `wanted` and must not cover each other.
function apartRows(wanted) {
  const rows = [...wanted], order = [...rows.keys()].sort((a, b) => wanted[a] - wanted[b]);
  for (let k = 1; k < order.length; k++) rows[order[k]] = Math.max(rows[order[k]], rows[order[k - 1]] + 10.5);
  const below = Math.max(0, rows[order.at(-1)] - (HEIGHT - 6));
  for (let k = order.length - 1, most = Infinity; below && k >= 0; k--) {
    rows[order[k]] = Math.min(rows[order[k]], most, HEIGHT - 6);
    most = rows[order[k]] - 10.5;
  }
  return rows;
}
