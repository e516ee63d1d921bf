// A chart draws what its view shows; all charts over time share one stretch of time.
const charts = [];
const time = {full: [0, 1], shown: [0, 1], window: null};

class Chart {
  // build(view) gives {traces, layout}; view: {x, y, width, height}, its ranges as far as somebody chose them.
  // home: the ranges when all is shown. overTime: its x axis is time. scroll: the wheel zooms.
  // follow: after another chart's zoom its y axis shows what is left. alone: a stretch of time that it shows by itself,
  // until somebody zooms. shown: called with the stretch of each drawing.
  constructor(id, {build, overTime = false, scroll = false, follow = null, alone = null, shown = null}) {
    Object.assign(this, {div: document.getElementById(id), build, overTime, follow, alone, shown, ranges: {}, drawn: 0});
    if (alone && follow) this.ranges.yaxis = follow(alone);
    this.scroll = scroll;
    charts.push(this);
  }

  // Of plotly, which is not there from the beginning. Its own reset goes back to what was drawn first, which need not be
  // the whole run.
  configured() {
    const reset = {name: "reset", title: "Reset axes", icon: Plotly.Icons.home, click: () => this.reset()};
    const {id} = this.div;
    return {
      responsive: true, displayModeBar: innerWidth < 600 ? false : "hover", displaylogo: false, scrollZoom: this.scroll, doubleClick: false,
      modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "autoScale2d", reset]],
      toImageButtonOptions: {format: "png", scale: 2, filename: `${document.title.replace(/[^\w.-]+/g, "_")}_${id}`},
    };
  }

  async draw() {
    const view = {
      x: this.stretch() ?? this.ranges.xaxis, y: this.ranges.yaxis,
      width: this.div.clientWidth - 90, height: this.div.clientHeight - 80,
    };
    const {traces, layout} = this.build(view);
    this.drawn += 1;
    await Plotly.react(this.div, traces, this.dressed(layout), this.config ??= this.configured());
    this.shown?.(view.x);
    if (this.drawn === 1) {
      this.div.on("plotly_relayout", (change) => this.changed(change));
      this.div.on("plotly_doubleclick", () => this.reset());
    }
  }

  // Of time; undefined where its x axis is none.
  stretch() {
    return this.overTime ? this.alone ?? time.shown : undefined;
  }

  // Another stretch of time, in this chart alone.
  show(range) {
    this.alone = range;
    if (this.follow) this.ranges.yaxis = this.follow(range);
    return this.draw();
  }

  dressed(layout) {
    const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name));
    for (const name of axes) {
      const chosen = name === "xaxis" && this.overTime ? this.stretch() : this.ranges[name];
      // A range that we set must win over what the mouse did before.
      layout[name] = {...layout[name], ...(chosen ? {range: [...chosen]} : {}), uirevision: this.drawn};
    }
    return {
      height: this.div.clientHeight, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", dragmode: "zoom",
      font: {family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("text")},
      margin: {l: 70, r: 20, t: 30, b: 45}, uirevision: "kept",
      legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: {size: 12}},
      hoverlabel: {align: "left", bgcolor: colour("card"), bordercolor: colour("line"), font: {color: colour("text")}},
      modebar: {bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("text")},
      ...layout,
      shapes: [...(layout.shapes ?? []), ...(this.overTime && time.window ? windowShapes() : [])],
    };
  }

  // What the mouse did. Plotly names it "xaxis.range[0]", "xaxis.range" or "xaxis.autorange".
  changed(change) {
    const touched = new Set();
    for (const [name, value] of Object.entries(change)) {
      const [, which, property, end] = name.match(/^([xy]axis\d*)\.(range|autorange)(?:\[(\d)\])?$/) ?? [];
      if (!which) continue;
      touched.add(which);
      if (property === "autorange") this.ranges[which] = undefined;
      else if (end === undefined) this.ranges[which] = value;
      else (this.ranges[which] = [...(this.ranges[which] ?? [0, 0])])[end] = value;
    }
    if (!touched.size) return;
    if (touched.has("xaxis") && this.overTime) {
      showTime(this.ranges.xaxis, this, touched.has("yaxis"));
    } else {
      this.draw();
    }
  }

  reset() {
    this.ranges = {};
    if (this.overTime) showTime(undefined, this, false); else this.draw();
  }
}

// The stretch of time that all charts show; undefined = the whole run.
function showTime(range, from, keepsY) {
  time.shown = range ? [Math.max(time.full[0], range[0]), Math.min(time.full[1], range[1])] : [...time.full];
  for (const chart of charts) {
    if (!chart.overTime) continue;
    chart.alone = null;
    if (chart.follow && !(chart === from && keepsY)) chart.ranges.yaxis = chart.follow(time.shown);
    chart.draw();
  }
}

// Thin lines stand where the stage begins and ends; what a report leaves out is grey.
function windowShapes() {
  const {begin, end, reported} = time.window;
  const upright = {xref: "x", yref: "paper", y0: 0, y1: 1};
  const grey = (x0, x1) => ({
    ...upright, type: "rect", x0, x1, layer: "below", fillcolor: faded("window", 0.14), line: {width: 0},
  });
  const edge = (x) => ({...upright, type: "line", x0: x, x1: x, line: {color: colour("window"), width: 1, dash: "dot"}});
  const [first, last] = time.full;
  return [
    edge(begin), edge(end), ...(reported ? [grey(first, begin), grey(end, last)] : []),
  ];
}

function redrawAll() {
  for (const chart of charts) if (chart.drawn) chart.draw();
}

// The first chart at once; the others one by one, so that the page answers meanwhile.
async function drawAll() {
  await loadPlotly();
  for (const chart of charts) {
    await chart.draw();
    if (chart === charts[0]) {
      performance.mark("first picture");
      root.dataset.drawn = "first";
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  root.dataset.drawn = "all";
}
