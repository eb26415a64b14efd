// Every key in one table: what it is called, what it does. The help page is this table.

// [keys, group, what, command]; "Shift+" is written where it matters
export const KEYS = [
  [["Enter"], "People", "done, and on to the next", "done"],
  [["n", "PageDown"], "People", "next person", "next"],
  [["Shift+N", "PageUp"], "People", "previous person", "previous"],
  [["x"], "People", "flag for somebody else to look at, and on", "flag"],
  [["b"], "People", "skip, and on", "skip"],
  [["i"], "People", "write a comment (Esc comes back)", "comment"],
  [["Shift+A"], "People", "add somebody who was missed: drag a box around them (Enter: all that is in sight)", "addPerson"],
  [["Delete"], "People", "remove somebody who was added (undo does so, too)", "remove"],
  [["Tab"], "Points", "next point", "forward"],
  [["Shift+Tab"], "Points", "previous point", "backward"],
  [["g"], "Points", "go to a point by number or name", "jump"],
  [["0", "1", "2"], "Points", "absent, hidden, visible", "visibility"],
  [["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"], "Points", "move 1 px; Shift 10 px, Alt 0.1 px (nothing selected: move the picture)", "nudge"],
  [["a"], "Points", "add the missing point, or the next missing one", "add"],
  [["u"], "Points", "put the point back where the model saw it", "fromModel"],
  [["y"], "Points", "put it where the teacher saw it", "fromTeacher"],
  [["w"], "Points", "swap left and right of the whole person", "swap"],
  [["Escape"], "Points", "let go", "escape"],
  [["j"], "Tools", "move joints", "tool:point"],
  [["c"], "Tools", "move the whole spine", "tool:chain"],
  [["s"], "Tools", "bend the spine by its handles (Tab goes through them)", "tool:bend"],
  [["p"], "Tools", "snap the spine to the anatomical range", "snap"],
  [["z", "Ctrl+z"], "Tools", "undo", "undo"],
  [["Shift+Z", "Ctrl+Shift+Z", "Ctrl+y"], "Tools", "redo", "redo"],
  [["m"], "Looking", "show what the model saw", "show:model"],
  [["t"], "Looking", "show what the teacher saw", "show:teacher"],
  [["k"], "Looking", "show the correction", "show:corrected"],
  [["r"], "Looking", "show the anatomical range on the picture", "show:band"],
  [["v"], "Looking", "model, teacher and correction side by side", "compare"],
  [["f"], "Looking", "fit the person", "fit"],
  [["Shift+F"], "Looking", "fit the picture", "fitPicture"],
  [["+", "="], "Looking", "closer (also: wheel, pinch)", "closer"],
  [["-"], "Looking", "farther", "farther"],
  [["Shift+J"], "People", "go through the queue's list (arrows, Enter)", "list"],
  [["?"], "Looking", "this list", "help"],
];

const TABLE = new Map(KEYS.flatMap(([keys, , , command]) => keys.map((key) => [key, command])));

export function nameOf(event) {
  const key = event.key;
  const shifted = event.shiftKey && (key.length > 1 || /[a-z]/i.test(key)) && !key.startsWith("Arrow");
  const letter = shifted && key.length === 1 ? key.toUpperCase() : key.length === 1 ? key.toLowerCase() : key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${shifted ? "Shift+" : ""}${letter}`;
}

// Listen for keys; run(command, event) returns false where it leaves the key alone.
export function listenKeys(run) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const typing = event.target.matches?.("input, textarea, select");
    if (typing && event.key !== "Escape") return;
    const name = nameOf(event);
    const command = TABLE.get(name);
    if (!command) return;
    // Away from the stage Tab, Enter and arrows belong to the browser, so that every button can be reached.
    const away = event.target.closest?.("header, nav, aside, #tools, #actions, #looks, #quick, form");
    if (away && ["Tab", "Enter", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    if (run(command, event) !== false) event.preventDefault();
  });
}
