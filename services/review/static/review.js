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

function keepFresh() {
  const live = document.getElementById("live");
  if (!live) return;
  const seconds = Number(live.dataset.refresh);
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (answer.redirected) { location.reload(); return; } // the session has ended
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh || fresh.innerHTML === live.innerHTML) return;
      const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      live.innerHTML = fresh.innerHTML;
      if (focused) live.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    } catch { /* the network is away: what is shown stays, the next try comes */ }
  }, seconds * 1000);
}

function askOnce() {
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button[type=submit]")) setTimeout(() => { button.disabled = true; }, 0);
    });
  }
}

// A decision that was begun is not left by a stray click; the browser asks in its own words.
function askBeforeLoss() {
  const begun = new Set();
  for (const form of document.querySelectorAll("#decision details form")) {
    form.addEventListener("input", () => begun.add(form));
    if (form.closest("details[open]")) begun.add(form); // it came back with what was typed
  }
  document.addEventListener("submit", () => begun.clear());
  addEventListener("beforeunload", (event) => { if (begun.size) event.preventDefault(); });
}

fadeHeatMaps();
keepFresh();
askOnce();
askBeforeLoss();
