// A map to drag in: points around a middle that can be clicked, and a handle whose place is reported as it moves.

const pads = new WeakMap();
const NS = "http://www.w3.org/2000/svg";
const REACH = 1.3; // of the map, in leans
const BEND = 0.6; // of the way from the middle
const STEP = 0.01; // of what is reported
const KEY = 0.05; // a press of an arrow
const NEAR = 12; // pixels around a point at which a click is of it
const PATIENCE = 10_000; // ms after which a report counts as lost
const MARGIN = { left: 58, right: 12, top: 12, bottom: 46 };
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

const bent = (value) => Math.sign(value) * Math.min(1, Math.abs(value) / REACH) ** BEND;
const straight = (share) => Math.sign(share) * Math.min(1, Math.abs(share)) ** (1 / BEND) * REACH;
const within = (value, most) => Math.min(most, Math.max(-most, value));

class Pad {
  constructor(root) {
    this.root = root;
    this.svg = root.querySelector("svg");
    this.camera = root.querySelector("button");
    this.lean = [0, 0];
    this.drag = null; // {id, x, y}: what is under way, and how far the handle is from the pointer
    this.held = false; // whether the last press was of the handle, and so no click
    this.number = 0; // of the last report
    this.waits = false; // for the page to have answered it
    this.news = false; // whether there is more to report
    this.moved = null; // the drag that has been reported
    this.width = new ResizeObserver(() => this.data && this.draw());
    this.width.observe(root);
    this.svg.addEventListener("pointerdown", (event) => this.down(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, () => this.up());
    this.svg.addEventListener("click", (event) => this.click(event));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.camera.addEventListener("click", () => this.save());
  }

  destroy() {
    this.width.disconnect();
    clearTimeout(this.timer);
  }

  update(data, report) {
    this.data = data;
    this.report = report;
    if (this.waits && data.answered >= this.number && !data.busy) this.answered();
    if (!this.drag && !this.waits) this.lean = [...data.lean];
    this.draw();
  }

  // ---- what a hand does

  down(event) {
    this.held = Boolean(event.target.closest(".handle"));
    if (!this.held || event.button) return;
    this.svg.setPointerCapture(event.pointerId);
    const [x, y] = this.at(this.place());
    this.drag = { id: this.named(), x: x - event.clientX, y: y - event.clientY };
    event.preventDefault();
    this.svg.querySelector(".handle").focus({ preventScroll: true });
  }

  move(event) {
    if (!this.drag) return;
    const { x, y, id } = this.drag;
    this.to([event.clientX + x, event.clientY + y], id);
  }

  up() {
    if (!this.drag) return;
    this.news ||= this.moved;
    this.drag = this.moved = null;
    this.tell();
  }

  click(event) {
    if (this.held) return;
    const box = this.svg.getBoundingClientRect(), spot = [event.clientX - box.left, event.clientY - box.top];
    const away = this.data.points.map(({ x, y }) => this.at([x, y])).map(([x, y]) => Math.hypot(x - spot[0], y - spot[1]));
    const least = Math.min(...away);
    if (least < NEAR) this.report("picked", { at: away.indexOf(least) });
    else this.to(spot, this.named());
  }

  key(event) {
    const way = KEYS[event.key];
    if (!way && event.key !== "Home") return;
    event.preventDefault();
    if (!this.typing || Date.now() - this.typing.time > 1_500) this.typing = { id: this.named() };
    this.typing.time = Date.now();
    const by = event.shiftKey ? 5 * KEY : KEY;
    const [higher, busier] = way ? this.lean.map((lean, axis) => lean + by * way[axis]) : [0, 0];
    this.set(higher, busier, this.typing.id);
  }

  to(spot, id) {
    const [x, y] = this.of(spot), [ox, oy] = this.data.origin;
    this.set(x - ox, y - oy, id);
  }

  set(higher, busier, id) {
    const lean = [higher, busier].map((value, axis) => (this.data.free[axis] ? Math.round(within(value, 1) / STEP) * STEP : 0))
      .map((value) => Number(value.toFixed(2)));
    if (lean.every((value, axis) => value === this.lean[axis])) return;
    [this.lean, this.hand, this.news, this.moved] = [lean, id, true, this.drag];
    this.draw();
    this.tell();
  }

  named() {
    return `${Date.now()}-${Math.random()}`;
  }

  // Where the handle is goes to the page, one report at a time, so that the music keeps up with the hand.
  tell() {
    if (this.waits || !this.news) return;
    [this.news, this.waits, this.number] = [false, true, Date.now()];
    this.timer = setTimeout(() => this.answered(), PATIENCE);
    const [higher, busier] = this.lean, moving = Boolean(this.drag);
    const heard = [...(window.__bandstand?.players.values() ?? [])].some((player) => player.deck.playing);
    this.report("lean", { higher, busier, hand: this.hand, moving, unheard: moving && !heard, number: this.number });
  }

  answered() {
    clearTimeout(this.timer);
    this.waits = false;
    this.tell();
  }

  // ---- what is seen

  place() {
    return this.data.origin.map((value, axis) => value + this.lean[axis]);
  }

  // Pixels of a place, and the place of pixels. What lies near the middle has more room than what is far.
  at([x, y]) {
    const [width, height] = this.size();
    return [MARGIN.left + (1 + bent(x)) / 2 * width, MARGIN.top + (1 - bent(y)) / 2 * height];
  }

  of([left, top]) {
    const [width, height] = this.size();
    return [straight((left - MARGIN.left) / width * 2 - 1), straight(1 - (top - MARGIN.top) / height * 2)];
  }

  size() {
    return [this.wide - MARGIN.left - MARGIN.right, this.high - MARGIN.top - MARGIN.bottom];
  }

  draw() {
    const { svg, data } = this;
    this.wide = Math.max(240, this.root.clientWidth);
    this.high = Math.round(Math.min(400, this.wide * 0.9));
    svg.setAttribute("width", this.wide);
    svg.setAttribute("height", this.high);
    this.back ??= svg.insertBefore(document.createElementNS(NS, "g"), svg.firstChild);
    const look = JSON.stringify([this.wide, data.points, data.ticks, data.titles, data.chosen]);
    if (look !== this.look) {
      this.look = look;
      this.back.replaceChildren(...this.map());
    }
    const sounds = svg.querySelector(".sounds"), line = svg.querySelector(".way"), handle = svg.querySelector(".handle");
    const [x, y] = this.at(this.place()), [ox, oy] = this.at(data.origin), [sx, sy] = this.at(data.sounds);
    handle.setAttribute("transform", `translate(${x} ${y})`);
    sounds.setAttribute("transform", `translate(${sx} ${sy})`);
    for (const [name, value] of Object.entries({ x1: ox, y1: oy, x2: x, y2: y })) line.setAttribute(name, value);
    handle.setAttribute("aria-valuenow", this.lean[0]);
    handle.setAttribute("aria-valuetext", this.said());
    [...this.root.querySelectorAll(".hint span")].forEach((each, at) => {
      const text = at ? data.said : this.said();
      if (each.textContent !== text) each.textContent = text;
    });
    this.camera.title = `Save the map as ${data.kind}`;
    this.camera.setAttribute("aria-label", this.camera.title);
  }

  said() {
    const words = [["lower", "higher"], ["sparser", "busier"]].map(([less, more], axis) => {
      const share = Math.round(100 * this.lean[axis]);
      return share ? `${Math.abs(share)}% ${share < 0 ? less : more}` : "";
    });
    return `Leans ${words.filter(Boolean).join(", ") || "neither way"}`;
  }

  map() {
    const { points, ticks, titles, chosen, colours } = this.data;
    const [left, top] = this.at([-REACH, REACH]), [right, bottom] = this.at([REACH, -REACH]);
    const parts = [make("rect", { class: "ground", x: left, y: top, width: right - left, height: bottom - top, rx: 8 })];
    for (const [lean, words] of ticks[0]) {
      const [x] = this.at([lean, 0]);
      parts.push(make("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }));
      parts.push(make("text", { x, y: bottom + 16, "text-anchor": "middle" }, words));
    }
    for (const [lean, words] of ticks[1]) {
      const [, y] = this.at([0, lean]);
      parts.push(make("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }));
      parts.push(make("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, words));
    }
    parts.push(make("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, titles[0]));
    const middle = (top + bottom) / 2;
    parts.push(make("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, titles[1]));
    const [strong, weak] = colours;
    parts.push(make("text", { x: left + 10, y: top + 20 }, strong), make("text", { x: left + 148, y: top + 20 }, weak));
    for (let share = 0; share <= 1; share += 0.25) parts.push(dotted("key", left + 52 + 80 * share, top + 16, share));
    points.forEach(({ x, y, share, label }, at) => {
      const dot = dotted(at === chosen ? "cousin chosen" : "cousin", ...this.at([x, y]), share);
      dot.dataset.at = at;
      dot.append(make("title", {}, label));
      parts.push(dot);
    });
    const [x, y] = this.at([0, 0]);
    parts.push(make("path", { class: "song", d: `M${x} ${y - 8}l8 8l-8 8l-8 -8z` }), make("text", { class: "song", x: x + 12, y: y - 8 }, "the song"));
    return parts;
  }

  // The map as a file: what the stylesheets say of it is written into it.
  async save() {
    const copy = this.svg.cloneNode(true);
    const from = [this.svg, ...this.svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((each, at) => {
      const look = getComputedStyle(from[at]);
      for (const name of ["fill", "stroke"]) each.style[name] = plain(look[name]);
      for (const name of ["stroke-width", "stroke-dasharray", "font-size", "font-family", "opacity"]) each.style.setProperty(name, look.getPropertyValue(name));
    });
    copy.setAttribute("xmlns", NS);
    copy.style.background = plain(getComputedStyle(this.root).backgroundColor);
    const text = new XMLSerializer().serializeToString(copy);
    let file = new Blob([text], { type: "image/svg+xml" });
    if (this.data.kind === "PNG") {
      const picture = new Image();
      picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
      await picture.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * this.wide, height: 2 * this.high });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      file = await new Promise((done) => canvas.toBlob(done, "image/png"));
    }
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: `${this.data.name}.${this.data.kind.toLowerCase()}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

function make(kind, attributes, text) {
  const made = document.createElementNS(NS, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function dotted(kind, cx, cy, share) {
  const dot = make("circle", { class: `dot ${kind}`, cx, cy, r: 7 });
  dot.style.setProperty("--alike", `${Math.round(100 * share)}%`);
  return dot;
}

// A colour as other programs read it.
function plain(colour) {
  if (!colour.startsWith("color(") && !colour.startsWith("oklab(")) return colour;
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pad");
  let pad = pads.get(root);
  if (!pad) pads.set(root, (pad = new Pad(root)));
  pad.update(data, setTriggerValue);
  return () => {
    pad.destroy();
    pads.delete(root);
  };
}
