/* Keeps the invitation's screens up to date; without it they are true after a reload. */
(() => {
  "use strict";

  const REFRESH_AFTER = 3000;
  const WHO_FIELDS = [
    "match",
    "interests",
    "not_invited_days",
    "is_promotional",
    "beyond_cap_reason",
    "team",
    "at_most",
    "chosen_by",
  ];

  const who = document.querySelector("[data-engagement-who]");
  const form = who && who.closest("form");
  let running = null;
  let soon = 0;

  /* What somebody has unfolded stays unfolded. */
  function replace(element, html) {
    const open = [...element.querySelectorAll("details")].map((fold) => fold.open);
    element.innerHTML = html;
    element.querySelectorAll("details").forEach((fold, index) => {
      fold.open = Boolean(open[index]);
    });
  }

  async function showWho() {
    if (running) running.abort();
    running = new AbortController();
    const filled = new FormData(form);
    const asked = new FormData();
    for (const name of [...WHO_FIELDS, "csrfmiddlewaretoken"]) {
      for (const value of filled.getAll(name)) asked.append(name, value);
    }
    const options = { method: "POST", body: asked, signal: running.signal };
    try {
      const response = await fetch(who.dataset.engagementWho, options);
      if (response.ok && !response.redirected) replace(who, await response.text());
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  /* What is sent is what is saved, so the button waits while there is something to save. */
  function askToSave() {
    const send = document.querySelector("[data-engagement-send]");
    if (!send) return;
    send.disabled = true;
    document.querySelector("[data-engagement-unsaved]").hidden = false;
  }

  if (form) {
    form.addEventListener("input", (event) => {
      askToSave();
      if (!WHO_FIELDS.includes(event.target.name)) return;
      clearTimeout(soon);
      soon = setTimeout(showWho, 200);
    });
  }

  const numbers = document.querySelector("[data-engagement-numbers]");

  async function showNumbers() {
    const moving = numbers.querySelector("[data-engagement-moving]");
    if (!moving || moving.dataset.engagementMoving !== "yes") return;
    const hasFocus = numbers.contains(document.activeElement);
    if (!hasFocus && !document.hidden) {
      const response = await fetch(numbers.dataset.engagementNumbers).catch(() => null);
      if (response && response.ok && !response.redirected) {
        replace(numbers, await response.text());
        // The buttons around the numbers are for what is still going on.
        if (!numbers.querySelector("[data-engagement-moving=yes]")) location.reload();
      }
    }
    setTimeout(showNumbers, REFRESH_AFTER);
  }

  if (numbers) setTimeout(showNumbers, REFRESH_AFTER);
})();
