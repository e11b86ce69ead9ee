"use strict";
(function () {
  const at = (id) => document.getElementById(id);
  const charts = new Charts(at("charts"));
  const recent = []; // the last points, for the big numbers
  const steady = 5; // seconds that they are taken over
  let hello = null, frame = null, lastSeen = 0, paused = false, source = null, over = false;

  // Everything from outside is set as text, never as markup.
  function put(id, text) { if (at(id).textContent !== text) at(id).textContent = text; }

  function big(id, kind, v) {
    const [number, unit] = v == null ? ["–", ""] : format[kind](v);
    const element = at(id);
    element.textContent = number;
    if (unit) element.appendChild(document.createElement("small")).textContent = unit;
  }

  function mean(name) {
    const i = hello.curves.indexOf(name);
    const values = recent.map((p) => p[i]).filter((v) => v != null);
    return values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0;
  }

  // fill makes the rows of a table; cells are texts, or functions that fill their cell.
  // mark says which lines are to be looked at.
  function fill(id, lines, columns, mark) {
    const table = at(id), body = table.tBodies[0];
    while (body.rows.length > lines.length) body.deleteRow(-1);
    lines.forEach((line, r) => {
      const row = body.rows[r] || body.insertRow();
      if (mark) row.dataset.mark = mark(line);
      columns.forEach((column, c) => {
        let cell = row.cells[c];
        if (!cell) {
          cell = row.appendChild(document.createElement(c === 0 ? "th" : "td"));
          if (c === 0) cell.scope = "row";
          cell.className = column.kind || "";
        }
        const content = column.of(line);
        if (column.kind === "bar") return progress(cell, content);
        if (cell.textContent !== content) cell.textContent = content;
        if (column.kind === "text") cell.title = content;
      });
    });
    const none = table.closest("section").querySelector(".none");
    if (none) {
      none.hidden = lines.length > 0;
      table.closest(".scroll").hidden = lines.length === 0;
    }
  }

  function progress(cell, share) {
    if (!cell.firstChild) {
      const line = cell.appendChild(document.createElement("div"));
      line.appendChild(document.createElement("progress")).max = 1;
      line.appendChild(document.createElement("span"));
    }
    const [bar, text] = cell.firstChild.children;
    bar.value = Math.min(share, 1);
    text.textContent = Math.floor(100 * share) + " %";
    bar.setAttribute("aria-label", text.textContent);
  }

  const say = (kind) => (v) => format.text(kind, v);
  const count = say("count"), pace = say("pace"), bytes = say("bytes"), seconds = say("seconds");
  const perSecond = (v) => (v > 0 ? format.text("rate", v) : "–");

  const uploadColumns = [
    { kind: "text", of: (u) => u.client }, { kind: "text", of: (u) => u.file },
    { kind: "bar", of: (u) => (u.size ? u.received / u.size : 0) },
    { kind: "n", of: (u) => bytes(u.size) }, { kind: "n", of: (u) => pace(u.received / Math.max(u.seconds, 0.1)) },
    { kind: "n", of: (u) => format.span(u.seconds) },
  ];
  const requestColumns = [
    { of: (o) => o.op }, { kind: "n", of: (o) => perSecond(o.rate) }, { kind: "n", of: (o) => seconds(o.p50) },
    { kind: "n", of: (o) => seconds(o.p99) }, { kind: "n", of: (o) => seconds(o.wait) },
    { kind: "n", of: (o) => o.total.toLocaleString("en") }, { kind: "n", of: (o) => o.refused.toLocaleString("en") },
  ];
  const causeColumns = [
    { of: (c) => c.reason }, { of: (c) => c.what }, { kind: "n", of: (c) => perSecond(c.rate) },
    { kind: "n", of: (c) => c.total.toLocaleString("en") },
    { kind: "n", of: (c) => (c.last ? format.span((frame.time - c.last) / 1000) + " ago" : "–") },
  ];

  const amount = (q, n) => (q.kind === "bytes" ? bytes(n) : n.toLocaleString("en"));
  const quotaState = (q) => (q.used >= q.limit ? "full" : q.near ? "near" : "");
  const quotaStates = { full: "Used up", near: "Nearly used up", "": "–" };
  const quotaColumns = [
    { kind: "text", of: (q) => q.client || "All clients" }, { of: (q) => q.kind },
    { kind: "mark", of: (q) => quotaStates[quotaState(q)] }, { kind: "bar", of: (q) => q.used / q.limit },
    { kind: "n", of: (q) => amount(q, q.used) }, { kind: "n", of: (q) => amount(q, q.limit) },
  ];

  function tiles(f) {
    big("connections", "count", curve(f, "connections"));
    put("connections-sub", "of " + count(hello.maxConnections) + (curve(f, "paused") ? ", " + count(curve(f, "paused")) + " paused" : ""));
    big("received", "pace", mean("received"));
    put("received-sub", bytes(f.files.bytes) + " stored");
    big("sessions", "rate", mean("sessions"));
    put("sessions-sub", format.text("rate", mean("files")) + " files");
    big("latency", "seconds", curve(f, "p99"));
    put("latency-sub", "p50 " + seconds(curve(f, "p50")));
    big("uploads", "count", curve(f, "uploads"));
    put("uploads-sub", count(f.files.waiting) + " wait for a verdict");
    big("refused", "rate", mean("refused"));
    put("refused-sub", count(f.files.rejected) + " files rejected" + (f.banned ? ", " + count(f.banned) + " banned" : ""));
    big("memory", "bytes", curve(f, "memory"));
    at("memory-meter").value = curve(f, "memory") / hello.budget;
    put("memory-sub", "of " + bytes(hello.budget) + (f.waitingForMemory ? ", " + count(f.waitingForMemory) + " wait" : ""));
    big("disk", "bytes", f.storage.known ? f.storage.free : null);
    at("disk-meter").value = f.storage.known ? 1 - f.storage.free / f.storage.size : 0;
    put("disk-sub", f.storage.known ? "of " + bytes(f.storage.size) : "unknown");
  }

  function curve(f, name) { return f.point[hello.curves.indexOf(name)]; }

  function storage(f) {
    const s = f.storage, faults = s.full + s.failed;
    const items = [
      ["Commits", perSecond(s.commits)], ["Changes a commit", s.jobs ? s.jobs.toFixed(1) : "–"],
      ["Commit p50, p99", seconds(s.commitP50) + ", " + seconds(curve(f, "commit"))],
      ["Database flush p50, p99", seconds(s.logP50) + ", " + seconds(s.logP99)],
      ["File flush p50, p99", seconds(s.flushP50) + ", " + seconds(curve(f, "flush"))],
      ["Uploads held", count(s.open)], ["To be removed", count(s.removals)], ["Database", bytes(s.database)],
      ["Faults", count(faults), faults > 0], ["Of them for space", count(s.full), s.full > 0],
      ["Files acknowledged", f.files.verified.toLocaleString("en")], ["Files discarded", f.files.discarded.toLocaleString("en")],
      ["Memory, peak", bytes(f.peak)], ["Panics", count(f.panics), f.panics > 0],
    ];
    const list = at("storage");
    items.forEach(([name, text, alarm], i) => {
      let item = list.children[i];
      if (!item) {
        item = list.appendChild(document.createElement("div"));
        item.appendChild(document.createElement("dt")).textContent = name;
        item.appendChild(document.createElement("dd"));
      }
      item.lastChild.textContent = text;
      item.lastChild.className = alarm ? "alarm" : "";
    });
  }

  function render() {
    if (!frame || !hello) return;
    tiles(frame);
    charts.draw();
    fill("uploads-table", frame.uploads || [], uploadColumns);
    const clients = frame.clients || [], all = Math.max(mean("received"), clients.reduce((a, c) => a + c.rate, 0), 1);
    fill("clients-table", clients, [{ kind: "text", of: (c) => c.client }, { kind: "bar", of: (c) => c.rate / all }, { kind: "n", of: (c) => pace(c.rate) }]);
    fill("requests-table", (frame.requests || []).filter((o) => o.op !== "unknown" || o.total), requestColumns);
    fill("causes-table", frame.causes || [], causeColumns);
    fill("quotas-table", frame.quotas.lines || [], quotaColumns, quotaState);
    put("quotas-none", frame.quotas.set ? "Each client has a quota; nobody sent content lately." : "No quota is set.");
    storage(frame);
    put("uptime", "up " + format.span((frame.time - hello.instance / 1e6) / 1000));
    document.title = format.text("pace", mean("received")) + " – sealquay";
    document.documentElement.dataset.frames = Number(document.documentElement.dataset.frames || 0) + 1;
  }

  const stateNames = { ready: "Ready", draining: "Draining", failing: "Storage fails", lost: "No connection" };

  function state(name, why) {
    const element = at("state"), banner = at("banner");
    if (element.dataset.state !== name || element.textContent !== stateNames[name]) {
      element.dataset.state = name;
      element.firstElementChild.textContent = stateNames[name];
    }
    banner.hidden = !why;
    banner.dataset.state = name;
    put("banner", why || "");
    document.body.toggleAttribute("data-stale", name === "lost");
    if (name === "lost" || name === "failing") document.title = stateNames[name] + " – sealquay";
  }

  function lost() {
    const since = lastSeen ? " The figures are from " + new Date(lastSeen).toLocaleTimeString("en-GB") + "." : "";
    state("lost", (over ? "The server has ended." : "The server does not answer.") + since + " Trying again …");
  }

  function connect() {
    source = new EventSource("events");
    source.addEventListener("hello", (e) => {
      hello = JSON.parse(e.data);
      over = false;
      recent.length = 0;
      recent.push(...(hello.points || []).slice(-steady));
      charts.reset(hello.curves, hello.kept, hello.times || [], hello.points || []);
      put("addr", hello.addr);
      put("version", hello.version);
    });
    source.addEventListener("frame", (e) => {
      frame = JSON.parse(e.data);
      lastSeen = Date.now();
      if (charts.times.length === 0 || frame.time / 1000 > charts.times[charts.times.length - 1]) {
        recent.push(frame.point);
        if (recent.length > steady) recent.shift();
        charts.add(frame.time, frame.point);
      }
      if (!paused) render();
      state(frame.state, frame.why);
    });
    source.addEventListener("bye", () => { over = true; lost(); });
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) { // it was refused, and gives up by itself
        source.close();
        setTimeout(connect, 5000);
      }
    };
  }

  // A server that hangs keeps its connections open.
  setInterval(() => { if (lastSeen && Date.now() - lastSeen > 5000) lost(); }, 1000);

  at("pause").addEventListener("click", () => {
    paused = !paused;
    at("pause").setAttribute("aria-pressed", String(paused));
    put("pause", paused ? "Paused" : "Pause");
    if (!paused) render();
  });

  const themes = ["auto", "light", "dark"];
  function theme(name) {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    put("theme", "Theme: " + name);
    if (hello) charts.restyle();
  }
  function stored() { try { return localStorage.getItem("theme"); } catch { return null; } }
  let chosen = themes.includes(stored()) ? stored() : "auto";
  at("theme").addEventListener("click", () => {
    chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
    try { localStorage.setItem("theme", chosen); } catch { /* it lasts as long as the page */ }
    theme(chosen);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (hello) charts.restyle(); });
  theme(chosen);
  connect();
})();
