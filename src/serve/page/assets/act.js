// What the buttons do: each shows that it works, and how it ended.

import { Refused, call, ofModel, ofServer } from "./api.js";
import { clean, confirm, el } from "./dom.js";
import { plural } from "./format.js";

const errors = document.getElementById("errors");
const said = document.getElementById("said");
/** What is under way, by the model: a word for its row. */
export const pending = new Map();
let onChange = () => {};
export const whenPending = (run) => (onChange = run);

/** Shows an error in its own words until it is closed. */
export function showError(what, error) {
  const title = error instanceof Refused ? error.title : "This page failed";
  const detail = error instanceof Refused ? error.detail : String(error);
  const box = el("div", { class: "error" },
    el("p", {}, el("b", {}, `${clean(what, 120)}: ${clean(title)}`), detail ? ` – ${clean(detail, 1500)}` : ""),
    error.lines?.length ? el("ul", {}, error.lines.slice(0, 20).map((line) => el("li", {}, clean(line, 600)))) : null,
    error.next ? el("p", { class: "next" }, error.next) : null,
    el("button", { type: "button", on: { click: () => box.remove() } }, "Close"));
  errors.append(box);
  while (errors.children.length > 5) errors.firstElementChild.remove();
}

export function closeErrors() {
  if (!errors.firstElementChild) return false;
  errors.lastElementChild.remove();
  return true;
}

/** Says something for a screen reader, and shows it for a moment. */
export function say(text) {
  said.textContent = text;
  const note = el("p", { class: "note" }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Runs an action of a model; `word` stands in its row meanwhile. */
async function run(id, word, what, work, told) {
  if (pending.has(id)) return null;
  pending.set(id, word);
  onChange();
  try {
    const done = await work();
    say(told(done));
    return done;
  } catch (error) {
    showError(what, error);
    return null;
  } finally {
    pending.delete(id);
    onChange();
  }
}

const seconds = (n) => (typeof n === "number" ? ` in ${n.toFixed(1)} s` : "");

export const start = (id, name) =>
  run(id, "starting", `Start ${name}`, () => call("POST", ofServer(id, "start")), (done) =>
    `${name} is ready${done.port ? ` on port ${done.port}` : ""}${done.status === "running" ? "" : seconds(done.startup_time_seconds)}`);

async function mayStop(name, server) {
  const busy = server?.in_flight ?? 0;
  if (!busy) return "";
  return confirm(`Stop ${clean(name, 80)}?`, `It answers ${plural(busy, "request")} now. Running answers have 30 s to finish.`,
    [["Stop", "?"], ["Cut them off", "?now=true"]]);
}

export async function stop(id, name, server) {
  const how = await mayStop(name, server);
  if (how === null) return null;
  return run(id, "stopping", `Stop ${name}`, () => call("POST", ofServer(id, "stop") + (how === "?" ? "" : how)), (done) =>
    done.was_running === false ? `${name} did not run` : `${name} has stopped${seconds(done.shutdown_time_seconds)}`);
}

export async function restart(id, name, server) {
  const how = await mayStop(name, server);
  if (how === null) return null;
  const query = how === "?now=true" ? "?restart=true&now=true" : "?restart=true";
  return run(id, "restarting", `Restart ${name}`, async () => {
    await call("POST", ofServer(id, "stop") + query);
    return call("POST", ofServer(id, "start"));
  }, (done) => `${name} is ready again${seconds(done.startup_time_seconds)}`);
}

export async function set(id, name, change) {
  if (change.pinned === false) {
    const sure = await confirm(`Unpin ${clean(name, 80)}?`, "It may then be stopped when its memory is needed, or when it has nothing to do.", [["Unpin", true]]);
    if (!sure) return null;
  }
  const [[what, value]] = Object.entries(change);
  const words = { enabled: ["disabled", "enabled"], pinned: ["no longer pinned", "pinned"] };
  return run(id, "saving", `Change ${name}`, () => call("PATCH", ofModel(id), change), () => `${name} is ${words[what][Number(value)]}`);
}

export const startAll = () =>
  run("*", "starting all", "Start all enabled", () => call("POST", "/api/models/servers/start-all"), (done) => {
    if (done.failed?.length) {
      const lines = done.failed.map((failed) => `${failed.display_name}: ${failed.detail || failed.error}`);
      showError("Start all enabled", new Refused(done.message, null, { lines, next: "Nothing is evicted for a start of all: stop or unpin some, or start single ones." }));
    }
    return done.message;
  });

export async function stopAll(servers) {
  const busy = servers.reduce((sum, server) => sum + (server.in_flight ?? 0), 0);
  const text = busy ? `${plural(busy, "request")} are being answered now, and have 30 s to finish.` : "Nothing is being answered now.";
  const sure = await confirm(`Stop ${plural(servers.length, "server")}?`, text, [["Stop all", true]]);
  if (!sure) return null;
  return run("*", "stopping all", "Stop all servers", () => call("POST", "/api/models/servers/stop-all"), (done) => done.message);
}

export const rescan = () =>
  run("*", "scanning", "Re-scan", () => call("POST", "/api/models/rescan"), (done) => `${done.message}; see events below for the result`);
