// Builds the page from elements and text nodes only: what comes from outside is text, and is never parsed.

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;
// Marks that turn the direction of the text after them.
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Returns a text of others as it may be shown: one line, without control characters, cut. */
export function clean(text, most = 400) {
  const whole = String(text ?? "");
  const cut = whole.length > most ? `${whole.slice(0, most)}… (${whole.length} characters)` : whole;
  return cut.replace(/\n/g, " ").replace(CONTROL, "\ufffd").replace(DIRECTION, "\ufffd");
}

/** Creates an element. Children are elements and texts; `null` and `false` are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, value);
  }
  add(made, children);
  return made;
}

function add(to, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    to.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces what an element has. */
export function fill(of, ...children) {
  of.replaceChildren();
  add(of, children);
}

/** Sets a text only where it has changed: nothing is laid out again for nothing. */
export function setText(of, text) {
  if (texts.get(of) === text) return;
  texts.set(of, text);
  of.textContent = text;
}

const texts = new WeakMap();

/** Shows rows in the order of `list`, keeps the element of each, and removes those that are gone. */
export class Keyed {
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    this.rows = new Map();
  }

  show(list, keyOf) {
    const wanted = new Set();
    let at = this.parent.firstElementChild;
    for (const item of list) {
      const key = keyOf(item);
      wanted.add(key);
      let row = this.rows.get(key);
      if (!row) {
        row = this.make(item);
        this.rows.set(key, row);
      }
      row.update(item);
      if (row.element === at) at = at.nextElementSibling;
      else this.parent.insertBefore(row.element, at);
    }
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
  }
}

let isLive = false;

/** A button that asks the daemon for something: it is off while there is no connection. */
export function action(label, run, attributes = {}) {
  const made = el("button", { type: "button", ...attributes, on: { click: run } }, label);
  made.classList.add("act");
  made.disabled = !isLive;
  return made;
}

/** Turns a button off for a reason of its own, or on again. */
export function setOff(button, off) {
  if (off) button.dataset.off = "";
  else delete button.dataset.off;
  button.disabled = !isLive || off;
}

export function setLive(live) {
  isLive = live;
  for (const button of document.querySelectorAll("button.act, input.act")) {
    button.disabled = !live || "off" in button.dataset;
  }
}

let dialogs = 0;

/** Opens a dialog. `parts(close)` returns what is in it; the promise is what `close` was given, or null after Esc. */
export function ask(title, parts) {
  const id = `dialog-${(dialogs += 1)}`;
  return new Promise((done) => {
    const box = el("dialog", { "aria-labelledby": id });
    const close = (value) => {
      box.close();
      done(value);
    };
    add(box, [el("h2", { id }, title), parts(close)]);
    box.addEventListener("cancel", () => done(null));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
  });
}

/** Asks once. Returns the value of the button that was pressed, or null. */
export function confirm(title, text, answers) {
  return ask(title, (close) => [
    el("p", {}, text),
    el("div", { class: "row end" },
      el("button", { type: "button", on: { click: () => close(null) } }, "Cancel"),
      answers.map(([label, value]) =>
        el("button", { type: "button", class: "strong", on: { click: () => close(value) } }, label))),
  ]);
}
