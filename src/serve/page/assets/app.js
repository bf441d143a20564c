// The page: one stream in, sections drawn from its rows.

import { closeErrors, showError, whenPending } from "./act.js";
import { hasKey, setKey } from "./api.js";
import { Decisions } from "./decisions.js";
import { ask, clean, el, fill, setLive, setText } from "./dom.js";
import { clock, span } from "./format.js";
import { Hour } from "./hour.js";
import { openLog } from "./log.js";
import { Machine } from "./machine.js";
import { Models } from "./models.js";
import { Queue } from "./queue.js";
import { Requests } from "./requests.js";
import { Servers } from "./servers.js";
import { Rows, Stream } from "./stream.js";
import { Try } from "./try.js";

const byId = (id) => document.getElementById(id);
const rows = new Rows();
const machine = new Machine(byId("machine"), rows);
const models = new Models(byId("models"), rows, openLog);
const servers = new Servers(byId("servers"), rows, openLog);
const decisions = new Decisions(byId("decisions"), rows);
const hour = new Hour(byId("hour"), rows);
const requests = new Requests(byId("requests"), rows);
const queue = new Queue(byId("queue"));
const tryIt = new Try(byId("try"), rows);

/** Which rows a section is drawn from. */
const SECTIONS = [
  [machine, ["machine", "server", "external", "daemon"]],
  [models, ["model", "server", "machine", "daemon"]],
  [servers, ["server", "external", "rate"]],
  [decisions, ["decision", "event"]],
  [requests, ["request", "server"]],
  [tryIt, ["model", "server"]],
];

const waiting = new Set();
let frame = 0;
let drawn = 0;

/** Draws what has changed, at most four times a second. */
function changed(groups) {
  for (const group of groups) waiting.add(group);
  if (frame) return;
  frame = setTimeout(() => requestAnimationFrame(draw), Math.max(0, 240 - (performance.now() - drawn)));
}

function draw() {
  frame = 0;
  drawn = performance.now();
  const groups = new Set(waiting);
  waiting.clear();
  for (const [section, of] of SECTIONS) {
    if (!groups.has("*") && !of.some((group) => groups.has(group))) continue;
    try {
      section.show();
    } catch (error) {
      showError("This page", error);
      console.error(error);
    }
  }
  if (groups.has("daemon")) identity();
}

function identity() {
  const daemon = rows.one("daemon");
  if (!daemon) return;
  const up = daemon.started_at ? `, up ${span((rows.time() - Date.parse(daemon.started_at)) / 1000)}` : "";
  setText(byId("identity"), `${clean(daemon.host ?? location.host, 80)} · version ${clean(daemon.version, 30)}${up}`);
  document.title = `modelctl on ${clean(daemon.host ?? location.host, 60)}`;
  const mine = document.querySelector("meta[name=assets]").content;
  const newer = byId("newer");
  newer.hidden = !daemon.page || daemon.page === mine;
  if (!newer.hidden && !newer.firstChild) {
    fill(newer, "The daemon has another version now. ", el("button", { type: "button", on: { click: () => location.reload() } }, "Reload this page"));
  }
}

let state = { is: "connecting" };

function connection(next) {
  const before = state.is;
  state = next;
  const live = next.is === "live";
  if (live !== (before === "live") || before === "connecting") setLive(live);
  if (live && before !== "live") {
    hour.read();
    queue.read();
  }
  document.body.classList.toggle("waiting", rows.seen === null);
  if (next.is !== "again") document.body.classList.toggle("stale", !live && rows.seen !== null);
  if (before !== next.is && live && rows.seen && before !== "connecting") byId("said").textContent = "Connected again";
  sayConnection();
}

function sayConnection() {
  const lost = byId("lost");
  const line = byId("connection");
  if (state.is === "live") {
    lost.hidden = true;
    setText(line, "● connected");
    line.className = "good";
    return;
  }
  const heard = rows.seen;
  const seconds = state.next ? Math.max(0, Math.ceil((state.next - Date.now()) / 1000)) : 0;
  line.className = "bad";
  setText(line, state.is === "connecting" ? "◌ connecting" : heard ? `▲ not connected since ${clock(lostAt())}` : "▲ not connected");
  if (state.is === "connecting") return;
  lost.hidden = false;
  const text = heard
    ? `Not connected since ${clock(lostAt())}: ${state.why ?? why}. All figures are of ${clock(heard)}. `
    : `Not connected: ${state.why ?? why}. `;
  why = state.why ?? why;
  if (!lost.firstChild) fill(lost, el("span"), el("span", { "aria-hidden": "true" }), el("button", { type: "button", on: { click: () => stream.start() } }, "Try now"));
  setText(lost.children[0], text);
  setText(lost.children[1], state.is === "again" ? "Trying… " : `Next try in ${seconds} s. `);
}

let why = "";
const lostAt = () => Math.max(rows.seen ?? 0, stream.heard ?? 0);

const stream = new Stream(rows, { rows: changed, state: connection, key: askKey });

async function askKey() {
  const wrong = hasKey();
  setKey(null, false);
  connection({ is: "lost", why: wrong ? "the key is wrong" : "a key is needed", next: null });
  const given = await ask(wrong ? "This key is not valid" : "A key is needed", (close) => {
    const input = el("input", { type: "password", required: true, autocomplete: "off", "aria-label": "Key" });
    const keep = el("input", { type: "checkbox" });
    return [
      el("p", {}, wrong ? "The daemon does not know it. Give another one from the file of --api-key-file." : "This daemon answers with a key only. It is in the file of --api-key-file, between the colons."),
      el("form", { on: { submit: (event) => { event.preventDefault(); close({ key: input.value.trim(), keep: keep.checked }); } } },
        input, el("label", { class: "check" }, keep, "keep it in this tab"),
        el("div", { class: "row end" }, el("button", { type: "submit", class: "strong" }, "Continue"))),
    ];
  });
  if (given?.key) {
    setKey(given.key, given.keep);
    stream.start();
  }
}

whenPending(() => changed(["server", "model"]));

// What depends on the time alone.
setInterval(() => {
  if (document.hidden) return;
  sayConnection();
  if (state.is === "live") {
    identity();
    servers.show();
    hour.read();
    queue.read();
  }
}, 1000);

const KEYS = [
  ["/", "filter the models"], ["j, k", "next or previous model"], ["s", "start or stop it"], ["p", "pin or unpin it"],
  ["l", "its log"], ["?", "these keys"], ["Esc", "close a message, leave the filter"],
];

function showKeys() {
  ask("Keys", (close) => [
    el("table", {}, el("caption", { class: "hidden" }, "Keys of this page"),
      el("tbody", {}, KEYS.map(([key, does]) => el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, key)), el("td", {}, does))))),
    el("div", { class: "row end" }, el("button", { type: "button", on: { click: () => close(null) } }, "Close")),
  ]);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const inField = event.target.matches?.("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape") {
    if (inField && event.target.type === "search" && event.target.value) {
      event.target.value = "";
      event.target.dispatchEvent(new Event("input"));
    } else if (inField) event.target.blur();
    else closeErrors();
    return;
  }
  if (inField) return;
  const does = {
    "/": () => models.filter.focus(), j: () => models.move(1), k: () => models.move(-1), s: () => models.press("start"),
    p: () => models.press("pin"), l: () => models.press("log"), "?": showKeys,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

byId("help").addEventListener("click", showKeys);

const THEMES = ["", "dark", "light"];
function theme(name) {
  document.documentElement.dataset.theme = name;
  setText(byId("theme"), name === "dark" ? "Dark" : name === "light" ? "Light" : "As the system");
}
let themeAt = 0;
try {
  themeAt = Math.max(0, THEMES.indexOf(localStorage.getItem("modelctl.theme") ?? ""));
} catch {
  // As the system.
}
theme(THEMES[themeAt]);
byId("theme").addEventListener("click", () => {
  themeAt = (themeAt + 1) % THEMES.length;
  theme(THEMES[themeAt]);
  try {
    localStorage.setItem("modelctl.theme", THEMES[themeAt]);
  } catch {
    // It holds until the page is left.
  }
});

window.addEventListener("error", (event) => showError("This page", event.error ?? event.message));
window.addEventListener("unhandledrejection", (event) => showError("This page", event.reason));

stream.start();
