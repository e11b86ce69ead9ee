"use strict";

// Numbers for people. Each function returns the number and its unit.
const format = {
  count(v) {
    if (v >= 1e6) return [(v / 1e6).toFixed(v >= 1e7 ? 1 : 2), "M"];
    return [v >= 100 || Number.isInteger(v) ? Math.round(v).toLocaleString("en") : v >= 10 ? v.toFixed(1) : v.toFixed(2), ""];
  },
  rate(v) {
    const [number, unit] = format.count(v);
    return [number, unit + "/s"];
  },
  bytes(v) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let i = 0;
    while (v >= 1024 && i < units.length - 1) { v /= 1024; i++; }
    return [i === 0 || v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2), units[i]];
  },
  pace(v) {
    const [number, unit] = format.bytes(v);
    return [number, unit + "/s"];
  },
  seconds(v) {
    if (v >= 1) return [v >= 10 ? v.toFixed(1) : v.toFixed(2), "s"];
    if (v >= 1e-3) return [v >= 0.1 ? (v * 1e3).toFixed(0) : (v * 1e3).toPrecision(2), "ms"];
    return [(v * 1e6).toFixed(0), "µs"];
  },
  span(s) {
    s = Math.max(0, Math.round(s));
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
    if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
    return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
  },
  text(kind, v) {
    if (v == null) return "–";
    return format[kind](v).filter(Boolean).join(kind === "count" || kind === "rate" ? "" : "\u00a0");
  },
};

// The charts: which curves of the server's each shows.
const plans = [
  { title: "Content received", kind: "pace", lines: [["received", "", "a"]], fill: true },
  { title: "Done each second", kind: "count", lines: [["sessions", "sessions", "a"], ["files", "files", "b"], ["refused", "refused", "d"]] },
  { title: "Time to answer", kind: "seconds", log: true, lines: [["p50", "p50", "a"], ["p99", "p99", "b"]] },
  { title: "Connections", kind: "count", lines: [["connections", "open", "a"], ["uploads", "uploading", "c"], ["paused", "paused", "d"]] },
  { title: "Memory for content", kind: "bytes", lines: [["memory", "in use", "a"]], fill: true },
  { title: "Waiting", kind: "count", lines: [["waiting", "for a worker", "a"], ["jobs", "for a commit", "b"]] },
  { title: "Storage, p99", kind: "seconds", log: true, lines: [["commit", "commit", "a"], ["flush", "flush", "b"]] },
  { title: "Processors busy", kind: "count", lines: [["cpu", "", "a"]], fill: true },
];

// decades are the lines of a logarithmic axis.
function decades(u, axis, low, high) {
  const all = [];
  for (let d = Math.ceil(Math.log10(low) - 1e-9); d <= Math.log10(high) + 1e-9; d++) all.push(Number("1e" + d));
  return all;
}

const powersOfTwo = Array.from({ length: 52 }, (_, i) => 2 ** i);

// Charts draws what the server counted in the last minutes.
class Charts {
  constructor(holder) {
    this.holder = holder;
    this.times = [];
    this.values = {};
    this.charts = plans.map((plan) => this.build(plan));
    new ResizeObserver(() => this.resize()).observe(holder);
  }

  build(plan) {
    const figure = this.holder.appendChild(document.createElement("figure"));
    const caption = figure.appendChild(document.createElement("figcaption"));
    caption.appendChild(document.createElement("span")).textContent = plan.title;
    const keys = plan.lines.map(([, name, colour]) => {
      const key = caption.appendChild(document.createElement("span"));
      key.className = "key";
      key.dataset.colour = colour;
      key.appendChild(document.createElement("i"));
      if (name) key.appendChild(document.createElement("span")).textContent = name;
      return key.appendChild(document.createElement("b"));
    });
    const place = figure.appendChild(document.createElement("div"));
    place.className = "plot";
    place.setAttribute("role", "img");
    return { plan, keys, place, plot: null };
  }

  // reset takes the whole history.
  reset(names, kept, times, points) {
    this.names = names;
    this.kept = kept;
    this.times = times.map((t) => t / 1000);
    this.values = {};
    names.forEach((name, i) => { this.values[name] = points.map((p) => p[i]); });
  }

  add(time, point) {
    time /= 1000;
    if (this.times.length && time <= this.times[this.times.length - 1]) return;
    this.times.push(time);
    this.names.forEach((name, i) => this.values[name].push(point[i]));
    while (this.times.length && this.times[0] < time - this.kept) {
      this.times.shift();
      this.names.forEach((name) => this.values[name].shift());
    }
  }

  // restyle draws anew in the colours of the theme.
  restyle() {
    for (const c of this.charts) {
      if (c.plot) c.plot.destroy();
      c.plot = null;
    }
    this.draw();
  }

  resize() {
    for (const c of this.charts) if (c.plot) c.plot.setSize({ width: c.place.clientWidth, height: c.place.clientHeight });
  }

  // span is the time that is drawn: all there is, at least a minute.
  span() {
    const end = this.times[this.times.length - 1] || Date.now() / 1000;
    return [Math.max(end - this.kept, Math.min(this.times[0] || end, end - 60)), end];
  }

  data(plan) {
    const lift = plan.log ? (v) => (v > 0 ? v : null) : (v) => v;
    return [this.times, ...plan.lines.map(([name]) => (this.values[name] || []).map(lift))];
  }

  draw() {
    for (const c of this.charts) {
      if (c.plot) c.plot.setData(this.data(c.plan));
      else c.plot = this.plot(c);
      this.show(c, null);
      c.place.setAttribute("aria-label", c.plan.title + ", now: " + c.plan.lines.map(([name, label]) =>
        (label ? label + " " : "") + format.text(c.plan.kind, this.last(name))).join(", "));
    }
  }

  last(name) {
    const values = this.values[name] || [];
    return values[values.length - 1];
  }

  // show writes the values under the cursor, or the newest ones.
  show(c, index) {
    c.plan.lines.forEach(([name], i) => {
      const values = this.values[name] || [];
      c.keys[i].textContent = format.text(c.plan.kind, values[index == null ? values.length - 1 : index]);
    });
  }

  plot(c) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const plan = c.plan;
    const font = "12px " + getComputedStyle(document.body).fontFamily;
    const axis = { stroke: colour("dim"), font, grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };
    return new uPlot({
      width: c.place.clientWidth, height: c.place.clientHeight,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 6 }, sync: { key: "all" }, y: false },
      scales: {
        x: { range: () => this.span() },
        y: plan.log
          ? { distr: 3, range: (u, low, high) => (low > 0 ? uPlot.rangeLog(low, Math.max(high, low * 10), 10, true) : [1e-4, 1]) }
          : { range: (u, low, high) => [0, high > 0 ? high * 1.12 : 1] },
      },
      axes: [
        { ...axis, size: 28, gap: 9, space: 70, incrs: [10, 15, 30, 60, 120, 300], values: (u, ticks) => ticks.map((t) => new Date(t * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: t % 60 ? "2-digit" : undefined })) },
        { ...axis, size: 66, space: 28, gap: 6,
          splits: plan.log ? decades : undefined,
          incrs: plan.kind === "bytes" || plan.kind === "pace" ? powersOfTwo : undefined,
          values: (u, ticks) => ticks.map((v) => (v == null ? "" : v === 0 ? "0" : short(plan.kind, v))) },
      ],
      series: [{}].concat(plan.lines.map(([, , name]) => ({
        stroke: colour(name), width: 1.5, points: { show: this.times.length < 2 }, fill: plan.fill ? colour("fill") : undefined,
      }))),
      hooks: { setCursor: [(u) => this.show(c, u.cursor.idx)] },
    }, this.data(plan), c.place);
  }
}

// short is a number on an axis: no digits that say nothing.
function short(kind, v) {
  const [number, unit] = format[kind](v);
  return number.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") + (unit && unit !== "/s" ? " " + unit.replace("/s", "") : "");
}
