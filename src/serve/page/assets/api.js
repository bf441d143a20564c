// Requests to the daemon: one key, one way in which errors are told.

const KEY = "modelctl.key";
let key = null;
try {
  key = sessionStorage.getItem(KEY);
} catch {
  // A browser that stores nothing is asked again in each tab.
}

export const hasKey = () => key !== null;

/** Takes a key for this page; `kept`: also after a reload, in this tab alone. */
export function setKey(text, kept) {
  key = text;
  try {
    if (kept && text !== null) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}

export function headers(more = {}) {
  return key === null ? more : { ...more, Authorization: `Bearer ${key}` };
}

/** An error of the daemon, in its own words, with what to do next. */
export class Refused extends Error {
  constructor(title, detail, more = {}) {
    super(detail ? `${title}: ${detail}` : title);
    Object.assign(this, { title, detail, status: 0, next: null, lines: [] }, more);
  }
}

const NEXT = {
  no_port: "Stop a server to give its port back, or raise `port_range_end` in [serve].",
  no_memory: "Stop one of those that hold the memory, or start a smaller model.",
  pinned_memory: "Unpin or stop one of those that hold the memory, or start a smaller model.",
  backoff: "It is tried again by itself; Start tries at once.",
  failed: "Read its log, then press Start to try at once.",
  unready: "Read its log, then press Start to try at once.",
  died: "Read its log, then press Start to try at once.",
  queue_full: "Wait until some requests are answered.",
  bad_file: "Replace or download the file again, then press Re-scan.",
  below_tier: "`min_tier` in the config says that this machine is too small for it.",
  stopping: "The daemon is stopping; this page reconnects when it runs again.",
};

async function refusal(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // Said below.
  }
  const status = response.status;
  const error = body?.error;
  const isText = typeof error === "string";
  const title = (isText ? error : error?.message) ?? `The daemon answered with status ${status}`;
  const lines = (body?.holders ?? []).map((held) => [held.name, held.why].filter(Boolean).join(": "));
  if (body?.candidates) lines.push(...body.candidates);
  if (body?.last_log) lines.push(`last line of its log: ${body.last_log}`);
  let next = NEXT[body?.why] ?? NEXT[error?.code] ?? null;
  const after = response.headers.get("Retry-After");
  if (!next && after) next = `Try again in ${after} s.`;
  if (!next && status === 401) next = "Give a key that is in the file of `--api-key-file`.";
  return new Refused(title, isText ? body?.detail : null, { status, next, lines, why: body?.why });
}

/** Sends a request, and returns the answer. */
export async function send(method, path, body, options = {}) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, {
      method, headers: headers(json), body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store", credentials: "omit", ...options,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The daemon did not answer", null, { next: "See whether `modelctl serve` still runs." });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export const call = async (method, path, body) => (await send(method, path, body)).json();

export const ofModel = (id) => `/api/models/${encodeURIComponent(id)}`;
export const ofServer = (id, what) => `/api/models/servers/${encodeURIComponent(id)}/${what}`;
