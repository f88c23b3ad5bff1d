// Reads digits that are drawn on docs/how-to/digits-in-the-browser.md.

const side = 32;  // the data were made of bitmaps of 32x32, of which each 4x4 were counted
const usualInk = 312;  // set pixels of such a bitmap, nearly the same for all digits
const widest = 28;

// Lines between points, moved and scaled: as high as the bitmap leaves, in its middle, at most `widest`.
function fitted(strokes, radius) {
  const xs = strokes.flat().map((point) => point[0]), ys = strokes.flat().map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const extent = Math.max(right - left, bottom - top, 1);
  const room = side - 2 * radius;
  const scaleY = room / Math.max(bottom - top, extent / 2);
  const scaleX = Math.min(scaleY, (widest - 2 * radius) / Math.max(right - left, 1));
  const place = ([x, y]) => [side / 2 + (x - (left + right) / 2) * scaleX, side / 2 + (y - (top + bottom) / 2) * scaleY];
  return strokes.map((stroke) => stroke.map(place));
}

function distance(x, y, [ax, ay], [bx, by]) {
  const squared = (bx - ax) ** 2 + (by - ay) ** 2;
  const t = squared ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared)) : 0;
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
}

// A bitmap of a pen of this radius.
function bitmap(strokes, radius) {
  const segments = fitted(strokes, radius).flatMap((s) => s.map((point, i) => [point, s[i + 1] ?? point]));
  const set = [];
  for (let i = 0; i < side * side; i++) {
    const x = (i % side) + 0.5, y = Math.floor(i / side) + 0.5;
    set.push(segments.some(([a, b]) => distance(x, y, a, b) <= radius));
  }
  return set;
}

// 8x8 numbers from 0 to 16, drawn with a pen as thick as leaves the usual ink.
function counted(strokes) {
  let set, thin = 1, thick = 6;
  for (let i = 0; i < 6; i++) {
    const radius = (thin + thick) / 2;
    set = bitmap(strokes, radius);
    if (set.filter(Boolean).length < usualInk) thin = radius;
    else thick = radius;
  }
  const counts = new Float32Array(64);
  set.forEach((ink, i) => { if (ink) counts[Math.floor(i / side / 4) * 8 + Math.floor((i % side) / 4)] += 1; });
  return counts;
}

async function reader() {
  const bytes = Uint8Array.from(atob(digitsModule), (letter) => letter.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes);
  const { memory, input, output } = instance.exports;
  return (counts) => {
    new Float32Array(memory.buffer, input(), 64).set(counts.map((count) => count / 16));
    return [...new Float32Array(memory.buffer, output(), 10)];
  };
}

async function start() {
  const paper = document.querySelector("#digit-paper"), seen = document.querySelector("#digit-seen");
  const answer = document.querySelector("#digit-answer"), cells = [...document.querySelectorAll("#digit-bars td")];
  const probabilities = await reader();
  let strokes = [], pen = [paper.width / 2, paper.height / 4], down = false;

  function draw() {
    const context = paper.getContext("2d");
    const { color, outlineColor } = getComputedStyle(paper);
    context.clearRect(0, 0, paper.width, paper.height);
    Object.assign(context, { strokeStyle: color, lineWidth: 18, lineCap: "round", lineJoin: "round" });
    for (const stroke of strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const point of stroke) context.lineTo(...point);
      context.stroke();
    }
    if (document.activeElement === paper && paper.matches(":focus-visible")) {  // where arrow keys move from
      context.beginPath();
      context.arc(...pen, 12, 0, 2 * Math.PI);
      Object.assign(context, { strokeStyle: outlineColor, lineWidth: 3 });
      context.stroke();
    }
  }

  function show(counts) {
    const context = seen.getContext("2d");
    context.clearRect(0, 0, 8, 8);
    context.fillStyle = getComputedStyle(seen).color;
    counts.forEach((count, i) => {
      context.globalAlpha = count / 16;
      context.fillRect(i % 8, Math.floor(i / 8), 1, 1);
    });
  }

  function read() {
    draw();
    const counts = strokes.length ? counted(strokes) : new Float32Array(64);
    const found = strokes.length ? probabilities(counts) : Array(10).fill(0);
    const best = found.indexOf(Math.max(...found));
    const percent = (share) => `${Math.round(100 * share)} %`;
    show(counts);
    cells.forEach((cell, digit) => {
      cell.style.setProperty("--share", found[digit]);
      cell.textContent = percent(found[digit]);
      cell.parentElement.classList.toggle("best", strokes.length > 0 && digit === best);
    });
    answer.textContent = strokes.length ? `This is a ${best} (${percent(found[best])})` : "Draw a digit";
  }

  function at(event) {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * paper.width, (event.clientY - box.top) / box.height * paper.height];
  }

  paper.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return;
    down = false;
    paper.setPointerCapture(event.pointerId);
    strokes.push([at(event)]);
    draw();
  });
  paper.addEventListener("pointermove", (event) => {
    if (!paper.hasPointerCapture(event.pointerId) || !strokes.length) return;
    for (const one of event.getCoalescedEvents()) strokes.at(-1).push(at(one));
    strokes.at(-1).push(at(event));
    draw();
  });
  paper.addEventListener("lostpointercapture", read);

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  paper.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (event.key === " ") {
      down = !down;
      if (down) strokes.push([[...pen]]);
    } else if (step) {
      pen = pen.map((place, i) => Math.min(paper.width - 10, Math.max(10, place + 10 * step[i])));
      if (down) strokes.at(-1).push([...pen]);
    } else return;
    event.preventDefault();
    read();
  });
  paper.addEventListener("focus", draw);
  paper.addEventListener("blur", () => { down = false; draw(); });
  document.querySelector("#digit-clear").addEventListener("click", () => { strokes = []; down = false; read(); });
  new MutationObserver(read).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  read();
}
start();
