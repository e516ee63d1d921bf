// The strip below the timeline: the whole run, and a window that moves and stretches what the timeline shows.
const EDGE = 10;

// last: the end of the run, s. Returns what is to be told each stretch that the timeline shows.
function overview(chart, last) {
  const strip = document.getElementById("overview");
  if (!strip) return () => {};
  const brush = strip.querySelector(".brush");
  const share = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * last;
  };

  // What the timeline shows → where the window is.
  function follow([from, to]) {
    const left = Math.max(0, from) / last, right = Math.min(last, to) / last;
    brush.style.left = `${100 * left}%`;
    brush.style.width = `${100 * Math.max(0, right - left)}%`;
    brush.setAttribute("aria-valuetext", `${Math.max(0, from).toPrecision(3)} to ${Math.min(last, to).toPrecision(3)} s`);
    const {l, r} = chart.div._fullLayout._size;
    Object.assign(strip.style, {marginLeft: `${l}px`, marginRight: `${r}px`});
  }

  let pending = null;
  function move([from, to]) {
    const wide = Math.min(last, Math.max(last / 2000, to - from)), begin = Math.min(Math.max(0, from), last - wide);
    const isFirst = pending === null;
    pending = [begin, begin + wide];
    // Drawn once for each frame, however often the pointer moves.
    if (isFirst) requestAnimationFrame(() => { const range = pending; pending = null; chart.show(range); });
  }

  strip.addEventListener("pointerdown", (event) => {
    const grip = brush.getBoundingClientRect(), start = share(event), [from, to] = chart.stretch();
    const atLeft = Math.abs(event.clientX - grip.left) < EDGE, atRight = Math.abs(event.clientX - grip.right) < EDGE;
    const inside = event.clientX >= grip.left - EDGE && event.clientX <= grip.right + EDGE;
    const wide = to - from, origin = inside ? from : start - wide / 2;
    if (!inside) move([origin, origin + wide]);
    const dragged = (now) => {
      const by = share(now) - start;
      if (inside && atRight) move([from, Math.max(from, to + by)]);
      else if (inside && atLeft) move([Math.min(to, from + by), to]);
      else move([origin + by, origin + by + wide]);
    };
    strip.setPointerCapture(event.pointerId);
    strip.addEventListener("pointermove", dragged);
    strip.addEventListener("pointerup", () => strip.removeEventListener("pointermove", dragged), {once: true});
    event.preventDefault();
  });
  strip.addEventListener("dblclick", () => chart.reset());
  brush.addEventListener("keydown", (event) => {
    const [from, to] = chart.stretch(), half = (to - from) / 2;
    const moves = {
      ArrowLeft: [from - half, to - half], ArrowRight: [from + half, to + half],
      ArrowUp: [from + half / 2, to - half / 2], ArrowDown: [from - half, to + half],
    };
    if (!moves[event.key]) return;
    move(moves[event.key]);
    event.preventDefault();
  });
  return follow;
}
