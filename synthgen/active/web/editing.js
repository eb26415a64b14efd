// Changes to the points of the person at hand: each is one step of undo, and each is stored.

import { byId } from "./dom.js";
import { C, V, X, Y, copy, placed, same } from "./doc.js";
import { HANDLES, bend, shift } from "./spine.js";

export class Editing {
  edited() {
    this.store();
    this.redraw();
  }

  redraw() {
    this.stage.draw();
    this.panel.draw();
    this.tools?.();
    this.anatomy.later();
  }

  store(status) {
    if (!this.doc || this.readOnly) return;
    const now = status ?? (["corrected", "flagged", "skipped"].includes(this.view.status) ? this.view.status
      : this.view.status === "reviewed" ? (this.me.role === "review" ? "reviewed" : "corrected") : "queued");
    if (this.view.status === "removed" && now !== "removed") this.banner("");
    this.view.status = now;
    this.outbox.put({ person: this.person, points: copy(this.doc.points), base: this.view.revision, comment: this.comment, status: now });
    this.queue.mark(this.person, { status: now, mine: true });
  }

  confirmed(person, revision) {
    if (person === this.person && this.view.revision < revision) this.view.revision = revision;
  }

  dragged() {
    this.panel.drawSelected();
    this.anatomy.later();
  }

  // Whoever moves a point vouches for it.
  touch(i) {
    const p = this.doc.points[i];
    p[C] = 1;
    if (p[V] === 0) p[V] = 2;
  }

  canEdit() {
    if (this.doc && !this.readOnly) return true;
    this.say("somebody else is at this person: you can only look");
    return false;
  }

  select(i, reveal = false) {
    this.selected = i;
    if (i !== null && this.doc && reveal && placed(this.doc.points[i])) this.stage.view.reveal(...this.doc.points[i]);
    this.stage.draw();
    this.panel.draw();
    this.tools?.();
    if (i !== null) this.panel.reveal(i);
    if (reveal) this.stage.node.focus({ preventScroll: true });
  }

  selectHandle(handle) {
    this.handle = handle;
    this.stage.draw();
  }

  clicked([x, y]) {
    if (this.selected !== null && !placed(this.doc.points[this.selected])) this.add([x, y]);
    else this.select(null);
  }

  setVisibility(v) {
    if (this.selected === null || !this.canEdit()) return;
    if (v > 0 && !placed(this.doc.points[this.selected])) { this.add(); if (v === 2) return; }
    this.doc.edit((points) => { points[this.selected][V] = v; points[this.selected][C] = 1; });
  }

  // Put the selected missing point, or the next missing one, somewhere sensible.
  add(at) {
    if (!this.canEdit()) return;
    const { points } = this.doc;
    const missing = (i) => !placed(points[i]) || points[i][V] === 0;
    let i = this.selected !== null && missing(this.selected) ? this.selected : null;
    if (i === null) i = [...points.keys()].map((k) => (k + (this.selected ?? -1) + 1) % points.length).find(missing) ?? null;
    if (i === null) { this.say("no point is missing"); return; }
    const where = at ?? (placed(points[i]) ? points[i] : this.guess(i));
    this.doc.edit((p) => { p[i] = [where[X], where[Y], 2, 1]; });
    this.select(i, true);
  }

  guess(i) {
    for (const kind of ["model", "teacher"]) if (this.ghosts[kind] && placed(this.ghosts[kind][i])) return this.ghosts[kind][i];
    const beside = this.schema.links.filter((l) => l.includes(i)).map(([a, b]) => this.doc.points[a === i ? b : a]).filter(placed);
    if (beside.length) return [0, 1].map((k) => beside.reduce((sum, p) => sum + p[k], 0) / beside.length);
    const [x, y, w, h] = this.view.bbox;
    return [x + w / 2, y + h / 2];
  }

  nudge(dx, dy) {
    if (this.tool === "point" && this.selected === null) { this.stage.view.pan(-40 * Math.sign(dx), -40 * Math.sign(dy)); return; }
    if (!this.canEdit()) return;
    const { spine } = this.schema;
    if (this.tool !== "bend" && this.tool !== "chain" && !placed(this.doc.points[this.selected])) { this.add(); return; }
    this.doc.edit((points) => {
      if (this.tool === "bend") bend(points, spine, this.handle, dx, dy);
      else if (this.tool === "chain") shift(points, spine, dx, dy);
      else {
        points[this.selected][X] += dx;
        points[this.selected][Y] += dy;
        this.touch(this.selected);
      }
    });
  }

  from(kind) {
    const points = this.ghosts[kind];
    if (!points || this.selected === null) { this.say(points ? "select a point first" : `there is no ${kind}`); return; }
    if (this.canEdit()) this.doc.edit((p) => { p[this.selected] = [...points[this.selected]]; });
  }

  take(points) {
    if (this.canEdit()) this.doc.replace(points);
  }

  swap() {
    if (!this.canEdit()) return;
    this.doc.edit(() => { const old = copy(this.doc.points); this.doc.points = this.schema.flip.map((j) => old[j]); });
    this.say("left and right swapped");
  }

  async snap() {
    if (!this.canEdit()) return;
    const doc = this.doc, before = copy(doc.points), found = await this.anatomy.ask(true);
    if (!found?.snapped || doc !== this.doc || !same(before, doc.points)) { if (doc === this.doc) this.say("the spine cannot be snapped now"); return; }
    const moved = this.doc.edit((points) => {
      for (const i of this.schema.spine) [points[i][X], points[i][Y]] = [found.snapped[i][X], found.snapped[i][Y]];
    });
    this.say(moved ? "spine snapped to the anatomical range" : "the spine is there already");
  }

  step(by) {
    if (this.tool === "bend") { this.selectHandle((this.handle + by + HANDLES.length) % HANDLES.length); return; }
    const order = this.panel.order ??= [...this.schema.spine, ...this.schema.names.keys()].filter((i, k, all) => all.indexOf(i) === k);
    const at = this.selected === null ? (by > 0 ? -1 : order.length) : order.indexOf(this.selected);
    this.select(order[(at + by + order.length) % order.length], true);
  }

  say(message) {
    const hint = byId("hint");
    hint.textContent = message;
    hint.classList.remove("fade");
    void hint.offsetWidth; // begins the fading anew
    hint.classList.add("fade");
  }
}
