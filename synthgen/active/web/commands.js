// Keys and buttons to commands.

import { byId, el } from "./dom.js";
import { compare, help, team } from "./dialogs.js";
import { listenKeys } from "./keys.js";

const STEP = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const TOOLS = [
  ["tool:point", "joints", "j"], ["tool:chain", "spine", "c"], ["tool:bend", "bend", "s"], ["snap", "snap", "p"], ["addPerson", "+ person", "⇧A"], null,
  ["undo", "undo", "z"], ["redo", "redo", "⇧Z"], null,
  ["show:model", "model", "m"], ["show:teacher", "teacher", "t"], ["show:corrected", "correction", "k"], ["show:band", "range", "r"], ["compare", "compare", "v"],
];
const LOOKS = [["closer", "+", "+"], ["farther", "−", "-"], ["fit", "fit", "f"]];
const QUICK = [[0, "absent"], [1, "hidden"], [2, "visible"]]; // beside the picture, where the panel is a drawer
const ACTIONS = [["previous", "‹ previous", "⇧N"], ["skip", "skip", "b"], ["flag", "flag", "x"], ["next", "next ›", "n"], ["done", "done", "Enter"]];

export function wire(app) {
  const run = (command, event) => perform(app, command, event);
  const button = (entry) => entry
    ? el("button", { "data-command": entry[0], title: `${entry[1]} (${entry[2]})`, onclick: () => { run(entry[0]); app.stage.node.focus({ preventScroll: true }); } }, entry[1], " ", el("kbd", {}, entry[2]))
    : el("span", { class: "gap" });
  byId("tools").replaceChildren(...TOOLS.map(button));
  byId("actions").replaceChildren(...ACTIONS.map(button));
  byId("looks").replaceChildren(...LOOKS.map(button));
  byId("quick").replaceChildren(...QUICK.map(([v, name]) => el("button", { "data-seen": v, onclick: () => app.setVisibility(v) }, name)));
  app.tools = () => {
    for (const node of document.querySelectorAll("[data-command]")) {
      const [kind, name] = node.dataset.command.split(":");
      const on = kind === "tool" ? app.tool === name : kind === "show" ? app.shown[name] : null;
      if (on !== null) { node.classList.toggle("on", on); node.setAttribute("aria-pressed", on); }
    }
    document.querySelector("[data-command=undo]").disabled = !app.doc?.past.length && !app.justAdded();
    document.querySelector("[data-command=addPerson]").classList.toggle("on", app.boxing);
    document.querySelector("[data-command=redo]").disabled = !app.doc?.future.length;
    for (const kind of ["model", "teacher"]) document.querySelector(`[data-command="show:${kind}"]`).disabled = !app.ghosts[kind];
    byId("quick").hidden = app.selected === null || !app.doc;
    for (const node of byId("quick").children) node.classList.toggle("on", app.doc?.points[app.selected]?.[2] === Number(node.dataset.seen));
    const review = app.me.role === "review" && ["corrected", "reviewed"].includes(app.view?.status);
    document.querySelector("[data-command=done]").firstChild.textContent = review ? "accept" : "done";
  };
  listenKeys(run);
  byId("help-button").addEventListener("click", help);
  byId("progress").addEventListener("click", team);
  for (const [id, name] of [["show-queue", "queue"], ["show-panel", "panel"]]) byId(id).addEventListener("click", () => drawer(name));
  byId("shade").addEventListener("click", () => drawer(null));
  jump(app);
}

function drawer(name) {
  for (const id of ["queue", "panel"]) byId(id).classList.toggle("open", id === name && !byId(id).classList.contains("open"));
  byId("shade").hidden = !document.querySelector("#queue.open, #panel.open");
}

function perform(app, command, event) {
  const [kind, name] = command.split(":");
  if (command === "done" && app.boxing) app.addPerson(app.inSight());
  else if (kind === "tool") app.tool = name;
  else if (kind === "show") app.shown[name] = !app.shown[name];
  else if (command === "done") app.finish();
  else if (command === "flag") app.finish("flagged");
  else if (command === "skip") app.finish("skipped");
  else if (command === "next") app.go(1);
  else if (command === "previous") app.go(-1);
  else if (command === "help") help();
  else if (command === "list") { drawer("queue"); byId("queue-list").querySelector(".current")?.focus(); }
  else if (command === "escape") escape(app);
  else if (command === "closer") app.stage.view.zoom(1.25);
  else if (command === "farther") app.stage.view.zoom(0.8);
  else if (command === "fitPicture") app.stage.view.fitPicture();
  else if (!app.doc) return false;
  else if (command === "fit") app.stage.view.fit(app.view.bbox);
  else if (command === "forward" || command === "backward") {
    // Tab belongs to the points only on the stage; elsewhere it goes from button to button.
    if (document.activeElement !== app.stage.node && document.activeElement !== document.body) return false;
    app.stage.node.focus({ preventScroll: true });
    app.step(command === "forward" ? 1 : -1);
  } else if (command === "nudge") {
    const far = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
    app.nudge(STEP[event.key][0] * far, STEP[event.key][1] * far);
  } else if (command === "visibility") app.setVisibility(Number(event.key));
  else if (command === "undo") { if (app.canEdit() && !app.doc.undo() && !app.undoAdding()) app.say("nothing to undo"); }
  else if (command === "addPerson") app.box(!app.boxing);
  else if (command === "remove") { if (app.canEdit()) app.remove(); }
  else if (command === "redo") { if (app.canEdit() && !app.doc.redo()) app.say("nothing to redo"); }
  else if (command === "add") app.add();
  else if (command === "swap") app.swap();
  else if (command === "snap") app.snap();
  else if (command === "fromModel") app.from("model");
  else if (command === "fromTeacher") app.from("teacher");
  else if (command === "compare") compare(app);
  else if (command === "comment") { byId("panel").classList.contains("open") || getComputedStyle(byId("show-panel")).display === "none" || drawer("panel"); byId("comment").focus(); }
  else if (command === "jump") { byId("jump").hidden = false; byId("jump-input").value = ""; byId("jump-found").textContent = ""; byId("jump-input").focus(); }
  app.tools();
  app.stage.draw();
  return true;
}

function escape(app) {
  if (document.activeElement?.id === "comment") document.activeElement.blur();
  else if (!byId("jump").hidden) byId("jump").hidden = true;
  else if (!byId("shade").hidden) drawer(null);
  else if (app.boxing) { app.stage.gesture = null; app.box(false); }
  else if (app.stage.gesture) { app.doc?.cancel(); app.stage.gesture = null; }
  else app.select(null);
  app.stage.node.focus({ preventScroll: true });
}

// A number, or any part of a name: "7", "lef wri", "spine 3".
function jump(app) {
  const input = byId("jump-input"), names = app.schema.names;
  const find = () => {
    const text = input.value.trim().toLowerCase();
    if (/^\d+$/.test(text)) return Number(text) < names.length ? Number(text) : -1;
    const parts = text.split(/[\s_]+/).filter(Boolean);
    return parts.length ? names.findIndex((name) => parts.every((part) => name.includes(part))) : -1;
  };
  input.addEventListener("input", () => { const i = find(); byId("jump-found").textContent = i < 0 ? "" : names[i].replaceAll("_", " "); });
  byId("jump").addEventListener("submit", (event) => {
    event.preventDefault();
    const i = find();
    byId("jump").hidden = true;
    if (i >= 0) app.select(i, true);
    app.stage.node.focus({ preventScroll: true });
  });
}
