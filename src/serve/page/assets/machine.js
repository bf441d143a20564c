// The head: one bar per device, the pressures, and what is wrong as sentences.

import { bytes, percent, plural } from "./format.js";
import { Keyed, clean, el, fill, setText } from "./dom.js";

const known = (reading) => (reading && typeof reading === "object" && "known" in reading ? reading.known : null);

export class Machine {
  constructor(section, rows) {
    this.rows = rows;
    this.alerts = el("ul", { class: "alerts" });
    this.bars = el("div", { class: "bars" });
    this.figures = el("p", { class: "figures" });
    section.append(this.alerts, this.bars, this.figures);
    this.devices = new Keyed(this.bars, () => deviceRow());
  }

  show() {
    const machine = this.rows.one("machine");
    if (!machine) return;
    const servers = this.rows.list("server");
    const externals = this.rows.list("external");
    const devices = machine.devices ?? [];
    this.devices.show(devices.map((device) => parts(device, servers, externals)), (device) => device.name);
    const daemon = this.rows.one("daemon");
    const cpu = known(machine.readings?.cpu);
    const stalls = known(machine.readings?.stalls);
    const disks = (machine.readings?.disks ?? []).map((disk) => {
      const free = known(disk.free);
      return `${clean(disk.what, 60)}: ${free === null ? "free space unknown" : `${bytes(free)} free`}`;
    });
    const figures = [
      ["CPU", cpu === null ? "not known yet" : percent(cpu)],
      ["waiting for memory", stalls === null ? null : percent(stalls)],
      ["disk", disks.join("; ") || null],
      ["slots for tasks", percent((machine.throttle_factor ?? 1) * 100)],
      ["machine class", daemon?.node_tier?.replaceAll("_", " ")],
    ].filter(([, value]) => value);
    const text = JSON.stringify(figures);
    if (text !== this.figuresShown) {
      this.figuresShown = text;
      fill(this.figures, figures.map(([name, value]) => el("span", {}, el("span", { class: "quiet" }, `${name} `), el("b", {}, value))));
    }
    this.showAlerts(machine, servers);
  }

  showAlerts(machine, servers) {
    const alerts = [];
    for (const pressure of machine.pressures ?? []) {
      if (pressure.is_high) alerts.push(`Too little ${WORDS[pressure.kind] ?? pressure.kind}: ${clean(pressure.message)}.`);
    }
    if (machine.paused) alerts.push("The lifecycle is paused: nothing is started or stopped by itself. `modelctl lifecycle resume` ends that.");
    const failed = servers.filter((server) => server.state === "failed");
    if (failed.length) alerts.push(`${plural(failed.length, "server")} failed: ${failed.map((s) => clean(s.name, 60)).join(", ")}.`);
    for (const server of servers) {
      if (server.downgraded) alerts.push(`${clean(server.name, 60)} runs ${MODES[server.mode] ?? server.mode}: ${clean(server.mode_reason ?? "memory ran out")}.`);
    }
    for (const swap of machine.swap_queue ?? []) {
      alerts.push(`${clean(swap.name, 60)} was stopped for ${clean(swap.evicted_by, 60)} and comes back by itself: ${clean(swap.waits_for)}.`);
    }
    if (machine.readings && machine.readings.devices && !("known" in machine.readings.devices)) {
      alerts.push(`The GPUs are not known: ${clean(machine.readings.devices.unavailable)}.`);
    }
    const text = alerts.join("\n");
    if (text === this.alertsShown) return;
    this.alertsShown = text;
    fill(this.alerts, alerts.map((alert) => el("li", {}, el("span", { "aria-hidden": "true" }, "▲ "), alert)));
  }
}

const WORDS = { vram: "GPU memory", ram: "memory", cpu: "CPU", disk: "disk space" };
export const MODES = { gpu: "all on the GPU", cpu_offload: "partly on the GPU", cpu_only: "on the CPU" };

/** Splits the memory of a device into those who hold it. */
function parts(device, servers, externals) {
  const held = (of) => of.bytes?.find((held) => held.device === device.device)?.bytes ?? 0;
  const list = [];
  for (const server of servers) {
    const size = held(server);
    if (size > 0) list.push({ name: clean(server.name, 60), kind: server.kind, size });
  }
  list.sort((a, b) => b.size - a.size);
  for (const external of externals) {
    const size = held(external);
    if (size > 0) list.push({ name: `${clean(external.model_name ?? external.program, 60)} (external)`, kind: "external", size });
  }
  const sum = list.reduce((sum, part) => sum + part.size, 0);
  const total = device.total;
  const used = total !== null && device.free !== null ? Math.max(0, total - device.free) : null;
  // What is reserved and not used yet is free by what the kernel says.
  const others = used === null ? device.external ?? 0 : Math.max(0, used - sum);
  if (others > 0) list.push({ name: "other processes", kind: "others", size: others });
  return { name: device.device, total, free: device.free, list, reserved: device.reserved };
}

function deviceRow() {
  const title = el("span", { class: "device" });
  const figure = el("span", { class: "quiet" });
  const bar = el("div", { class: "bar", "aria-hidden": "true" });
  const legend = el("ul", { class: "legend" });
  const element = el("div", { class: "device-row" }, el("p", {}, title, figure), bar, legend);
  let shown = "";
  return {
    element,
    update({ name, total, free, list }) {
      setText(title, name === "CPU" ? "Main memory" : name);
      setText(figure, total === null ? "size unknown" : `${free === null ? "free unknown" : `${bytes(free)} free`} of ${bytes(total)}`);
      const all = total ?? list.reduce((sum, part) => sum + part.size, 0);
      const text = JSON.stringify([all, list]);
      if (text === shown) return;
      shown = text;
      let color = 0;
      const colored = list.map((part) => ({ ...part, color: part.kind === "model" ? `c${(color++ % 6) + 1}` : part.kind }));
      fill(bar, colored.map((part) => {
        const piece = el("span", { class: `piece ${part.color}`, title: `${part.name}: ${bytes(part.size)}` });
        piece.style.width = `${Math.min(100, (100 * part.size) / Math.max(all, 1))}%`;
        return piece;
      }));
      fill(legend, colored.map((part) => el("li", {}, el("span", { class: `key ${part.color}`, "aria-hidden": "true" }), `${part.name} `, el("b", {}, bytes(part.size)))));
    },
  };
}
