// An engraved score whose playing notes are lit. It listens to the player of the same page and, when a note is clicked,
// sends the playhead there.

const scores = new WeakMap();
const NARROW = 560; // pixels below which the narrow engraving is shown

// The document has to know a score's font: what a shadow root declares is not heard. It holds the notes of tempo marks.
function lendFont(svg) {
  const face = [...svg.querySelectorAll("style")].map((style) => style.textContent.match(/@font-face[^}]*}/)?.[0]).find(Boolean);
  if (!face || document.getElementById("bandstand-score-font")) return;
  const style = document.createElement("style");
  style.id = "bandstand-score-font";
  style.textContent = face;
  document.head.append(style);
}

class Sheet {
  constructor(root) {
    this.root = root;
    this.lit = [];
    this.onTime = (event) => {
      if (event.detail?.player === this.data?.player) this.light(event.detail);
    };
    window.addEventListener("bandstand:time", this.onTime);
    root.addEventListener("click", (event) => this.click(event));
    this.width = new ResizeObserver(() => this.data && this.draw());
    this.width.observe(root);
  }

  destroy() {
    this.width.disconnect();
    window.removeEventListener("bandstand:time", this.onTime);
  }

  update(data) {
    this.data = data;
    this.draw();
  }

  draw() {
    const { sheets, label } = this.data;
    const { svg: text, times } = sheets[this.root.clientWidth < NARROW ? 1 : 0];
    if (this.text === text) return;
    [this.text, this.times, this.lit] = [text, times, []];
    const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
    const holder = this.root.querySelector(".sheet");
    holder.replaceChildren(svg);
    lendFont(svg);
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    holder.setAttribute("aria-label", label); // it has the focus where it has to be scrolled
  }

  light({ seconds, playing }) {
    const [from, beat, each] = this.data.pace.findLast(([start]) => start <= seconds + 1e-6) ?? this.data.pace[0];
    const beats = beat + (seconds - from) / each;
    const written = this.written(beats);
    let now = [];
    if (written !== null && (playing || beats > 0)) {
      for (const [time, ids] of this.times) {
        if (time > written + 1e-4) break;
        now = ids;
      }
    }
    if (now === this.lit) return;
    for (const id of this.lit) this.find(id)?.classList.remove("now");
    for (const id of now) this.find(id)?.classList.add("now");
    this.lit = now;
    if (playing && now.length) this.follow(this.find(now[0]));
  }

  follow(note) {
    const sheet = this.root.querySelector(".sheet");
    if (!note || sheet.scrollHeight <= sheet.clientHeight + 4) return;
    const place = note.getBoundingClientRect(), frame = sheet.getBoundingClientRect();
    if (place.top < frame.top + 20 || place.bottom > frame.bottom - 20) {
      sheet.scrollBy({ top: place.top - frame.top - frame.height / 3, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    }
  }

  find(id) {
    return this.root.querySelector(`[id="${CSS.escape(id)}"]`) ?? this.root.querySelector(`#${CSS.escape(id)}`);
  }

  written(beats) {
    for (const [played, written, length] of this.data.order) {
      if (beats < played + length - 1e-6) return written + Math.max(0, beats - played);
    }
    return null;
  }

  near(x, y) {
    // A note's shape is thin: what counts is the box around it, and a little more for a finger.
    let best = null, least = 14;
    for (const note of this.root.querySelectorAll(".note")) {
      const box = note.getBoundingClientRect();
      const away = Math.max(box.left - x, x - box.right, box.top - y, y - box.bottom, 0);
      if (away < least) [best, least] = [note, away];
    }
    return best;
  }

  click(event) {
    const note = event.target.closest(".note") ?? this.near(event.clientX, event.clientY);
    if (!note) return;
    const moment = this.times.find(([, ids]) => ids.includes(note.id));
    const stretch = moment && this.data.order.find(([, written, length]) => moment[0] >= written - 1e-6 && moment[0] < written + length);
    if (!stretch) return;
    const beats = stretch[0] + moment[0] - stretch[1];
    const [from, beat, each] = this.data.pace.findLast(([, start]) => start <= beats + 1e-6);
    window.dispatchEvent(new CustomEvent("bandstand:seek", {
      detail: { player: this.data.player, seconds: from + (beats - beat) * each + 0.001 },
    }));
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".score");
  let sheet = scores.get(root);
  if (!sheet) scores.set(root, (sheet = new Sheet(root)));
  sheet.update(data);
  return () => {
    sheet.destroy();
    scores.delete(root);
  };
}
