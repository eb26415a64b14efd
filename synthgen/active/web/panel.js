// The side panel: why this person was picked, the point at hand, all points, neighbours and history.

import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { C, V, X, Y, placed } from "./doc.js";
import { sideOf } from "./draw.js";

const SEEN = ["absent", "hidden", "visible"];

export class Panel {
  constructor(app) {
    this.app = app;
    const { schema } = app;
    this.rows = [];
    const groups = [["spine", "Spine"], ["left", "Left"], ["right", "Right"], ["middle", "Middle"]];
    for (const [side, title] of groups) {
      byId("points").append(el("li", { class: `group ${side}` }, title));
      const ids = side === "spine" ? [...schema.spine].reverse() : schema.names.keys();
      for (const i of ids) {
        if (sideOf(schema, i) !== side) continue;
        this.rows[i] = el("button", { class: `row ${side}`, title: schema.definitions[i], onclick: () => app.select(i, true) });
        byId("points").append(el("li", {}, this.rows[i]));
      }
    }
    this.visibility = SEEN.map((name, v) => el("button", { class: "seen", onclick: () => app.setVisibility(v) }, `${name} `, el("kbd", {}, v)));
    byId("history").addEventListener("toggle", () => { if (byId("history").open) this.history(); });
  }

  draw() {
    const { schema, doc, selected } = this.app;
    if (!doc) return;
    doc.points.forEach((p, i) => {
      const row = this.rows[i];
      const name = schema.names[i].replace(/^(left|right)_/, "").replaceAll("_", " ");
      row.replaceChildren(
        el("span", { class: "number" }, i), el("span", { class: "label" }, name),
        el("meter", { min: 0, max: 1, low: 0.5, high: 0.85, optimum: 1, value: p[V] ? p[C] : 0, title: `confidence ${p[C].toFixed(2)}` }),
        el("span", { class: "v", "data-v": p[V], title: SEEN[p[V]] }, placed(p) ? p[V] : "+"),
      );
      row.classList.toggle("selected", i === selected);
      row.setAttribute("aria-label", `${schema.names[i]}, ${placed(p) ? SEEN[p[V]] : "missing"}`);
    });
    this.drawSelected();
  }

  // Scroll the list alone, never the panel around it.
  reveal(i) {
    const list = byId("points"), row = this.rows[i];
    const above = row.offsetTop - list.offsetTop - list.scrollTop, below = above + row.offsetHeight - list.clientHeight;
    if (above < 0) list.scrollTop += above - 20;
    else if (below > 0) list.scrollTop += below + 4;
  }

  drawSelected() {
    const { schema, doc, selected, ghosts } = this.app;
    if (selected === null) {
      byId("selected").replaceChildren(el("h2", {}, "No point selected"), el("p", { class: "muted" }, "Click one, press Tab, or g and its number."));
      return;
    }
    const p = doc.points[selected];
    const far = (from) => (from && from[selected][V] ? `${Math.hypot(p[X] - from[selected][X], p[Y] - from[selected][Y]).toFixed(1)} px` : "–");
    this.visibility.forEach((button, v) => {
      button.classList.toggle("on", p[V] === v);
      button.setAttribute("aria-pressed", p[V] === v);
    });
    const sides = { left: "the person's left", right: "the person's right", spine: "spine", middle: "" };
    byId("selected").replaceChildren(
      el("h2", { class: sideOf(schema, selected) }, `${selected} ${schema.names[selected].replaceAll("_", " ")} `, el("small", {}, sides[sideOf(schema, selected)])),
      el("p", { class: "muted definition" }, schema.definitions[selected]),
      el("div", { class: "buttons" }, this.visibility),
      placed(p)
        ? el("dl", {}, el("dt", {}, "x, y"), el("dd", { id: "at" }, `${p[X].toFixed(2)}, ${p[Y].toFixed(2)}`),
            el("dt", {}, "to model"), el("dd", {}, far(ghosts.model)),
            el("dt", { title: "confidence" }, "conf."), el("dd", {}, p[C].toFixed(2)), el("dt", {}, "to teacher"), el("dd", {}, far(ghosts.teacher)))
        : el("p", { class: "hint" }, "Missing. Click the picture where it is, or press ", el("kbd", {}, "a"), "."),
    );
  }

  person(view) {
    byId("why").replaceChildren(
      el("h2", {}, `Person ${view.person} `, el("small", {}, view.status)),
      el("ul", {}, (view.reasons.length ? view.reasons : ["not picked for a reason of its own"]).map((r) => el("li", {}, r))),
    );
    byId("comment").value = this.app.comment;
    byId("neighbours").replaceChildren(...(view.neighbours.length ? [
      el("h2", {}, "Same person, frames beside"),
      ...view.neighbours.map((n) => el("p", { class: "neighbour" }, el("button", { onclick: () => this.app.visit(n) }, `look at #${n}`),
        el("button", { onclick: () => this.app.propagate(n) }, "carry over"))),
    ] : []));
    byId("history-list").replaceChildren();
    if (byId("history").open) this.history();
  }

  async history() {
    const { person } = this.app;
    const { history } = await get(`/api/people/${person}/history`).catch(() => ({ history: [] }));
    if (person !== this.app.person) return;
    byId("history-list").replaceChildren(...[...history].reverse().map((r) => el("li", {},
      el("button", { title: "take these points (undo brings yours back)", onclick: () => this.app.take(r.points) },
        `${r.kind} · ${r.author}`, el("small", {}, `${r.created ? new Date(r.created * 1000).toLocaleString() : ""} ${r.status} ${r.comment}`)))));
  }
}
