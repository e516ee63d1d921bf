// Colours from the style sheet, which knows light and dark.
const root = document.documentElement;
const darkScheme = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

function faded(name, opacity) {
  const [red, green, blue] = colour(name).match(/[\da-f]{2}/gi).map((pair) => parseInt(pair, 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}

function setTheme(name) {
  root.dataset.theme = name;
  redrawAll();
}

function watchTheme() {
  root.dataset.theme = darkScheme.matches ? "dark" : "light";
  darkScheme.addEventListener("change", () => setTheme(darkScheme.matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => {
    setTheme(root.dataset.theme === "dark" ? "light" : "dark");
  });
  // Ink on paper.
  let shown = "light";
  addEventListener("beforeprint", () => {
    shown = root.dataset.theme;
    root.dataset.print = "";
    setTheme("light");
  });
  addEventListener("afterprint", () => {
    delete root.dataset.print;
    setTheme(shown);
  });
}

function axis(title, more = {}) {
  return {
    title: {text: title, standoff: 8}, gridcolor: colour("grid"), zerolinecolor: colour("grid"),
    linecolor: colour("line"), automargin: true, ...more,
  };
}

function timeAxis(more) {
  return axis("Relative Time (s)", {exponentformat: "none", ...more});
}

// most: how far it goes; a few numbers have no ticks between them.
function countAxis(title, most, more) {
  return axis(title, {...(most < 6 ? {dtick: 1} : {}), ...more});
}

// 1, 2 and 5 of each power of ten, written out.
function logAxis(title, more = {}) {
  return axis(`${title} (log)`, {type: "log", dtick: "D2", tickformat: ",~r", ...more});
}

// Of times in ms from low to high, each tick with the unit of its size.
function durationAxis(title, [low, high], more = {}) {
  const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high)), digits = to - from > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = from; power <= to; power++) ticks.push(...digits.map((digit) => digit * 10 ** power));
  return axis(`${title} (log)`.trim(), {type: "log", tickvals: ticks, ticktext: ticks.map(shortDuration), ...more});
}

// Of times in ms from 0 to high, at most six ticks of 1, 2 or 5 of a power of ten.
function linearDurationAxis(title, high, more = {}) {
  if (!(high > 0)) return axis(title, {rangemode: "tozero", ...more});
  const power = 10 ** Math.floor(Math.log10(high / 5)), step = [1, 2, 5, 10].find((digit) => digit * power >= high / 5) * power;
  const ticks = Array.from({length: Math.floor(high / step) + 1}, (_, place) => place * step);
  return axis(title, {rangemode: "tozero", tickvals: ticks, ticktext: ticks.map((ms) => ms ? shortDuration(ms) : "0"), ...more});
}

// A time in ms by its size, with three digits; as fastbench.units has it.
function duration(ms) {
  if (!(ms > 0)) return ms === 0 ? "0 s" : "–";
  const [name, scale] = [["µs", 1e-3], ["ms", 1], ["s", 1e3]].find(([, scale]) => +(ms / scale).toPrecision(3) < 1000) ?? ["s", 1e3];
  const value = ms / scale;
  return `${value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3)} ${name}`;
}

// The same without what is nothing behind the point, for ticks.
function shortDuration(ms) {
  return duration(ms).replace(/\.0+ /, " ");
}
