// The last hour: a lane for each model with what was done to it, and charts on the same axis of time.

import { call } from "./api.js";
import { Keyed, ask, clean, el, fill, setText } from "./dom.js";
import { bytes, clock, millis, rate, span } from "./format.js";
import { sentence } from "./decisions.js";

const HOUR = 3600;
const LEFT = 52;
const RIGHT = 16;
const EVERY = 10_000;

const STATES = [["starting", "loading"], ["ready", "ready"], ["busy", "busy"], ["backoff", "crashed"], ["failed", "failed"]];

/** Marks of decisions and events, by their name. */
const MARKS = {
  evict: ["▼", "evicted"], "model.crash": ["✕", "crash"], "service.crash": ["✕", "crash"], downgrade: ["↓", "downgraded"],
  upgrade: ["↑", "upgraded"], "model.swapped": ["⇄", "swapped"], restore: ["↩", "brought back"], give_up: ["✕", "given up"],
};

/** Steps of an axis of bytes. */
const BINARY = Array.from({ length: 24 }, (_, at) => 2 ** (20 + at));

/** Steps of an axis of things that are counted. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500];

const CHARTS = [
  { title: "Memory used", unit: (n) => bytes(n), incrs: BINARY, of: (h) => h.devices.map((d) => [d.device === "CPU" ? "main memory" : d.device, d.used]), top: (h) => Math.max(...h.devices.map((d) => d.total ?? 0)) },
  { title: "Tokens a second", unit: (n) => rate(n), of: (h) => [["tokens/s", h.tokens_per_second]] },
  { title: "First token", unit: (n) => millis(n), of: (h) => [["p50", h.first_token_p50_ms], ["p95", h.first_token_p95_ms]] },
  { title: "Requests waiting", incrs: WHOLE, unit: (n) => String(Math.round(n)), of: (h) => [["waiting", h.queued]] },
];

export class Hour {
  constructor(section, rows) {
    this.rows = rows;
    this.section = section;
    this.history = null;
    this.note = el("p", { class: "quiet" }, "Reading…");
    const legend = el("p", { class: "figures plain" },
      STATES.map(([is, word]) => el("span", {}, el("span", { class: `run swatch ${is}`, "aria-hidden": "true" }), word)),
      el("span", {}, "▼ evicted  ✕ crash  ↓ downgraded  ⇄ swapped: press one for the reason"));
    this.lanes = el("div", { class: "lanes" });
    this.axis = el("p", { class: "quiet plain" });
    this.charts = el("div");
    this.table = el("div", { class: "scroll", tabindex: "0" });
    this.details = el("details", { on: { toggle: () => this.showTable() } }, el("summary", {}, "The figures as a table"), this.table);
    this.shown = el("div", { hidden: true }, legend, this.lanes, this.charts, this.details);
    section.append(this.note, this.shown);
    this.keyed = new Keyed(this.lanes, () => laneRow((mark) => this.explain(mark)));
    this.plots = [];
    new ResizeObserver(() => this.resize()).observe(section);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
    new MutationObserver(() => this.rebuild()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.asked = -EVERY;
  }

  /** Reads on, unless it did so a moment ago. */
  async read() {
    if (performance.now() - this.asked < EVERY - 500) return;
    this.asked = performance.now();
    const since = this.history ? `?since=${this.history.next}` : "";
    let next;
    try {
      next = await call("GET", `/api/history${since}`);
    } catch (error) {
      // What is shown stays; the stream says that there is no connection.
      if (!this.history) setText(this.note, clean(error.message, 200));
      return;
    }
    this.take(next);
    this.draw();
  }

  /** Joins what is new to what is known. */
  take(next) {
    const known = this.history;
    if (!known || next.run !== known.run || next.first !== known.next) {
      // Another run of the daemon, or steps are missing: all of it is read again.
      this.history = known && next.first > 0 && next.first !== known.next ? null : next;
      if (!this.history) this.asked = -EVERY;
      return;
    }
    const most = HOUR / known.step_seconds;
    const join = (a, b) => [...a, ...b].slice(-most);
    const blank = (like) => Array(like.tokens_per_second.length).fill(null);
    const devices = next.devices.map((device) => ({
      ...device, used: join(known.devices.find((d) => d.device === device.device)?.used ?? blank(known), device.used),
    }));
    const lanes = new Map(known.lanes.map((lane) => [lane.id, { ...lane, runs: [...lane.runs] }]));
    for (const lane of next.lanes) {
      const old = lanes.get(lane.id);
      if (!old) {
        lanes.set(lane.id, lane);
        continue;
      }
      for (const run of lane.runs) {
        const last = old.runs.at(-1);
        if (last && last[2] === run[2] && last[1] >= run[0]) old.runs[old.runs.length - 1] = [last[0], run[1], run[2]];
        else old.runs.push(run);
      }
    }
    const first = Math.max(known.first, next.next - most);
    this.history = {
      ...next, first, devices, lanes: [...lanes.values()].filter((lane) => lane.runs.some((run) => run[1] > first)),
      tokens_per_second: join(known.tokens_per_second, next.tokens_per_second), queued: join(known.queued, next.queued),
      first_token_p50_ms: join(known.first_token_p50_ms, next.first_token_p50_ms),
      first_token_p95_ms: join(known.first_token_p95_ms, next.first_token_p95_ms),
    };
  }

  /** The time at which a step began, in seconds. */
  at(step) {
    return this.history.end - (this.history.next - step) * this.history.step_seconds;
  }

  draw() {
    const history = this.history;
    if (!history) return;
    const count = history.next - history.first;
    const isEmpty = count === 0;
    this.note.hidden = !isEmpty;
    if (isEmpty) setText(this.note, "The daemon has just begun: its first figures come in a few seconds.");
    this.shown.hidden = isEmpty;
    if (isEmpty) return;
    const range = [history.end - HOUR, history.end];
    const marks = this.marks(range);
    const lanes = history.lanes.map((lane) => ({ ...lane, runs: lane.runs.map(([from, to, is]) => [this.at(from), this.at(to), is]) }));
    this.keyed.show(lanes.map((lane) => ({ lane, range, marks: marks.get(lane.id) ?? [] })), (row) => row.lane.id);
    const times = Array.from({ length: count }, (_, at) => this.at(history.first + at));
    const series = CHARTS.map((chart) => chart.of(history));
    const shape = JSON.stringify(series.map((list) => list.map(([name]) => name)));
    this.range = range;
    if (shape !== this.shape) this.build(shape, series);
    this.plots.forEach((plot, at) => plot.setData([times, ...series[at].map(([, values]) => values)]));
    if (this.details.open) this.showTable();
  }

  build(shape, series) {
    this.shape = shape;
    this.plots.forEach((plot) => plot.destroy());
    const color = colors(this.section);
    const lines = [color("--accent"), color("--warn"), color("--good"), color("--busy"), color("--bad"), color("--quiet")];
    fill(this.charts);
    this.plots = CHARTS.map((chart, index) => {
      const box = el("div", { class: "chart", role: "img", "aria-label": `${chart.title} in the last hour; the same is in the table below` }, el("h3", {}, chart.title));
      this.charts.append(box);
      const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
      return new window.uPlot({
        width: this.width(), height: 120, padding: [6, RIGHT, 0, 0], cursor: { sync: { key: "hour" }, drag: { x: false, y: false } },
        scales: {
          x: { range: () => this.range },
          y: { range: (_, low, high) => [0, Math.max(chart.top?.(this.history) ?? 0, high ?? 0, 1) * 1.02] },
        },
        axes: [
          { ...axis, size: 24, values: (_, ticks) => ticks.map((tick) => clock(tick * 1000, false)) },
          { ...axis, size: LEFT, gap: 2, incrs: chart.incrs, values: (_, ticks) => ticks.map((tick) => chart.unit(tick).replace(" ", "\u00a0")), space: 28 },
        ],
        series: [
          { label: "at", value: (_, at) => (at ? clock(at * 1000) : "–") },
          ...series[index].map(([label], at) => ({
            label, stroke: lines[at % lines.length], width: 1.5, points: { show: false }, dash: at ? [6, 2 + at] : undefined,
            value: (_, value) => (value === null || value === undefined ? "–" : chart.unit(value)),
          })),
        ],
      }, [[], ...series[index].map(() => [])], box);
    });
  }

  rebuild() {
    this.shape = null;
    this.draw();
  }

  width() {
    return Math.max(200, this.section.clientWidth - 30);
  }

  resize() {
    const width = this.width();
    for (const plot of this.plots) if (plot.width !== width) plot.setSize({ width, height: 120 });
  }

  /** Returns the marks of each model within the range. */
  marks([from, to]) {
    const marks = new Map();
    const add = (id, time, what, text) => {
      const mark = MARKS[what];
      const at = Date.parse(time) / 1000;
      if (!mark || !id || at < from || at > to) return;
      if (!marks.has(id)) marks.set(id, []);
      marks.get(id).push({ id, at, what, sign: mark[0], word: mark[1], text });
    };
    for (const d of this.rows.list("decision")) add(d.id, d.time, d.what, clean(d.reason, 800));
    for (const e of this.rows.list("event")) add(e.model_id, e.at, e.event, sentence(e));
    return marks;
  }

  /** Opens the decision behind a mark, with what was decided around it. */
  explain(mark) {
    const near = this.rows.list("decision").filter((d) => Math.abs(Date.parse(d.time) / 1000 - mark.at) <= 60);
    const name = this.history.lanes.find((lane) => lane.id === mark.id)?.name ?? mark.id;
    ask(`${clock(mark.at * 1000)}: ${clean(name, 80)} ${mark.word}`, (close) => [
      el("p", {}, mark.text),
      near.length ? el("p", { class: "quiet" }, "Decided within a minute of it:") : null,
      el("ol", { class: "happened" }, near.map((d) => el("li", { class: d.id === mark.id ? "decision" : "event" }, el("time", {}, clock(d.time)), el("span", {}, `${clean(d.name ?? "", 60)} ${d.what}: ${clean(d.reason, 800)}`)))),
      el("div", { class: "row end" }, el("button", { type: "button", on: { click: () => close(null) } }, "Close")),
    ]);
  }

  /** One row a minute: what the charts show, as text. */
  showTable() {
    const history = this.history;
    if (!this.details.open || !history) return;
    const series = CHARTS.flatMap((chart) => chart.of(history).map(([name, values]) => [chart.of(history).length > 1 ? `${chart.title}, ${name}` : chart.title, values, chart.unit]));
    const step = Math.max(1, Math.round(60 / history.step_seconds));
    const lines = [];
    for (let at = history.next - history.first - 1; at >= 0; at -= step) lines.push(at);
    fill(this.table, el("table", { class: "plain" }, el("caption", { class: "hidden" }, "The last hour, one row a minute"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), series.map(([name]) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, lines.map((at) => el("tr", {}, el("th", { scope: "row" }, clock(this.at(history.first + at) * 1000, false)),
        series.map(([, values, unit]) => el("td", {}, values[at] === null || values[at] === undefined ? "–" : unit(values[at]))))))));
  }
}

/** Resolves colors of the style sheet: the canvas knows no variables. */
function colors(inside) {
  return (name) => {
    const probe = el("span");
    probe.style.color = `var(${name})`;
    inside.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  };
}

function laneRow(explain) {
  const name = el("span", { class: "name" });
  const track = el("div", { class: "track" });
  const element = el("div", { class: "lane" }, name, track);
  let shown = "";
  return {
    element,
    update({ lane, range: [from, to], marks }) {
      const text = JSON.stringify([lane, from, marks.length]);
      if (text === shown) return;
      shown = text;
      setText(name, clean(lane.name, 80));
      const share = (at) => `${(100 * (Math.min(to, Math.max(from, at)) - from)) / (to - from)}%`;
      const runs = lane.runs.filter((run) => run[1] > from).map(([began, ended, is]) => {
        const piece = el("span", { class: `run ${is}`, title: `${is} ${clock(began * 1000)} to ${clock(ended * 1000)} (${span(ended - began)})` });
        piece.style.left = share(began);
        piece.style.width = `calc(${share(ended)} - ${share(began)})`;
        return piece;
      });
      const buttons = marks.map((mark) => {
        const bad = mark.sign === "✕";
        const button = el("button", { type: "button", class: `mark ${bad ? "bad" : ""}`, title: mark.text, "aria-label": `${mark.word} at ${clock(mark.at * 1000)}: why`, on: { click: () => explain(mark) } }, mark.sign);
        button.style.left = share(mark.at);
        return button;
      });
      fill(track, runs, buttons);
    },
  };
}
