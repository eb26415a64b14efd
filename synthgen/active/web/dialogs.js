// What opens above the page: the keys, progress and agreement, versions side by side, and a conflict to settle.

import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { V, X, Y, copy } from "./doc.js";
import { miniature } from "./draw.js";
import { KEYS } from "./keys.js";

const dialog = byId("dialog");

function show(name, ...content) {
  dialog.className = name;
  dialog.replaceChildren(...content);
  if (!dialog.open) dialog.showModal();
}

const shut = (label = "close") => el("button", { class: "shut", onclick: () => dialog.close() }, label);
const NICE = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", PageDown: "PgDn", PageUp: "PgUp", Escape: "Esc" };

export function help() {
  const groups = [...new Set(KEYS.map(([, group]) => group))];
  show("help", el("h1", {}, "Keys"), el("div", { class: "columns" }, groups.map((group) => el("section", {}, el("h2", {}, group),
    el("dl", {}, KEYS.filter((k) => k[1] === group).flatMap(([keys, , what]) => [
      el("dt", {}, keys.slice(0, 4).map((k) => [el("kbd", {}, NICE[k] ?? k), " "])), el("dd", {}, what)]))))),
    el("p", { class: "muted" }, "On a tablet: drag with one finger or a pen, zoom and move with two."), shut());
}

export async function team() {
  show("team", el("h1", {}, "Progress"), el("p", {}, "…"), shut());
  try {
    const [{ progress }, { agreement }] = await Promise.all([get("/api/progress"), get("/api/agreement")]);
    const percent = (v) => (v === null || v === undefined ? "–" : `${(100 * v).toFixed(1)} %`);
    const worst = Object.entries(agreement.keypoints ?? {}).sort((a, b) => b[1] - a[1]);
    show("team", el("h1", {}, "Progress"),
      table(["state", "people"], Object.entries(progress.status).filter(([, n]) => n)),
      el("h2", {}, "Who"), table(["annotator", "people", "edits"], Object.entries(progress.annotators).map(([name, n]) => [name, n.people, n.edits])),
      el("h2", {}, "Agreement"),
      agreement.pairs
        ? el("div", {}, el("p", {}, `${agreement.people} people corrected by two: their points lie ${percent(agreement.mean)} of the person's size apart, visibility is the same for ${percent(agreement.visibility)}.`),
            table(["point", "apart"], worst.slice(0, 12).map(([name, v]) => [name.replaceAll("_", " "), percent(v)])))
        : el("p", { class: "muted" }, "Nobody has been corrected by two people yet."), shut());
  } catch (error) {
    show("team", el("h1", {}, "Progress"), el("p", {}, error.message), shut());
  }
}

const table = (head, rows) => el("table", {}, el("thead", {}, el("tr", {}, head.map((h) => el("th", {}, h)))),
  el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, String(cell)))))));

export function compare(app) {
  const { schema, view, doc, ghosts } = app;
  const source = app.stage.picture.src, size = app.stage.view.size;
  const apart = (other) => {
    const far = other ? doc.points.map((p, i) => (p[V] && other[i][V] ? Math.hypot(p[X] - other[i][X], p[Y] - other[i][Y]) : null)).filter((d) => d !== null) : [];
    return far.length ? `${(far.reduce((a, b) => a + b, 0) / far.length).toFixed(1)} px from the correction on average, ${Math.max(...far).toFixed(1)} at most` : "";
  };
  const one = (points, kind, title) => miniature(schema, source, size, view.bbox, points, kind, [el("strong", {}, title), " ", el("span", { class: "muted" }, points ? apart(kind === "corrected" ? null : points) : "none")]);
  show("compare", el("div", { class: "side-by-side" }, one(ghosts.model, "model", "model"), one(ghosts.teacher, "teacher", "teacher"), one(doc.points, "corrected", "correction")), shut());
}

// Two annotators saved the same person. Resolves to the points to keep, to null where theirs are taken, and to
// undefined where it is put off.
export function conflict(app, entry, source, size) {
  const { schema } = app, { theirs } = entry, other = theirs.corrected;
  const differ = schema.names.map((name, i) => ({ name, i, far: Math.hypot(entry.points[i][X] - other[i][X], entry.points[i][Y] - other[i][Y]), seen: [entry.points[i][V], other[i][V]] }))
    .filter(({ far, seen }) => far > 0.5 || seen[0] !== seen[1]).sort((a, b) => b.far - a.far);
  const mine = new Set(differ.map((d) => d.i));
  return new Promise((settle) => {
    const end = (value) => { settle(value); dialog.close(); };
    const mixed = () => end(entry.points.map((p, i) => [...(mine.has(i) || !differ.some((d) => d.i === i) ? p : other[i])]));
    dialog.addEventListener("close", () => settle(undefined), { once: true });
    show("conflict", el("h1", {}, `Person ${entry.person}: two versions`), el("p", {}, `${entry.why}. Both stay in the history; which one goes on?`),
      el("div", { class: "side-by-side" }, miniature(schema, source, size, theirs.bbox, entry.points, "corrected", "mine"), miniature(schema, source, size, theirs.bbox, other, "theirs", "theirs")),
      el("details", {}, el("summary", {}, `${differ.length} points differ: choose point by point`), el("ul", { class: "differ" }, differ.map((d) => el("li", {},
        el("label", {}, el("input", { type: "checkbox", checked: true, onchange: (e) => (e.target.checked ? mine.add(d.i) : mine.delete(d.i)) }),
          ` mine: ${d.name.replaceAll("_", " ")} `, el("span", { class: "muted" }, `${d.far.toFixed(1)} px apart${d.seen[0] !== d.seen[1] ? `, visibility ${d.seen[0]} against ${d.seen[1]}` : ""}`)))),
        el("button", { id: "keep-mixed", onclick: mixed }, "keep as chosen"))),
      el("div", { class: "buttons" }, el("button", { id: "keep-mine", class: "strong", onclick: () => end(copy(entry.points)) }, "keep mine"),
        el("button", { id: "take-theirs", onclick: () => end(null) }, "take theirs"), shut("decide later")));
  });
}

export function notice(title, ...content) {
  show("notice", el("h1", {}, title), ...content, shut());
}
