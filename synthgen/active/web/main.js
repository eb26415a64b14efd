// Start: take the token out of the address, come in, load the queue, open the first person.

import { call, get, setToken } from "./api.js";
import { App } from "./app.js";
import { wire } from "./commands.js";
import { conflict, notice } from "./dialogs.js";
import { byId, el } from "./dom.js";
import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";

const REFRESH = 30_000; // ms between looks at what others have done

async function start() {
  if (location.search) history.replaceState(null, "", "/");
  let about;
  try {
    about = await get("/api/project");
  } catch (error) {
    return error.status === 401 ? comeIn() : stopped(error);
  }
  byId("login").hidden = true;
  setToken(about.csrf);
  byId("project-name").textContent = about.project;
  byId("me").textContent = about.me.role === "review" ? `${about.me.name} · reviewer` : about.me.name;
  const app = new App(about);
  app.queue = new Queue(about.me, (item) => app.open(item, false));
  app.outbox = new Outbox(`${about.id}:${about.me.name}`, about.schema.names, {
    changed: (state) => paintSaved(app, state),
    confirmed: (person, answer, entry) => {
      if (!answer) { settle(app, entry); return; }
      app.confirmed(person, answer.revision);
      app.loader.forget(person);
      progressLater();
    },
  });
  byId("saved").addEventListener("click", () => pressSaved(app));
  wire(app);
  addEventListener("focus", () => app.outbox.flush());
  paintProgress(about.progress);
  const refresh = () => get("/api/progress").then(({ progress }) => paintProgress(progress)).catch(() => {});
  let soon = 0;
  const progressLater = () => { clearTimeout(soon); soon = setTimeout(refresh, 800); };
  setInterval(() => { if (!document.hidden) { refresh(); app.queue.refresh().catch(() => {}); } }, REFRESH);
  await first(app);
}

async function first(app) {
  app.stage.node.focus({ preventScroll: true }); // now, not later: somebody may already be typing by then
  await app.queue.fetchMore();
  app.tools();
  if (!app.queue.items.length) { app.nothing("The queue is empty. Fill it with: synthgen annotate select PROJECT --budget 50"); return; }
  const { item } = await call("POST", "/api/next").catch(() => ({ item: null }));
  await app.open(app.queue.items.find((i) => i.person === item?.person) ?? item ?? app.queue.beside(1, true) ?? app.queue.items[0]);
}

function paintProgress({ in_queue: queued, done, status }) {
  const finished = done + status.skipped + status.flagged;
  byId("progress-bar").firstChild.style.width = `${queued ? Math.min(100, (100 * finished) / queued) : 0}%`;
  byId("progress-text").textContent = `${finished} of ${queued}`;
}

function paintSaved(app, { state, waiting, conflicts, message, full }) {
  const edits = `${waiting} ${waiting === 1 ? "person" : "people"}`;
  const words = {
    saved: "saved", saving: "saving …", offline: `connection lost: edits of ${edits} kept in this browser`,
    ended: `session ended: edits of ${edits} kept; come in again`,
    conflict: `${conflicts} ${conflicts === 1 ? "conflict" : "conflicts"} to settle`, refused: `not accepted: ${message}`,
  };
  byId("saved").textContent = full ? "browser storage is full: keep this page open" : words[state];
  byId("saved").dataset.state = full ? "refused" : state;
}

function pressSaved(app) {
  const open = app.outbox.conflicts()[0];
  if (open) settle(app, open);
  else if (app.outbox.trouble === "ended") location.reload();
  else app.outbox.flush();
}

async function settle(app, entry) {
  if (document.querySelector("dialog[open]")) return; // the button in the header stays
  const { image } = entry.theirs; // gone once it is settled
  const picture = await app.loader.picture(image).catch(() => null);
  if (!picture || !app.outbox.entry(entry.person)?.theirs) return;
  const chosen = await conflict(app, entry, picture.src, [picture.naturalWidth, picture.naturalHeight]);
  if (chosen === undefined) return;
  app.loader.forget(entry.person);
  if (chosen === null) app.outbox.drop(entry.person);
  else await app.outbox.settle(entry.person, chosen);
  if (app.person === entry.person) app.open({ person: entry.person, image }, false);
}

async function comeIn() {
  const { login } = await get("/api/door").catch(() => ({ login: false }));
  if (!login) { notice("Come in again", el("p", {}, "This address has no session, or it has ended. Open the address that "), el("code", {}, "synthgen annotate serve"), el("p", {}, " shows. Edits that were not sent yet are kept in this browser and go out then.")); return; }
  byId("login").hidden = false;
  byId("login-name").focus();
  byId("login").onsubmit = async (event) => {
    event.preventDefault();
    try {
      await call("POST", "/login", { name: byId("login-name").value, password: byId("login-password").value });
      location.reload();
    } catch (error) {
      byId("login-error").textContent = error.message;
    }
  };
}

function stopped(error) {
  notice("Not reached", el("p", {}, error.message), el("button", { onclick: () => location.reload() }, "try again"));
}

start();
