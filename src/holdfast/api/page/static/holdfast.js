// The one script of the page. It lays newer HTML of the same screen over the old one when the server
// says that something changed, sends what a person does to the REST API, and knows the keyboard.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const main = () => $("#main");
  const below = (path) => document.documentElement.dataset.below.slice(0, -1) + path; // the page may have a root path
  // What the server lays out (tree, diffs) depends on the width; the style sheet turns at the same one.
  const narrow = matchMedia("(max-width: 48rem)");
  const width = () => (narrow.matches ? "narrow" : "wide");

  // --- small things ---------------------------------------------------------------------------
  const toast = (words, bad = false) => {
    const box = document.createElement("div");
    box.className = bad ? "toast bad" : "toast";
    box.textContent = words;
    $("#toasts").append(box);
    setTimeout(() => box.remove(), bad ? 9000 : 3500);
  };
  const setCookie = (name, value) => {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=${below("/")}; max-age=31536000; samesite=lax`;
  };
  const getCookie = (name) => {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  };
  const long = (seconds, whole) => {
    const s = Math.floor(seconds);
    if (s < 60) return `${s} s`;
    if (s < 3600) return whole || s % 60 === 0 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
    if (s < 86400) return `${Math.floor(s / 3600)} h` + (Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : "");
    const days = Math.floor(s / 86400), hours = Math.floor((s % 86400) / 3600);
    return !hours ? `${days} d` : `${days} d ${hours} h`;
  };
  const tick = () => {
    for (const time of $$("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const words = Math.abs(seconds) < 5 ? (seconds >= 0 ? "just now" : "in a moment")
        : seconds > 0 ? `${long(seconds, true)} ago` : `in ${long(-seconds, true)}`;
      if (time.textContent !== words) time.textContent = words;
    }
    for (const time of $$("time[data-until]")) {
      const left = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const words = left > 0 ? long(left, false) : "a moment";
      if (time.textContent !== words) time.textContent = words;
    }
    for (const time of $$("time[data-since]")) {
      const words = long(Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000), false);
      if (time.textContent !== words) time.textContent = words;
    }
  };

  // --- newer HTML over the old one ------------------------------------------------------------
  // Elements are matched by id, else by their place; focus, scrolling, open details and what a
  // person has typed or ticked stay as they are.
  const morph = (old, fresh) => {
    if (old.nodeType !== 1 || fresh.nodeType !== 1 || old.tagName !== fresh.tagName) {
      if (old.nodeType === 3 && fresh.nodeType === 3) {
        if (old.data !== fresh.data) old.data = fresh.data;
        return old;
      }
      old.replaceWith(fresh);
      return fresh;
    }
    if (old.hasAttribute("data-keep")) return old;
    for (const { name } of [...old.attributes]) {
      const stays = (name === "open" && (old.tagName === "DETAILS" || old.tagName === "DIALOG")) || (name === "viewBox" && old.dataset.zoomed);
      if (!fresh.hasAttribute(name) && !stays && name !== "data-zoomed") old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (name === "open" && old.tagName === "DETAILS") continue;
      if (name === "viewBox" && old.dataset.zoomed) continue;
      if (name === "value" && (old === document.activeElement || old.type === "checkbox")) continue;
      if (name === "hidden" && old.hasAttribute("data-own")) continue;
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const idOf = (node) => (node.nodeType === 1 ? node.getAttribute("id") : null); // `form.id` may be a field of that name
    const byId = new Map([...old.children].filter(idOf).map((child) => [idOf(child), child]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const same = byId.get(idOf(next));
      if (same) {
        if (same !== at) old.insertBefore(same, at);
        else at = at.nextSibling;
        morph(same, next);
      } else if (at && !byId.has(idOf(at)) && !idOf(next) && at.nodeType === next.nodeType && at.nodeName === next.nodeName) {
        const following = at.nextSibling;
        morph(at, next);
        at = following;
      } else {
        old.insertBefore(next, at);
      }
    }
    while (at) {
      const following = at.nextSibling;
      at.remove();
      at = following;
    }
    return old;
  };

  let loading = null;
  const load = async (url, { jump = false } = {}) => {
    if (loading) loading.abort();
    const mine = (loading = new AbortController());
    try {
      const answer = await fetch(url, { headers: { "X-Holdfast-Fragment": "1", "X-Holdfast-Width": width() }, signal: mine.signal });
      if (answer.status === 401) return void location.assign(`${below("/login")}?return_url=${encodeURIComponent(location.pathname.slice(below("").length) + location.search)}`);
      const box = document.createElement("template");
      box.innerHTML = await answer.text();
      const fresh = $("#main", box.content);
      if (!fresh || mine.signal.aborted) return;
      if (jump) main().replaceWith(fresh);
      else morph(main(), fresh);
      if (jump) window.scrollTo(0, 0);
      settle();
    } catch (error) {
      if (error.name !== "AbortError") live.say("off");
    } finally {
      if (loading === mine) loading = null;
    }
  };
  const again = () => load(location.pathname + location.search);
  const go = (url) => {
    const there = new URL(url, location.href), jump = there.pathname !== location.pathname;
    history.pushState({}, "", there.pathname + there.search); // first, so that a live refresh meanwhile is of the new screen
    return load(there.pathname + there.search, { jump });
  };
  const settle = () => {
    document.title = main().dataset.title || document.title;
    tick();
    live.watch();
    picks.show();
    zoom.ready();
    logs.watch();
    for (const field of $$("[data-show-if]")) showIf(field);
    const find = $("[data-find]");
    if (find && find !== document.activeElement) find.value = new URLSearchParams(location.search).get("find") || "";
    sift();
    fits();
  };

  // What does not hold the words that were typed is out of the list; in the tree it is dimmed.
  const sift = () => {
    const words = $("[data-find]")?.value.trim().toLowerCase();
    if (words === undefined) return;
    for (const item of $$("[data-item]")) {
      const row = item.closest("li, tr") || item.closest("details") || item;
      row.toggleAttribute("data-out", !row.textContent.toLowerCase().includes(words));
    }
  };
  let told = "";
  const fits = () => {
    if (told !== width()) setCookie("holdfast.width", (told = width())); // a cookie costs a millisecond
    const laid = $("[data-laid]");
    if (!laid || laid.dataset.laid === width()) return;
    delete $("#tree")?.dataset.zoomed;
    again();
  };

  // --- live -----------------------------------------------------------------------------------
  // One refresh at a time; while one runs, any number of messages become one more. A burst on the
  // list of all applications is shown at most three times a second.
  const live = {
    source: null, what: "", waiting: false, running: false, last: 0,
    say(state) {
      const mark = $("#live");
      mark.dataset.state = state;
      $(".live-words").textContent = { on: "live", off: "not live, trying again" }[state] || "";
    },
    watch() {
      const wanted = main().dataset.live || "";
      if (wanted === this.what) return;
      this.what = wanted;
      if (this.source) this.source.close();
      this.source = null;
      if (!wanted) return this.say("none"); // nothing is streamed here
      const source = (this.source = new EventSource(below("/live") + (wanted === "*" ? "" : wanted)));
      let opened = false;
      source.onopen = () => {
        this.say("on");
        if (opened) this.changed(); // something may have been missed meanwhile
        opened = true;
      };
      source.onmessage = () => this.changed();
      source.onerror = () => this.say("off");
    },
    async changed() {
      this.waiting = true;
      if (this.running || document.hidden) return;
      this.running = true;
      try {
        while (this.waiting && !document.hidden) {
          const gap = (this.what.includes("app=") ? 60 : 330) - (performance.now() - this.last);
          if (gap > 0) await new Promise((done) => setTimeout(done, gap));
          this.waiting = false;
          this.last = performance.now();
          if ($("dialog[open]:not(#keys)")) { this.waiting = true; break; }
          await again();
        }
      } finally {
        this.running = false;
      }
    },
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && live.waiting) live.changed(); });

  // --- what a person does ---------------------------------------------------------------------
  const call = async (method, path, body) => {
    const answer = await fetch(below(path), {
      method,
      headers: { "Content-Type": "application/json" },
      body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
    });
    if (answer.ok) return answer.json().catch(() => ({}));
    let words = `${answer.status} ${answer.statusText}`;
    try {
      const told = await answer.json();
      words = typeof told.error === "object" ? [told.error.message, told.error.hint].filter(Boolean).join(" — ") : told.message || told.error || words;
    } catch { /* the status says enough */ }
    throw new Error(words);
  };
  const confirmed = (element) => {
    const { confirm, confirmYes = "Yes", confirmTitle = "Are you sure?", confirmType } = element.dataset;
    if (!confirm) return Promise.resolve(true);
    const box = $("#confirm"), yes = $("#confirm-yes"), typed = $("#confirm-typed"), field = $("input", typed);
    $("#confirm-title").textContent = confirmTitle;
    $("#confirm-words").textContent = confirm;
    yes.textContent = confirmYes;
    yes.classList.toggle("danger", "confirmDanger" in element.dataset);
    typed.hidden = !confirmType;
    $("span", typed).textContent = confirmType ? `Type “${confirmType}” to go on` : "";
    field.value = "";
    yes.disabled = !!confirmType;
    field.oninput = () => { yes.disabled = field.value !== confirmType; };
    box.returnValue = "";
    box.showModal();
    return new Promise((done) => box.addEventListener("close", () => done(box.returnValue === "yes"), { once: true }));
  };
  const act = async (element) => {
    if (!(await confirmed(element))) return;
    element.classList.add("busy");
    try {
      for (const step of JSON.parse(element.dataset.before || "[]")) await call(step.method, step.path, step.body);
      const body = element.dataset.body ? JSON.parse(element.dataset.body) : undefined;
      const [flag, box] = (element.dataset.flag || "").split("=");
      if (flag && $(box)?.checked) body[flag] = true;
      await call(element.dataset.call, element.dataset.path, body);
      if (element.dataset.done) toast(element.dataset.done);
      if (element.dataset.then) await go(below(element.dataset.then));
      else await again();
    } catch (error) {
      toast(error.message, true);
    } finally {
      element.classList.remove("busy");
    }
  };
  // Names are paths: `a.b`, `a[]` for lists; data-json values are parsed; data-number are numbers.
  const put = (tree, name, value) => {
    const parts = name.split(".");
    const last = parts.pop();
    let node = tree;
    for (const part of parts) node = node[part] ??= {};
    if (last.endsWith("[]")) (node[last.slice(0, -2)] ??= []).push(value);
    else node[last] = value;
  };
  const collect = (form) => {
    const tree = form.dataset.body ? JSON.parse(form.dataset.body) : {};
    const whole = new Set($$("[data-all]", form).filter((box) => $$(`[name="${box.dataset.all}"]`, form).every((one) => one.checked)).map((box) => box.dataset.all));
    for (const field of form.elements) {
      if (!field.name || field.disabled || whole.has(field.name) || field.name.startsWith("-")) continue;
      if ((field.type === "checkbox" || field.type === "radio") && !field.checked) continue;
      let value = field.type === "checkbox" && !field.hasAttribute("value") ? true : field.value;
      if (value === "" && !("empty" in field.dataset)) continue;
      if ("json" in field.dataset) value = JSON.parse(value);
      if ("number" in field.dataset) value = Number(value);
      if (field.type === "datetime-local") value = new Date(value).toISOString();
      put(tree, field.name, value);
    }
    return tree;
  };
  const send = async (form) => {
    const problem = $(".problem", form), button = $("[type=submit]", form);
    if (problem) problem.hidden = true;
    const choices = $$("[data-all]", form).flatMap((box) => $$(`[name="${box.dataset.all}"]`, form));
    if (choices.length && !choices.some((box) => box.checked)) { // none would mean all to the API
      problem.textContent = "Choose at least one object.";
      problem.hidden = false;
      return;
    }
    if (!(await confirmed(form))) return;
    button?.classList.add("busy");
    try {
      const told = await call(form.dataset.form, form.dataset.path, collect(form));
      form.closest("dialog")?.close();
      if (form.dataset.done) toast(form.dataset.done);
      if (form.dataset.reveal) { // shown once: the server keeps no copy
        const box = $(".revealed", form);
        $("output", box).textContent = told[form.dataset.reveal];
        box.hidden = false;
        await again();
      } else if (form.dataset.path === "/api/v1/session" || form.dataset.then === "/login") location.assign(below(form.dataset.then));
      else if (form.dataset.then) await go(below(form.dataset.then));
      else await again();
    } catch (error) {
      if (!problem) return toast(error.message, true);
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button?.classList.remove("busy");
    }
  };
  // Forms that work without a script: the screen that they answer with takes the place of this one.
  const post = async (form, by) => {
    if (by && !(await confirmed(by))) return;
    by?.classList.add("busy");
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { "X-Holdfast-Fragment": "1", "X-Holdfast-Width": width() }, body: new URLSearchParams(new FormData(form, by)) });
      if (answer.status === 401) return toast("You are signed out. Sign in in another tab, then send this again.", true);
      const box = document.createElement("template");
      box.innerHTML = await answer.text();
      const fresh = $("#main", box.content), there = new URL(answer.url);
      if (!fresh) throw new Error(`${answer.status} ${answer.statusText}`);
      loading?.abort(); // an older answer must not be laid over this one
      main().replaceWith(fresh);
      if (answer.redirected) { history.pushState({}, "", there.pathname + there.search); window.scrollTo(0, 0); }
      settle();
      const first = $("[data-focus]", fresh) || $("#trial", fresh);
      first?.scrollIntoView({ block: "start" });
      first?.focus({ preventScroll: true });
    } catch (error) {
      toast(error.message, true);
    } finally {
      by?.classList.remove("busy");
    }
  };
  const showIf = (field) => {
    const [name, value] = field.dataset.showIf.split("=");
    const chosen = $(`[name="${name}"]:checked`) || $(`select[name="${name}"]`);
    field.hidden = !chosen || chosen.value !== value;
    for (const inner of $$("input, select, textarea", field)) inner.disabled = field.hidden;
  };

  // --- many at once ---------------------------------------------------------------------------
  const picks = {
    chosen: () => $$(".pick:checked"),
    show() {
      const bar = $("#bulk");
      if (!bar) return;
      const count = this.chosen().length;
      bar.hidden = count === 0;
      $("#bulk-count").textContent = count;
    },
    async each(words, one) {
      const chosen = this.chosen();
      let failed = 0;
      for (const box of chosen) {
        try { await one(box); } catch (error) { failed += 1; toast(`${box.value}: ${error.message}`, true); }
      }
      toast(`${words} ${chosen.length - failed} of ${chosen.length}`);
      await again();
    },
    set(value) { for (const box of $$(".pick")) box.checked = value; this.show(); },
  };

  // --- logs -----------------------------------------------------------------------------------
  // The server sends lines as events; at most 5,000 stay, and the end stays in sight until the
  // reader scrolls away from it. A connection that was lost begins anew.
  const logs = {
    source: null, what: "",
    watch() {
      const box = $("[data-log]"), wanted = box?.dataset.log || "";
      if (wanted === this.what) return;
      this.what = wanted;
      this.source?.close();
      this.source = null;
      if (!wanted) return;
      const list = $("#log"), source = (this.source = new EventSource(below(wanted))), pods = [];
      const say = (words) => { $("#log-state").textContent = words; };
      let lines = [], due = 0, count = 0;
      const piece = (tag, words, name) => Object.assign(document.createElement(tag), { textContent: words, className: name });
      const row = ({ content, timeStampStr, podName }) => {
        const item = document.createElement("li"), text = content.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, ""), mark = box.dataset.mark.toLowerCase();
        if (!pods.includes(podName)) pods.push(podName);
        item.append(piece("time", timeStampStr.slice(0, 23).replace("T", " ") + " ", ""), piece("b", podName + " ", `o${pods.indexOf(podName) % 8}`));
        const at = mark ? text.toLowerCase().indexOf(mark) : -1;
        if (at < 0) item.append(text || "\u00a0");
        else item.append(text.slice(0, at), piece("mark", text.slice(at, at + mark.length), ""), text.slice(at + mark.length));
        return item;
      };
      const show = () => {
        const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
        count += lines.length;
        list.append(...lines.slice(-5000).map(row));
        [lines, due] = [[], 0];
        while (list.childElementCount > 5000) list.firstChild.remove();
        list.classList.toggle("many", pods.length > 1);
        if (atEnd) list.scrollTop = list.scrollHeight;
      };
      source.onopen = () => { list.replaceChildren(); count = 0; say("Nothing yet. New lines appear here."); };
      source.onmessage = ({ data }) => {
        const { result, error } = JSON.parse(data);
        if (!error && !result.last) lines.push(result);
        due ||= setTimeout(() => {
          show();
          const ended = source.readyState === 2, words = `${count.toLocaleString("en").replaceAll(",", "\u202f")} line${count === 1 ? "" : "s"}`;
          say(error ? error.message : ended ? (count ? `${words}, the end` : "Nothing was printed.") : `${words}, live`);
        }, 40);
        if (error || result.last) source.close();
      };
      source.onerror = () => say(source.readyState === 2 ? "The log cannot be read." : "The connection was lost; trying again.");
    },
  };

  const doings = {
    copy: (button) => navigator.clipboard.writeText($$(button.dataset.of).map((line) => line.textContent).join("\n") + "\n").then(() => toast("Copied"), () => toast("The browser does not let this page copy.", true)),
    theme() {
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
      document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
      setCookie("holdfast.theme", document.documentElement.dataset.theme);
    },
    star(button) {
      const kept = new Set(getCookie("holdfast.favourites").split("~").filter(Boolean));
      const app = button.dataset.app;
      if (!kept.delete(app)) kept.add(app);
      setCookie("holdfast.favourites", [...kept].slice(-80).join("~"));
      button.setAttribute("aria-pressed", kept.has(app));
      again();
    },
    async "sign-out"() {
      await call("DELETE", "/api/v1/session").catch(() => {});
      location.assign(below("/login"));
    },
    "pick-all": () => picks.set(true),
    "pick-none": () => picks.set(false),
    "bulk-refresh": () => picks.each("Refreshed", (box) => call("GET", `${box.dataset.api}?refresh=normal&${box.dataset.query}`)),
    async "bulk-sync"(button) {
      const chosen = picks.chosen().filter((box) => box.dataset.sync === "yes");
      button.dataset.confirmTitle = `Sync ${chosen.length} application${chosen.length === 1 ? "" : "s"}?`;
      button.dataset.confirm = "Each is brought to what its repository says now. Nothing is pruned.\n\n" + chosen.slice(0, 12).map((box) => box.value).join("\n") + (chosen.length > 12 ? `\nand ${chosen.length - 12} more` : "");
      button.dataset.confirmYes = "Sync";
      if (!(await confirmed(button))) return;
      for (const box of $$('.pick[data-sync="no"]')) box.checked = false;
      await picks.each("Sync begun for", (box) => call("POST", `${box.dataset.api}/sync`, { appNamespace: box.dataset.namespace, project: box.dataset.project }));
    },
    "check-all": (button) => { for (const box of $$(`[name="${button.dataset.name}"]`)) box.checked = true; },
    "check-none": (button) => { for (const box of $$(`[name="${button.dataset.name}"]`)) box.checked = false; },
    "check-differing": (button) => { for (const box of $$(`[name="${button.dataset.name}"]`)) box.checked = box.dataset.status !== "Synced"; },
    "zoom-in": () => zoom.by(1.25),
    "zoom-out": () => zoom.by(0.8),
    "zoom-fit": () => zoom.fit(),
  };

  // --- the tree -------------------------------------------------------------------------------
  const zoom = {
    svg: null,
    ready() {
      const svg = $("#tree");
      if (!svg) return;
      if (svg === this.svg) return void (svg.dataset.zoomed || this.fit(false)); // newer HTML drew it anew
      this.svg = svg;
      let from = null;
      svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.by(event.deltaY < 0 ? 1.12 : 0.89, event);
      }, { passive: false });
      svg.addEventListener("pointerdown", (event) => { if (event.button === 0) from = { x: event.clientX, y: event.clientY, box: this.box() }; });
      window.addEventListener("pointermove", (event) => {
        if (!from || !(event.buttons & 1)) return void (from = null);
        const dx = event.clientX - from.x, dy = event.clientY - from.y;
        if (Math.abs(dx) + Math.abs(dy) < 4) return;
        const scale = from.box[2] / svg.clientWidth;
        this.show([from.box[0] - dx * scale, from.box[1] - dy * scale, from.box[2], from.box[3]]);
      });
      if (!svg.dataset.zoomed) this.fit(false);
    },
    box() { return this.svg.getAttribute("viewBox").split(" ").map(Number); },
    show(box) {
      this.svg.setAttribute("viewBox", box.map((n) => n.toFixed(1)).join(" "));
      this.svg.dataset.zoomed = "1";
    },
    by(factor, event) {
      if (!this.svg) return;
      const [x, y, w, h] = this.box(), frame = this.svg.getBoundingClientRect();
      const px = event ? (event.clientX - frame.left) / frame.width : 0.5, py = event ? (event.clientY - frame.top) / frame.height : 0.5;
      const nw = Math.min(40000, Math.max(200, w / factor)), nh = (h * nw) / w;
      this.show([x + (w - nw) * px, y + (h - nh) * py, nw, nh]);
    },
    // Fit the whole when that stays legible; else begin at its root in natural size.
    fit(whole = true) {
      if (!this.svg) return;
      const { width, height, fit } = this.svg.dataset, frame = this.svg.getBoundingClientRect();
      if (fit) { this.svg.setAttribute("viewBox", fit); delete this.svg.dataset.zoomed; return; } // as wide as the window, as long as it is
      if (!frame.width) return;
      const scale = Math.max((+width + 32) / frame.width, (+height + 32) / frame.height, 1);
      const used = whole || scale < 1.6 ? scale : 1;
      const w = frame.width * used, h = frame.height * used;
      this.show([used === scale ? (width - w) / 2 : -16, used === scale ? (height - h) / 2 : Math.max(-16, this.svg.dataset.root - h / 2), w, h]);
      if (!whole) delete this.svg.dataset.zoomed;
    },
  };

  // --- keyboard -------------------------------------------------------------------------------
  const move = (key) => {
    const items = $$("[data-item]").filter((item) => item.getClientRects().length && !item.closest("[data-out]"));
    if (!items.length) return false;
    const now = items.indexOf(document.activeElement?.closest("[data-item]"));
    if (now < 0) return items[0].focus(), true;
    const from = items[now].getBoundingClientRect();
    const across = key === "ArrowLeft" || key === "ArrowRight", sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
    let best = null, score = Infinity;
    for (const item of items) {
      const to = item.getBoundingClientRect(), dx = to.left - from.left, dy = to.top - from.top;
      const ahead = (across ? dx : dy) * sign, aside = Math.abs(across ? dy : dx);
      if (ahead > 4 && ahead + aside * 3 < score) { best = item; score = ahead + aside * 3; }
    }
    if (best) { best.focus(); best.scrollIntoView({ block: "nearest" }); }
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target, typing = target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
    if (event.key === "Escape") {
      if (typing) target.blur();
      else if (!$("dialog[open]")) $("[data-close]")?.click();
      return;
    }
    if (target.type === "search" && event.key === "ArrowDown" && move(event.key)) return event.preventDefault();
    if (typing || $("dialog[open]")) return;
    if (event.key === "/") { const field = $("#search"); if (field) { event.preventDefault(); field.focus(); field.select(); } }
    else if (event.key === "?") $("#keys").showModal();
    else if (event.key.startsWith("Arrow")) { if (!target.matches("summary:not([data-item]), [role=slider]") && move(event.key)) event.preventDefault(); }
    else if (event.key === "x") { const box = target.closest("li, tr")?.querySelector(".pick"); if (box) { box.checked = !box.checked; picks.show(); } }
    else if (event.key === "+" || event.key === "=") zoom.by(1.25);
    else if (event.key === "-") zoom.by(0.8);
    else if (event.key === "0") zoom.fit();
    else $(`[data-hot="${CSS.escape(event.key)}"]`)?.click();
  });

  // --- events ---------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target) || event.target.closest("[data-call], a")) menu.open = false;
    const element = event.target.closest("[data-do], [data-call], [data-open], [data-shut], a[data-soft]");
    if (!element || element.tagName === "SELECT") return;
    if (element.matches("a[data-soft]")) {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(element.getAttribute("href")); // in SVG `href` is no text
    } else if (element.dataset.open) $("#" + element.dataset.open)?.showModal();
    else if ("shut" in element.dataset) element.closest("dialog").close();
    else if (element.dataset.call) act(element);
    else doings[element.dataset.do]?.(element);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-form]")) { event.preventDefault(); send(form); }
    else if (form.matches("[data-post]")) { event.preventDefault(); post(form, event.submitter); }
    else if (form.matches("[data-soft]")) { event.preventDefault(); typed(form); }
  });
  const typed = (form) => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    const url = form.getAttribute("action") + (query.size ? `?${query}` : "");
    history.replaceState({}, "", url);
    load(url);
  };
  let pause = 0;
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-find]")) {
      const there = new URL(location.href);
      there.searchParams.set("find", event.target.value.trim());
      if (!event.target.value.trim()) there.searchParams.delete("find");
      history.replaceState({}, "", there);
      return sift();
    }
    const form = event.target.closest("form[data-soft]");
    if (!form) return;
    clearTimeout(pause);
    pause = setTimeout(() => typed(form), 120);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".pick")) picks.show();
    if (event.target.matches('select[data-do="go"]')) go(below(event.target.value));
    for (const field of $$("[data-show-if]")) showIf(field);
  });
  window.addEventListener("resize", () => zoom.ready());
  narrow.addEventListener("change", fits);
  window.addEventListener("popstate", () => load(location.pathname + location.search, { jump: true }));
  if (matchMedia("(max-width: 60rem)").matches) $("#filters")?.removeAttribute("open");
  setInterval(tick, 1000);
  settle();
})();
