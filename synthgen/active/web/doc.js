// The points of the person at hand, with undo and redo. A point is [x, y, visibility, confidence]; x and y count pixels
// of the picture from the centre of the first one.

const MOST_STEPS = 500;
export const X = 0, Y = 1, V = 2, C = 3;

export const copy = (points) => points.map((p) => [...p]);
export const empty = (count) => Array.from({ length: count }, () => [0, 0, 0, 0]);
export const placed = (p) => p[V] > 0 || p[X] !== 0 || p[Y] !== 0;
export const same = (a, b) => a.every((p, i) => p.every((v, k) => v === b[i][k]));

export class Doc {
  constructor(points, changed) {
    this.points = copy(points);
    this.changed = changed;
    this.past = [];
    this.future = [];
    this.kept = null;
  }

  // Everything until `commit` is one step.
  begin() {
    this.kept ??= copy(this.points);
  }

  commit() {
    const before = this.kept;
    this.kept = null;
    if (!before || same(before, this.points)) return false;
    this.past.push(before);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.changed();
    return true;
  }

  cancel() {
    if (this.kept) this.points = this.kept;
    this.kept = null;
  }

  edit(change) {
    this.begin();
    change(this.points);
    return this.commit();
  }

  replace(points) {
    return this.edit(() => { this.points = copy(points); });
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  step(from, to) {
    this.cancel();
    const points = from.pop();
    if (!points) return false;
    to.push(this.points);
    this.points = points;
    this.changed();
    return true;
  }
}
