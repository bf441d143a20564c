// Try it: a prompt for a model, its answer as it comes, and the same request for other programs.

import { Refused, send } from "./api.js";
import { showError } from "./act.js";
import { action, clean, el, setOff, setText } from "./dom.js";
import { millis, rate } from "./format.js";
import { Events } from "./stream.js";

/** A try is short: a small model on a slow machine may never come to an end by itself. */
const MOST = 400;

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export class Try {
  constructor(section, rows) {
    this.rows = rows;
    this.stop = null;
    // Until somebody chooses, it is the model that answers soonest.
    this.isChosen = false;
    this.model = el("select", { "aria-label": "Model", on: { change: () => { this.isChosen = true; this.examples(); } } });
    this.prompt = el("textarea", { "aria-label": "Prompt", placeholder: "Ask something", on: { input: () => this.examples(), keydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.run();
    } } }, "Say hello in five words.");
    this.go = action("Send", () => (this.stop ? this.stop.abort() : this.run()), { class: "strong", title: "Ctrl and Enter" });
    this.answer = el("p", { class: "answer", hidden: true });
    this.figures = el("p", { class: "quiet plain", role: "status" });
    this.kind = "curl";
    this.code = el("pre", { tabindex: "0", "aria-label": "The same request" });
    const tab = (kind) => el("button", { type: "button", class: "small", "aria-pressed": String(kind === this.kind), data: { kind }, on: { click: () => {
      this.kind = kind;
      for (const other of this.tabs) other.setAttribute("aria-pressed", String(other.dataset.kind === kind));
      this.examples();
    } } }, kind);
    this.tabs = ["curl", "Python", "Ollama"].map(tab);
    const copy = el("button", { type: "button", class: "small", on: { click: async () => {
      try {
        await navigator.clipboard.writeText(this.code.textContent);
        setText(copy, "Copied");
      } catch {
        getSelection().selectAllChildren(this.code);
        setText(copy, "Selected");
      }
      setTimeout(() => setText(copy, "Copy"), 2500);
    } } }, "Copy");
    this.none = el("p", { class: "quiet", hidden: true }, "There is no model that answers prompts yet.");
    this.form = el("div", { class: "try" }, el("div", { class: "row" }, this.model, this.go), this.prompt, this.answer, this.figures,
      el("details", {}, el("summary", {}, "The same request elsewhere"), el("div", { class: "row" }, this.tabs, el("span", { class: "grow" }), copy), this.code));
    section.append(this.none, this.form);
    this.names = "";
  }

  show() {
    const list = this.rows.list("model").filter((model) => model.served && model.kind === "generative");
    const running = (model) => (this.rows.group("server").get(model.id)?.state === "ready" ? 0 : 1);
    const names = list.map((model) => [model.id, model.alias ?? model.name, running(model)]);
    names.sort((a, b) => a[2] - b[2] || (a[1].toLowerCase() < b[1].toLowerCase() ? -1 : 1));
    const text = JSON.stringify(names);
    this.none.hidden = list.length > 0 || this.rows.seen === null;
    this.form.hidden = list.length === 0;
    if (text === this.names) return;
    this.names = text;
    const chosen = this.model.value;
    this.model.replaceChildren(...names.slice(0, 500).map(([id, name, stopped]) => el("option", { value: id }, `${clean(name, 80)}${stopped ? "" : " (loaded)"}`)));
    if ((this.isChosen || this.stop) && names.some(([id]) => id === chosen)) this.model.value = chosen;
    this.examples();
  }

  /** Returns the name by which clients ask for the chosen model. */
  name() {
    const model = this.rows.group("model").get(this.model.value);
    return model?.alias ?? model?.id ?? "";
  }

  body() {
    return { model: this.name(), messages: [{ role: "user", content: this.prompt.value }], max_tokens: MOST };
  }

  examples() {
    const name = this.name();
    const prompt = this.prompt.value;
    const base = location.origin;
    const json = JSON.stringify(this.body(), null, 2);
    setText(this.code, {
      curl: `curl ${base}/v1/chat/completions \\\n  -H 'Content-Type: application/json' \\\n  -d ${quote(json)}`,
      Python: `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(`${base}/v1`)}, api_key="none")\nanswer = client.chat.completions.create(\n    model=${JSON.stringify(name)},\n    messages=[{"role": "user", "content": ${JSON.stringify(prompt)}}],\n    max_tokens=${MOST},\n)\nprint(answer.choices[0].message.content)`,
      Ollama: `OLLAMA_HOST=${base} ollama run ${quote(name)} ${quote(prompt)}`,
    }[this.kind]);
  }

  async run() {
    if (this.stop || !this.prompt.value.trim()) return;
    const stop = new AbortController();
    this.stop = stop;
    setText(this.go, "Stop");
    this.answer.hidden = false;
    this.answer.textContent = "";
    setText(this.figures, "Waiting for the model…");
    const began = performance.now();
    let first = null;
    let whole = "";
    let usage = null;
    let finish = null;
    let drawn = 0;
    const draw = () => {
      this.answer.textContent = whole;
      this.answer.scrollTop = this.answer.scrollHeight;
    };
    try {
      const response = await send("POST", "/v1/chat/completions", { ...this.body(), stream: true, stream_options: { include_usage: true } }, { signal: stop.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new Events((_, data) => {
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new Refused("The answer was not finished", chunk.error.message);
        const text = chunk.choices?.[0]?.delta?.content;
        finish = chunk.choices?.[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
        if (!text) return;
        first ??= performance.now() - began;
        whole += text;
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        events.push(value);
        if (performance.now() - drawn > 100) {
          drawn = performance.now();
          draw();
          if (first !== null) setText(this.figures, `First token after ${millis(first)}`);
        }
      }
      const took = performance.now() - began;
      const tokens = usage?.completion_tokens;
      const speed = tokens && took > first ? `, ${rate(tokens / ((took - first) / 1000))} tokens/s` : "";
      setText(this.figures, `First token after ${millis(first)}, ${tokens ?? "?"} tokens in ${millis(took)}${speed}, ended by ${clean(finish ?? "?", 40)}`);
    } catch (error) {
      if (error.name === "AbortError") setText(this.figures, "Stopped.");
      else {
        setText(this.figures, "");
        showError("Try it", error);
      }
    } finally {
      draw();
      this.stop = null;
      setText(this.go, "Send");
      setOff(this.go, false);
    }
  }
}
