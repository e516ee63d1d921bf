// What document.py packed: columns of integers, and plotly.js.
const ARRAYS = {
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, float64: Float64Array,
};

function inflated(base64, format) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream(format)));
}

// What stands above needs no script, and is not to wait for one. A tab in the background has no frames.
function afterPaint(act) {
  let begun = false;
  const once = () => { if (!begun) { begun = true; setTimeout(act); } };
  requestAnimationFrame(() => requestAnimationFrame(once));
  setTimeout(once, 500);
}

async function loadPlotly() {
  const held = document.getElementById("plotly");
  const script = document.createElement("script");
  script.textContent = await inflated(held.textContent, "gzip").text();
  held.remove();
  document.head.append(script);
}

async function unpack(column) {
  const planes = new Uint8Array(await inflated(column.data, "deflate-raw").arrayBuffer());
  const bytes = new Uint8Array(planes.length);
  const size = ARRAYS[column.type].BYTES_PER_ELEMENT;
  for (let plane = 0; plane < size; plane++) {
    const from = plane * column.count;
    for (let at = 0; at < column.count; at++) bytes[at * size + plane] = planes[from + at];
  }
  const values = Float64Array.from(new ARRAYS[column.type](bytes.buffer));
  if (column.rising) for (let at = 1; at < values.length; at++) values[at] += values[at - 1];
  return values;
}

async function unpackAll(columns) {
  const names = Object.keys(columns);
  const unpacked = await Promise.all(names.map((name) => unpack(columns[name])));
  return Object.fromEntries(names.map((name, at) => [name, unpacked[at]]));
}
