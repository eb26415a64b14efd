// Where the picture lies on the screen: zoom and pan. Screen px = (picture px + 0.5) * scale + origin, since the centre
// of the first pixel is at 0.

const LEAST = 0.02, MOST = 80;

export class View {
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.size = [1, 1];
  }

  toScreen(x, y) {
    return [(x + 0.5) * this.scale + this.left, (y + 0.5) * this.scale + this.top];
  }

  toPicture(x, y) {
    return [(x - this.left) / this.scale - 0.5, (y - this.top) / this.scale - 0.5];
  }

  zoomAt(factor, x, y) {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.changed();
  }

  zoom(factor) {
    this.zoomAt(factor, this.stage.clientWidth / 2, this.stage.clientHeight / 2);
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.changed();
  }

  // Show the box [left, top, width, height] of the picture, with a margin of it around.
  fit([x, y, w, h], margin = 0.08) {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!width || !height) return;
    const wide = Math.max(w, 8) * (1 + 2 * margin), tall = Math.max(h, 8) * (1 + 2 * margin);
    this.scale = Math.min(MOST, Math.max(LEAST, Math.min(width / wide, height / tall)));
    this.left = width / 2 - (x + w / 2) * this.scale;
    this.top = height / 2 - (y + h / 2) * this.scale;
    this.changed();
  }

  fitPicture() {
    this.fit([0, 0, ...this.size], 0);
  }

  // Bring a point back into sight.
  reveal(x, y) {
    const [sx, sy] = this.toScreen(x, y);
    const [w, h] = [this.stage.clientWidth, this.stage.clientHeight], edge = 40;
    const dx = sx < edge ? edge - sx : sx > w - edge ? w - edge - sx : 0;
    const dy = sy < edge ? edge - sy : sy > h - edge ? h - edge - sy : 0;
    if (dx || dy) this.pan(dx, dy);
  }
}
