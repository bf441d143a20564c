// The servers that run, start or failed; services and servers of others beside them.

import { restart, start, stop, pending } from "./act.js";
import { Keyed, action, clean, el, fill, setOff, setText } from "./dom.js";
import { bytes, millis, rate, span } from "./format.js";
import { MODES } from "./machine.js";
import { badge, stateOf, trouble } from "./state.js";

export class Servers {
  constructor(section, rows, openLog) {
    this.rows = rows;
    this.none = el("p", { class: "quiet" }, "No server runs. The first request for a model starts its server; so does Start above.");
    this.list = el("ul", { class: "cards" });
    section.append(this.none, this.list);
    this.keyed = new Keyed(this.list, (row) => (row.program === undefined ? ours(openLog) : theirs()));
  }

  show() {
    const now = this.rows.time();
    const servers = this.rows.list("server").filter((server) => server.state !== "stopped")
      .map((server) => ({ ...server, now, rates: this.rows.group("rate").get(server.key) }));
    servers.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.name < b.name ? -1 : 1));
    // What the last requests have used of the context.
    const used = new Map();
    for (const { model_id, prompt_tokens, completion_tokens } of this.rows.list("request")) {
      if (prompt_tokens) used.set(model_id, Math.max(used.get(model_id) ?? 0, prompt_tokens + (completion_tokens ?? 0)));
    }
    for (const server of servers) server.used = used.get(server.model_id);
    const externals = this.rows.list("external");
    this.none.hidden = servers.length + externals.length > 0 || this.rows.seen === null;
    this.keyed.show([...servers, ...externals], (row) => (row.program === undefined ? `s/${row.key}` : `e/${row.id}`));
  }
}

function facts(list) {
  return list.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => el("span", {}, el("span", { class: "quiet" }, `${name} `), value instanceof Node ? value : String(value)));
}

/** A port with a button that copies its address. */
function port(number) {
  const address = `${location.protocol}//${location.hostname}:${number}/v1`;
  const button = el("button", { type: "button", class: "small", title: `Copy ${address}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address);
      setText(button, "Copied");
    } catch {
      setText(button, address);
    }
    setTimeout(() => setText(button, "Copy"), 2500);
  });
  return el("span", {}, String(number), " ", button);
}

function ours(openLog) {
  const name = el("b", { class: "name" });
  const kind = el("span", { class: "tag" });
  const state = el("span");
  const list = el("p", { class: "figures" });
  const why = el("p", { class: "why" });
  let row = null;
  const go = action("Stop", () => (["failed", "backoff"].includes(row.state) ? start(row.model_id, row.name) : stop(row.model_id, row.name, row)));
  const again = action("Restart", () => restart(row.model_id, row.name, row));
  const log = el("button", { type: "button", on: { click: () => openLog(row.model_id, row.name) } }, "Log");
  const buttons = el("div", { class: "row end" }, go, again, log);
  const element = el("li", { class: "card" }, el("div", { class: "row" }, name, kind, state, el("span", { class: "grow" }), buttons), list, why);
  let shown = "";
  let portShown = null;
  return {
    element,
    update(next) {
      row = next;
      setText(name, clean(next.name, 120));
      const reserved = next.kind === "headroom";
      setText(kind, reserved ? "memory reserved for another program" : next.kind === "service" ? "service" : next.purpose === "vectors" ? "vectors" : "");
      kind.hidden = !kind.textContent;
      buttons.hidden = reserved;
      const [is, word, more] = reserved ? ["reserved", "reserved", null] : stateOf(next, null, next.now);
      const left = next.expires_at && !next.in_flight ? (Date.parse(next.expires_at) - next.now) / 1000 : null;
      const held = (next.bytes ?? []).reduce((sum, held) => sum + held.bytes, 0);
      const layers = next.gpu_layers === null || next.gpu_layers === undefined ? "" : `, ${next.gpu_layers} layers`;
      const rates = next.rates ?? {};
      const values = [
        ["up", next.ready_at ? span((next.now - Date.parse(next.ready_at)) / 1000) : null],
        ["memory", next.memory_used_bytes ? `${bytes(next.memory_used_bytes)} of ${bytes(held)} reserved` : held ? `${bytes(held)} reserved` : null],
        ["runs", next.mode ? `${MODES[next.mode] ?? next.mode}${layers}` : null],
        ["answers", next.state === "ready" ? String(next.in_flight) : null],
        ["waiting", next.queued || next.state === "ready" ? String(next.queued) : null],
        ["tokens/s", rates.tokens_per_s === undefined ? null : rate(rates.tokens_per_s)],
        ["first token p50", rates.first_p50_ms === undefined ? null : millis(rates.first_p50_ms)],
        ["context", next.context ? `${next.context} tokens × ${next.slots} slots${next.used ? `, ${next.used} used lately` : ""}` : null],
        ["priority", next.priority],
        ["unloads in", next.pinned ? "never: pinned" : left !== null && left > 0 ? span(left) : null],
        ["process", next.pid],
      ];
      const text = JSON.stringify([is, word, more, values, next.port]);
      if (text !== shown) {
        shown = text;
        fill(state, badge(is, word), more ? ` ${more}` : "");
        // The button for the port stays: it may have the focus.
        if (next.port !== portShown?.number) portShown = next.port ? { number: next.port, element: el("span", {}, el("span", { class: "quiet" }, "port "), port(next.port)) } : null;
        fill(list, facts(values), portShown?.element);
      }
      const reason = trouble(next, null) || (next.mode_reason && next.downgraded ? `Not loaded in full: ${clean(next.mode_reason)}` : "");
      setText(why, [reason, reason && next.last_log ? `Last line of its log: ${clean(next.last_log, 300)}` : ""].filter(Boolean).join(" "));
      why.hidden = !why.textContent;
      const busy = pending.has(next.model_id);
      const startable = ["failed", "backoff"].includes(next.state);
      setText(go, startable ? "Start" : "Stop");
      setOff(go, (busy && startable) || next.state === "stopping");
      setOff(again, busy || next.state !== "ready");
    },
  };
}

function theirs() {
  const name = el("b", { class: "name" });
  const list = el("p", { class: "figures" });
  const element = el("li", { class: "card" }, el("div", { class: "row" }, name, badge("external", "external")), list);
  let shown = "";
  return {
    element,
    update(next) {
      const text = JSON.stringify(next);
      if (text === shown) return;
      shown = text;
      setText(name, clean(next.model_name ?? next.program, 120));
      const held = (next.bytes ?? []).map((held) => `${bytes(held.bytes)} on ${held.device}`).join(", ");
      const healthy = next.healthy && "known" in next.healthy ? (next.healthy.known ? "yes" : "no") : null;
      fill(list, facts([
        ["program", clean(next.program, 60)], ["process", next.pid], ["user", next.user && clean(next.user, 60)], ["port", next.port],
        ["memory", held || "not known"], ["answers", healthy], ["known by", next.known_by?.join(", ")],
        ["requests", next.attached ? "sent to it" : "not sent to it"],
      ]), el("span", { class: "quiet" }, "Somebody else started it: it is shown and counted, never touched."));
    },
  };
}
