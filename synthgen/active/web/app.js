// One annotator at work: who is at hand, the lease on them, and going from one to the next.

import { call, get } from "./api.js";
import { Anatomy } from "./anatomy.js";
import { byId } from "./dom.js";
import { Doc, empty } from "./doc.js";
import { People } from "./people.js";
import { Loader } from "./loader.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";

const LEASE_AGAIN = 90_000; // ms
const AHEAD = 3;

export class App extends People {
  constructor(about) {
    super();
    this.schema = about.schema;
    this.me = about.me;
    this.hasPrior = about.prior;
    this.doc = null;
    this.person = null;
    this.view = null;
    this.selected = null;
    this.handle = 2;
    this.tool = "point";
    this.shown = { corrected: true, model: false, teacher: false, band: false };
    this.ghosts = { model: null, teacher: null };
    this.band = null;
    this.comment = "";
    this.readOnly = false;
    this.loader = new Loader();
    this.stage = new Stage(this);
    this.panel = new Panel(this);
    this.anatomy = new Anatomy(this);
    this.opening = 0;
    setInterval(() => this.renew(), LEASE_AGAIN);
    byId("comment").addEventListener("change", () => { this.comment = byId("comment").value; this.store(); });
  }

  // --- people ---------------------------------------------------------------------------------------------------

  async open(item, eager = true) {
    const turn = ++this.opening, began = performance.now();
    delete document.body.dataset.settled; // set once what is shown is what is stored
    this.leavePerson();
    this.queue.choose(item.person);
    const wait = setTimeout(() => { byId("waiting").hidden = false; }, 120);
    try {
      const { view, picture } = await this.loader.load(item);
      if (turn !== this.opening) return;
      this.show(view, picture);
      performance.measure("next person", { start: began });
    } catch (error) {
      if (turn === this.opening) this.nothing(error.message ?? String(error));
      return;
    } finally {
      clearTimeout(wait);
      if (turn === this.opening) byId("waiting").hidden = true;
    }
    const free = await this.renew();
    if (turn !== this.opening) return;
    if (free === false && eager) {
      const other = this.queue.beside(1, true);
      if (other) { this.open(other); return; }
    }
    await this.freshen(item, turn);
    if (turn === this.opening) document.body.dataset.settled = item.person;
    for (const next of this.queue.ahead(AHEAD)) if (turn === this.opening) this.loader.load(next).catch(() => {});
  }

  show(view, picture) {
    const kept = this.outbox.entry(view.person);
    this.person = view.person;
    this.view = view;
    this.box(false);
    this.comment = kept?.comment ?? view.comment;
    this.ghosts = { model: view.model, teacher: view.teacher };
    const start = kept?.points ?? view.start ?? view.corrected ?? view.model ?? view.teacher ?? empty(this.schema.names.length);
    this.doc = new Doc(start, () => this.edited());
    this.readOnly = false;
    this.banner(view.status === "removed" ? "removed; any change brings them back" : "");
    this.stage.view.size = [picture.naturalWidth, picture.naturalHeight];
    picture.id = "picture";
    this.stage.picture.replaceWith(picture);
    this.stage.picture = picture;
    this.stage.view.fit(view.bbox);
    this.tools?.();
    this.panel.person(view);
    this.panel.draw();
    this.anatomy.clear();
    this.anatomy.later();
    document.title = `#${view.person} · synthgen annotate`;
    document.body.dataset.person = view.person;
  }

  // The copy fetched ahead may be old: where nothing was edited yet, show what is stored now.
  async freshen(item, turn) {
    const view = await get(`/api/people/${item.person}`).catch(() => null);
    if (!view || turn !== this.opening || view.revision === this.view.revision || this.outbox.entry(item.person)) return;
    this.loader.forget(item.person);
    if (this.doc.past.length === 0) this.show(view, this.stage.picture);
  }

  nothing(message) {
    this.doc = null;
    this.person = null;
    this.stage.overlay.classList.add("absent");
    this.banner(message);
  }

  banner(message) {
    byId("banner").textContent = message;
    byId("banner").hidden = !message;
    if (this.doc) this.stage.overlay.classList.remove("absent");
  }

  leavePerson() {
    if (this.person === null) return;
    this.doc?.commit();
    if (byId("comment").value !== this.comment) { this.comment = byId("comment").value; this.store(); }
    const left = this.person;
    this.loader.forget(left);
    if (!this.readOnly) call("DELETE", `/api/people/${left}/lease`, undefined, true).catch(() => {});
    this.queue.mark(left, { leased_by: null });
  }

  // Take or renew the lease; false where somebody else has it.
  async renew() {
    const person = this.person;
    if (person === null) return true;
    try {
      await call("POST", `/api/people/${person}/lease`);
      if (person === this.person && this.readOnly) { this.readOnly = false; this.banner(""); }
      return true;
    } catch (error) {
      if (error.status !== 423 || person !== this.person) return true; // offline: go on, a conflict would be shown
      this.readOnly = true;
      this.queue.mark(person, { leased_by: error.data.by });
      this.banner(`${error.data.by} is working on this person; you can look. n goes to the next one.`);
      return false;
    }
  }

  go(step) {
    const item = this.queue.beside(step);
    if (item) this.open(item, false);
    else this.say(step > 0 ? "that was the last one" : "this is the first one");
  }

  finish(status) {
    if (!this.doc || this.readOnly) { this.go(1); return; }
    this.doc.commit();
    const role = this.me.role === "review" && ["corrected", "reviewed"].includes(this.view.status) ? "reviewed" : "corrected";
    this.store(status ?? role);
    this.say(status ?? role);
    const next = this.queue.beside(1, true);
    if (next) this.open(next);
    else { this.queue.choose(this.person); this.say("the queue is done: nothing is left to do"); }
  }

  async visit(person) {
    const view = await get(`/api/people/${person}`).catch((error) => { this.say(error.message); });
    if (view) this.open({ person, image: view.image }, false);
  }

  async propagate(to) {
    await this.outbox.flush();
    try {
      await call("POST", `/api/people/${this.person}/propagate`, { to });
      this.loader.forget(to);
      this.say(`carried over to #${to}; it waits in the queue to be checked`);
      this.queue.refresh().catch(() => {});
    } catch (error) {
      this.say(error.message);
    }
  }
}
