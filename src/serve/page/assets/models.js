// The table of all models.

import { pending, rescan, restart, set, start, startAll, stop, stopAll } from "./act.js";
import { Keyed, action, clean, el, fill, setOff, setText } from "./dom.js";
import { ago, bytes, parameters, plural } from "./format.js";
import { badge, stateOf, trouble } from "./state.js";

const STEP = 100;
const RUNNING = ["queued", "starting", "ready", "stopping"];

const SORTS = {
  name: ["Model", (row) => row.name.toLowerCase()],
  what: ["Kind", (row) => `${row.model.family ?? ""} ${String(row.model.parameters ?? 0).padStart(14, "0")}`],
  size: ["Size", (row) => -row.model.size_bytes],
  tier: ["Tier, store", (row) => `${row.model.tier ?? "~"} ${row.model.store}`],
  used: ["Last used", (row) => -(Date.parse(row.model.last_used) || 0)],
  memory: ["Memory", (row) => -row.held],
  state: ["State", (row) => ORDER.indexOf(row.state[0])],
};
const ORDER = ["busy", "loading", "queued", "idle", "stopping", "backoff", "failed", "stopped", "disabled", "unusable"];

export class Models {
  constructor(section, rows, openLog) {
    this.rows = rows;
    this.openLog = openLog;
    this.sort = { by: "state", up: true };
    this.most = STEP;
    this.current = null;
    this.filter = el("input", {
      type: "search", placeholder: "Filter (/)", "aria-label": "Filter models by name, family or store", autocomplete: "off",
      on: { input: () => this.showFrom() },
    });
    const check = (label) => {
      const box = el("input", { type: "checkbox", on: { change: () => this.showFrom() } });
      return [box, el("label", { class: "check" }, box, label)];
    };
    const [running, runningLabel] = check("running");
    const [enabled, enabledLabel] = check("enabled");
    const [fits, fitsLabel] = check("fits");
    this.only = { running, enabled, fits };
    this.all = [
      action("Start all enabled", startAll, { class: "strong" }),
      action("Stop all servers", () => stopAll(this.running())),
      action("Re-scan", rescan),
    ];
    this.count = el("p", { class: "quiet", role: "status" });
    this.heads = new Map();
    const head = el("tr", {}, Object.entries(SORTS).map(([by, [label]]) => {
      const button = el("button", { type: "button", class: "sort", on: { click: () => this.sortBy(by) } }, label);
      const cell = el("th", { scope: "col" }, button);
      this.heads.set(by, cell);
      return cell;
    }), el("th", { scope: "col" }, "Settings"), el("th", { scope: "col" }, "Server"));
    this.body = el("tbody");
    this.table = el("table", { class: "models" }, el("caption", { class: "hidden" }, "All models of this machine"), el("thead", {}, head), this.body);
    this.more = el("button", { type: "button", on: { click: () => { this.most += STEP * 5; this.show(); } } });
    this.empty = el("div", { class: "empty", hidden: true },
      el("p", {}, el("b", {}, "No models are known yet."), " Two commands bring one:"),
      el("pre", {}, "hf download bartowski/SmolLM2-135M-Instruct-GGUF --include '*Q4_K_M*'\nmodelctl scan"),
      el("p", { class: "quiet" }, "A GGUF file in any folder does as well: ", el("code", {}, "modelctl scan FOLDER"), "."));
    section.append(el("div", { class: "row" }, this.filter, runningLabel, enabledLabel, fitsLabel, el("span", { class: "grow" }), this.all),
      this.empty, this.table, el("div", { class: "row" }, this.count, this.more));
    this.keyed = new Keyed(this.body, (row) => this.row(row));
    this.sortBy("state", true);
  }

  running() {
    return this.rows.list("server").filter((server) => RUNNING.includes(server.state));
  }

  sortBy(by, up) {
    this.sort = { by, up: up ?? (this.sort.by === by ? !this.sort.up : true) };
    for (const [name, cell] of this.heads) {
      if (name === by) cell.setAttribute("aria-sort", this.sort.up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
    this.show();
  }

  showFrom() {
    this.most = STEP;
    this.show();
  }

  /** All models that pass the filter, in order. */
  select() {
    const now = this.rows.time();
    const servers = this.rows.group("server");
    const room = this.room();
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const list = [];
    for (const model of this.rows.group("model").values()) {
      const server = servers.get(model.id);
      const name = model.alias ?? model.name;
      if (words.length) {
        const text = `${name} ${model.name} ${model.id} ${model.family ?? ""} ${model.quant ?? ""} ${model.store} ${model.tier ?? ""}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      if (this.only.running.checked && !(server && RUNNING.includes(server.state))) continue;
      if (this.only.enabled.checked && !model.enabled) continue;
      const held = (server?.bytes ?? []).reduce((sum, held) => sum + held.bytes, 0);
      // Of those that are not shown, only a filter needs it.
      const fits = () => (held ? "loaded" : server?.state === "queued" ? null : room(model));
      if (this.only.fits.checked && !["loaded", "fits now"].includes(fits())) continue;
      list.push({ model, server, name, held, fits, state: stateOf(server, model, now), now });
    }
    const key = SORTS[this.sort.by][1];
    const keyed = list.map((row) => [key(row), row.name.toLowerCase(), row]);
    const sign = this.sort.up ? 1 : -1;
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    keyed.sort((a, b) => sign * order(a[0], b[0]) || order(a[1], b[1]));
    return keyed.map(([, , row]) => row);
  }

  /** Tells of a model whether it fits: by what its server needs, and what is free and what could be made free. */
  room() {
    const machine = this.rows.one("machine");
    const devices = machine?.devices ?? [];
    const daemon = this.rows.one("daemon");
    const main = devices.find((device) => device.device === "CPU");
    const gpus = devices.filter((device) => device.device !== "CPU");
    const servers = this.rows.list("server");
    const idle = servers.filter((server) => server.state === "ready" && !server.in_flight && !server.pinned)
      .sort((a, b) => (Date.parse(a.last_access) || 0) - (Date.parse(b.last_access) || 0));
    const limit = (device, set) => Math.min(device?.total ?? 0, set ?? Infinity);
    const ours = (device) => servers.reduce((sum, server) => sum + (server.bytes?.find((b) => b.device === device?.device)?.bytes ?? 0), 0);
    const free = (device, set) => Math.min(device?.free ?? 0, Math.max(0, limit(device, set) - ours(device)));
    const places = [...gpus.map((gpu) => [gpu, daemon?.vram_budget]), [main, daemon?.ram_budget]]
      .filter(([device]) => device).map(([device, set]) => ({ device, most: limit(device, set), free: free(device, set) }));
    return (model) => {
      if (model.state !== "ready" || !model.served) return null;
      const need = model.needs_bytes || model.size_bytes;
      if (!places.length) return null;
      if (places.some((place) => place.free >= need)) return "fits now";
      for (const { device, free } of places) {
        let have = free;
        const gone = [];
        for (const server of idle) {
          const held = server.bytes?.find((b) => b.device === device.device)?.bytes ?? 0;
          if (!held) continue;
          have += held;
          gone.push(clean(server.name, 40));
          if (have >= need) return `fits after evicting ${gone.join(", ")}`;
        }
      }
      return places.some((place) => place.most >= need) ? "does not fit now" : "never fits";
    };
  }

  show() {
    const list = this.select();
    const total = this.rows.group("model").size;
    const known = this.rows.seen !== null;
    this.empty.hidden = !known || total > 0;
    this.table.hidden = known && total === 0;
    const shown = list.slice(0, this.most);
    this.keyed.show(shown, (row) => row.model.id);
    setText(this.count, !known ? "" : `${list.length === total ? plural(total, "model") : `${list.length} of ${plural(total, "model")}`}, ${plural(this.running().length, "server")} running`);
    this.more.hidden = shown.length === list.length;
    setText(this.more, `Show ${Math.min(STEP * 5, list.length - shown.length)} more`);
    this.all.forEach((button) => setOff(button, pending.has("*")));
    this.list = shown;
    if (this.current && !this.keyed.rows.has(this.current)) this.current = null;
  }

  row({ model: { id } }) {
    const name = el("b", { class: "name" });
    const second = el("span", { class: "quiet sub" });
    const what = el("td", { data: { label: "Kind" } });
    const size = el("td", { data: { label: "Size" }, class: "number" });
    const tier = el("td", { data: { label: "Tier, store" } });
    const used = el("td", { data: { label: "Last used" } });
    const held = el("span");
    const device = el("span", { class: "quiet sub", title: "Whether it fits with its context, beside what is loaded" });
    const state = el("td", { data: { label: "State" }, class: "state-cell" });
    let row = null;
    const toggle = (label, what) => {
      const box = el("input", {
        type: "checkbox", class: "act switch", role: "switch",
        on: { change: () => { const value = box.checked; box.checked = !value; this.set(row, what, value); } },
      });
      return [box, el("label", { class: "check" }, box, label)];
    };
    const [enabled, enabledLabel] = toggle("enabled", "enabled");
    const [pinned, pinnedLabel] = toggle("pinned", "pinned");
    const go = action("Start", () => this.startOrStop(row));
    const again = action("Restart", () => restart(id, row.name, row.server));
    const log = el("button", { type: "button", on: { click: () => this.openLog(id, row.name) } }, "Log");
    const element = el("tr", { tabindex: "-1", on: { focusin: () => (this.current = id) } },
      el("th", { scope: "row", class: "first" }, name, second), what, size, tier, used,
      el("td", { data: { label: "Memory" } }, held, device), state,
      el("td", { class: "switches", data: { label: "Settings" } }, enabledLabel, pinnedLabel),
      el("td", { class: "buttons", data: { label: "Server" } }, go, again, log));
    let stateShown = "";
    return {
      element,
      update: (next) => {
        row = next;
        const { model, server } = next;
        setText(name, clean(next.name, 120));
        const other = model.alias ? clean(model.name, 120) : "";
        setText(second, [other, id].filter(Boolean).join(" · "));
        pieces(what, [model.family ?? model.architecture ?? model.kind, parameters(model.parameters), model.quant]);
        setText(size, bytes(model.size_bytes));
        pieces(tier, [model.tier, model.store]);
        setText(used, model.last_used ? ago((next.now - Date.parse(model.last_used)) / 1000) : "never");
        setText(held, next.held ? bytes(next.held) : "–");
        setText(device, next.held ? (server?.device ?? "") : (next.fits() ?? ""));
        const word = pending.get(id);
        const why = trouble(server, model);
        const text = JSON.stringify([next.state, word, why, server?.last_log]);
        if (text !== stateShown) {
          stateShown = text;
          const [kind, label, more] = next.state;
          fill(state, badge(kind, label), more ? el("span", { class: "sub" }, more) : null,
            kind === "loading" ? progress(server.progress) : null,
            word && !["loading", "stopping"].includes(kind) ? el("span", { class: "sub quiet" }, `${word}…`) : null,
            why ? el("span", { class: "sub why", title: why }, clean(why, 160)) : null,
            server?.last_log && why ? el("code", { class: "sub why" }, clean(server.last_log, 160)) : null);
        }
        enabled.checked = model.enabled;
        pinned.checked = model.pinned;
        const busy = pending.has(id);
        const runs = server && RUNNING.includes(server.state);
        setText(go, runs ? "Stop" : "Start");
        const usable = model.state === "ready" && model.served && model.enabled;
        setOff(go, (busy && pending.get(id) !== "starting") || (busy && !runs) || (!runs && !usable) || server?.state === "stopping");
        setOff(again, busy || server?.state !== "ready");
        setOff(enabled, busy);
        setOff(pinned, busy);
      },
    };
  }

  set({ model, name }, what, value) {
    set(model.id, name, { [what]: value });
  }

  startOrStop({ model, server, name }) {
    if (server && RUNNING.includes(server.state)) stop(model.id, name, server);
    else start(model.id, name);
  }

  /** Moves the row that has the focus. */
  move(by) {
    if (!this.list?.length) return;
    const at = this.list.findIndex((row) => row.model.id === this.current);
    const next = this.list[Math.min(this.list.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    this.current = next.model.id;
    const element = this.keyed.rows.get(this.current)?.element;
    element?.focus();
    element?.scrollIntoView({ block: "nearest" });
  }

  /** Does with the current row what its button does. */
  press(what) {
    const row = this.list?.find((row) => row.model.id === this.current);
    if (!row) return;
    const buttons = this.keyed.rows.get(this.current).element.querySelectorAll("button, input");
    const [enabled, pinned, go, , log] = buttons;
    ({ start: go, pin: pinned, enable: enabled, log })[what]?.click();
  }
}

/** Words with dots between; a line ends only between them. */
function pieces(cell, list) {
  const words = list.filter(Boolean).map((word) => (word.length > 24 ? `${clean(word.slice(0, 23))}…` : clean(word)));
  if (cell.textContent === words.join(" · ")) return;
  fill(cell, words.map((word, at) => [at ? " " : "", el("span", { class: "piece-of" }, at ? `· ${word}` : word)]));
}

function progress(share) {
  const bar = el("span", { class: "progress", "aria-hidden": "true" }, el("span"));
  bar.firstChild.style.width = `${Math.round((share ?? 0) * 100)}%`;
  return bar;
}
