// Each request a line, orange until its first token, blue until its end; below, how many were in flight.
const MOST_SINGLE = 1500, MOST_FAILED = 150;
// From how many requests on a part of the run is shown first, and how many lines it is to have.
const MANY = 300, TYPICAL_LINES = 600;
// The words of the first chart.
const WAITING = "waiting for the first token", DECODING = "decoding", FAILED = "failed";
const seconds = (us) => us / 1e6;

// All requests, and by line (a request's rank, or its conversation's) from its first start to its last end.
function timelineOf(requests, streams) {
  const {start, e2e} = requests, n = start.length;
  const token = streams ? requests.ttft : new Float64Array(n);
  const lane = requests.lane ?? Float64Array.from({length: n}, (_, at) => at + 1);
  const count = requests.lane ? lane.reduce((most, line) => Math.max(most, line), 0) : n;
  const lines = {
    start: new Float64Array(count).fill(Infinity), token: new Float64Array(count), end: new Float64Array(count),
  };
  for (let at = n - 1; at >= 0; at--) {
    const line = lane[at] - 1;
    lines.start[line] = start[at];
    lines.token[line] = start[at] + token[at];
    lines.end[line] = Math.max(lines.end[line], start[at] + e2e[at]);
  }
  return {lane, count, lines, ends: start.map((moment, at) => moment + e2e[at])};
}

function hoverText(run, at) {
  const {start, ttft, e2e, request, input, output, outcome} = run.requests;
  const span = (name, from, to) =>
    `${name}(s): ${seconds(from).toFixed(6)}→${seconds(to).toFixed(6)}=${seconds(to - from).toFixed(6)}`;
  const ended = start[at] + e2e[at], token = start[at] + (ttft?.[at] ?? 0);
  const told = (count) => (count < 0 ? "not known" : count);
  const index = run.requests.lane ? "Conversation index" : "Index";
  return [
    `<b>${index} ${run.timeline.lane[at]}: request ${request[at]} of the plan</b>${run.isOk(at) ? "" : `: ${run.outcomes[outcome[at]]}`}`,
    ...(ttft?.[at] > 0 ? [span("TTFT", start[at], token), span("Decode", token, ended)] : []),
    span("E2E", start[at], ended), `tokens in: ${told(input[at])}, out: ${told(output[at])}`,
    ...idLine(run, at),
  ].join("<br>");
}

// The id that a request carried to the service, on a line of its own; nothing where it carried none.
function idLine(run, at) {
  const form = run.ids[run.requests.run?.[at] ?? 0];
  return form ? [`id: ${form[0]}${String(run.requests.request[at]).padStart(form[1], "0")}`] : [];
}

function timelineChart(run) {
  const {lane, count, lines, ends} = run.timeline, {start, ttft} = run.requests;
  const flight = steps(start, ends), peak = flight.number.reduce((most, number) => Math.max(most, number), 0);
  const turns = Boolean(run.requests.lane), noun = turns ? "conversation" : "request";

  function visible([x0, x1], [y0, y1]) {
    const found = [];
    for (let at = 0; at < start.length && seconds(start[at]) <= x1; at++) {
      if (seconds(ends[at]) >= x0 && lane[at] >= y0 && lane[at] <= y1) {
        found.push(at);
        if (found.length > MOST_SINGLE) return null;
      }
    }
    return found;
  }

  // One line broken at each null; the text stands at each end of each piece.
  function pieces(name, tone, picked, from, to, width, uid) {
    const x = [], y = [], text = [];
    for (const at of picked) {
      const told = hoverText(run, at);
      x.push(seconds(from(at)), seconds(to(at)), null);
      y.push(lane[at], lane[at], null);
      text.push(told, told, "");
    }
    return {
      x, y, text, uid, name, mode: "lines+markers", line: {color: colour(tone), width},
      marker: {size: Math.max(width, 5), opacity: 0}, hovertemplate: "%{text}<extra></extra>",
    };
  }

  // pixel: µs that one takes; no request is drawn shorter.
  function singles(picked, width, pixel) {
    const ok = picked.filter(run.isOk), failed = picked.filter((at) => !run.isOk(at));
    const begin = (at) => start[at], token = (at) => start[at] + ttft[at];
    const end = (at) => Math.max(ends[at], start[at] + pixel);
    return [
      pieces(WAITING, "ttft", ok, begin, token, width, "ttft"),
      pieces(DECODING, "decode", ok, token, end, width, "decode"),
      ...(failed.length ? [pieces(FAILED, "failed", failed, begin, end, width, "failed")] : []),
    ];
  }

  function area(name, tone, found, from, to, uid, opacity) {
    const left = [], right = [], y = [];
    for (const band of found) {
      left.push(seconds(band[from]), seconds(band[from]));
      right.push(seconds(band[to]), seconds(band[to]));
      y.push(band.from + 0.5, band.to + 0.5);
    }
    return {
      x: [...left, ...right.reverse()], y: [...y, ...[...y].reverse()], uid, name, mode: "lines",
      line: {width: opacity < 0.5 ? 0 : 0.8, color: colour(tone)}, fill: "toself", fillcolor: faded(tone, opacity), hoverinfo: "skip",
    };
  }

  function aggregated([y0, y1], rows) {
    const found = bands(lines, Math.max(0, Math.ceil(y0) - 1), Math.min(count, Math.floor(y1)), rows);
    const middle = (band) => (band.from + band.to + 1) / 2;
    const told = (band) =>
      `<b>${noun}s ${band.from + 1}–${band.to}</b>` +
      (turns ? "" : `<br>median TTFT: ${duration(band.ttft / 1e3)}`) +
      `<br>median E2E: ${duration(band.e2e / 1e3)}<br>last end: ${seconds(band.last).toFixed(3)} s` +
      "<br>zoom in to see each";
    return [
      area("first start to last end", "decode", found, "begin", "last", "range", 0.22),
      // Of conversations with their turns only the whole has a beginning and an end.
      ...(turns ? [area("conversation", "decode", found, "start", "end", "decode", 0.85)] : [
        area(WAITING, "ttft", found, "start", "token", "ttft", 1),
        area(DECODING, "decode", found, "token", "end", "decode", 0.85),
      ]),
      ...failures(y0, y1),
      {
        x: found.map((band) => seconds(band.token)), y: found.map(middle), text: found.map(told), uid: "told",
        mode: "markers", marker: {size: 8, opacity: 0}, showlegend: false, hovertemplate: "%{text}<extra></extra>",
      },
    ];
  }

  // Evenly chosen where there are too many.
  function failures(y0, y1) {
    const all = Array.from(lane.keys()).filter((at) => !run.isOk(at) && lane[at] >= y0 && lane[at] <= y1);
    const step = Math.max(1, all.length / MOST_FAILED);
    const shown = Array.from({length: Math.min(all.length, MOST_FAILED)}, (_, k) => all[Math.floor(k * step)]);
    return shown.length ? [{
      x: shown.map((at) => seconds(start[at])), y: shown.map((at) => lane[at]), text: shown.map((at) => hoverText(run, at)),
      uid: "failed", name: step > 1 ? `${FAILED} (${shown.length} of ${all.length} shown)` : FAILED, mode: "markers",
      marker: {size: 6, symbol: "x-thin", line: {width: 1.5, color: colour("failed")}},
      hovertemplate: "%{text}<extra></extra>",
    }] : [];
  }

  function concurrency([x0, x1], columns) {
    const shown = visibleSteps(flight, x0 * 1e6, x1 * 1e6, columns), x = shown.x.map(seconds);
    const line = {shape: "hv", color: colour("flight"), width: 1};
    const hovertemplate = "%{x:.6f} s<br>%{y} in flight<extra></extra>";
    const most = {
      x, y: shown.high, uid: "flight", name: "in flight", mode: "lines", line, yaxis: "y2",
      fill: "tozeroy", fillcolor: faded("flight", shown.exact ? 0.35 : 0.2), hovertemplate,
    };
    const least = {...most, y: shown.low, uid: "least", fillcolor: faded("flight", 0.3), showlegend: false};
    return shown.exact ? [most] : [most, {...least, line: {...line, width: 0}, hoverinfo: "skip", hovertemplate: null}];
  }

  function follow([x0, x1]) {
    let low = Infinity, high = -Infinity;
    for (let at = 0; at < start.length && seconds(start[at]) <= x1; at++) {
      if (seconds(ends[at]) < x0) continue;
      low = Math.min(low, lane[at]);
      high = Math.max(high, lane[at]);
    }
    const margin = Math.max(0.5, (high - low) * 0.02);
    return low <= high ? [low - margin, high + margin] : undefined;
  }

  function build(view) {
    const y = view.y ?? [0.5 - 0.01 * count, count + 0.5 + 0.01 * count];
    const upper = Math.max(100, view.height * 0.64);
    const picked = run.streams ? visible(view.x, y) : [];
    const pixel = (view.x[1] - view.x[0]) * 1e6 / Math.max(1, view.width);
    const width = Math.max(1.5, Math.min(14, 0.7 * upper / (y[1] - y[0])));
    const shown = picked ? singles(picked, width, pixel) : aggregated(y, Math.floor(upper));
    const single = {yaxis2: countAxis("In flight", peak, {rangemode: "tozero"})};
    const both = {
      yaxis: countAxis(turns ? "Conversation" : "Request", y[1] - y[0], {domain: [0.36, 1], range: y}),
      yaxis2: {...single.yaxis2, domain: [0, 0.3]},
    };
    return {
      traces: [...(run.streams ? shown : []), ...concurrency(view.x, Math.max(100, view.width))],
      layout: {
        xaxis: timeAxis({anchor: "y2", range: view.x}), ...(run.streams ? both : single),
      },
    };
  }

  let moved = () => {};
  const chart = new Chart("timeline", {
    build, overTime: true, scroll: true, follow: run.streams ? follow : null, alone: opening(run),
    shown: (range) => moved(range),
  });
  moved = overview(chart, seconds(run.duration));
  return chart;
}

// Of a run with many requests a typical few seconds of its middle; null = the whole.
function opening(run) {
  const {start, e2e} = run.requests, count = start.length, last = seconds(run.duration);
  if (!run.streams || count <= MANY) return null;
  const median = seconds(quantile(Float64Array.from(e2e).sort(), 0.5));
  const inFlight = seconds(e2e.reduce((sum, took) => sum + took, 0)) / last;
  const fitting = Math.max(0, TYPICAL_LINES - inFlight) * last / count;
  const wide = Math.min(3 * median, Math.max(median / 2, fitting));
  return 3 * median < last / 2 ? [last / 2 - wide / 2, last / 2 + wide / 2] : null;
}
