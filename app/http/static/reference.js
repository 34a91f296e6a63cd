"use strict";

// The viewer of one system's OpenAPI document, and the login that gives it a token.
const viewer = document.getElementById("viewer");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

// The address of an operation is its own id; the viewer's deep links warn about the underscores in ours.
const openLinked = () => {
  const operation = document.getElementById(location.hash.slice(1));
  operation?.querySelector(".opblock-summary-control[aria-expanded=false]")?.click();
  operation?.scrollIntoView();
};
window.addEventListener("hashchange", openLinked);
viewer.addEventListener("click", (event) => {
  const operation = event.target.closest(".opblock-summary-control")?.closest(".opblock");
  if (operation) {
    history.replaceState(null, "", `#${operation.id}`);
  }
});

const ui = SwaggerUIBundle({
  url: viewer.dataset.document,
  domNode: viewer,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  filter: true,
  syntaxHighlight: false, // each of its themes has colours too pale to read
  validatorUrl: null, // nothing is asked of anybody else
  onComplete: () => {
    viewer.setAttribute("data-ready", "");
    requestAnimationFrame(openLinked);
  },
});

// Fields of the viewer have no names that a screen reader could say, and its examples scroll for mice only.
const nameFields = () => {
  for (const field of viewer.querySelectorAll("input, select, textarea")) {
    if (!field.labels?.length && !field.ariaLabel) {
      const row = field.closest("[data-param-name], [data-property-name]");
      const head = field.closest(".opblock-section, .responses-wrapper")?.querySelector("h4");
      const title = field.placeholder || row?.dataset.paramName || field.closest("tr")?.querySelector(".parameter__name");
      field.ariaLabel = (title?.textContent ?? title) || head?.textContent || "Value";
    }
  }
  viewer.querySelector(".close-modal")?.setAttribute("aria-label", "Close");
  for (const button of viewer.querySelectorAll(".modal-btn[aria-label]")) {
    button.removeAttribute("aria-label"); // it says something else than the button does
  }
  for (const example of viewer.querySelectorAll("pre:not([tabindex])")) {
    example.tabIndex = 0;
  }
};
new MutationObserver(nameFields).observe(viewer, { childList: true, subtree: true });

const form = document.getElementById("login");
if (form !== null) {
  const said = document.getElementById("said");
  const logout = document.getElementById("logout");
  const { path, logout: logoutPath, scheme } = form.dataset;
  let token = null; // in this page only: closed, it is forgotten

  const basic = (name, password) => {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    return "Basic " + btoa(String.fromCharCode(...bytes));
  };

  const send = async (url, authorization) => {
    try {
      return await fetch(url, { method: "POST", headers: { Authorization: authorization }, credentials: "omit" });
    } catch {
      return null;
    }
  };

  const reason = async (answer) => {
    if (answer === null) {
      return "The server does not answer.";
    }
    const body = await answer.json().catch(() => ({}));
    return `${answer.status}: ${body.error ?? answer.statusText}`;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const answer = await send(path, basic(fields.get("username"), fields.get("password")));
    if (answer === null || !answer.ok) {
      said.textContent = await reason(answer);
      return;
    }
    token = await answer.text();
    ui.preauthorizeApiKey(scheme, token);
    said.textContent = `Logged in as ${fields.get("username")}.`;
    form.elements.password.value = "";
    logout.hidden = false;
  });

  logout.addEventListener("click", async () => {
    const answer = await send(logoutPath, `Bearer ${token}`);
    token = null;
    ui.authActions.logout([scheme]);
    logout.hidden = true;
    said.textContent = answer !== null && answer.ok ? "Logged out." : await reason(answer);
  });
}
