// The page of several runs.
async function main() {
  watchTheme();
  const {runs} = JSON.parse(document.getElementById("data").textContent);
  const shown = await Promise.all(runs.filter((run) => run.rates).map(async (run) => ({
    name: run.name, number: runs.indexOf(run), flight: run.flight, ...run.rates,
    tokens: await unpack(run.rates.tokens), ended: await unpack(run.rates.ended),
  })));
  time.full = padded([0, Math.max(1, ...shown.map((run) => run.duration)) / 1e6]);
  time.shown = [...time.full];
  if (runs.some((run) => Object.keys(run.curves).length)) curvesChart(runs);
  seriesChart("rates", (view) => [
    {title: "output tokens/s", series: shown.map((run) => perSecondOf(run, run.tokens, view, run.per_event))},
    {title: "requests answered/s", series: shown.map((run) => ({...perSecondOf(run, run.ended, view, 1), again: true}))},
    {title: "in flight", series: shown.map((run) => ({...named(run), ...run.flight, step: true, again: true}))},
  ]);
  await drawAll();
}

function named(run) {
  return {name: run.name, tone: `run-${run.number % 8}`};
}

function perSecondOf(run, counts, view, times) {
  const [begin, end] = view.x.map((second) => second * 1e6);
  const {x, y, seconds: wide} = perSecond(counts, run.width, run.duration, begin, end, columnsFor(counts));
  return {...named(run), x: x.map((from) => from + wide / 2), y: y.map((value) => value * times)};
}

afterPaint(main);
