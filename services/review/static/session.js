// The lock: the server ends a session that nobody uses; this file hides what stands on the screen.
// Nothing is lost: what was typed is there again once the same person has logged in.
"use strict";

function lockWhenEnded() {
  const { alive, person, idleSec } = document.body.dataset;
  const lock = document.getElementById("locked");
  const tabs = new BroadcastChannel("careloop session"); // all tabs of this browser
  if (!alive || !lock) { tabs.postMessage("ask"); return; } // nobody is logged in on this page
  const idleMs = idleSec * 1000;
  let used = Date.now(), told = used;

  const show = (isLocked) => {
    if (lock.hidden === !isLocked) return;
    document.documentElement.classList.toggle("is-locked", isLocked);
    lock.hidden = !isLocked;
    if (isLocked) lock.focus();
  };

  const ask = async (form) => {
    try {
      const answer = await fetch(alive, { method: form ? "POST" : "GET", body: form, credentials: "same-origin", cache: "no-store" });
      if (answer.status === 401) { show(true); return; }
      if (!answer.ok) return;
      const now = await answer.json();
      if (now.person !== person) { location.reload(); return; } // somebody else's session
      for (const field of document.querySelectorAll("input[name=csrf]")) field.value = now.csrf;
      show(false);
    } catch { // the network is away: whoever sat here may have left
      if (Date.now() - used > idleMs) show(true);
    }
  };

  // Before the server is asked to end the session: every other tab hides at once. Where it is not
  // ended after all, the next question to the server shows them again.
  document.addEventListener("submit", ({ target }) => { if (target.matches("form.who")) tabs.postMessage("hide"); });
  tabs.onmessage = ({ data }) => (data === "hide" ? show(true) : ask());

  const use = () => {
    used = Date.now();
    if (!lock.hidden || used - told < Math.min(60000, idleMs / 4)) return;
    told = used;
    ask(new URLSearchParams({ csrf: document.querySelector("input[name=csrf]").value }));
  };

  for (const event of ["keydown", "pointerdown", "wheel"]) addEventListener(event, use, { passive: true });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(() => ask(), Math.min(15000, idleMs / 4));
}

lockWhenEnded();
