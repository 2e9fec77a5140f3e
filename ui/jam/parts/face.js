// The Jam page's view and controls.

const SHOWN_BEFORE = 1, SHOWN_AFTER = 3; // bars around the playhead
const ROLL = ["you", "drums", "piano", "guitar", "bass", "strings"]; // from the top down, as in every player
const NAMES_WIDE = 72, TOP = 22, APART = 4; // pixels: of the names beside the lanes, above these, and between them
const SIGNS = { play: "M7 4.5v15l13-7.5z", stop: "M5.5 5.5h13v13h-13z" };
const PLAYERS = ["busy", "register", "programs"]; // settings of single players
const TURNS = [["trade", "trades"], ["follow", "follows"], ["click", "metronome"], ["count", "countIn"]]; // buttons that stay down
const WHOSE = { "": "", band: " · the band", you: " · your turn", answer: " · the answer" };

class JamFace {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    this.parts.play.onclick = () => (this.running() ? sounding.stop() : sounding.play(this.data.settings));
    this.parts.last.onclick = () => sounding.change({ end: !sounding.ends });
    this.parts.keep.onclick = () => this.keep(16);
    this.parts.all.onclick = () => this.keep(0);
    this.parts.midi.onclick = () => sounding.midi();
    this.parts.free.onclick = () => sounding.letGo();
    for (const [part, name] of TURNS) this.parts[part].onclick = () => sounding.turn(name);
    this.parts.out.onchange = () => sounding.connect(this.parts.out.value);
    this.draw = this.draw.bind(this);
    sounding.faces.add(this);
    requestAnimationFrame(this.draw);
  }

  destroy() {
    sounding.faces.delete(this);
    this.gone = true;
  }

  running() {
    return sounding.state === "plays" || sounding.state === "waits";
  }

  // What a rerun brings: settings that are others than those of before act at the next bar, a tempo at once.
  update(data, report) {
    this.report = report;
    const before = this.data?.settings ?? (this.running() ? sounding.settings : null);
    this.data = data;
    sounding.program = data.program;
    if (before && this.running()) {
      const change = {};
      for (const name of data.live)
        if (JSON.stringify(before[name]) !== JSON.stringify(data.settings[name]))
          change[name] = PLAYERS.includes(name) ? whole(before[name], data.settings[name]) : data.settings[name];
      if (Object.keys(change).length) sounding.change(change);
      if (before.seed !== data.settings.seed) sounding.later = "Other notes come when the jam begins again.";
    }
    sounding.settings = { ...(sounding.settings ?? {}), ...data.settings };
    this.refresh();
  }

  keep(bars) {
    const now = sounding.marks.at(-1)?.number ?? 0;
    if (!now) return;
    const changes = sounding.changes.filter((each) => each.bar < now + 1);
    const own = sounding.own.all(now * sounding.marks.at(-1).beats);
    this.report("keep", { bars: now, keep: bars ? Math.min(bars, now) : now, changes, started: sounding.started, own });
  }

  refresh() {
    const { parts } = this, now = sounding.now(), bar = now && sounding.bars.get(now.number);
    parts.play.setAttribute("aria-label", this.running() ? "Stop" : "Play");
    parts.play.classList.toggle("on", this.running());
    parts.play.querySelector("path").setAttribute("d", SIGNS[this.running() ? "stop" : "play"]);
    parts.last.disabled = sounding.state !== "plays";
    parts.last.setAttribute("aria-pressed", sounding.ends);
    parts.keep.disabled = parts.all.disabled = !sounding.marks.length;
    for (const [part, name] of TURNS) parts[part].setAttribute("aria-pressed", sounding[name]);
    parts.trade.disabled = parts.follow.disabled = !this.running();
    const place = bar ? `bar ${now.number} · ${bar.section || "the end"} · ${Math.round((60 * now.beats) / now.seconds)} bpm${WHOSE[bar.turn]}` : sounding.state === "waits" ? "The band tunes up …" : "Ready when you are.";
    parts.place.textContent = place;
    const late = sounding.late === 1 ? "A bar came late: the one before was played again." : sounding.late ? `${sounding.late} bars came late: those before were played again.` : "";
    parts.late.textContent = `${late} ${sounding.later}`.trim();
    parts.refused.textContent = sounding.refused;
    parts.held.textContent = sounding.chord ? `Held: ${sounding.chord}` : "";
    parts.free.hidden = !sounding.chord;
    const outputs = sounding.outputs ?? [];
    parts.out.hidden = !outputs.length;
    if (parts.out.options.length !== outputs.length + 1)
      parts.out.replaceChildren(new Option("No MIDI output", ""), ...outputs.map((output) => new Option(output.name, output.id)));
    parts.keyboards.textContent = sounding.keyboards?.length ? sounding.keyboards.join(", ") : "";
    Object.assign(this.root.dataset, { state: sounding.state, bar: now?.number ?? 0, late: sounding.late });
  }

  draw() {
    if (this.gone) return;
    if (this.root.isConnected) this.paint();
    requestAnimationFrame(this.draw);
  }

  paint() {
    const box = this.canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const pen = this.canvas.getContext("2d"), style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    const now = sounding.now(), lane = (box.height - TOP) / ROLL.length;
    const shown = SHOWN_BEFORE + SHOWN_AFTER, across = (box.width - NAMES_WIDE) / shown;
    const text = colour("--st-text-color") || "#333", font = colour("--st-font") || "sans-serif";
    const at = now ? now.number + now.share : 1, playhead = NAMES_WIDE + SHOWN_BEFORE * across;
    const paints = (name) => (this.data?.colours[name] ?? [text, text])[this.data?.dark ? 1 : 0];
    const say = (words, x) => { // whole or not at all, because half a chord's name is another's
      if (x >= NAMES_WIDE && x + pen.measureText(words).width < box.width) pen.fillText(words, x, 14);
    };
    ROLL.forEach((name, row) => {
      const base = TOP + row * lane, middle = base + (lane - APART) / 2;
      pen.fillStyle = colour("--st-background-color");
      pen.beginPath();
      pen.roundRect(NAMES_WIDE, base, box.width - NAMES_WIDE, lane - APART, 8);
      pen.fill();
      pen.fillStyle = paints(name);
      pen.beginPath();
      pen.arc(5, middle, 5, 0, 7);
      pen.fill();
      pen.fillStyle = text;
      pen.font = `600 13px ${font}`;
      pen.fillText(name[0].toUpperCase() + name.slice(1), 16, middle + 4.5);
    });
    pen.save();
    pen.beginPath();
    pen.rect(NAMES_WIDE, 0, box.width - NAMES_WIDE, box.height);
    pen.clip();
    pen.font = `12px ${font}`;
    for (let number = Math.max(1, Math.floor(at) - SHOWN_BEFORE - 1); number <= at + SHOWN_AFTER; number++) {
      const bar = sounding.bars.get(number), left = playhead + (number - at) * across;
      if (!bar) continue;
      pen.globalAlpha = 0.25;
      pen.fillStyle = text;
      pen.fillRect(left, 0, 1, box.height);
      pen.globalAlpha = 1;
      const begins = number === 1 || sounding.bars.get(number - 1)?.leadsOn, letter = begins ? bar.section || "End" : "";
      if (letter) {
        pen.fillStyle = colour("--st-primary-color") || text;
        say(letter, left + 6);
        pen.fillStyle = text;
      }
      const inset = 6 + (letter ? pen.measureText(letter).width + 8 : 0);
      const behind = Math.max(across / 2, inset + pen.measureText(bar.chords[0]).width + 6);
      say(bar.chords[0], left + inset);
      if (bar.chords[1] !== bar.chords[0] && behind + pen.measureText(bar.chords[1]).width < across) say(bar.chords[1], left + behind);
      const own = { name: "you", notes: sounding.own.of(number, bar.beats, at) };
      for (const { name, notes } of [...bar.tracks, own]) {
        const row = Math.max(0, ROLL.indexOf(name)), base = TOP + row * lane;
        pen.fillStyle = paints(name);
        const pitches = notes.map((note) => note[2]), low = Math.min(...pitches), high = Math.max(...pitches, low + 11);
        for (const [onset, duration, pitch, velocity] of notes) {
          pen.globalAlpha = 0.45 + velocity / 230;
          const y = base + 3 + (1 - (pitch - low) / (high - low)) * (lane - APART - 10);
          pen.fillRect(left + (onset / bar.beats) * across, y, Math.max(2, (duration / bar.beats) * across - 1), 4);
        }
      }
      pen.globalAlpha = 1;
      pen.fillStyle = text;
    }
    pen.restore();
    pen.fillStyle = colour("--st-primary-color");
    pen.fillRect(playhead, TOP, 2, box.height - TOP);
  }
}

// What changes of single players: what is new, and null for what is there no more.
function whole(before, after) {
  const gone = Object.keys(before ?? {}).filter((name) => !(name in after));
  return { ...after, ...Object.fromEntries(gone.map((name) => [name, null])) };
}

const faces = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".jam");
  let face = faces.get(root);
  if (!face) faces.set(root, (face = new JamFace(root)));
  face.update(data, setTriggerValue);
  return () => {
    face.destroy();
    faces.delete(root);
  };
}
