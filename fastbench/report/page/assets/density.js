// A cloud of points: each one where there are few, else how many there are in each cell, and quantile lines.
const MOST_POINTS = 2500;
// Percentiles, one hue in three strengths, and how many requests each needs: as the marks in the tables.
const SHARES = [["P50", 0.5, 7], ["P90", 0.9, 44], ["P99", 0.99, 459]];
const IN_BIN = 60, LEAST_BINS = 6, MOST_BINS = 80;

// cloud(): {x, y, picked, xTitle, yTitle, text(at)}: arrays over all requests, and which of them count. xTitle: unless
// overTime. y: ms.
function densityChart(id, {cloud, overTime = false}) {
  function build(view) {
    const {x, y, picked, xTitle, yTitle, text} = cloud();
    const all = extent(x, picked), range = view.x ?? padded(all);
    const [low, high] = extent(y, picked), log = low > 0 && high / low > 30;
    const chosen = view.y ? (log ? view.y.map((power) => 10 ** power) : view.y) : null;
    const inside = picked.filter((at) =>
      x[at] >= range[0] && x[at] <= range[1] && (!chosen || (y[at] >= chosen[0] && y[at] <= chosen[1])));
    const shown = chosen ?? extent(y, inside);
    return {
      traces: [...(inside.length > MOST_POINTS ? [heat(x, y, inside, range, shown, log, view)] :
        [points(x, y, inside, text)]), ...lines(x, y, inside, range)],
      layout: {
        xaxis: overTime ? timeAxis({range}) : axis(xTitle, {range}),
        yaxis: log ? durationAxis(yTitle, [low, high]) : axis(`${yTitle} (ms)`, view.y ? {} : {rangemode: "tozero"}),
      },
    };
  }

  function points(x, y, inside, text) {
    return {
      x: inside.map((at) => x[at]), y: inside.map((at) => y[at]), text: inside.map(text), uid: "points",
      name: "Requests", mode: "markers", cliponaxis: false, marker: {size: 5, color: faded("decode", 0.55)},
      hovertemplate: "%{text}<extra></extra>",
    };
  }

  function heat(x, y, inside, range, shown, log, view) {
    const across = cells(...range, Math.max(40, Math.floor(view.width / 6)), false);
    const up = cells(...shown, Math.max(30, Math.floor(view.height / 5)), log);
    const counts = grid(x, y, inside, across, up);
    return {
      type: "heatmap", x: across.edges, y: up.edges, uid: "heat", name: "Requests", showlegend: false,
      z: counts.map((row) => Array.from(row, (count) => (count ? Math.log10(count) : null))),
      customdata: counts.map((row) => Array.from(row)), hovertemplate: "%{customdata} requests<extra></extra>",
      colorscale: [[0, colour("heat-low")], [0.5, colour("heat-middle")], [1, colour("heat-high")]],
      colorbar: {title: {text: "requests", side: "right"}, thickness: 12, outlinewidth: 0, ...powers(counts)},
    };
  }

  // Of bins of equal width; where one has too few requests there is no line.
  function lines(x, y, inside, range) {
    if (inside.length < 2 * IN_BIN) return [];
    const tones = {P50: "line-a", P90: "line-b", P99: "line-c"}, all = extent(x, inside);
    const count = Math.max(LEAST_BINS, Math.min(MOST_BINS, Math.floor(inside.length / IN_BIN)));
    const found = equalBins(x, y, inside, [Math.max(range[0], all[0]), Math.min(range[1], all[1])], count, SHARES);
    return SHARES.flatMap(([name], line) => found.y[line].some((value) => value !== null) ? [{
      x: found.x, y: found.y[line], uid: name, name, mode: "lines", connectgaps: false,
      line: {color: colour(tones[name]), width: name === "P50" ? 2.2 : 1.6, shape: "hv", dash: name === "P99" ? "dot" : "solid"},
      text: found.y[line].map((value, bin) => `${name}: ${duration(value)} (${found.counts[bin]} requests)`),
      hovertemplate: "%{text}<extra></extra>",
    }] : []);
  }

  return new Chart(id, {build, overTime});
}

function powers(counts) {
  const most = Math.max(...counts.map((row) => Math.max(...row)));
  const values = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 100000].filter((value) => value <= most);
  return {tickvals: values.map(Math.log10), ticktext: values.map(String)};
}

function extent(values, picked) {
  let low = Infinity, high = -Infinity;
  for (const at of picked) {
    if (values[at] < low) low = values[at];
    if (values[at] > high) high = values[at];
  }
  return low > high ? [0, 1] : [low, high];
}
