// Edits on their way to the server. Each is written to this browser's storage first and taken out only when the server
// has confirmed it: a lost connection, a closed lid or a server that restarts loses nothing.

import { call } from "./api.js";

const WAIT = 350, FIRST_RETRY = 1000, LONGEST_RETRY = 15000; // ms

export class Outbox {
  // changed(state): saved | saving | offline | ended | conflict | refused, with count and message
  constructor(space, names, { changed, confirmed }) {
    this.prefix = `synthgen:${space}:`;
    this.names = names;
    this.changed = changed;
    this.confirmed = confirmed;
    this.entries = new Map(); // person -> entry
    this.timer = 0;
    this.retry = FIRST_RETRY;
    this.busy = false;
    this.trouble = null;
    this.full = false;
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i);
      if (!key.startsWith(this.prefix)) continue;
      try {
        const entry = JSON.parse(localStorage.getItem(key));
        this.entries.set(entry.person, entry);
      } catch { /* not ours, or cut off by a crash in the middle: nothing to send */ }
    }
    addEventListener("online", () => this.flush());
    addEventListener("pagehide", () => this.flush(true));
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.flush(true); });
    addEventListener("beforeunload", (event) => { if (this.full) event.preventDefault(); });
    this.tell();
    if (this.entries.size) this.flush();
  }

  entry(person) {
    return this.entries.get(person);
  }

  // edit: { person, points, base, comment, status }
  put(edit) {
    const old = this.entries.get(edit.person);
    const entry = { ...edit, base: old?.base ?? edit.base, version: (old?.version ?? 0) + 1, theirs: old?.theirs };
    this.entries.set(edit.person, entry);
    this.keep(entry);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), this.trouble ? Math.min(this.retry, 3000) : WAIT);
    this.tell();
  }

  keep(entry) {
    try {
      localStorage.setItem(this.prefix + entry.person, JSON.stringify(entry));
      this.full = false;
    } catch {
      this.full = true; // the page then warns before it is left
    }
  }

  drop(person) {
    this.entries.delete(person);
    localStorage.removeItem(this.prefix + person);
    this.tell();
  }

  // After a conflict: send these points on top of theirs.
  settle(person, points) {
    const entry = this.entries.get(person);
    Object.assign(entry, { points, base: entry.theirs.revision, theirs: undefined, version: entry.version + 1 });
    this.keep(entry);
    this.tell();
    return this.flush();
  }

  waiting() {
    return [...this.entries.values()].filter((e) => !e.theirs && !e.refused);
  }

  conflicts() {
    return [...this.entries.values()].filter((e) => e.theirs);
  }

  tell() {
    const waiting = this.waiting().length, conflicts = this.conflicts().length;
    const refused = [...this.entries.values()].find((e) => e.refused);
    const state = conflicts ? "conflict" : refused ? "refused" : this.trouble ?? (waiting ? "saving" : "saved");
    this.changed({ state, waiting, conflicts, message: refused?.refused, full: this.full });
  }

  async flush(leaving = false) {
    clearTimeout(this.timer);
    if (this.busy && !leaving) return;
    this.busy = true;
    try {
      for (const entry of this.waiting()) if (!(await this.send(entry, leaving))) break;
    } finally {
      this.busy = false;
    }
    this.tell();
    if (this.waiting().length) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.flush(), this.trouble ? this.retry : WAIT);
      if (this.trouble) this.retry = Math.min(LONGEST_RETRY, this.retry * 1.7);
    }
  }

  // Whether to go on with the next one.
  async send(entry, leaving) {
    const { person, version } = entry;
    const body = {
      names: this.names, points: entry.points, base_revision: entry.base, comment: entry.comment, status: entry.status,
    };
    try {
      const answer = await call("PUT", `/api/people/${person}`, body, leaving);
      this.trouble = null;
      this.retry = FIRST_RETRY;
      const now = this.entries.get(person);
      if (now && now.version === version) this.drop(person);
      else if (now) {
        now.base = answer.revision; // edited again meanwhile: what follows begins from what was just stored
        this.keep(now);
      }
      this.confirmed(person, answer, entry);
    } catch (error) {
      const now = this.entries.get(person) ?? entry;
      if (error.status === 409 && error.data.theirs) {
        now.theirs = error.data.theirs;
        now.why = error.message;
        this.keep(now);
        this.confirmed(person, null, now);
      } else if (error.status === 401 || error.status === 403) {
        this.trouble = "ended";
        return false;
      } else if (error.status === 0 || error.status >= 500 || error.status === 429) {
        this.trouble = "offline";
        return false;
      } else {
        now.refused = error.message; // sending it again would change nothing; it stays here, and is shown
        this.keep(now);
      }
    }
    return true;
  }
}
