// Shortcuts of the keyboard. They rest while somebody types, and can be switched off in their list.
"use strict";

const OFF = "careloop shortcuts off";
const FIELDS = "input, select, textarea, [contenteditable]";
const FINDINGS = ".evidence tbody tr, .alerts li, .proposals li, .meanings li";
const ROWS = ".list tbody .go";

// Storage may be closed to a page: then the shortcuts are on.
function areOff() {
  try { return localStorage.getItem(OFF) !== null; } catch { return false; }
}

function setOff(isOff) {
  try { if (isOff) localStorage.setItem(OFF, "yes"); else localStorage.removeItem(OFF); } catch { /* on */ }
}

function isSeen(element) {
  return element.checkVisibility?.() ?? element.offsetParent !== null;
}

function focusOn(element) {
  if (!element) return;
  if (!element.matches("a, button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
  element.focus();
  element.scrollIntoView({ block: "center" });
}

// The next finding of a result, or the next row of a list, from where the focus is.
function step(by) {
  const found = [...document.querySelectorAll(`${FINDINGS}, ${ROWS}`)].filter(isSeen);
  if (found.length === 0) return;
  const at = found.findIndex((element) => element.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : found.length - 1) : at + by;
  focusOn(found[Math.max(0, Math.min(found.length - 1, next))]);
}

function goTo(selector) {
  document.querySelector(selector)?.click();
}

function search() {
  const field = document.querySelector("main form[role=search] input[type=search]");
  if (field) focusOn(field); else location.assign(`${document.querySelector("[data-key='g w']").href}#patient`);
}

const KEYS = {
  "?": () => document.getElementById("keys").showModal(),
  "/": search,
  n: () => step(1),
  j: () => step(1),
  p: () => step(-1),
  k: () => step(-1),
  s: () => focusOn(document.getElementById("decision")),
  e: () => focusOn(document.querySelector(".evidence h1")),
  "g w": () => goTo("[data-key='g w']"),
};

function listen() {
  const dialog = document.getElementById("keys");
  const button = document.getElementById("show-keys");
  if (!dialog || !button) return;
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  const isOn = dialog.querySelector("[name=on]");
  isOn.checked = !areOff();
  isOn.addEventListener("change", () => setOff(!isOn.checked));

  if (location.hash === "#patient") search();

  let before = "";
  document.addEventListener("keydown", (event) => {
    const isTyped = event.target instanceof Element && event.target.matches(FIELDS) && !event.target.matches("[type=checkbox], [type=radio]");
    const isBusy = isTyped || dialog.open || document.documentElement.classList.contains("is-locked");
    const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
    if (isBusy || !isPlain || event.key === "Shift" || areOff()) { before = ""; return; }
    const action = KEYS[`${before} ${event.key}`] ?? KEYS[event.key];
    before = event.key === "g" ? "g" : "";
    if (!action) return;
    event.preventDefault();
    action();
  });
}

// A part that scrolls can be reached with the Tab key; one that does not is no stop on the way.
function stopWhereItScrolls() {
  const parts = document.querySelectorAll(".evidence .scroll, .note");
  const look = (part) => {
    const scrolls = part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1;
    if (scrolls) part.tabIndex = 0; else part.removeAttribute("tabindex");
  };
  for (const part of parts) {
    const watch = new ResizeObserver(() => look(part));
    for (const box of [part, ...part.children]) watch.observe(box);
    look(part);
  }
}

listen();
stopWhereItScrolls();
