// What sounds of a jam, on `window`, so that neither a rerun nor another page stops it: a worklet with the clock and the
// synthesiser, and a worker with the socket (worklet.js, worker.js); and what a person plays, on keys or a keyboard.

const SPLIT = 60; // below it a keyboard holds chords
const UPPER = "q2w3er5t6y7ui9o0p", LOWER = "zsxdcvgbhnjm"; // keys of the computer, from middle C and from the C below
const EARLY = 0.15; // seconds before a bar line, or its middle, at which a change still acts there
const SHAPES = { "": [0, 4, 7], m: [0, 3, 7], 7: [0, 4, 7, 10], m7: [0, 3, 7, 10], maj7: [0, 4, 7, 11], dim: [0, 3, 6], sus4: [0, 5, 7] };
const NAMES = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];

// The chord that some pitches are: the shape that has all of them and least else, on the lowest where it can be.
function chordOf(pitches) {
  const held = [...new Set(pitches.map((pitch) => pitch % 12))], lowest = Math.min(...pitches) % 12;
  if (held.length < 2) return "";
  let best = null;
  for (const [suffix, steps] of Object.entries(SHAPES))
    for (let root = 0; root < 12; root++) {
      const notes = steps.map((step) => (root + step) % 12);
      const fit = held.filter((note) => notes.includes(note)).length * 2 - notes.length - 3 * held.filter((note) => !notes.includes(note)).length + (root === lowest) * 0.5;
      if (!best || fit > best.fit) best = { fit, name: NAMES[root] + suffix };
    }
  return best.name;
}

class Sounding {
  constructor() {
    this.bars = new Map();
    this.clear();
    this.faces = new Set();
    this.keys = new Map(); // what is held: pitch → velocity
    this.down = new Map(); // keys of the computer among them: code → pitch
    this.metronome = this.countIn = false;
    this.presses = 0; // of play and stop: what a press began is given up at the next
    this.sent = { until: 0, open: new Map() }; // to the MIDI output: the time of the last, and what has no end yet
    window.addEventListener("keydown", (event) => this.key(event, true));
    window.addEventListener("keyup", (event) => this.key(event, false));
    window.addEventListener("blur", () => this.release());
  }

  clear() {
    this.bars.clear();
    this.marks = []; // places in bars that sound, from which a tempo is: {number, beat, at, seconds (of a bar), beats}
    this.changes = [];
    this.own = new OwnPart();
    this.chord = "";
    this.trades = this.follows = this.ends = false;
    this.state = "still"; // waits, plays, ended
    this.late = 0;
    this.refused = this.later = "";
  }

  tell() {
    for (const face of this.faces) face.refresh();
  }

  // The synthesiser and its soundfont, once: who asks meanwhile waits for the same.
  load() {
    return (this.loading ??= this.fetched().catch((error) => {
      this.loading = null;
      throw new Error(`The sound did not start: ${error.message}`);
    }));
  }

  async fetched() {
    const context = new AudioContext({ latencyHint: 0 });
    await context.audioWorklet.addModule("/jam-assets/worklet.js");
    const node = new AudioWorkletNode(context, "bandstand-jam", { outputChannelCount: [2] });
    node.connect(context.destination);
    const answer = await fetch("/jam-assets/soundfont.sf2");
    if (!answer.ok) throw new Error("There is no soundfont to play with.");
    const bank = await answer.arrayBuffer();
    const ready = new Promise((resolve) => {
      node.port.onmessage = ({ data }) => (data.ready ? resolve() : this.heard(data));
    });
    node.port.postMessage({ bank }, [bank]);
    await ready;
    this.worker = new Worker("/jam-assets/parts/worker.js");
    this.worker.onmessage = ({ data }) => this.said(data);
    [this.context, this.node] = [context, node];
  }

  async play(settings) {
    const press = ++this.presses;
    this.clear();
    this.state = "waits";
    this.tell();
    try {
      await this.load();
      await this.context.resume();
    } catch (error) {
      if (press === this.presses) this.state = "still";
      return this.refuse(error.message);
    }
    if (press !== this.presses) return;
    this.settings = this.started = settings;
    const channel = new MessageChannel();
    this.node.port.postMessage({ port: channel.port1 }, [channel.port1]);
    this.node.port.postMessage({ play: true, countIn: this.countIn, metronome: this.metronome });
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/jam`;
    this.worker.postMessage({ open: address, start: settings, port: channel.port2 }, [channel.port2]);
  }

  refuse(words) {
    this.refused = words;
    this.tell();
  }

  stop() {
    this.presses += 1;
    this.worker?.postMessage({ close: true });
    this.node?.port.postMessage({ stop: true });
    this.release();
    this.quiet();
    if (this.state !== "still") this.state = "ended";
    this.tell();
  }

  // From the worker, the server's words.
  said(data) {
    if (data.tracks) this.bars.set(data.bar, data);
    if (data.last) for (const beyond of this.bars.keys()) if (beyond > data.bar) this.bars.delete(beyond);
    if (data.changed) {
      this.ends = data.changed.end ?? this.ends;
      this.changes = this.changes.filter((each) => each.bar < data.from || !sameNames(each, data.changed));
      this.changes.push({ bar: data.from, ...data.changed });
    }
    if (data.refused) this.refused = data.refused;
    if (data.closed && this.state !== "still" && this.state !== "ended") {
      this.refused = "The studio has closed the jam; press play to begin another.";
      this.stop();
    }
    for (const old of this.bars.keys()) if (old < (this.now()?.number ?? 1) - 64) this.bars.delete(old);
    this.tell();
  }

  // From the worklet.
  heard(data) {
    if (this.state === "ended") return; // said before the worklet knew
    if (data.events) return this.send(data.events);
    if (data.ticks) return this.beatClock(data.ticks);
    if (data.sounds) {
      const { sounds: number, late, ...mark } = data;
      if (number > (this.marks.at(-1)?.number ?? 1)) this.hand(number - 1);
      this.state = "plays";
      this.late = late;
      this.marks = [...this.marks.slice(-15), { number, ...mark }];
    }
    if (data.ended) this.stop();
    if (data.heard !== undefined) this.own.note(data, data.asked ?? data.at, this.marks);
    this.tell();
  }

  // What was played in the bar that has just ended, to the server.
  hand(bar) {
    this.worker.postMessage({ own: this.own.of(bar, this.marks.at(-1).beats), bar });
  }

  // When the page's clock shows a second of the context.
  when(at) {
    return performance.now() + (at - this.context.currentTime) * 1000;
  }

  // Notes to the MIDI output that was chosen, each at its time.
  send(events) {
    if (!this.output) return;
    for (const [at, on, channel, pitch, velocity] of events) {
      this.output.send([(on ? 0x90 : 0x80) | channel, pitch, on ? velocity : 0], this.when(at));
      if (on) this.sent.open.set(channel * 128 + pitch, [channel, pitch]);
      else this.sent.open.delete(channel * 128 + pitch);
      this.sent.until = Math.max(this.sent.until, this.when(at));
    }
  }

  // Its clock, and a start before the first tick.
  beatClock(ticks) {
    if (!this.output) return;
    if (!this.ticking) this.output.send([0xfa], this.when(ticks[0]));
    this.ticking = true;
    for (const at of ticks) this.output.send([0xf8], this.when(at));
  }

  // Another output, or none: what the one before still plays ends.
  connect(id) {
    this.quiet();
    this.output = this.outputs?.find((output) => output.id === id) ?? null;
  }

  // What was sent ahead can be taken back in few browsers, so what begins yet is ended after it.
  quiet() {
    if (!this.output) return;
    this.output.clear?.();
    for (const [channel, pitch] of this.sent.open.values()) this.output.send([0x80 | channel, pitch, 0], this.sent.until + 1);
    this.sent.open.clear();
    if (this.ticking) this.output.send([0xfc]);
    for (let channel = 0; channel < 16; channel++) this.output.send([0xb0 | channel, 123, 0]);
    this.ticking = false;
  }

  // The bar that sounds, and how much of it has.
  now() {
    if (!this.context) return null;
    const time = this.context.currentTime;
    let mark = null;
    for (const each of this.marks) if (each.at <= time) mark = each;
    return mark && { ...mark, share: Math.min(1, mark.beat / mark.beats + (time - mark.at) / mark.seconds) };
  }

  // Settings from the next bar on, a chord from the next half bar and a tempo from the next tick, if that is not too near.
  change({ tempo, ...change }) {
    if (this.state !== "plays" && this.state !== "waits") return;
    if (tempo !== undefined) this.ask({ tempo }, 24 * (this.marks.at(-1)?.beats ?? 1));
    if (Object.keys(change).length) this.ask(change, "held" in change ? 2 : 1);
  }

  ask(change, parts) {
    const now = this.now(), { number, share, seconds } = now ?? { number: 0, share: 1, seconds: 1 };
    this.refused = "";
    const bar = now ? number + Math.ceil((share + EARLY / seconds) * parts) / parts : 1;
    this.worker.postMessage({ change, bar });
  }

  turn(name) {
    this[name] = !this[name];
    if (name === "trades") this.change({ trade: this.trades });
    if (name === "follows") this.worker?.postMessage({ follow: this.follows });
    if (name === "metronome") this.node?.port.postMessage({ metronome: this.metronome });
    this.tell();
  }

  // A key of the computer goes up wherever that is, and whatever it writes by then.
  key(event, on) {
    if (!on) {
      this.touch(this.down.get(event.code), 0, false);
      this.down.delete(event.code);
      return;
    }
    const field = event.composedPath()[0];
    if (!this.faces.size || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (field instanceof Element && field.matches("input, textarea, select, [contenteditable=true]")) return;
    const [upper, lower] = [UPPER.indexOf(event.key.toLowerCase()), LOWER.indexOf(event.key.toLowerCase())];
    if (upper < 0 && lower < 0) return;
    this.down.set(event.code, upper < 0 ? SPLIT - 12 + lower : SPLIT + upper);
    this.touch(this.down.get(event.code), 90, true);
  }

  // The second of the context that is heard now, where the browser says it.
  audible() {
    const stamp = this.context.getOutputTimestamp?.();
    return stamp?.performanceTime ? stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000 : undefined;
  }

  // A key of a keyboard goes down or up: the right hand sounds, the left hand holds chords.
  touch(pitch, velocity, on) {
    if (on) this.keys.set(pitch, velocity);
    else if (!this.keys.delete(pitch)) return;
    if (on && !this.node) this.warm();
    if (pitch >= SPLIT) this.node?.port.postMessage({ note: { pitch, velocity, on, program: this.program, asked: this.audible() } });
    else if (on) {
      clearTimeout(this.holding);
      this.holding = setTimeout(() => this.hold(), 40); // a chord's fingers do not fall at once
    }
    this.tell();
  }

  // Keys sound without the band too.
  warm() {
    this.load().then(() => this.context.resume(), (error) => this.refuse(error.message));
  }

  hold() {
    if (this.state !== "plays" && this.state !== "waits") return;
    const chord = chordOf([...this.keys.keys()].filter((pitch) => pitch < SPLIT));
    if (chord && chord !== this.chord) this.change({ held: (this.chord = chord) });
  }

  letGo() {
    this.chord = "";
    this.change({ held: "" });
  }

  release() {
    for (const pitch of [...this.keys.keys()]) this.touch(pitch, 0, false);
    this.down.clear();
  }

  async midi() {
    this.warm();
    if (!navigator.requestMIDIAccess) return this.refuse("This browser has no Web MIDI; the computer's keys play all the same.");
    try {
      const access = await navigator.requestMIDIAccess();
      const listen = () => {
        for (const input of access.inputs.values()) input.onmidimessage = ({ data }) => this.message(data);
        this.keyboards = [...access.inputs.values()].map((input) => input.name);
        this.outputs = [...access.outputs.values()];
        if (this.output && !this.outputs.includes(this.output)) this.output = null;
        this.tell();
      };
      access.onstatechange = ({ port }) => {
        if (port.type === "input" && port.state === "disconnected") this.release();
        listen();
      };
      listen();
    } catch {
      this.refuse("The browser does not let the page hear MIDI keyboards; the computer's keys play all the same.");
    }
  }

  message([status, pitch, velocity]) {
    const kind = status & 0xf0;
    if (kind === 0x90 || kind === 0x80) this.touch(pitch, velocity, kind === 0x90 && velocity > 0);
    if (kind === 0xb0 && (pitch === 120 || pitch === 123)) this.release();
  }
}

const sameNames = (each, changed) => Object.keys(each).filter((name) => name !== "bar").sort().join() === Object.keys(changed).sort().join();
const sounding = (window.__bandstandJam ??= new Sounding());
