// Notes by hand: chosen, drawn, moved, lengthened, struck otherwise and removed, by mouse, touch and keys; undo and redo.
// What is done is drawn at once, and sent as whole tracks in beats; Python answers with the song that has them.

const SNAPS = [["1/4 note", 1], ["1/8 note", 0.5], ["1/8 triplet", 1 / 3], ["1/16 note", 0.25], ["1/32 note", 0.125], ["Free", 0]];
const FREE = 1 / 24; // beats that a key moves a note by where nothing snaps
const SHORTEST = 1 / 32; // beats
const EDGE = 9; // pixels of a note's end by which it is made longer
const LATER = 300; // ms after the last change until it is sent
const LOUDER = 10; // of velocity, by a key or a button
const PIANO = [21, 108];

class Hand {
  constructor(player) {
    this.player = player;
    this.on = false;
    this.snap = 0.25;
    this.velocity = 90; // of the next note that is drawn
    this.serial = this.first = Date.now(); // of the last change, and of the last one before this song
    this.forget();
  }

  forget() {
    this.done = []; // [track's index, its notes before], for undo
    this.undone = [];
    this.touched = new Set(); // indices of tracks that Python has to hear of
    this.chosen = null; // {at: track's index, note}
    this.drag = null;
    this.held = ""; // what was held back, in words
    this.first = this.serial;
  }

  // ---- beats --------------------------------------------------------------------------------------------------------

  get tracks() {
    return this.player.data.tracks;
  }

  get end() {
    const { pace, end } = this.player.data;
    return this.beat(end, pace);
  }

  seconds(beat, pace = this.player.data.pace) {
    const [from, at, each] = pace.findLast(([begin]) => begin <= beat) ?? pace[0];
    return at + (beat - from) * each;
  }

  beat(seconds, pace = this.player.data.pace) {
    const [from, at, each] = pace.findLast(([, begin]) => begin <= seconds) ?? pace[0];
    return from + (seconds - at) / each;
  }

  snapped(beat) {
    return this.snap ? Math.round(beat / this.snap) * this.snap : beat;
  }

  made(onset, length, pitch, velocity) {
    // A note within the piano, the song and what a key can be struck with; what was held back is said.
    const held = [];
    const within = (value, low, high, words) => {
      if (value < low - 1e-9) held.push(words[0]);
      if (value > high + 1e-9) held.push(words[1]);
      return Math.max(low, Math.min(high, value));
    };
    const [low, high] = this.drums ? [0, 127] : PIANO;
    pitch = within(pitch, low, high, [`${noteName(low)} is the lowest key`, `${noteName(high)} is the highest key`]);
    onset = within(onset, 0, Math.max(0, this.end - SHORTEST), ["the song begins here", "the last bar ends here"]);
    length = within(length, SHORTEST, Math.max(SHORTEST, this.end - onset), ["a note cannot be shorter", "the last bar ends here"]);
    velocity = within(Math.round(velocity), 1, 127, ["a note cannot be softer", "a note cannot be louder"]);
    this.held = held.length ? `Held: ${held.join(", ")}.` : "";
    const begin = this.seconds(onset);
    return [begin, this.seconds(onset + length) - begin, pitch, velocity, onset, length];
  }

  // ---- what is done -------------------------------------------------------------------------------------------------

  put(at, notes) {
    this.tracks[at].notes = [...notes].sort((a, b) => a[4] - b[4] || a[2] - b[2]);
    this.touched.add(at);
    this.player.differ();
  }

  change(at, old, notes, note) {
    this.done.push([at, old]);
    this.undone = [];
    this.put(at, notes);
    this.chosen = note ? { at, note } : null;
    this.send();
  }

  step(from, to, words) {
    const last = from.pop();
    if (!last) return this.say(words);
    this.held = "";
    const [at, notes] = last;
    to.push([at, this.tracks[at].notes]);
    this.put(at, notes);
    this.chosen = null;
    this.send();
  }

  undo() {
    this.step(this.done, this.undone, "There is nothing to undo.");
  }

  redo() {
    this.step(this.undone, this.done, "There is nothing to redo.");
  }

  send() {
    this.serial++;
    clearTimeout(this.later);
    this.later = setTimeout(() => this.flush(), LATER);
    this.player.measured();
    this.say();
  }

  flush() {
    clearTimeout(this.later);
    if (!this.later || !this.touched.size) return;
    this.later = null;
    const sent = (notes) => notes.map((n) => [n[4], n[5], n[2], n[3]]);
    const tracks = Object.fromEntries([...this.touched].map((at) => [at, sent(this.tracks[at].notes)]));
    this.player.report("edit", { serial: this.serial, tracks });
  }

  meet(data, before) {
    // Other data come: the song of what was done here, one of what was done before that, or another song.
    const mine = data.edited > this.first && data.edited <= this.serial;
    if (!mine && !(this.touched.size && before?.sound === data.sound)) this.forget();
    else if (data.edited === this.serial) this.touched.clear();
    else for (const at of this.touched) data.tracks[at].notes = this.tracks[at].notes;
    if (!this.chosen) return;
    const { at, note } = this.chosen;
    const same = data.tracks[at]?.notes.find((n) => n[2] === note[2] && Math.abs(n[4] - note[4]) < 1e-6);
    this.chosen = same ? { at, note: same } : null;
  }

  edit(what) {
    // Another note instead of the chosen one: what(note) is [onset, length, pitch, velocity].
    if (!this.chosen) return this.say("Choose a note first.");
    const { at, note } = this.chosen, old = this.tracks[at].notes;
    const made = this.made(...what(note));
    if (made.slice(2).join() === note.slice(2).join()) return this.say();
    this.velocity = made[3];
    this.change(at, old, [...old.filter((n) => n !== note), made], made);
  }

  remove() {
    if (!this.chosen) return this.say("Choose a note first.");
    const { at, note } = this.chosen, old = this.tracks[at].notes;
    if (this.tracks.reduce((sum, t) => sum + t.notes.length, 0) < 2) return this.say("A song needs a note: the last one stays.");
    this.held = "";
    this.change(at, old, old.filter((n) => n !== note), null);
  }

  move(steps) {
    const by = this.snap || FREE;
    this.edit(([, , pitch, velocity, onset, length]) => [this.snapped(onset) + steps * by, length, pitch, velocity]);
  }

  raise(steps) {
    this.edit(([, , pitch, velocity, onset, length]) => [onset, length, this.pitchBy(this.lane(this.chosen.at), pitch, steps), velocity]);
  }

  lengthen(steps) {
    const by = this.snap || FREE;
    this.edit(([, , pitch, velocity, onset, length]) => [onset, Math.max(SHORTEST, length + steps * by), pitch, velocity]);
  }

  louder(steps) {
    this.edit(([, , pitch, velocity, onset, length]) => [onset, length, pitch, velocity + steps * LOUDER]);
  }

  insert(at) {
    // A new note behind the chosen one, or at the playhead.
    const near = this.chosen?.at === at ? this.chosen.note : null, { notes } = this.tracks[at];
    const onset = near ? near[4] + near[5] : this.snapped(this.beat(this.player.deck.position));
    const pitch = near?.[2] ?? notes[Math.floor(notes.length / 2)]?.[2] ?? (this.tracks[at].drum ? 38 : 60);
    const made = this.made(onset, this.snap || 0.25, pitch, this.velocity);
    this.change(at, notes, [...notes, made], made);
  }

  // ---- mouse and touch ----------------------------------------------------------------------------------------------

  lane(at) {
    return this.player.lanes.find((lane) => lane.tracks[0] === this.tracks[at]);
  }

  get drums() {
    const at = this.drag?.at ?? this.chosen?.at;
    return Boolean(this.tracks[at]?.drum);
  }

  pitchBy(lane, pitch, rows) {
    // The key so many rows higher; of drums the next ones in the lane.
    if (!lane.rows.drums) return pitch + rows;
    const { pitches } = lane.rows;
    return pitches[Math.max(0, Math.min(pitches.length - 1, lane.rows.row(pitch) + rows))];
  }

  hit(lane, x, y, reach) {
    const { clientWidth: width, clientHeight: height } = lane.over;
    let best = null;
    for (const note of lane.tracks[0].notes) {
      const [left, top, wide, tall] = noteBox(note, lane.rows, this.player.view, width, height);
      const away = Math.max(left - x, x - left - wide, 0) + Math.max(top - y, y - top - tall, 0);
      if (away <= reach && (!best || away <= best.away)) best = { note, away, end: x > left + Math.max(wide - EDGE, wide * 0.6) };
    }
    return best;
  }

  down(event, lane) {
    if (event.button) return;
    event.preventDefault();
    lane.box.focus({ preventScroll: true });
    lane.over.setPointerCapture(event.pointerId);
    const at = this.tracks.indexOf(lane.tracks[0]), { notes } = lane.tracks[0];
    const { offsetX: x, offsetY: y } = event;
    this.held = "";
    const hit = this.hit(lane, x, y, event.pointerType === "mouse" ? 2 : 8);
    if (hit && event.detail > 1) {
      this.chosen = { at, note: hit.note };
      return this.remove();
    }
    this.drag = { at, from: [event.clientX, event.clientY], lane, old: notes };
    if (hit) Object.assign(this.drag, { note: hit.note, way: event.altKey ? "louder" : hit.end ? "longer" : "move" });
    else {
      const step = this.snap || 0.25, beat = this.beat(this.player.at(x, lane.over));
      const pitch = lane.rows.pitch(Math.floor((1 - y / lane.over.clientHeight) * lane.rows.count));
      const made = this.made(this.snap ? Math.floor(beat / step + 1e-6) * step : beat, step, pitch, this.velocity);
      Object.assign(this.drag, { note: made, way: "longer", grip: beat - made[4], drawn: true });
      this.drag.now = made;
      this.put(at, [...notes, made]);
    }
    this.chosen = { at, note: this.drag.note };
    this.say();
    this.player.paint();
  }

  reach(lane) {
    // What a lane needs so that its notes can be taken hold of.
    const [track] = lane.tracks;
    lane.box.tabIndex = 0;
    lane.box.setAttribute("role", "application");
    lane.box.setAttribute("aria-label", `Notes of ${track.label || track.name}`);
    lane.over.onpointermove = (event) => this.drag && this.dragged(event);
    lane.over.onpointerup = lane.over.onpointercancel = () => this.drag && this.drop();
  }

  dragged(event) {
    const { at, from, lane, old, note, way, drawn, grip = note[5] } = this.drag;
    const { clientWidth: width, clientHeight: height } = lane.over;
    const right = event.clientX - from[0], up = from[1] - event.clientY;
    if (Math.abs(right) + Math.abs(up) < 4) return;
    const [, , pitch, velocity, onset, length] = note;
    const beats = (right / width) * (this.beat(this.player.view.to) - this.beat(this.player.view.from));
    let made;
    if (way === "louder") made = this.made(onset, length, pitch, velocity + up);
    else if (way === "longer") {
      const end = Math.max(this.snapped(onset + grip + beats), onset + (this.snap || SHORTEST));
      made = this.made(onset, Math.abs(right) < 4 ? length : end - onset, pitch, velocity);
    } else {
      const rows = Math.round((up / height) * lane.rows.count);
      made = this.made(Math.abs(right) < 4 ? onset : this.snapped(onset + beats), length, this.pitchBy(lane, pitch, rows), velocity);
    }
    this.drag.now = made;
    this.chosen = { at, note: made };
    this.put(at, [...old.filter((n) => n !== note || drawn), made]);
    this.say();
    this.player.paint();
  }

  drop() {
    const { at, old, note, now, drawn } = this.drag;
    const notes = this.tracks[at].notes;
    this.drag = null;
    if (now && (drawn || now.slice(2).join() !== note.slice(2).join())) {
      this.velocity = now[3];
      this.change(at, old, notes, now);
    } else this.player.refresh();
    this.player.arrived();
  }

  // ---- keys ---------------------------------------------------------------------------------------------------------

  keys(event) {
    // Whether a key was for the hand: undo anywhere in the player, the rest on a lane.
    if (!this.on) return false;
    const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
    if (command && (key === "z" || key === "y")) {
      if (key === "y" || event.shiftKey) this.redo();
      else this.undo();
      return true;
    }
    const lane = this.player.lanes.find((each) => each.box === event.target);
    if (!lane || event.altKey) return false;
    const at = this.tracks.indexOf(lane.tracks[0]);
    const [right, up] = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, 1], arrowdown: [0, -1] }[key] ?? [0, 0];
    if (right || up) {
      if (command) right ? this.lengthen(right) : this.louder(up);
      else if (event.shiftKey) right ? this.move(right) : this.raise(up);
      else this.choose(at, right, up);
    } else if (key === "delete" || key === "backspace") this.remove();
    else if (key === "enter") this.insert(at);
    else if (key === "escape") {
      this.chosen = null;
      this.say("No note is chosen.");
      this.player.paint();
    } else return false;
    return true;
  }

  choose(at, right, up) {
    // The next note in time, or the nearest one that is higher or lower; at first the one at the playhead.
    const { notes } = this.tracks[at], last = this.chosen?.at === at ? this.chosen.note : null;
    let note = last;
    this.held = "";
    if (!last) {
      const now = this.player.deck.position;
      note = notes.find((n) => n[0] + n[1] > now) ?? notes.at(-1);
    } else if (right) note = notes[notes.indexOf(last) + right] ?? last;
    else {
      const far = (n) => Math.abs(n[4] - last[4]) * 8 + Math.abs(n[2] - last[2]);
      const there = notes.filter((n) => (n[2] - last[2]) * up > 0).sort((a, b) => far(a) - far(b));
      note = there[0] ?? last;
    }
    this.chosen = note ? { at, note } : null;
    if (note) this.player.reveal(note[0]);
    this.say(note ? "" : "There is no note here: Enter draws one.");
    this.player.paint();
  }

  // ---- what is said -------------------------------------------------------------------------------------------------

  say(words = "") {
    if (!this.words) return;
    const note = this.chosen?.note;
    this.words.textContent = [words || this.held, note && this.described(note)].filter(Boolean).join(" ") || HINT;
    this.undoButton.disabled = !this.done.length;
    this.redoButton.disabled = !this.undone.length;
    for (const each of this.tools) each.disabled = !note;
  }

  described([begin, , pitch, velocity, onset, length]) {
    const name = (this.drums && drumName(pitch)) || noteName(pitch);
    const short = (value) => String(Math.round(value * 100) / 100);
    return `${name}, ${this.player.placed(begin + 1e-4, onset)}; ${short(length)} beats long, ${velocity} loud.`;
  }

  toolbar() {
    const bar = make("div", "tools", { role: "toolbar", "aria-label": "Notes by hand" });
    this.undoButton = button("small", "Undo", "undo", () => this.undo());
    this.redoButton = button("small", "Redo", "redo", () => this.redo());
    this.tools = [
      button("small", "Shorter", "shorter", () => this.lengthen(-1)), button("small", "Longer", "longer", () => this.lengthen(1)),
      button("small", "Softer", "softer", () => this.louder(-1)), button("small", "Louder", "louder", () => this.louder(1)),
      button("small", "Remove the note", "remove", () => this.remove()),
    ];
    const snap = make("select", "snap", { "aria-label": "Snap to", title: "What notes snap to" });
    for (const [words, beats] of SNAPS) snap.append(new Option(words, beats, false, beats === this.snap));
    snap.onchange = () => (this.snap = Number(snap.value));
    this.words = make("span", "words", { role: "status" });
    const rows = [button("small", "Lower rows", "less", () => this.player.taller(1 / 1.4)), button("small", "Taller rows", "more", () => this.player.taller(1.4))];
    bar.append(this.undoButton, this.redoButton, snap, ...this.tools, ...rows, this.words);
    this.say();
    return bar;
  }

  toggle() {
    this.flush();
    this.on = !this.on;
    const { player } = this;
    if (this.on) player.large ??= player.data.tracks.find((t) => t.notes.length && !t.drum)?.name ?? null;
    player.build();
  }
}

const HINT = "Drag a note, or its end; draw in the empty; two clicks remove. Keys: arrows choose, with Shift they move, with Ctrl length and loudness; Enter draws.";
