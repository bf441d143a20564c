// The queue of tasks: whether tasks run, those that run and wait, and their places.

import { say, showError } from "./act.js";
import { call } from "./api.js";
import { action, clean, confirm, el, fill, setText } from "./dom.js";
import { ago, clock, plural } from "./format.js";

const EVERY = 5_000;
const SHOWN = 20;

export class Queue {
  constructor(section) {
    this.asked = -EVERY;
    this.on = true;
    this.shown = "";
    this.state = el("p", { role: "status" }, "Reading…");
    this.toggle = action("Make tasks wait", () => this.turn());
    this.toggle.hidden = true;
    this.table = el("div", { class: "scroll", tabindex: "0" });
    section.append(el("div", { class: "row" }, this.state, el("span", { class: "grow" }), this.toggle), this.table);
  }

  /** Reads the queue, unless it did so a moment ago. */
  async read() {
    if (performance.now() - this.asked < EVERY - 500) return;
    this.asked = performance.now();
    try {
      this.show(await call("GET", "/api/tasks"));
    } catch (error) {
      // What is shown stays; the stream says that there is no connection.
      if (!this.shown) setText(this.state, clean(error.message, 300));
    }
  }

  show({ inference, counts, tasks, is_full: isFull }) {
    this.on = inference.on;
    const waiting = (counts.queued ?? 0) + (counts.scheduled ?? 0);
    const since = inference.since ? ` since ${clock(inference.since, false)}` : "";
    setText(this.state, `Tasks ${inference.on ? "run" : "wait: inference is off"}${since}. ${counts.running ?? 0} running, ${waiting} waiting, ${counts.done ?? 0} done, ${counts.failed ?? 0} failed.`);
    setText(this.toggle, inference.on ? "Make tasks wait" : "Let tasks run");
    this.toggle.hidden = false;
    const text = JSON.stringify(tasks);
    if (text === this.shown) return;
    this.shown = text;
    // The highest priority first, then in the order in which they were handed in.
    const rank = { running: 0, queued: 1, scheduled: 2 };
    const list = [...tasks].reverse().sort((a, b) => rank[a.state] - rank[b.state] || b.priority - a.priority);
    let place = 0;
    const rows = list.map((task) => [task, task.state === "queued" && !isFull ? (place += 1) : null]).slice(0, SHOWN);
    this.table.hidden = rows.length === 0;
    fill(this.table, el("table", { class: "plain" }, el("caption", { class: "hidden" }, "Tasks that run or wait"),
      el("thead", {}, el("tr", {}, ["Place", "Task", "State", "Model", "Handed in"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map(([task, at]) => el("tr", {}, el("td", {}, at ?? "–"), el("th", { scope: "row" }, String(task.id)),
        el("td", {}, `${task.state}${task.waits_for ? `: ${clean(task.waits_for, 120)}` : ""}`),
        el("td", {}, clean(task.wants_model ?? task.wants_tier ?? "any", 60)),
        el("td", {}, ago((Date.now() - Date.parse(task.created)) / 1000)))))),
      list.length > SHOWN ? el("p", { class: "quiet" }, `and ${plural(list.length - SHOWN, "more task", "more tasks")}`) : null);
  }

  async turn() {
    const on = !this.on;
    if (!on && !(await confirm("Make tasks wait?", "Tasks that run are finished; no more are started until you let them.", [["Make them wait", true]]))) return;
    try {
      await call("POST", "/api/inference", { on });
      say(on ? "Tasks run" : "Tasks wait");
      this.asked = -EVERY;
      this.read();
    } catch (error) {
      showError("Switch inference", error);
    }
  }
}
