// Figures as people read them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n) {
  if (n === null || n === undefined) return "–";
  let unit = 0;
  while (n >= 1000 && unit < UNITS.length - 1) {
    n /= 1024;
    unit += 1;
  }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`;
}

/** A time span: `7 s`, `3:12`, `2 h 05`, `3 d`. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))}`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** How long ago in the largest unit: `5 min ago`. */
export function ago(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return "just now";
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

export function parameters(n) {
  if (!n) return null;
  if (n >= 1e9) return `${(n / 1e9).toFixed(n < 1e10 ? 1 : 0)} B`;
  return `${Math.round(n / 1e6)} M`;
}

/** A time of the day, in the zone of the reader. */
export function clock(time, withSeconds = true) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "–";
  const two = (n) => String(n).padStart(2, "0");
  const day = date.toDateString() === new Date().toDateString() ? "" : `${date.toLocaleDateString()} `;
  return `${day}${two(date.getHours())}:${two(date.getMinutes())}${withSeconds ? `:${two(date.getSeconds())}` : ""}`;
}

export const percent = (n) => `${Math.round(n)} %`;

export const millis = (n) =>
  n === null || n === undefined ? "–" : n < 1000 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(1)} s`;

export const rate = (n) => (n === null || n === undefined ? "–" : n < 10 ? n.toFixed(1) : String(Math.round(n)));

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
