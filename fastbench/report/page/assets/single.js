// The page of one run.
async function main() {
  const data = JSON.parse(document.getElementById("data").textContent);
  watchTheme();
  watchTools(data.markdown);
  if (data.requests) {
    const run = await unpacked(data);
    time.full = padded([0, seconds(run.duration)]);
    time.shown = [...time.full];
    time.window = data.window;
    addCharts(run, data);
  }
  await drawAll();
}

async function unpacked(data) {
  const requests = await unpackAll(data.requests.columns);
  const {tokens, sent, ended, failed, dropped, ...rest} = data.rates;
  const counts = await unpackAll({tokens, sent, ended, failed, dropped});
  const ok = data.requests.outcomes.indexOf("ok");
  return {
    requests, outcomes: data.requests.outcomes, ids: data.requests.ids, streams: data.streams, duration: data.rates.duration,
    isOk: (at) => requests.outcome[at] === ok, rates: {...rest, ...counts},
    timeline: timelineOf(requests, data.streams),
  };
}

function addCharts(run, data) {
  timelineChart(run);
  if (data.runs[0].curves.E2EL) curvesChart(data.runs);
  ratesChart(run);
  if (Array.from(run.requests.outcome.keys()).some(run.isOk)) {
    latencyChart(run);
    if (run.streams) (data.against === "load" ? loadChart : inputChart)(run);
  } else {
    for (const id of ["latency", "input"]) leftOut(id, "No request succeeded.");
  }
  if (data.service.length) seriesChart("service", () => data.service);
  if (data.client) clientChart(data.client);
}

// A sentence in the place of a chart that would be empty.
function leftOut(id, sentence) {
  const div = document.getElementById(id);
  document.getElementById(`${id}-choice`)?.remove();
  if (div) div.replaceWith(Object.assign(document.createElement("p"), {textContent: sentence}));
}

function ratesChart({rates}) {
  seriesChart("rates", (view) => {
    const [begin, end] = view.x.map((second) => second * 1e6);
    const series = (name, tone, counts, times = 1) => {
      const columns = Math.min(columnsFor(counts), columnsOfSeconds(end - begin));
      const {x, y, seconds: wide} = perSecond(counts, rates.width, rates.duration, begin, end, columns);
      return {name, tone, x: x.map((from) => from + wide / 2), y: y.map((value) => value * times)};
    };
    return [
      {title: "output tokens/s", series: [series("output tokens", "decode", rates.tokens, rates.per_event)]},
      {title: "requests/s", series: [
        {...series("sent", "ttft", rates.sent), dash: "dash"}, series("answered", "decode", rates.ended),
        ...(rates.failed.some((count) => count) ? [{...series("failed", "failed", rates.failed), dash: "dot"}] : []),
        ...(rates.dropped.some((count) => count) ?
          [{...series("dropped (when due)", "line-c", rates.dropped), dash: "dashdot"}] : []),
      ]},
    ];
  });
}

// The latencies of successful requests, ms.
function latencies(run) {
  const {e2e, ttft, output, at_once: atOnce} = run.requests;
  const ms = (values) => Float64Array.from(values, (us) => us / 1e3);
  const found = {E2EL: ms(e2e)};
  if (!run.streams) return found;
  const tpot = e2e.map((us, at) => (atOnce?.[at] ? NaN : (us - ttft[at]) / (output[at] - 1)));
  return {TTFT: ms(ttft), ...found, TPOT: ms(tpot)};
}

function latencyChart(run) {
  const all = latencies(run), choice = document.getElementById("latency-choice");
  const x = run.requests.start.map(seconds);
  const picked = Object.fromEntries(Object.keys(all).map((name) => [name, countable(run, all[name])]));
  const chart = densityChart("latency", {
    overTime: true,
    cloud: () => ({
      x, y: all[choice.value], picked: picked[choice.value],
      yTitle: choice.value, text: (at) => hoverText(run, at),
    }),
  });
  choice.addEventListener("change", () => { chart.ranges = {}; chart.draw(); });
}

function inputChart(run) {
  const {input} = run.requests, ttft = latencies(run).TTFT;
  const picked = countable(run, ttft).filter((at) => input[at] >= 0);
  densityChart("input", {
    cloud: () => ({
      x: input, y: ttft, picked, xTitle: "Prompt tokens", yTitle: "TTFT", text: (at) => hoverText(run, at),
    }),
  });
}

// Where all inputs are about as long: against how many were in flight when the request was sent, itself among them.
function loadChart(run) {
  const {start} = run.requests, leaving = Float64Array.from(run.timeline.ends).sort();
  const load = start.map((moment, at) => at + 1 - lowerBound(leaving, moment));
  const ttft = latencies(run).TTFT, picked = countable(run, ttft);
  densityChart("input", {
    cloud: () => ({
      x: load, y: ttft, picked, xTitle: "Requests in flight when it was sent", yTitle: "TTFT", text: (at) => hoverText(run, at),
    }),
  });
}

function countable(run, values) {
  return Array.from(values.keys()).filter((at) => run.isOk(at) && Number.isFinite(values[at]) && values[at] > 0);
}

function clientChart(client) {
  const {at: x, stalls} = client;
  seriesChart("client", () => [
    {title: "lag, µs", log: true, series: [
      {name: "Median", tone: "line-a", x, y: client.Median}, {name: "P99", tone: "line-b", x, y: client.P99},
      {name: "Max", tone: "line-c", x, y: client.Max},
    ]},
    ...(stalls.length ? [{title: "stalls, ms", series: [{
      name: "Stalls", tone: "failed", mode: "markers", x: stalls.map(([start]) => start),
      y: stalls.map(([, duration]) => duration),
    }]}] : []),
  ]);
}

afterPaint(main);
