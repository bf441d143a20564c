// States of servers and models, as a word and a shape.

import { clock, span } from "./format.js";
import { clean, el } from "./dom.js";

const SHAPES = {
  stopped: "○", queued: "◌", loading: "◐", idle: "●", busy: "◆", stopping: "■", backoff: "▲", failed: "✕",
  unusable: "⊘", external: "◇", reserved: "▣", disabled: "–",
};

/** Returns the state of a server, or of a model without one, as `[class, word, more]`. */
export function stateOf(server, model, now) {
  if (server) {
    switch (server.state) {
      case "ready":
        return server.in_flight > 0 ? ["busy", "busy", null] : ["idle", "ready", null];
      case "queued":
        return ["queued", "waits for memory", null];
      case "starting":
        return ["loading", "loading", loading(server, now)];
      case "stopping":
        return ["stopping", "stopping", null];
      case "backoff":
        return ["backoff", "crashed", server.retry_at ? `tries again at ${clock(server.retry_at)}` : null];
      case "failed":
        return ["failed", "failed", null];
      default:
    }
  }
  if (model && model.state !== "ready") return ["unusable", model.state.replaceAll("_", " "), null];
  if (model && !model.enabled) return ["disabled", "disabled", null];
  return ["stopped", "stopped", null];
}

const began = new Map();

/** The share that is loaded and the time left, as far as this load has shown how fast it goes. */
function loading(server, now) {
  const share = server.progress ?? 0;
  const text = `${Math.floor(share * 100)} %`;
  const first = began.get(server.key);
  if (!first || share < first.share) {
    began.set(server.key, { share, at: now });
    return server.load_time ? `${text}, about ${span(server.load_time * (1 - share))} left` : text;
  }
  const done = share - first.share;
  if (done < 0.05) return text;
  return `${text}, ${span(((now - first.at) / 1000) * ((1 - share) / done))} left`;
}

export function badge(kind, word) {
  return el("span", { class: `state ${kind}` }, el("span", { class: "shape", "aria-hidden": "true" }, SHAPES[kind] ?? "○"), word);
}

/** Why it is as it is, where that is a problem. */
export function trouble(server, model) {
  if (server && ["failed", "backoff"].includes(server.state)) return clean(server.last_error ?? "for an unknown reason", 600);
  if (model && model.state !== "ready") return clean(model.reason ?? "", 600);
  return "";
}
