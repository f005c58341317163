// Comforts only: everything on the pages works without this file.
"use strict";

function fadeHeatMaps() {
  for (const figure of document.querySelectorAll("[data-film]")) {
    const map = figure.querySelector(".over");
    const slider = figure.querySelector(".slider");
    if (!map || !slider) continue;
    slider.hidden = false;
    const input = slider.querySelector("input");
    const shown = slider.querySelector("output");
    const apply = () => { map.style.opacity = String(input.value / 100); shown.textContent = `${input.value} %`; };
    input.addEventListener("input", apply);
    apply();
  }
}

async function renew(live) {
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  if (answer.redirected) { location.reload(); return; } // the session has ended
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh) return;
  live.dataset.seen = fresh.dataset.seen;
  if (fresh.innerHTML === live.innerHTML) return;
  const active = live.contains(document.activeElement) ? document.activeElement : null;
  const href = active?.getAttribute("href");
  const label = active?.getAttribute("aria-label");
  live.innerHTML = fresh.innerHTML;
  const again = href ? `[href="${CSS.escape(href)}"]` : label ? `[aria-label="${CSS.escape(label)}"]` : null;
  if (again) live.querySelector(again)?.focus();
}

// A tab that is seen holds one stream; the server tells on it when the list has changed.
function keepFresh() {
  const live = document.getElementById("live");
  if (!live) return;
  let stream = null;
  let waiting = null;
  const close = () => { stream?.close(); stream = null; };
  const soon = () => { waiting ??= setTimeout(() => { waiting = null; renew(live).catch(() => {}); }, 500); };
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(live.dataset.changes);
    stream.onmessage = (event) => { if (event.data !== live.dataset.seen) soon(); };
    stream.onerror = () => {
      if (stream?.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
      close();
      soon(); // the session may have ended: then this leads to the login
      setTimeout(open, 15000);
    };
  };
  // "Acknowledge within 12 min" is true for a minute only
  setInterval(() => { if (!document.hidden && live.querySelector("[data-due]")) soon(); }, 60000);
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

function askOnce() {
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button[type=submit]")) setTimeout(() => { button.disabled = true; }, 0);
    });
  }
}

fadeHeatMaps();
keepFresh();
askOnce();
