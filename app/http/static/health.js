"use strict";

// Says on the start page whether the server can do its work now; without it a link leads to the same answer.
const health = document.getElementById("health");

async function ask() {
  let said = "This server does not answer.";
  let state = "bad";
  try {
    const answer = await fetch(health.dataset.url, { cache: "no-store" });
    const body = await answer.json();
    state = answer.ok ? "good" : "bad";
    said = answer.ok ? "This server is ready." : `This server is not ready: ${body.error}.`;
  } catch {
    // What was said above holds.
  }
  if (health.textContent !== said) {
    health.textContent = said;
  }
  health.dataset.state = state;
}

ask();
setInterval(ask, 10000);
