// Adding somebody whom the model missed, and taking them back. Nobody is deleted: who is removed stays in the history.

import { call, get } from "./api.js";
import { Editing } from "./editing.js";

const LEAST = 8; // px of the picture, a side of a box

export class People extends Editing {
  constructor() {
    super();
    this.boxing = false; // the next drag draws a box
    this.others = []; // who is in the picture already
    this.cameFrom = new Map(); // person who was added -> who was at hand then
  }

  box(on) {
    if (on && (!this.doc || !this.view)) { this.say("there is no picture to add somebody to"); return; }
    this.boxing = on;
    this.stage.node.classList.toggle("boxing", on);
    this.tools?.();
    this.stage.draw();
    if (!on) return;
    this.say("drag a box around the person who is missing; Esc leaves off");
    const { image } = this.view;
    this.others = [];
    get(`/api/images/${image}/people`).then(({ people }) => { if (this.view?.image === image) { this.others = people; this.stage.draw(); } }).catch(() => {});
  }

  // The part of the picture that is on the screen.
  inSight() {
    const { view, node } = this.stage, [width, height] = view.size;
    const [left, top] = view.toPicture(0, 0), [right, bottom] = view.toPicture(node.clientWidth, node.clientHeight);
    const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
    return [x, y, Math.min(right, width) - x, Math.min(bottom, height) - y];
  }

  async addPerson(box) {
    if (box[2] < LEAST || box[3] < LEAST) { this.say("drag a box around the person, from corner to corner"); return; }
    if (this.adding) return;
    this.adding = true;
    const from = this.person;
    this.say("adding …");
    try {
      const { item } = await call("POST", `/api/images/${this.view.image}/people`, { box });
      this.box(false);
      this.queue.include(item);
      this.cameFrom.set(item.person, from);
      await this.open(item, false);
      this.say(this.view.model ? "added; the points are the model's: correct them" : "added; the points are a standing person's: correct them");
    } catch (error) {
      this.say(error.message);
    } finally {
      this.adding = false;
    }
  }

  justAdded() {
    return this.view?.origin === "added" && this.view.status === "queued" && !this.readOnly;
  }

  // What undo does once nothing is left to undo on somebody who was added.
  undoAdding() {
    if (!this.justAdded() || !this.cameFrom.has(this.person)) return false;
    this.remove();
    return true;
  }

  async remove() {
    if (this.view.origin !== "added") { this.say("only people who were added here can be removed; b skips, x flags"); return; }
    const { person } = this, back = this.cameFrom.get(person);
    this.doc.commit();
    this.store("removed");
    const item = this.queue.items.find((i) => i.person === back) ?? this.queue.beside(1, true) ?? this.queue.beside(-1);
    if (item) await this.open(item, false);
    this.say(`#${person} removed; the history keeps them (Queue: all)`);
  }
}
