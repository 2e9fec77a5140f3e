// The player's face: transport, stage, and what is painted when. Words are set as text, never as HTML.

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}.${Math.floor((s % 1) * 10)}`;

const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  start: "M6 5h2.5v14H6zM19 5v14L9.5 12z",
  loop: "M7 7h9.5V4l4.5 4.5-4.5 4.5v-3H9.5v3.5H7zM17 17H7.5v3L3 15.5 7.5 11v3h7v-3.5H17z",
  closer: "M10.5 4a6.5 6.5 0 1 0 4 11.6l4.9 4.9 1.4-1.4-4.9-4.9A6.5 6.5 0 0 0 10.5 4zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM9.6 8v1.6H8v1.8h1.6V13h1.8v-1.6H13V9.6h-1.6V8z",
  wider: "M10.5 4a6.5 6.5 0 1 0 4 11.6l4.9 4.9 1.4-1.4-4.9-4.9A6.5 6.5 0 0 0 10.5 4zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM8 9.6h5v1.8H8z",
  pencil: "M4 16.6V20h3.4L17.8 9.6l-3.4-3.4zM20.5 6.9a1 1 0 0 0 0-1.4l-2-2a1 1 0 0 0-1.4 0l-1.5 1.5 3.4 3.4z",
  note: "M10 4h8.5v3.6h-6V17a3.6 3.6 0 1 1-2.5-3.4z",
  undo: "M9 4.6V9h5a5.5 5.5 0 0 1 0 11H8v-2.4h6a3.1 3.1 0 0 0 0-6.2H9v4.4l-6-5.6z",
  redo: "M15 4.6V9h-5a5.5 5.5 0 0 0 0 11h6v-2.4h-6a3.1 3.1 0 0 1 0-6.2h5v4.4l6-5.6z",
  more: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  less: "M5 11h14v2H5z",
  unfold: "M12 3l4.5 4.5h-9zM12 21l-4.5-4.5h9zM4 11h16v2H4z",
  shorter: "M4 5h2v14H4zM21 11v2h-7v3l-5-4 5-4v3z",
  longer: "M4 5h2v14H4zM9 11h7V8l5 4-5 4v-3H9z",
  softer: "M3 9.5v5h3.6l4.4 4v-13l-4.4 4zM14 11h7v2h-7z",
  louder: "M3 9.5v5h3.6l4.4 4v-13l-4.4 4zM16.5 8h2v3h3v2h-3v3h-2v-3h-3v-2h3z",
  remove: "M7 8.5h10l-.9 11.5H7.9zM9.5 4h5l.7 1.5H19v1.7H5V5.5h3.8z",
  volume: "M4 9v6h4l5 4.5v-15L8 9zm11.5-.8v7.6a4.2 4.2 0 0 0 0-7.6z",
};

function make(tag, className, attributes = {}, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function button(className, label, name, act) {
  const element = make("button", className, { type: "button", title: label, "aria-label": label });
  if (name) element.append(icon(name));
  element.addEventListener("click", act);
  return element;
}

class Face extends Lanes {
  // Builds and paints what a Player (player.js) is: it has its root, data, view, deck, mix, and what a person may do.
  build() {
    const { data, root } = this;
    const focus = root.getRootNode().activeElement?.getAttribute?.("aria-label");
    this.watch.disconnect();
    root.replaceChildren();
    root.className = "bs surface" + (data.compact ? " compact" : "");
    root.dataset.player = data.player;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Player: ${data.title || "music"}`);
    root.setAttribute("tabindex", "0");
    root.onkeydown = (event) => this.keys(event);
    root.onpointerenter = () => data.audible && this.load().catch(() => {});
    root.onpointerleave = () => this.hand.flush();
    root.classList.toggle("by-hand", this.hand.on);
    this.transport();
    if (this.hand.on) root.append(this.hand.toolbar());
    this.lanes = [];
    this.strips = []; // tracks that can be mixed
    this.plain = []; // and those that are only named
    const stage = make("div", data.tracks.length > 1 ? "stage" : "stage alone");
    root.append(stage);
    if (!data.compact) this.rulerRow(stage);
    this.named = []; // rows of chords, over their half bars, and of parts
    if (data.marks.length && !data.compact) this.partRow(stage);
    if (data.chords.length && !data.compact) this.chordRow(stage);
    if (data.compact) {
      const sung = data.tracks.filter((t) => t.notes.length);
      if (sung.length) this.lane(stage, null, sung, "notes");
    } else {
      const sung = data.tracks.filter((t) => t.notes.length || !t.wave);
      root.classList.toggle("keyed", sung.length > 0);
      for (const track of sung) this.lane(stage, track, [track], "notes");
    }
    for (const track of data.tracks.filter((t) => t.wave)) {
      this.lane(stage, data.compact ? null : track, [track], "wave");
      if (data.spectrogram) this.lane(stage, data.compact ? null : track, [track], "spectrum", true);
    }
    if (data.before) root.append(this.legend());
    this.applyMix();
    this.watch.observe(root);
    this.refresh();
    if (focus) [...root.querySelectorAll("[aria-label]")].find((e) => e.getAttribute("aria-label") === focus)?.focus();
  }

  transport() {
    const { data } = this;
    const bar = make("div", "transport");
    this.playButton = button("play", "Play", "play", () => this.toggle());
    this.time = make("span", "time", { "aria-hidden": "true" });
    this.note = make("span", "note", { role: "status" });
    bar.append(this.playButton);
    if (!data.compact) {
      bar.append(button("small", "Back to the start", "start", () => this.seek(0)));
      this.loopButton = button("small loop", "Loop two bars here; drag across the ruler for others", "loop", () => this.loopBar());
      if (!data.beat) this.loopButton.title = "Loop; drag across the ruler for a part";
      bar.append(this.loopButton);
    }
    if (data.mayEdit) {
      const by = button("small", "Notes by hand", "note", () => this.hand.toggle());
      by.setAttribute("aria-pressed", String(this.hand.on));
      bar.append(by);
    }
    if (this.given.before) bar.append(this.turns());
    if (data.mayRewrite) {
      this.anew = button("anew", "Write these bars anew", "pencil", () => this.writeAnew());
      this.anew.append(make("span"));
      bar.append(this.anew);
    }
    const about = make("div", "about"); // stands on a line of its own where it has no room
    if (data.title) about.append(make("span", "title", {}, data.title));
    about.append(this.note, this.time);
    if (!data.compact) {
      const nearness = make("span", "turns nearness");
      nearness.append(button("small", "See less, larger", "closer", () => this.zoom(0.5)));
      nearness.append(button("small", "See more, smaller", "wider", () => this.zoom(2)));
      about.append(nearness);
      const loud = make("label", "master", { title: "Volume" });
      const slider = make("input", "", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Volume" });
      slider.value = studio.volume;
      slider.addEventListener("input", () => {
        studio.volume = Number(slider.value);
        for (const player of studio.players.values()) player.deck.setVolume(studio.volume);
      });
      loud.append(icon("volume"), slider);
      about.append(loud);
    }
    bar.append(about);
    this.root.append(bar);
  }

  turns() {
    // What was and what is, by turns, at the same place.
    const pair = make("span", "turns", { role: "group", "aria-label": "Compare" });
    for (const [letter, words, was] of [["A", "what was before", true], ["B", "what is now", false]]) {
      const one = button("small", `${letter}: ${words}`, "", () => this.hear(was));
      one.textContent = letter;
      one.setAttribute("aria-pressed", String(this.was === was));
      pair.append(one);
    }
    return pair;
  }

  legend() {
    const row = make("div", "legend");
    const other = this.was ? ["not any more", "not yet"] : ["new", "as it was"];
    for (const [look, words] of [["same", "the same"], ["fresh", other[0]], ["ghost", other[1]]]) row.append(make("i", look), make("span", "", {}, words));
    return row;
  }

  follow() {
    // Light or dark may change under our feet.
    if (!this.data || !this.root.isConnected) return;
    const look = palette(this.root);
    const now = look.paper + look.accent;
    if (now !== this.look) this.paint();
  }

  paint() {
    if (!this.data || !this.root.clientWidth) return;
    const colours = (this.colours = palette(this.root));
    this.look = colours.paper + colours.accent;
    this.lanes.forEach(({ under, tracks, plot, rows }) => {
      const index = this.data.tracks.indexOf(tracks[0]);
      const held = this.loaded ? this.deck.buffers[index] : null;
      if (plot === "notes") drawNotes(under, tracks, rows, this.view, this.data, colours);
      else if (plot === "wave") drawWave(under, held, this.view, this.data, colours, shadeOf(tracks[0], colours));
      else drawSpectrum(under, held, this.view, this.data, colours);
    });
    for (const { keys, tracks, rows } of this.lanes) if (keys) drawKeys(keys, tracks, rows, colours);
    for (const row of this.named) this.place(row);
    for (const one of [...this.strips, ...this.plain]) one.dot.style.background = shadeOf(one.track, colours);
    this.moving();
  }

  moving() {
    // What changes while it plays: playhead, lit notes, time, the ruler.
    const now = Math.min(this.deck.position, this.axis), { colours, view, data } = this;
    if (!colours) return;
    const loop = this.deck.loop;
    for (const { over, tracks, plot, rows, heard } of this.lanes) {
      const lit = this.deck.playing || now > 0 ? now : -1;
      if (plot === "notes") {
        drawLit(over, heard ? tracks : [], rows, view, lit, loop, colours);
        const chosen = this.hand.on && this.hand.chosen;
        if (chosen && data.tracks[chosen.at] === tracks[0]) drawChosen(over, chosen.note, rows, view, colours);
      }
      else playhead(sized(over).pen, xOf(now, view, over.clientWidth), over.clientHeight, colours);
    }
    if (this.ruler && !data.compact) {
      drawRuler(this.ruler, view, now, loop, data, colours);
      const place = data.beat ? this.placed(now, now / data.beat) : "";
      this.ruler.setAttribute("aria-valuemax", this.axis.toFixed(1));
      this.ruler.setAttribute("aria-valuenow", now.toFixed(1));
      this.ruler.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${this.axis.toFixed(1)} seconds ${place}`);
    }
    this.time.textContent = `${clock(now)} / ${clock(this.axis)}`;
    this.playButton.style.setProperty("--level", Math.min(1, this.deck.level * 4).toFixed(3));
    window.dispatchEvent(new CustomEvent("bandstand:time", {
      detail: { player: data.player, seconds: now, beats: data.beat ? now / data.beat : null, playing: this.deck.playing },
    }));
  }

  placed(seconds, beats) {
    // Where that is, in words.
    const { bars, beatsPerBar } = this.data;
    if (bars) return `bar ${(bars.findLast(([at]) => at <= seconds + 1e-6) ?? bars[0])[1]}`;
    return `bar ${Math.floor(beats / beatsPerBar + 1e-6) + 1}, beat ${Math.floor((beats + 1e-6) % beatsPerBar) + 1}`;
  }

  measured() {
    // Rows and heights of the lanes, which follow the notes; then all is painted.
    for (const lane of this.lanes) this.measure(lane);
    for (const { under, tracks, plot } of this.lanes) under.setAttribute("aria-label", this.described(tracks, plot));
    this.paint();
  }

  refresh() {
    if (!this.data) return;
    const { playing, loop } = this.deck;
    this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.playButton.title = playing ? "Pause (space)" : "Play (space)";
    this.ready.refresh();
    this.loopButton?.setAttribute("aria-pressed", String(Boolean(loop)));
    const bars = this.data.mayRewrite && loop ? this.barsOf(loop) : null;
    this.root.classList.toggle("marking", Boolean(bars));
    if (bars) {
      const which = bars.first === bars.last ? `bar ${bars.first}` : `bars ${bars.first}–${bars.last}`;
      this.anew.lastChild.textContent = `Write ${which} anew`;
      this.anew.setAttribute("aria-label", `Write ${which} anew`);
    }
    for (const { mark, track } of [...this.strips, ...this.plain]) mark?.setAttribute("aria-pressed", String(this.marked.has(track.name)));
    const gains = this.gains();
    for (const lane of this.lanes) {
      lane.heard = !this.strips.length || lane.tracks.some((track) => gains[this.data.tracks.indexOf(track)] > 0);
      lane.under.style.opacity = lane.heard ? 1 : 0.3;
    }
    for (const { mute, solo, channel, strip, track } of this.strips) {
      mute.setAttribute("aria-pressed", String(channel.mute));
      solo.setAttribute("aria-pressed", String(channel.solo));
      strip.classList.toggle("off", gains[this.data.tracks.indexOf(track)] === 0);
    }
    for (const { name, zoom, track } of [...this.strips, ...this.plain]) {
      if (!zoom) continue;
      name.setAttribute("aria-expanded", String(this.isLarge([track])));
      zoom.hidden = !this.isLarge([track]);
    }
    this.measured();
  }
}
