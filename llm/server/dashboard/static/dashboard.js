// The pages work without this file; with it they follow what goes on, and can ask for something.
(() => {
  "use strict";
  const root = document.documentElement;
  const THEME = "torre-theme";
  const COUNTS_MS = 2000;
  const ALL_MS = 20000;

  const keptTheme = () => {
    try { return localStorage.getItem(THEME); } catch { return null; }
  };
  const theme = keptTheme(); // before anything is painted
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.classList.add("scripted");

  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function say(words, kind = "") {
    const place = one("#said");
    if (!place) return;
    place.className = words ? `said ${kind}` : "";
    place.textContent = words;
  }

  // Asking: JSON out, an answer or a problem in.
  async function ask(method, path, body, headers = {}) {
    const options = { method, headers: { Accept: "application/json", ...headers } };
    if (body !== undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    try {
      const answer = await fetch(path, options);
      const text = await answer.text();
      return { ok: answer.ok, status: answer.status, told: text ? JSON.parse(text) : {} };
    } catch (error) {
      return { ok: false, status: 0, told: { detail: `The server does not answer (${error.message}).` } };
    }
  }

  const reason = (answer) => answer.told.detail || `The server answered ${answer.status}.`;

  // The theme
  function isDark() {
    return (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  }

  function setUpTheme() {
    const button = one("#theme");
    if (!button) return;
    const show = () => {
      button.textContent = isDark() ? "Light theme" : "Dark theme";
    };
    show();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem(THEME, root.dataset.theme); } catch { /* it holds for this page */ }
      show();
    });
  }

  // Who asks
  function setUpLogin() {
    const form = one("#login");
    form?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const key = form.elements.key.value.trim();
      const answer = await ask("POST", "/v1/session", undefined, { Authorization: `Bearer ${key}` });
      if (!answer.ok) {
        say(answer.status === 401 ? "This key opens nothing here. It may have been revoked." : reason(answer), "bad");
        form.elements.key.select();
        return;
      }
      if (location.pathname === "/login") location.assign("/");
      else location.reload();
    });
    one("#logout")?.addEventListener("click", async () => {
      const answer = await ask("DELETE", "/v1/session");
      if (answer.ok) location.assign("/login");
      else say(reason(answer), "bad");
    });
  }

  // A run is started
  function setUpStart() {
    const form = one("#start");
    form?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const fields = form.elements;
      const checks = fields.checks.value.split("\n").map((line) => line.trim()).filter(Boolean);
      const body = { workspace: fields.workspace.value.trim(), ...(checks.length ? { checks } : {}) };
      const query = new URLSearchParams({ max_seconds: fields.max_seconds.value || "30" });
      if (fields.accept_ambiguous.checked) query.set("accept_ambiguous", "true");
      fields.go.disabled = true;
      const answer = await ask("POST", `/v1/runs?${query}`, body);
      fields.go.disabled = false;
      if (answer.ok) location.assign(`/runs/${encodeURIComponent(answer.told.id)}`);
      else say(reason(answer), "bad");
    });
  }

  // Apply, undo, cancel: one step to confirm, then what happened
  const TOLD = {
    apply: ({ applied }) => `Applied to ${applied.files.join(", ")}. The checks are green on the files.`,
    undo: ({ undone }) => `Taken back, byte for byte: ${undone.files.join(", ")}.`,
    cancel: () => "It is being ended.",
  };

  const asked = new WeakMap(); // dialog → who waits for its answer

  function confirmed(dialog) {
    asked.get(dialog)?.(false); // it was closed, which is told a moment later: by then it is open for another
    return new Promise((resolve) => {
      asked.set(dialog, resolve);
      dialog.returnValue = "";
      dialog.showModal();
    });
  }

  function answered({ target }) {
    if (target.open) return;
    asked.get(target)?.(target.returnValue === "yes");
    asked.delete(target);
  }

  async function change(button) {
    const { change: what, dialog, path, trace, workspace } = button.dataset;
    if (dialog && !(await confirmed(one(`#${dialog}`)))) return;
    const body = what === "cancel" ? undefined : { trace_id: trace, ...(workspace ? { workspace } : {}) };
    button.disabled = true;
    say(what === "apply" ? "Applying: the checks run on the files before it counts …" : "Asking …");
    const answer = await ask("POST", path, body);
    button.disabled = false;
    await refresh(true);
    if (answer.ok) say(TOLD[what](answer.told), "good");
    else say(`${answer.told.applied ? "Rolled back: " : "Refused: "}${reason(answer)}`, answer.told.applied ? "warn" : "bad");
  }

  // What the server has drawn anew takes the place of what it drew before, unless somebody is at work in it
  async function refresh(allOfIt = false) {
    if (one("#following") && !allOfIt) return; // what is followed is further than what can be drawn
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of all("[data-region]")) {
      const next = fresh.getElementById(old.id);
      const used = old.contains(document.activeElement) || one("details[open]", old);
      if (next && (allOfIt || !used)) old.replaceWith(document.adoptNode(next));
    }
    if (allOfIt && document.activeElement === document.body) one("#main").focus();
  }

  function followCounts() {
    const pill = one("#live");
    if (!pill) return;
    let mark = pill.dataset.mark;
    let last = Date.now();
    const look = async () => {
      if (document.hidden) return;
      const answer = await ask("GET", "/live.json");
      if (!answer.ok) return;
      pill.textContent = answer.told.words;
      pill.classList.toggle("live", answer.told.running > 0);
      if (answer.told.mark !== mark || Date.now() - last > ALL_MS) {
        mark = answer.told.mark;
        last = Date.now();
        await refresh();
      }
    };
    setInterval(look, COUNTS_MS);
  }

  // A run as it goes on. All that is told is text: it comes from repositories and models.
  function element(name, text = "", className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const row = (...cells) => {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  };

  const pill = (words, kind) => {
    const cell = document.createElement("td");
    cell.append(element("span", words, `pill ${kind}`));
    return cell;
  };

  const KINDS = { green: "good", passed: "good", red: "bad", checks_red: "bad", PATCH: "good", ADVISORY: "warn" };

  function show(name) {
    one(`#${name}`)?.closest(".card")?.removeAttribute("hidden");
    return one(`#${name} tbody`);
  }

  function told(event) {
    const words = {
      sandbox: () => `Sandbox: ${event.isolation} isolation`,
      checks: () => `Checks: ${event.checks.map((check) => check.name).join(", ") || "none"}`,
      baseline: () => `${event.check} is ${event.outcome} (${event.duration_s.toFixed(1)} s)`,
      triage: () => `Stage ${event.stage}: ${event.reason}`,
      fixer: () => `Fixer: ${event.name}`,
      route: () => `Lanes: ${event.reason}`,
      asking: () => `Asking ${event.lane}, round ${event.round}`,
      answered: () => `${event.lane} answered`,
      lane_failed: () => `${event.lane}: ${event.reason}. ${event.message}`,
      progress: () => event.line,
      ended: () => `${event.outcome}: ${event.summary || event.message || ""}`,
    }[event.kind];
    return words ? words() : "";
  }

  class Follower {
    constructor(place) {
      this.place = place;
      this.candidates = new Map();
      this.passed = 0;
      this.micros = 0;
    }

    take(event) {
      if (event.kind === "checks") event.checks.forEach((check) => this.check(check));
      if (event.kind === "baseline") this.before(event);
      if (event.kind === "candidate") this.candidate(event);
      if (event.kind === "verdict") this.verdict(event);
      if (event.kind === "answered") this.micros += event.cost_usd_micros || 0;
      const words = told(event);
      if (words) this.step(event.at, words);
      this.count();
    }

    step(at, words) {
      const line = document.createElement("li");
      line.append(element("time", new Date(at * 1000).toLocaleTimeString([], { hour12: false })), element("span", words));
      one("#steps").append(line);
      one("#nothing-yet")?.remove();
    }

    check(check) {
      const made = row(element("th", check.name, "wrap"), element("td", check.command, "mono wrap"), pill("waiting", ""));
      made.dataset.check = check.name;
      one("th", made).scope = "row";
      show("live-checks").append(made);
    }

    before(event) {
      const made = all("#live-checks tr").find((each) => each.dataset.check === event.check);
      made?.lastChild.replaceWith(pill(event.outcome, KINDS[event.outcome] || "warn"));
    }

    candidate(event) {
      const made = row(element("th", `${event.index}`), element("td", event.provider), element("td", event.origin, "wrap"), pill("running", "live"));
      one("th", made).scope = "row";
      this.candidates.set(event.index, made);
      show("live-candidates").append(made);
    }

    verdict(event) {
      if (!this.candidates.has(event.index)) this.candidate(event);
      this.passed += event.reason === "passed" ? 1 : 0;
      const words = event.reason.replaceAll("_", " ");
      this.candidates.get(event.index).lastChild.replaceWith(pill(words, KINDS[event.reason] || "warn"));
    }

    count() {
      one("#live-tried").textContent = `${this.candidates.size}`;
      one("#live-passed").textContent = `${this.passed}`;
      one("#live-cost").textContent = `$${(this.micros / 1e6).toFixed(this.micros ? 4 : 2)}`;
    }
  }

  function followRun() {
    const place = one("#following");
    if (!place) return;
    const follower = new Follower(place);
    const source = new EventSource(place.dataset.events);
    const kinds = "sandbox checks baseline triage fixer route asking answered lane_failed candidate verdict progress ended";
    kinds.split(" ").forEach((kind) => source.addEventListener(kind, (event) => follower.take(JSON.parse(event.data))));
    source.addEventListener("state", async (event) => {
      const { state } = JSON.parse(event.data);
      one("#state").textContent = state;
      if (state === "queued" || state === "running") return;
      source.close();
      await refresh(true);
      say(`The run is ${state}.`, "unseen");
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    setUpTheme();
    setUpLogin();
    setUpStart();
    followCounts();
    followRun();
    document.addEventListener("close", answered, true); // it does not bubble
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-change]");
      if (button) change(button);
    });
  });
})();
