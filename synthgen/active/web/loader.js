// People and their pictures, fetched ahead of need, so that the next one is there when it is asked for.

import { get } from "./api.js";

const KEPT = 10;

export class Loader {
  constructor() {
    this.found = new Map(); // person -> promise of { view, picture }
  }

  // item: { person, image }
  load(item) {
    let promise = this.found.get(item.person);
    if (!promise) {
      promise = Promise.all([get(`/api/people/${item.person}`), this.picture(item.image)]).then(([view, picture]) => ({ view, picture }));
      promise.catch(() => this.forget(item.person));
    }
    // The latest used is last; the first is let go.
    this.found.delete(item.person);
    this.found.set(item.person, promise);
    while (this.found.size > KEPT) this.found.delete(this.found.keys().next().value);
    return promise;
  }

  async picture(image) {
    const picture = new Image();
    picture.draggable = false;
    picture.alt = "";
    picture.src = `/api/images/${image}`;
    try {
      await picture.decode();
    } catch {
      const why = await get(`/api/images/${image}`).catch((error) => error);
      throw Object.assign(new Error(`the picture cannot be shown: ${why?.message ?? "it does not decode"}`), { status: why?.status ?? 0 });
    }
    return picture;
  }

  forget(person) {
    this.found.delete(person);
  }
}
