// The list of people to look at, with the reason why each was picked.

import { get } from "./api.js";
import { byId, el } from "./dom.js";

const PAGE = 200;
const OPEN = { annotate: ["queued", "proposed", "new"], review: ["corrected", "flagged"] };
const SIGNS = { new: "○", proposed: "○", queued: "○", corrected: "✓", reviewed: "✓✓", skipped: "–", flagged: "⚑", removed: "✕" };

export class Queue {
  constructor(me, open) {
    this.me = me;
    this.open = open;
    this.items = [];
    this.rows = new Map();
    this.more = true;
    this.current = null;
    this.list = byId("queue-list");
    this.filter = byId("queue-filter");
    this.filter.addEventListener("change", () => this.show());
    this.list.addEventListener("scroll", () => {
      if (this.list.scrollTop + this.list.clientHeight > this.list.scrollHeight - 400) this.fetchMore();
    });
    this.list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const shown = [...this.list.querySelectorAll("button:not([hidden])")];
      shown[Math.max(0, shown.indexOf(document.activeElement) + step)]?.focus();
    });
  }

  async fetchMore() {
    if (!this.more || this.loading) return;
    this.loading = true;
    try {
      const last = this.items.at(-1);
      const { items } = await get(`/api/queue?limit=${PAGE}${last ? `&after=${last.rank}` : ""}`);
      this.more = items.length === PAGE;
      const known = new Set(this.items.map((i) => i.person));
      for (const item of items) if (!known.has(item.person)) this.add(item);
      this.show();
    } finally {
      this.loading = false;
    }
  }

  add(item) {
    this.items.push(item);
    const row = el("button", { class: "person", "data-person": item.person, onclick: () => this.open(item) });
    this.rows.set(item.person, row);
    this.list.append(el("li", {}, row));
    this.paint(item);
  }

  // Somebody new, at the end, where the list goes on from there.
  include(item) {
    if (!this.items.some((i) => i.person === item.person)) this.add(item);
    this.show();
  }

  paint(item) {
    const row = this.rows.get(item.person);
    if (!row) return;
    const taken = item.leased_by && item.leased_by !== this.me.name;
    row.dataset.status = item.status;
    row.replaceChildren(
      el("span", { class: "sign", title: item.status }, SIGNS[item.status] ?? "○"),
      el("span", { class: "number" }, `#${item.person}`),
      el("span", { class: "who" }, taken ? item.leased_by : ""),
      el("span", { class: "reasons" }, item.reasons.join("; ") || "no reason given"),
    );
    row.classList.toggle("current", item.person === this.current);
    row.classList.toggle("taken", Boolean(taken));
    if (item.person === this.current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }

  show() {
    const wanted = this.filter.value;
    for (const item of this.items) {
      const fits = wanted === "all" || (wanted === "todo" ? this.isOpen(item) : item.status === wanted);
      this.rows.get(item.person).parentNode.hidden = !(fits || item.person === this.current);
    }
  }

  isOpen(item) {
    // A reviewer's own work is for somebody else to review.
    return OPEN.annotate.includes(item.status) || (this.me.role === "review" && OPEN.review.includes(item.status) && !item.mine);
  }

  // Other people's progress, quietly; what is listed stays listed.
  async refresh() {
    const { items } = await get(`/api/queue?limit=${Math.min(500, Math.max(PAGE, this.items.length))}`);
    const known = new Map(this.items.map((i) => [i.person, i]));
    for (const item of items) {
      const old = known.get(item.person);
      if (!old) this.add(item);
      else if (old.status !== item.status || old.leased_by !== item.leased_by || old.mine !== item.mine) {
        Object.assign(old, item);
        this.paint(old);
      }
    }
    this.show();
  }

  mark(person, change) {
    const item = this.items.find((i) => i.person === person);
    if (!item) return;
    Object.assign(item, change);
    this.paint(item);
  }

  choose(person) {
    const old = this.items.find((i) => i.person === this.current);
    this.current = person;
    if (old) this.paint(old);
    const now = this.items.find((i) => i.person === person);
    if (now) this.paint(now);
    this.show();
    this.rows.get(person)?.scrollIntoView({ block: "nearest" });
  }

  // The one `step` places on; with `open` the next that still wants work and that nobody else is at.
  beside(step, open = false) {
    const at = this.items.findIndex((i) => i.person === this.current);
    if (!open) return this.items[at + step] ?? null;
    const free = (i) => this.isOpen(i) && i.person !== this.current && (!i.leased_by || i.leased_by === this.me.name);
    return this.items.slice(at + 1).find(free) ?? this.items.slice(0, Math.max(at, 0)).find(free) ?? null;
  }

  ahead(count) {
    const at = this.items.findIndex((i) => i.person === this.current);
    return this.items.slice(at + 1, at + 1 + count);
  }
}
