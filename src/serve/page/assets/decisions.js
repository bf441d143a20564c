// What was decided and what happened, the newest first, with the reasons.

import { Keyed, clean, el, setText } from "./dom.js";
import { bytes, clock, plural } from "./format.js";

const STEP = 40;

const DECISIONS = {
  load: "loaded", unload: "unloaded", evict: "evicted", downgrade: "downgraded", upgrade: "upgraded", restore: "brought back",
  restart: "started again", give_up: "given up", refuse: "refused", pause: "paused", resume: "resumed",
};

/** Returns an event as a sentence. */
export function sentence(event) {
  const of = clean(event.model ?? event.service ?? event.headroom ?? "", 80);
  const because = event.reason ? `: ${clean(event.reason)}` : "";
  switch (event.event.split(".")[1]) {
    case "loaded":
      return `${of} is ready${event.load_time_seconds ? ` after ${event.load_time_seconds.toFixed(1)} s` : ""}${event.device ? `, on ${clean(event.device, 20)}` : ""}`;
    case "unloaded":
      return event.evicted_by ? `${of} was unloaded for ${clean(event.evicted_by, 80)}` : `${of} was unloaded (${clean(event.reason ?? "", 80)})`;
    case "crash":
      return `${of} ended (${clean(event.crash_type, 30)})${because}${event.will_restart ? "; it is started again" : ""}`;
    case "restarted":
      return `${of} runs again${event.downgraded ? `, as ${clean(event.mode, 30)}` : ""}`;
    case "restart_exhausted":
      return `${of} failed ${plural(event.crash_count, "time")} and is not started again by itself`;
    case "swapped":
      return `${of} took the place of ${(event.evicted ?? []).map((e) => clean(e.model, 60)).join(", ")}`;
    case "downgraded":
    case "upgraded":
      return `${of}: ${clean(event.from ?? "", 20)} → ${clean(event.mode ?? "", 20)}${because}`;
    case "pressure":
      return clean(event.message);
    case "started":
      return "A scan began";
    case "progress":
      return `The scan has read ${event.done} of ${event.total ?? "?"}`;
    case "finished":
      return `The scan ended: ${Object.entries(event.counts ?? {}).filter(([, n]) => n).map(([what, n]) => `${n} ${what}`).join(", ") || "nothing changed"}`;
    default:
  }
  const name = event.program ? clean(`${event.program} ${event.model_name ?? ""}`, 120) : of;
  const held = (event.bytes ?? []).map((held) => bytes(held.bytes)).join(", ");
  const what = WORDS[event.event] ?? clean(event.event.replace(".", " ").replaceAll("_", " "), 60);
  return [name ? `${name} ${what}` : what, event.message && clean(event.message), event.error && clean(event.error), held].filter(Boolean).join(", ") + because;
}

const WORDS = {
  "external.seen": "was started by another program", "external.lost": "run by another program is gone",
  "external.attached": "gets the requests for its model", "external.detached": "gets no more requests",
  "scan.warning": "The scan warns", "scan.failed": "The scan failed",
};

/** Crashes and the like, which stand out. */
const BAD = /crash|failed|exhausted|refuse|give_up|health_unknown/;

export class Decisions {
  constructor(section, rows) {
    this.rows = rows;
    this.most = STEP;
    this.which = el("select", { "aria-label": "Which model", on: { change: () => this.showFrom() } }, el("option", { value: "" }, "All models"));
    this.events = el("input", { type: "checkbox", checked: true, on: { change: () => this.showFrom() } });
    this.list = el("ol", { class: "happened", tabindex: "0", "aria-label": "What was decided and what happened, the newest first" });
    this.none = el("p", { class: "quiet" }, "Nothing was decided yet.");
    this.more = el("button", { type: "button", on: { click: () => { this.most += STEP; this.show(); } } }, "Show more");
    section.append(el("div", { class: "row" }, this.which, el("label", { class: "check" }, this.events, "events too")), this.none, this.list, this.more);
    this.keyed = new Keyed(this.list, (item) => line(item));
    this.names = "";
    this.known = new Map();
  }

  showFrom() {
    this.most = STEP;
    this.show();
  }

  all() {
    // What has happened does not change: each is put into words once.
    const old = this.known;
    this.known = new Map();
    const item = (row, make) => {
      const known = old.get(row) ?? make(row);
      this.known.set(row, known);
      return known;
    };
    const list = this.rows.list("decision").map((row) => item(row, (d) => ({
      key: `d/${d.number}`, time: Date.parse(d.time), id: d.id, name: d.name ?? "the machine", what: d.what, kind: "decision",
      text: `${d.name ? `${clean(d.name, 80)} ` : ""}${DECISIONS[d.what] ?? clean(d.what.replaceAll("_", " "), 40)}: ${clean(d.reason, 800)}`,
    })));
    for (const row of this.rows.list("event")) {
      list.push(item(row, (event) => ({
        key: `e/${event.id}`, time: Date.parse(event.at), id: event.model_id, name: event.model ?? event.service ?? event.event.split(".")[0],
        what: event.event, kind: "event", text: sentence(event),
      })));
    }
    return list.sort((a, b) => b.time - a.time || (a.key < b.key ? 1 : -1));
  }

  show() {
    const all = this.all();
    const names = new Map();
    for (const item of all) if (item.id) names.set(item.id, item.name);
    const text = JSON.stringify([...names]);
    if (text !== this.names) {
      this.names = text;
      const chosen = this.which.value;
      const options = [...names].sort((a, b) => (a[1] < b[1] ? -1 : 1)).map(([id, name]) => el("option", { value: id }, clean(name, 60)));
      this.which.replaceChildren(this.which.firstElementChild, ...options);
      this.which.value = names.has(chosen) ? chosen : "";
    }
    const list = all.filter((item) => (!this.which.value || item.id === this.which.value) && (this.events.checked || item.kind === "decision"));
    this.keyed.show(list.slice(0, this.most), (item) => item.key);
    this.more.hidden = list.length <= this.most;
    this.none.hidden = list.length > 0 || this.rows.seen === null;
  }

  /** Shows what was decided about one model. */
  only(id) {
    if (JSON.parse(this.names || "[]").some(([known]) => known === id)) this.which.value = id;
    this.showFrom();
  }
}

function line(item) {
  const text = el("span");
  const element = el("li", { class: `${item.kind} ${BAD.test(item.what) ? "bad" : ""}` }, el("time", { datetime: new Date(item.time).toISOString() }, clock(item.time)), text);
  return { element, update: (next) => setText(text, next.text) };
}
