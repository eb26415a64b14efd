// The stage: the picture, the points on it, and what a mouse, a pen or fingers do to them.

import { byId, svg } from "./dom.js";
import { V, X, Y, placed } from "./doc.js";
import { ghost, lines, marker, placeGhost, placeLines, placeMarker } from "./draw.js";
import { bend, chainOf, handlesOf, shift } from "./spine.js";
import { View } from "./view.js";

const REACH = { mouse: 13, pen: 16, touch: 26 }; // px around a point in which it is grabbed
const STILL = 3; // px a pointer may move and still have clicked

export class Stage {
  // app: { schema, doc, selected, tool, shown, readOnly, ghosts, band, select(i), edited(), redraw() }
  constructor(app) {
    this.app = app;
    this.node = byId("stage");
    this.picture = byId("picture");
    this.overlay = byId("overlay");
    this.view = new View(this.node, () => this.draw());
    this.pointers = new Map();
    this.gesture = null;
    this.spaceDown = false;
    this.build();
    this.listen();
    new ResizeObserver(() => this.resized()).observe(this.node);
  }

  build() {
    const { schema } = this.app;
    this.band = svg("path", { class: "band" });
    this.ghosts = { model: ghost(schema, "model"), teacher: ghost(schema, "teacher") };
    this.moves = svg("g", { class: "moves" }, schema.names.map(() => svg("line")));
    this.body = svg("g", { class: "body" });
    this.links = lines(schema);
    // The chain lies above the limbs, so that it can always be seen.
    const order = [...schema.names.keys()].sort((a, b) => schema.spine.includes(a) - schema.spine.includes(b));
    this.markers = [];
    const markers = svg("g", { class: "markers" });
    for (const i of order) markers.append((this.markers[i] = marker(schema, i)));
    this.handles = svg("g", { class: "handles" });
    this.label = svg("text", { class: "name" });
    this.body.append(this.links, markers, this.handles, this.label);
    this.boxes = svg("g", { class: "boxes" });
    this.overlay.replaceChildren(this.boxes, this.band, this.ghosts.model, this.ghosts.teacher, this.moves, this.body);
  }

  resized() {
    const now = [this.node.clientWidth, this.node.clientHeight];
    if (this.extent && now[0] && now[1]) {
      // What is in the middle stays in the middle.
      this.view.left += (now[0] - this.extent[0]) / 2;
      this.view.top += (now[1] - this.extent[1]) / 2;
    }
    this.extent = now;
    this.draw();
  }

  draw() {
    const { view, app } = this;
    const style = this.picture.style;
    style.transform = `translate(${view.left}px, ${view.top}px) scale(${view.scale})`;
    style.imageRendering = view.scale >= 3 ? "pixelated" : "auto";
    if (!app.doc) return;
    const { schema, doc, shown } = app;
    const screen = (points) => points.map((p) => view.toScreen(p[X], p[Y]));
    const at = screen(doc.points);
    this.body.classList.toggle("absent", !shown.corrected);
    placeLines(this.links, schema, doc.points, at);
    doc.points.forEach((p, i) => placeMarker(this.markers[i], p, at[i], i === app.selected));
    for (const kind of ["model", "teacher"]) {
      const points = app.ghosts[kind], on = shown[kind] && points;
      this.ghosts[kind].classList.toggle("absent", !on);
      if (on) placeGhost(this.ghosts[kind], schema, points, screen(points));
    }
    this.drawMoves(at, shown.model && shown.corrected ? app.ghosts.model : null);
    this.drawHandles();
    this.drawBand();
    this.drawBoxes();
    const named = app.selected !== null && placed(doc.points[app.selected]);
    this.label.classList.toggle("absent", !named);
    if (named) {
      this.label.setAttribute("x", at[app.selected][0] + 15);
      this.label.setAttribute("y", at[app.selected][1] - 11);
      this.label.textContent = schema.names[app.selected].replaceAll("_", " ");
    }
  }

  // From where the model saw a point to where it is now.
  drawMoves(at, from) {
    [...this.moves.children].forEach((line, i) => {
      const on = from && from[i][V] > 0 && placed(this.app.doc.points[i]);
      line.classList.toggle("absent", !on);
      if (!on) return;
      const [x, y] = this.view.toScreen(from[i][X], from[i][Y]);
      for (const [name, value] of [["x1", x], ["y1", y], ["x2", at[i][0]], ["y2", at[i][1]]]) line.setAttribute(name, value);
    });
  }

  drawHandles() {
    const { app } = this;
    const spots = app.tool === "bend" ? handlesOf(app.doc.points, app.schema.spine) : [];
    while (this.handles.children.length > spots.length) this.handles.lastChild.remove();
    while (this.handles.children.length < spots.length) this.handles.append(svg("circle", { class: "handle", r: 10 }));
    spots.forEach(([x, y], i) => {
      const [sx, sy] = this.view.toScreen(x, y), node = this.handles.children[i];
      node.setAttribute("cx", sx);
      node.setAttribute("cy", sy);
      node.classList.toggle("selected", app.handle === i);
    });
  }

  drawBand() {
    const { band, shown } = this.app;
    this.band.classList.toggle("absent", !(shown.band && band));
    if (!shown.band || !band) return;
    const around = [...band.lower, ...[...band.upper].reverse()].map(([x, y]) => this.view.toScreen(x, y).join(" "));
    this.band.setAttribute("d", `M${around.join("L")}Z`);
  }

  // While somebody is being added: who is there already, and the box so far.
  drawBoxes() {
    const { boxing, others } = this.app, drawn = this.gesture?.kind === "box" ? [{ bbox: this.dragged(), person: "" }] : [];
    const boxes = boxing ? [...others, ...drawn] : [];
    while (this.boxes.children.length > boxes.length) this.boxes.lastChild.remove();
    while (this.boxes.children.length < boxes.length) this.boxes.append(svg("g", {}, svg("rect"), svg("text")));
    boxes.forEach(({ person, bbox: [x, y, w, h] }, i) => {
      const [left, top] = this.view.toScreen(x - 0.5, y - 0.5), [rect, text] = this.boxes.children[i].children;
      for (const [name, value] of [["x", left], ["y", top], ["width", w * this.view.scale], ["height", h * this.view.scale]]) rect.setAttribute(name, value);
      rect.classList.toggle("drawn", person === "");
      text.setAttribute("x", left + 4);
      text.setAttribute("y", top + 14);
      text.textContent = person === "" ? "" : `#${person}`;
    });
  }

  // The box of the gesture at hand, px of the picture.
  dragged() {
    const { start, last } = this.gesture;
    const [a, b] = [this.view.toPicture(start.x, start.y), this.view.toPicture(last.x, last.y)];
    return [Math.min(a[0], b[0]) + 0.5, Math.min(a[1], b[1]) + 0.5, Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
  }

  listen() {
    const on = (name, run, options) => this.node.addEventListener(name, run, options);
    on("pointerdown", (e) => this.down(e));
    on("pointermove", (e) => this.move(e));
    on("pointerup", (e) => this.up(e));
    on("pointercancel", (e) => this.up(e, true));
    on("wheel", (e) => {
      e.preventDefault();
      const step = e.deltaMode === 1 ? 30 : 1;
      const { x, y } = this.place(e);
      this.view.zoomAt(Math.exp(-Math.max(-240, Math.min(240, e.deltaY * step)) * (e.ctrlKey ? 0.008 : 0.0022)), x, y);
    }, { passive: false });
    on("contextmenu", (e) => e.preventDefault());
    on("dblclick", (e) => { if (this.hit(this.place(e), "mouse") === null) this.view.zoomAt(1.8, this.place(e).x, this.place(e).y); });
  }

  place(event) {
    const box = this.node.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  // The point below a pointer; the selected one wins where several lie close together.
  hit(at, kind) {
    const { doc, selected, shown } = this.app;
    if (!doc || !shown.corrected) return null;
    let best = null, nearest = REACH[kind] ?? REACH.mouse;
    doc.points.forEach((p, i) => {
      if (!placed(p)) return;
      const [x, y] = this.view.toScreen(p[X], p[Y]);
      const far = Math.hypot(x - at.x, y - at.y) - (i === selected ? 4 : 0);
      if (far < nearest) [best, nearest] = [i, far];
    });
    return best;
  }

  hitHandle(at, kind) {
    const spots = handlesOf(this.app.doc.points, this.app.schema.spine);
    const reach = (REACH[kind] ?? REACH.mouse) + 3;
    const far = spots.map(([x, y]) => { const s = this.view.toScreen(x, y); return Math.hypot(s[0] - at.x, s[1] - at.y); });
    const least = Math.min(...far, Infinity);
    return least < reach ? far.indexOf(least) : null;
  }

  down(event) {
    if (event.target.closest("button, form")) return;
    this.node.focus({ preventScroll: true });
    this.node.setPointerCapture(event.pointerId);
    const at = this.place(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) {
      this.app.doc?.cancel();
      this.gesture = { kind: "pinch" };
      this.draw();
      return;
    }
    if (this.pointers.size > 2) return;
    const moving = { start: at, moved: false, last: at };
    if (this.app.boxing && event.button === 0 && !this.spaceDown) {
      this.gesture = { ...moving, kind: "box" };
      return;
    }
    const free = event.button === 0 && !this.spaceDown && this.app.doc && !this.app.readOnly;
    const point = event.button === 0 && !this.spaceDown ? this.hit(at, event.pointerType) : null;
    if (free && this.app.tool === "bend") {
      const handle = this.hitHandle(at, event.pointerType);
      if (handle !== null) {
        this.app.selectHandle(handle);
        this.gesture = { ...moving, kind: "bend", handle };
        return;
      }
    }
    if (point !== null) {
      const chain = this.app.tool === "chain" && chainOf(this.app.doc.points, this.app.schema.spine).includes(point);
      this.app.select(point);
      this.gesture = { ...moving, kind: !free ? "pan" : chain ? "chain" : "point", point };
      return;
    }
    this.gesture = { ...moving, kind: "pan", place: free };
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.hover(this.place(event));
      return;
    }
    const at = this.place(event), gesture = this.gesture;
    if (gesture?.kind === "pinch" && this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const old = Math.hypot(before.x - other.x, before.y - other.y), now = Math.hypot(at.x - other.x, at.y - other.y);
      this.view.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
      if (old > 4) this.view.zoomAt(now / old, (at.x + other.x) / 2, (at.y + other.y) / 2);
      this.pointers.set(event.pointerId, at);
      return;
    }
    this.pointers.set(event.pointerId, at);
    if (!gesture || gesture.kind === "pinch") return;
    if (!gesture.moved && Math.hypot(at.x - gesture.start.x, at.y - gesture.start.y) < STILL) return;
    gesture.moved = true;
    const dx = at.x - gesture.last.x, dy = at.y - gesture.last.y;
    gesture.last = at;
    if (gesture.kind === "pan") this.view.pan(dx, dy);
    else if (gesture.kind === "box") this.draw();
    else this.drag(gesture, at);
  }

  // Always from where the drag began, so that a bend does not depend on how often the mouse reports.
  drag(gesture, at) {
    const { doc, schema } = this.app;
    const dx = (at.x - gesture.start.x) / this.view.scale, dy = (at.y - gesture.start.y) / this.view.scale;
    doc.begin();
    doc.points = doc.kept.map((p) => [...p]);
    if (gesture.kind === "bend") bend(doc.points, schema.spine, gesture.handle, dx, dy);
    else if (gesture.kind === "chain") shift(doc.points, schema.spine, dx, dy);
    else {
      doc.points[gesture.point][X] += dx;
      doc.points[gesture.point][Y] += dy;
      this.app.touch(gesture.point);
    }
    this.draw();
    this.app.dragged();
  }

  up(event, cancelled = false) {
    if (!this.pointers.delete(event.pointerId)) return;
    const gesture = this.gesture;
    if (gesture?.kind === "pinch") {
      if (this.pointers.size === 0) this.gesture = null;
      return;
    }
    this.gesture = null;
    const { doc } = this.app;
    if (!gesture || !doc) return;
    if (gesture.kind === "box") {
      this.gesture = gesture;
      const box = this.dragged();
      this.gesture = null;
      this.draw();
      if (!cancelled) this.app.addPerson(box);
      return;
    }
    if (cancelled) doc.cancel();
    else if (gesture.moved && gesture.kind !== "pan") doc.commit();
    else if (!gesture.moved && gesture.place) this.app.clicked(this.view.toPicture(gesture.start.x, gesture.start.y));
    this.draw();
  }

  hover(at) {
    if (this.app.boxing) return;
    const over = this.app.tool === "bend" && this.app.doc ? this.hitHandle(at, "mouse") : this.hit(at, "mouse");
    this.node.classList.toggle("over", over !== null);
  }
}
