// The charts of request rates.
const MOST_OF_A_KIND = 5000;
const KINDS = [
  ["Normal RPS", "decode", "circle"], ["Time Interval Caused Anomaly", "ttft", "triangle-up"],
  ["Burstiness Caused Anomaly", "failed", "square"],
];

async function main() {
  watchTheme();
  const {planned, sent} = JSON.parse(document.getElementById("data").textContent);
  const all = await unpackAll({at: planned.at, kind: planned.kind});
  const actual = sent ? await unpackAll({at: sent.at, kind: sent.kind}) : null;
  const last = Math.max(all.at.at(-1), actual?.at.at(-1) ?? 0) / 1e9;
  time.full = padded([0, last]);
  time.shown = [...time.full];
  rpsChart(planned, all, actual);
  countsChart("counts", planned.rates, "RPS", "Request Count", () => []);
  countsChart("gamma", planned.intervals, "Interval (ms)", "Request Count", () => gammaCurve(planned));
  await drawAll();
}

function rpsChart(planned, all, actual) {
  // Evenly chosen among those in sight where there are too many.
  function points({at, kind}, which, [begin, end], most) {
    const inside = [];
    for (let k = Math.max(1, lowerBound(at, begin * 1e9)); k < at.length && at[k] <= end * 1e9; k++) {
      if (kind[k - 1] === which && at[k] > at[k - 1]) inside.push(k);
    }
    const step = Math.max(1, inside.length / most);
    const chosen = Array.from({length: Math.min(inside.length, most)}, (_, place) => inside[Math.floor(place * step)]);
    return {x: chosen.map((k) => at[k] / 1e9), y: chosen.map((k) => 1e9 / (at[k] - at[k - 1]))};
  }

  function build(view) {
    const kinds = KINDS.map((look, which) => [...look, which]).filter(([, , , which]) => all.kind.includes(which));
    const traces = kinds.map(([name, tone, symbol, which]) => ({
      ...points(all, which, view.x, which ? 1000 : MOST_OF_A_KIND), uid: name, name, mode: "markers",
      marker: {color: faded(tone, which ? 0.9 : 0.5), symbol, size: which ? 7 : 4},
      visible: which ? "legendonly" : true,
    }));
    if (actual) {
      traces.push({
        ...points(actual, 0, view.x, MOST_OF_A_KIND), uid: "actual", mode: "markers",
        name: "Actual RPS: After Excluding Anomalies",
        marker: {color: colour("actual"), symbol: "circle-open", size: 8},
      });
    }
    const {smooth, theory} = planned;
    traces.push({
      x: smooth.x, y: smooth.y, uid: "ewma", name: `${smooth.points}-point EWMA`, mode: "lines",
      line: {color: colour("line-c"), width: 2},
    });
    if (theory) {
      traces.push({
        ...theory, uid: "theory", name: "Theoretical Ramp-up", mode: "lines",
        line: {color: colour("flight"), width: 2, dash: "dash"},
      });
    }
    for (const trace of traces) trace.hovertemplate = "%{x:.3f} s<br>%{y:.3f} req/s<extra></extra>";
    return {
      traces,
      layout: {
        xaxis: timeAxis({range: view.x}), yaxis: axis("RPS", {rangemode: "tozero"}),
        legend: {orientation: "h", y: -0.2, yanchor: "top", x: 0, font: {size: 11}}, margin: {l: 60, r: 20, t: 20, b: 45},
      },
    };
  }

  return new Chart("rps", {build, overTime: true, scroll: true});
}

function countsChart(id, histogram, xTitle, yTitle, more) {
  const {edges, counts} = histogram;
  new Chart(id, {
    build: () => ({
      traces: [{
        type: "bar", x: counts.map((_, bin) => (edges[bin] + edges[bin + 1]) / 2), y: counts, name: "Planned",
        width: counts.map((_, bin) => edges[bin + 1] - edges[bin]), uid: "bars",
        marker: {color: faded("decode", 0.75)}, hovertemplate: "%{x:.4f}: %{y}<extra></extra>",
      }, ...more()],
      layout: {xaxis: axis(xTitle), yaxis: axis(yTitle, {rangemode: "tozero"}), bargap: 0, showlegend: more().length > 0},
    }),
  });
}

// The asked density, as counts in the histogram's bins.
function gammaCurve({intervals: {edges, counts, shape}, mean_ms: mean}) {
  if (!shape || !mean || !counts.length) return [];
  const total = counts.reduce((sum, count) => sum + count, 0), width = edges[1] - edges[0], scale = mean / shape;
  const x = Array.from({length: 200}, (_, k) => edges[0] + (edges.at(-1) - edges[0]) * (k + 0.5) / 200);
  const log = (value) => (shape - 1) * Math.log(value) - value / scale - shape * Math.log(scale) - logGamma(shape);
  return [{
    x, y: x.map((value) => total * width * Math.exp(log(value))), uid: "asked", name: "Asked", mode: "lines",
    line: {color: colour("failed"), width: 2}, hoverinfo: "skip",
  }];
}

// Lanczos' approximation, g = 5: Press et al., Numerical Recipes, 6.1.
function logGamma(z) {
  const factors = [
    76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2,
    -0.5395239384953e-5,
  ];
  const sum = factors.reduce((so, factor, at) => so + factor / (z + at + 1), 1.000000000190015);
  return (z + 0.5) * Math.log(z + 5.5) - (z + 5.5) + Math.log(2.5066282746310005 * sum / z);
}

afterPaint(main);
