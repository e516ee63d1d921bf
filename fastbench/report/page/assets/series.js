// Panels of lines over time, one above the other, sharing the axis of time.
// panels(view): [{title, log, series: [{name, x, y, tone, mode, step, dash, again}]}]; again: the legend has it already.
const MARKED = 40;

function seriesChart(id, panels) {
  function trace(series, panel) {
    const tone = colour(series.tone);
    return {
      x: series.x, y: series.y, uid: `${panel}${series.name}`, name: series.name,
      legendgroup: series.name, showlegend: !series.again, yaxis: panel ? `y${panel + 1}` : "y", mode: series.mode ?? (series.x.length > MARKED ? "lines" : "lines+markers"),
      line: {color: tone, width: 1.6, shape: series.step ? "hv" : "linear", dash: series.dash ?? "solid"}, marker: {color: tone, size: 5},
      hovertemplate: `%{x:.3f} s<br>${series.name}: %{y:,.6~g}<extra></extra>`,
    };
  }

  function build(view) {
    const all = panels(view), gap = all.length > 1 ? 0.08 : 0, high = (1 - gap * (all.length - 1)) / all.length;
    const layout = {xaxis: timeAxis({range: view.x, anchor: all.length > 1 ? `y${all.length}` : "y"})};
    all.forEach((panel, number) => {
      const bottom = (all.length - 1 - number) * (high + gap);
      const upright = {domain: [bottom, bottom + high]};
      layout[`yaxis${number ? number + 1 : ""}`] = panel.log ? logAxis(panel.title, upright) :
        axis(panel.title, {...upright, rangemode: "tozero"});
    });
    return {traces: all.flatMap((panel, number) => panel.series.map((series) => trace(series, number))), layout};
  }

  return new Chart(id, {build, overTime: true});
}
