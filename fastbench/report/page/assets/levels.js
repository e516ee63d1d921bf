// Level of detail: what a pixel cannot show is aggregated. Pure functions of arrays.

// The first place in a rising array whose value is at least `value`.
function lowerBound(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

// Of sorted values, by linear interpolation as numpy has it.
function quantile(sorted, share) {
  const position = (sorted.length - 1) * share, rank = Math.floor(position);
  const next = Math.min(rank + 1, sorted.length - 1);
  return sorted[rank] + (sorted[next] - sorted[rank]) * (position - rank);
}

// A step function of the number of requests in flight: the moments, and the number from each on.
function steps(starts, ends) {
  const leaving = Float64Array.from(ends).sort(), n = starts.length;
  const at = new Float64Array(2 * n), number = new Float64Array(2 * n);
  for (let s = 0, e = 0, k = 0; k < 2 * n; k++) {
    // At one moment those that end leave before others start.
    if (s >= n || leaving[e] <= starts[s]) at[k] = leaving[e++]; else at[k] = starts[s++];
    number[k] = s - e;
  }
  return {at, number};
}

// The steps between two moments: each one, or the least and the greatest number in each of `columns` stretches.
function visibleSteps(flight, begin, end, columns) {
  const first = Math.max(0, lowerBound(flight.at, begin) - 1);
  const stop = Math.min(flight.at.length, lowerBound(flight.at, end) + 1);
  if (stop - first <= 3 * columns) {
    const x = Array.from(flight.at.subarray(first, stop)), high = Array.from(flight.number.subarray(first, stop));
    return {x, low: high, high, exact: true};
  }
  const x = [], low = [], high = [], width = (end - begin) / columns;
  for (let column = 0, k = first, now = flight.number[first]; column < columns; column++) {
    let least = now, most = now;
    for (; k < stop && flight.at[k] < begin + (column + 1) * width; k++) {
      now = flight.number[k];
      least = Math.min(least, now);
      most = Math.max(most, now);
    }
    x.push(begin + column * width);
    low.push(least);
    high.push(most);
  }
  return {x, low, high, exact: false};
}

// Lines first … stop - 1 of a timeline in bands of pixel rows: extremes and medians of each.
function bands(lines, first, stop, rows) {
  const count = Math.min(rows, stop - first), found = [];
  for (let band = 0; band < count; band++) {
    const from = first + Math.floor(band * (stop - first) / count);
    const to = first + Math.floor((band + 1) * (stop - first) / count);
    const since = (moments) => moments.slice(from, to).map((moment, at) => moment - lines.start[from + at]);
    const median = (values) => quantile(values.sort(), 0.5);
    const start = lines.start.slice(from, to).sort(), end = lines.end.slice(from, to).sort();
    found.push({
      from, to, begin: start[0], start: quantile(start, 0.5), token: median(lines.token.slice(from, to)),
      end: quantile(end, 0.5), last: end[end.length - 1], ttft: median(since(lines.token)), e2e: median(since(lines.end)),
    });
  }
  return found;
}

// An axis in equal cells on its own scale.
function cells(low, high, count, log) {
  const scale = log ? Math.log10 : Number, back = log ? (value) => 10 ** value : Number;
  const from = scale(low), step = (scale(high) - from) / count || 1;
  return {
    count,
    of: (value) => Math.max(0, Math.min(count - 1, Math.floor((scale(value) - from) / step))),
    edges: Array.from({length: count + 1}, (_, edge) => back(from + edge * step)),
  };
}

// How many points lie in each cell of a grid: rows of columns.
function grid(x, y, picked, across, up) {
  const z = Array.from({length: up.count}, () => new Float64Array(across.count));
  for (const at of picked) z[up.of(y[at])][across.of(x[at])]++;
  return z;
}

// Quantiles of y in bins of equal width between two x. shares: [name, share, how many points it needs]. A value stands
// from its bin's begin on, so each bin ends with its value again, or null where it has too few points.
function equalBins(x, y, picked, [low, high], count, shares) {
  const bins = Array.from({length: count}, () => []), width = (high - low) / count || 1;
  for (const at of picked) bins[Math.max(0, Math.min(count - 1, Math.floor((x[at] - low) / width)))].push(y[at]);
  const lines = {x: [], y: shares.map(() => []), counts: []};
  bins.forEach((values, bin) => {
    const sorted = Float64Array.from(values).sort();
    for (const edge of [bin, bin + 1]) {
      lines.x.push(low + edge * width);
      lines.counts.push(values.length);
      shares.forEach(([, share, needs], line) => lines.y[line].push(values.length >= needs ? quantile(sorted, share) : null));
    }
  });
  return lines;
}

// Counts of `width` µs each, added up to stretches that a chart of `columns` can show; per second.
function perSecond(counts, width, duration, begin, end, columns) {
  const factors = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];
  const join = factors.find((factor) => (end - begin) / (width * factor) <= columns) ?? 20000;
  const wide = width * join, x = [], y = [];
  // What is left of less than half a stretch belongs to the one before.
  const whole = Math.max(1, Math.round(duration / wide));
  const first = Math.min(whole - 1, Math.max(0, Math.floor(begin / wide)));
  const stop = Math.min(whole, Math.ceil(end / wide));
  for (let stretch = first; stretch < stop; stretch++) {
    const isLast = stretch === whole - 1;
    const until = isLast ? counts.length : (stretch + 1) * join;
    let sum = 0;
    for (let at = stretch * join; at < until; at++) sum += counts[at];
    x.push(stretch * wide / 1e6);
    y.push(sum * 1e6 / ((isLast ? duration : (stretch + 1) * wide) - stretch * wide));
  }
  return {x, y, seconds: wide / 1e6};
}

// Few events in a stretch would make a saw of its curve.
function columnsFor(counts) {
  return Math.max(12, Math.min(240, counts.reduce((sum, count) => sum + count, 0) / 10));
}

// An engine's steps would make a saw of stretches below a second; a run of a few seconds has nothing longer.
function columnsOfSeconds(us) {
  return Math.max(24, us / 1e6);
}

function padded([low, high]) {
  const margin = (high - low) * 0.015 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}
