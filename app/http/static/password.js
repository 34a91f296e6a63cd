"use strict";

// Sets a new password by the secret of a mailed link: what follows the last slash of its fragment.
const form = document.getElementById("password");
const state = form.querySelector("[role=status]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { password, again } = form.elements;
  if (password.value !== again.value) {
    state.textContent = "The two are not the same.";
    return;
  }
  try {
    const answer = await fetch(form.dataset.path, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ secret: location.hash.split("/").pop(), password: password.value }),
    });
    if (answer.ok) {
      form.reset();
      state.textContent = "The password is set: log in with it.";
    } else {
      state.textContent = (await answer.json()).error;
    }
  } catch {
    state.textContent = "The server did not answer.";
  }
});
