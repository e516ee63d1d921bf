// What one takes along from the first screen: its words as Markdown, or a picture of it.
const SCALE = 2;

function watchTools(markdown) {
  const button = (id, act) => document.getElementById(id)?.addEventListener("click", async (event) => {
    const {target} = event, word = target.textContent;
    try {
      target.textContent = await act();
    } catch (error) {
      target.textContent = `not possible: ${error.message}`;
    }
    setTimeout(() => { target.textContent = word; }, 2500);
  });
  button("copy", async () => { await copy(markdown); return "Copied"; });
  button("picture", async () => { await savePicture(); return "Saved"; });
}

async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch { /* a page that has no right to the clipboard may still copy what is selected */ }
  }
  const field = Object.assign(document.createElement("textarea"), {value: text});
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser forbids it");
}

// The fold as it is on the screen: its HTML within an SVG, painted on a canvas.
async function savePicture() {
  const fold = document.getElementById("fold"), {width, height} = fold.getBoundingClientRect(), margin = 24;
  const page = document.createElement("div");
  page.append(fold.cloneNode(true));
  page.querySelectorAll(".tools").forEach((tools) => tools.remove());
  const styles = document.createElement("style");
  // The root of what is painted is the <svg>: the page's variables and its body's font have to reach it there.
  styles.textContent = document.querySelector("style").textContent.replaceAll(":root", ".painted");
  const painted = document.createElement("div");
  painted.className = "painted";
  painted.dataset.theme = root.dataset.theme;
  painted.style.cssText = `width:${width + 2 * margin}px;height:${height + 2 * margin}px;padding:${margin}px;` +
    `background:${colour("page")};color:${colour("text")};font:${getComputedStyle(document.body).font}`;
  painted.append(styles, page);
  painted.setAttribute("xmlns", "http://www.w3.org/1999/xhtml");
  const inside = new XMLSerializer().serializeToString(painted);
  const [wide, tall] = [width + 2 * margin, height + 2 * margin];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${tall}">` +
    `<foreignObject width="100%" height="100%">${inside}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: wide * SCALE, height: tall * SCALE});
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  context.drawImage(image, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(blob), download: `${document.title.replace(/[^\w.-]+/g, "_")}.png`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
