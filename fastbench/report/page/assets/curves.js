// Percentile curves of each metric, one beside the other; several runs lie over each other.
const PERCENT_TICKS = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999, 99.99999];

// Pixels beside each other and above each other; and the share of a row below its panel.
const LEAST_WIDTH = 520, ROW_HEIGHT = 240, GAP = 0.3;

function curvesChart(runs) {
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.curves)))];
  const place = (percent) => -Math.log10(1 - percent / 100);
  const div = document.getElementById("curves"), height = div.style.height;

  function traces() {
    return metrics.flatMap((name, panel) => runs.flatMap((run, number) => {
      const curve = run.curves[name];
      if (!curve) return [];
      const axes = panel ? {xaxis: `x${panel + 1}`, yaxis: `y${panel + 1}`} : {};
      const known = curve.nines.filter((nines) => nines <= curve.supported).length;
      const part = (from, to, more) => ({
        x: curve.nines.slice(from, to), y: curve.values.slice(from, to), customdata: curve.percents.slice(from, to),
        text: curve.values.slice(from, to).map(duration),
        name: runs.length > 1 ? run.name : name, legendgroup: `${number}`, mode: "lines", ...axes, ...more,
        hovertemplate: `${name} P%{customdata:.6~f}: %{text}<extra>${runs.length > 1 ? run.name : ""}</extra>`,
      });
      const line = {color: colour(`run-${number % 8}`), width: 2};
      return [
        part(0, known, {uid: `${name}${number}`, line, showlegend: runs.length > 1 && panel === 0}),
        part(Math.max(0, known - 1), undefined, {
          uid: `${name}${number}tail`, line: {...line, dash: "dot"}, showlegend: false,
        }),
      ];
    }));
  }

  function build(view) {
    const columns = metrics.length > 1 && view.width > LEAST_WIDTH ? 2 : 1, rows = Math.ceil(metrics.length / columns);
    div.style.height = rows > 2 ? `${rows * ROW_HEIGHT}px` : height;
    const step = 1 / (rows - GAP);
    const layout = {annotations: [], margin: {l: 70, r: 20, t: runs.length > 1 ? 60 : 30, b: 45}};
    metrics.forEach((name, panel) => {
      const [column, row] = [panel % columns, Math.floor(panel / columns)], suffix = panel ? panel + 1 : "";
      const most = Math.max(...runs.map((run) => run.curves[name]?.nines.at(-1) ?? 0));
      const ticks = PERCENT_TICKS.filter((percent) => place(percent) <= most + 1e-9);
      const x = columns === 1 ? [0, 1] : [column * 0.54, column * 0.54 + 0.46];
      const y = [(rows - 1 - row) * step, (rows - 1 - row) * step + (1 - GAP) * step];
      const values = runs.flatMap((run) => run.curves[name]?.values ?? []);
      const low = Math.min(...values), high = Math.max(...values), log = low > 0 && high / low > 50;
      layout[`xaxis${suffix}`] = axis("percentile", {
        domain: x, anchor: `y${suffix}`, tickvals: ticks.map(place), ticktext: ticks.map(String), tickangle: 0,
      });
      const upright = {domain: y, anchor: `x${suffix}`};
      layout[`yaxis${suffix}`] = log ? durationAxis("", [low, high], upright) : linearDurationAxis("", high, upright);
      layout.annotations.push({
        text: `<b>${name}</b>`, xref: "paper", yref: "paper", x: x[0], y: y[1], xanchor: "left", yanchor: "bottom",
        showarrow: false, font: {size: 13, color: colour("text")},
      });
    });
    return {traces: traces(), layout};
  }

  return new Chart("curves", {build});
}
