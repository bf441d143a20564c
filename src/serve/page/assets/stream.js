// The one stream: a snapshot of all rows, then those that change. What is shown is what it has said last.

import { headers } from "./api.js";

const SILENCE = 20_000;
const LONGEST = 30_000;

/** Reads server-sent events out of text as it comes. */
export class Events {
  constructor(on) {
    this.on = on;
    this.rest = "";
  }

  push(text) {
    this.rest += text;
    for (;;) {
      const end = this.rest.indexOf("\n\n");
      if (end < 0) return;
      const block = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + 2);
      const event = { id: null, event: "message", data: [] };
      for (const line of block.split("\n")) {
        const [, name, value] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
        if (name === "data") event.data.push(value);
        else if (name === "id" || name === "event") event[name] = value;
      }
      if (event.data.length) this.on(event.event, event.data.join("\n"), event.id);
    }
  }
}

/** All rows by their name, such as `model/ID`, and the groups by the part before the slash. */
export class Rows {
  constructor() {
    this.groups = new Map();
    this.seen = null;
    this.now = null;
    this.offset = 0;
  }

  group(name) {
    return this.groups.get(name) ?? EMPTY;
  }

  one(name) {
    return this.group(name).get("") ?? null;
  }

  list(name) {
    return [...this.group(name).values()];
  }

  /** The time of the daemon: its clock and that of the browser may differ. */
  time() {
    return Date.now() + this.offset;
  }

  /** Takes a snapshot or a change. Returns the groups that changed. */
  take(document, isSnapshot) {
    const changed = new Set();
    if (isSnapshot) {
      // All sections are drawn, also those that have no rows.
      changed.add("*").add("daemon");
      this.groups = new Map();
    }
    const parts = (name) => {
      const slash = name.indexOf("/");
      return slash < 0 ? [name, ""] : [name.slice(0, slash), name.slice(slash + 1)];
    };
    for (const [name, row] of Object.entries(document.set ?? {})) {
      const [group, key] = parts(name);
      if (!this.groups.has(group)) this.groups.set(group, new Map());
      this.groups.get(group).set(key, row);
      changed.add(group);
    }
    for (const name of document.gone ?? []) {
      const [group, key] = parts(name);
      if (this.groups.get(group)?.delete(key)) changed.add(group);
    }
    for (const [group, most] of LOGS) {
      const rows = this.groups.get(group);
      for (const key of rows?.keys() ?? []) {
        if (rows.size <= most) break;
        rows.delete(key);
      }
    }
    const now = Date.parse(document.now);
    if (!Number.isNaN(now)) {
      this.now = now;
      this.offset = now - Date.now();
    }
    return changed;
  }
}

const EMPTY = new Map();

/** Groups of which the oldest rows leave by themselves, and how many stay. */
const LOGS = [["event", 300], ["decision", 200], ["request", 200]];

/** Keeps the rows current. `on.rows(changed)`, `on.state(state)`, `on.key(wasSent)`. */
export class Stream {
  constructor(rows, on) {
    this.rows = rows;
    this.on = on;
    this.id = null;
    this.delay = 1000;
    this.heard = 0;
    this.run = 0;
    this.stop = null;
    this.wake = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.start()));
  }

  start() {
    this.run += 1;
    this.stop?.abort();
    this.wake?.();
    this.delay = 1000;
    this.loop(this.run);
  }

  /** Nothing is sent to a tab that nobody sees. */
  pause() {
    this.run += 1;
    this.stop?.abort();
    this.wake?.();
  }

  async loop(run) {
    while (run === this.run) {
      this.on.state({ is: this.rows.seen ? "again" : "connecting" });
      const outcome = await this.once(run);
      if (run !== this.run) return;
      if (outcome === "key") return this.on.key();
      const wait = Math.round(this.delay * (0.8 + Math.random() * 0.4));
      this.on.state({ is: "lost", at: this.heard || null, why: outcome, next: Date.now() + wait });
      this.delay = Math.min(this.delay * 2, LONGEST);
      await new Promise((done) => {
        this.wake = done;
        setTimeout(done, wait);
      });
    }
  }

  /** Reads the stream until it ends. Returns why. */
  async once(run) {
    const stop = new AbortController();
    this.stop = stop;
    let alarm = setTimeout(() => stop.abort(), SILENCE);
    try {
      const more = this.id ? { "Last-Event-ID": this.id } : {};
      const response = await fetch("/api/stream", {
        headers: headers({ Accept: "text/event-stream", ...more }),
        cache: "no-store", credentials: "omit", signal: stop.signal,
      });
      if (response.status === 401) return "key";
      if (!response.ok) return response.status === 503 ? "the daemon is starting or stopping" : `status ${response.status}`;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new Events((event, data, id) => {
        if (run !== this.run || (event !== "snapshot" && event !== "change")) return;
        const changed = this.rows.take(JSON.parse(data), event === "snapshot");
        this.id = id ?? this.id;
        this.rows.seen = Date.now();
        this.delay = 1000;
        this.on.rows(changed);
        this.on.state({ is: "live" });
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "the daemon ended the connection";
        clearTimeout(alarm);
        alarm = setTimeout(() => stop.abort(), SILENCE);
        this.heard = Date.now();
        events.push(value);
      }
    } catch (error) {
      return error.name === "AbortError" ? "nothing was heard for 20 s" : "the daemon does not answer";
    } finally {
      clearTimeout(alarm);
      stop.abort();
    }
  }
}
