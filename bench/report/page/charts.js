"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colours = ["#2463c9", "#0f9d77", "#d98c00", "#c2334d", "#7a4fd0", "#4a90a4", "#8a6d3b", "#5f6b7a", "#b0489c"];
  const drawn = [];

  // The time that no figure counts is grey.
  function shade(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = "rgba(102,112,133,0.12)";
    const left = bbox.left, right = bbox.left + bbox.width;
    const from = Math.min(Math.max(u.valToPos(data.from, "x", true), left), right);
    const to = Math.min(Math.max(u.valToPos(data.to, "x", true), left), right);
    ctx.fillRect(left, bbox.top, from - left, bbox.height);
    ctx.fillRect(to, bbox.top, right - to, bbox.height);
    ctx.restore();
  }

  function number(v) {
    if (v == null) return "–";
    const a = Math.abs(v);
    return a >= 100 ? v.toFixed(0) : String(+v.toPrecision(3));
  }

  function draw(id, x, lines, options) {
    const figure = document.getElementById(id);
    if (!lines.length) { figure.remove(); return; }
    const holder = figure.appendChild(document.createElement("div"));
    const plot = new uPlot({
      width: figure.clientWidth - 26,
      height: options.height || 230,
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false, range: (u, low, high) => [0, high] }, y: options.log ? { distr: 3, log: 10 } : { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [
        { stroke: "#667085", grid: { stroke: "#e8ecf2", width: 1 }, values: options.xValues || ((u, ticks) => ticks.map((v) => v + " s")) },
        { stroke: "#667085", grid: { stroke: "#e8ecf2", width: 1 }, size: 76, values: (u, ticks) => ticks.map((v) => (v == null ? "" : number(v) + (options.unit || ""))) },
      ],
      series: [{ label: options.xLabel || "second", value: options.xValue || ((u, v) => number(v)) }].concat(
        lines.map((line, i) => ({ label: line.name, stroke: colours[i % colours.length], width: 2, points: { show: x.length < 3 }, spanGaps: false, value: (u, v) => number(v) + (v == null ? "" : options.unit || "") }))),
      hooks: options.shade === false ? {} : { drawClear: [shade] },
    }, [x].concat(lines.map((line) => line.values)), holder);
    drawn.push({ plot, figure });
  }

  const some = (values) => values.some((v) => v > 0);
  const keep = (lines) => lines.filter((line) => some(line.values));
  draw("throughput", data.seconds, keep([{ name: "sessions/s", values: data.sessions }, { name: "files/s", values: data.files }]), {});
  draw("latency", data.seconds, keep([{ name: "p50", values: data.p50 }, { name: "p90", values: data.p90 }, { name: "p99", values: data.p99 }, { name: "max", values: data.max }]), { log: true, unit: " ms" });
  draw("bytes", data.seconds, keep([{ name: "MiB/s", values: data.mib }]), {});
  draw("active", data.seconds, keep([{ name: "sessions under way", values: data.active }]), {});
  draw("cpu", data.seconds, keep([{ name: "server", values: data.serverCPU }, { name: "generator", values: data.ownCPU }]), {});
  draw("memory", data.seconds, keep([{ name: "server", values: data.serverRSS }, { name: "generator", values: data.ownRSS }]), { unit: " MiB" });
  draw("errors", data.seconds, keep([{ name: "failed", values: data.failed }, { name: "dropped", values: data.dropped }]), {});

  function percentile(x) {
    const digits = Math.max(0, Math.ceil(x) - 2) + (x % 1 ? 1 : 0);
    return (100 * (1 - Math.pow(10, -x))).toFixed(digits) + " %";
  }
  draw("percentiles", data.nines, data.curves, {
    log: true, unit: " ms", shade: false, height: 320, xLabel: "percentile",
    xValues: (u, ticks) => ticks.map((v) => (Number.isInteger(v) ? percentile(v) : "")), xValue: (u, v) => (v == null ? "–" : percentile(v)),
  });

  const bars = document.getElementById("bars");
  const most = Math.max(1, ...(data.bars || []).map((b) => b.count));
  for (const b of data.bars || []) {
    const row = bars.appendChild(document.createElement("div"));
    row.className = "bar";
    row.appendChild(document.createElement("span")).textContent = b.label;
    row.appendChild(document.createElement("div")).appendChild(document.createElement("i")).style.width = (100 * b.count) / most + "%";
    row.appendChild(document.createElement("span")).textContent = b.count;
  }

  window.addEventListener("resize", () => {
    for (const d of drawn) d.plot.setSize({ width: d.figure.clientWidth - 26, height: d.plot.height });
  });
  document.documentElement.dataset.charts = drawn.length;
})();
