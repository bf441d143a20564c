// The log of one server: followed, paused, filtered, saved.

import { ofServer, send } from "./api.js";
import { ask, clean, el, setText } from "./dom.js";
import { clock } from "./format.js";
import { Events } from "./stream.js";

const MOST = 2000;

export function openLog(id, name) {
  const stop = new AbortController();
  const lines = [];
  let paused = false;
  const output = el("pre", { class: "log", role: "log", tabindex: "0", "aria-label": `Log of ${clean(name, 80)}` });
  const note = el("p", { class: "quiet", role: "status" }, "Reading…");
  const filter = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter lines", on: { input: () => draw() } });
  const pause = el("button", { type: "button", "aria-pressed": "false", on: { click: () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? "Follow" : "Pause");
    draw();
  } } }, "Pause");
  const save = el("button", { type: "button", on: { click: () => {
    const link = el("a", { href: URL.createObjectURL(new Blob([`${lines.map((line) => line.whole).join("\n")}\n`], { type: "text/plain" })), download: `${id.replace(/[^\w.-]+/g, "_")}.log` });
    link.click();
    URL.revokeObjectURL(link.href);
  } } }, "Save");
  let drawing = false;
  const draw = () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      const wanted = filter.value.toLowerCase();
      const shown = lines.filter((line) => !wanted || line.text.toLowerCase().includes(wanted));
      output.textContent = shown.slice(-500).map((line) => line.text).join("\n");
      setText(note, lines.length ? `${shown.length} of ${lines.length} lines${shown.length > 500 ? ", the last 500 shown" : ""}${paused ? "; paused" : ""}` : "The log is empty so far.");
      if (!paused) output.scrollTop = output.scrollHeight;
    });
  };
  const kept = [];
  const events = new Events((_, data) => {
    const row = JSON.parse(data);
    const whole = row.at ? `${row.at} ${row.text}` : row.text;
    (paused ? kept : lines).push({ whole, text: clean(row.at ? `${clock(row.at)}  ${row.text}` : row.text, 2000) });
    if (!paused && kept.length) lines.push(...kept.splice(0));
    if (lines.length > MOST) lines.splice(0, lines.length - MOST);
    if (kept.length > MOST) kept.splice(0, kept.length - MOST);
    if (!paused) draw();
  });
  const read = async () => {
    try {
      const response = await send("GET", `${ofServer(id, "logs")}?follow=true&n=500`, undefined, { signal: stop.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      draw();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        events.push(value);
      }
      setText(note, lines.length ? "The log has ended." : "There is no log: its server has not been started since the daemon began.");
    } catch (error) {
      if (error.name !== "AbortError") setText(note, clean(error.message));
    }
  };
  read();
  return ask(`Log of ${clean(name, 80)}`, (close) => [
    el("div", { class: "row" }, filter, pause, save, el("span", { class: "grow" }),
      el("button", { type: "button", on: { click: () => close(null) } }, "Close")),
    output, note,
  ]).finally(() => stop.abort());
}
