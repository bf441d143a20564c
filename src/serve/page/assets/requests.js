// The requests that run, and the last ones that have ended. There are never texts among them.

import { say, showError } from "./act.js";
import { call } from "./api.js";
import { Keyed, action, clean, el, setText } from "./dom.js";
import { clock, millis, plural, rate } from "./format.js";

const STEP = 10;

export class Requests {
  constructor(section, rows) {
    this.rows = rows;
    this.most = STEP;
    this.count = el("p", { class: "quiet", role: "status" });
    this.body = el("tbody");
    const heads = ["Time", "Model", "Client, class", "Waited, first token", "Tokens", "End"];
    this.table = el("table", { class: "plain requests" }, el("caption", { class: "hidden" }, "Requests, those that run first"),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), this.body);
    this.more = el("button", { type: "button", on: { click: () => { this.most += 30; this.show(); } } }, "Show more");
    section.append(this.count, el("div", { class: "scroll", tabindex: "0" }, this.table), this.more);
    this.keyed = new Keyed(this.body, () => requestRow());
  }

  show() {
    const now = this.rows.time();
    const list = this.rows.list("request").map((request) => ({ ...request, now }));
    const runs = (request) => request.state !== "ended";
    list.sort((a, b) => Number(runs(b)) - Number(runs(a)) || b.number - a.number);
    const running = list.filter(runs);
    const waiting = running.filter((request) => request.state === "waiting").length;
    const text = running.length ? `${plural(running.length, "request")} now, ${waiting} of them waiting` : "No request is being answered.";
    setText(this.count, this.rows.seen === null ? "" : text);
    this.table.hidden = list.length === 0;
    this.keyed.show(list.slice(0, Math.max(this.most, running.length)), (request) => request.number);
    this.more.hidden = list.length <= this.most;
  }
}

function requestRow() {
  const cells = Array.from({ length: 6 }, () => el("td"));
  const [time, model, client, waited, tokens, end] = cells;
  let row = null;
  const text = el("span");
  const cancel = action("Cancel", async () => {
    try {
      say((await call("DELETE", `/api/requests/${row.number}`)).message);
    } catch (error) {
      showError("Cancel a request", error);
    }
  }, { class: "small" });
  end.append(text, cancel);
  const element = el("tr", {}, cells);
  return {
    element,
    update(next) {
      row = next;
      const ended = next.state === "ended";
      const elapsed = Math.max(0, next.now - Date.parse(next.began));
      setText(time, clock(next.began));
      setText(model, `${clean(next.model || "–", 60)}${next.endpoint === "chat" ? "" : ` (${next.endpoint})`}`);
      setText(client, `${clean(next.client, 40)}, ${next.class}`);
      const first = next.first_token_ms === null ? "" : `, ${millis(next.first_token_ms)}`;
      setText(waited, next.state === "waiting" ? `${millis(elapsed)}…` : `${millis(next.waited_ms)}${first}`);
      const speed = next.tokens_per_second ? `, ${rate(next.tokens_per_second)}/s` : "";
      setText(tokens, next.completion_tokens === null ? "–" : `${next.completion_tokens}${speed}`);
      setText(text, ended ? `${clean(next.finish, 200)} (${millis(next.took_ms)})` : next.state === "waiting" ? "waiting " : "answering ");
      element.className = ended && next.status >= 400 ? "bad-row" : "";
      cancel.hidden = ended;
      cancel.setAttribute("aria-label", `Cancel request ${next.number}`);
    },
  };
}
