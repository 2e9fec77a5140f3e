// The player's face: transport, ruler, a strip and a lane for each track. Words are set as text, never as HTML.

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}.${Math.floor((s % 1) * 10)}`;

const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  start: "M6 5h2.5v14H6zM19 5v14L9.5 12z",
  loop: "M7 7h9.5V4l4.5 4.5-4.5 4.5v-3H9.5v3.5H7zM17 17H7.5v3L3 15.5 7.5 11v3h7v-3.5H17z",
  closer: "M10.5 4a6.5 6.5 0 1 0 4 11.6l4.9 4.9 1.4-1.4-4.9-4.9A6.5 6.5 0 0 0 10.5 4zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM9.6 8v1.6H8v1.8h1.6V13h1.8v-1.6H13V9.6h-1.6V8z",
  wider: "M10.5 4a6.5 6.5 0 1 0 4 11.6l4.9 4.9 1.4-1.4-4.9-4.9A6.5 6.5 0 0 0 10.5 4zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM8 9.6h5v1.8H8z",
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

class Face {
  // Builds and paints what a Player (player.js) is: it has its root, data, view, deck, mix, and what a person may do.
  build() {
    const { data, root } = this;
    const focus = root.getRootNode().activeElement?.getAttribute?.("aria-label");
    this.watch.disconnect();
    root.replaceChildren();
    root.className = "bs" + (data.compact ? " compact" : "");
    root.dataset.player = data.player;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Player: ${data.title || "music"}`);
    root.setAttribute("tabindex", "0");
    root.onkeydown = (event) => this.keys(event);
    root.onpointerenter = () => data.audible && this.load().catch(() => {});
    this.transport();
    this.lanes = [];
    this.strips = []; // tracks that can be mixed
    this.plain = []; // and those that are only named
    const stage = make("div", data.tracks.length > 1 ? "stage" : "stage alone");
    root.append(stage);
    if (!data.compact) this.rulerRow(stage);
    this.symbols = []; // of chords, over their half bars
    if (data.chords.length && !data.compact) this.chordRow(stage);
    if (data.compact) {
      const sung = data.tracks.filter((t) => t.notes.length);
      if (sung.length) this.lane(stage, null, sung, "notes", data.height || 84);
    } else {
      const sung = data.tracks.filter((t) => t.notes.length || !t.wave);
      const tall = data.height || (sung.length === 1 ? 190 : 68);
      for (const track of sung) this.lane(stage, track, [track], "notes", !track.notes.length ? 30 : track.drum ? Math.min(tall, 60) : tall);
    }
    for (const track of data.tracks.filter((t) => t.wave)) {
      this.lane(stage, data.compact ? null : track, [track], "wave", data.compact ? 70 : data.height || 96);
      if (data.spectrogram) this.lane(stage, data.compact ? null : track, [track], "spectrum", 200, true);
    }
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
    if (data.title) bar.append(make("span", "title", {}, data.title));
    bar.append(this.note, this.time);
    if (!data.compact) {
      bar.append(button("small", "See less, larger", "closer", () => this.zoom(0.5)));
      bar.append(button("small", "See more, smaller", "wider", () => this.zoom(2)));
      const loud = make("label", "master", { title: "Volume" });
      const slider = make("input", "", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "Volume" });
      slider.value = studio.volume;
      slider.addEventListener("input", () => {
        studio.volume = Number(slider.value);
        for (const player of studio.players.values()) player.deck.setVolume(studio.volume);
      });
      loud.append(icon("volume"), slider);
      bar.append(loud);
    }
    this.root.append(bar);
  }

  rulerRow(stage) {
    if (this.data.tracks.length > 1) stage.append(make("div", "corner"));
    this.ruler = make("canvas", "ruler", {
      role: "slider", tabindex: "0", "aria-label": "Position", "aria-valuemin": "0", title: "Click to go there, drag to loop",
    });
    let from = null;
    this.ruler.onpointerdown = (event) => {
      from = event.offsetX;
      this.ruler.setPointerCapture(event.pointerId);
    };
    this.ruler.onpointermove = (event) => {
      if (from === null || Math.abs(event.offsetX - from) < 6) return;
      this.deck.loop = this.stretch(from, event.offsetX);
      this.paint();
    };
    this.ruler.onpointerup = (event) => {
      if (from === null) return;
      const moved = Math.abs(event.offsetX - from) >= 6;
      if (moved) this.deck.setLoop(this.stretch(from, event.offsetX));
      else this.seek(this.at(event.offsetX, this.ruler));
      from = null;
      this.refresh();
    };
    this.ruler.ondblclick = () => {
      this.deck.setLoop(null);
      this.refresh();
    };
    stage.append(this.ruler);
  }

  chordRow(stage) {
    // The chords that sound; a click goes there, or where they may be changed asks for another.
    if (this.data.tracks.length > 1) stage.append(make("div", "strip heading", {}, "Chords"));
    const row = make("div", "chords", { role: "list", "aria-label": "Chords" });
    for (const chord of this.data.chords) {
      const words = this.data.chordsMayChange ? `Change ${chord.name}, bar ${chord.bar}` : `${chord.name}, bar ${chord.bar}`;
      const symbol = button("chord", words, "", () => {
        if (this.data.chordsMayChange) this.askChord(row, symbol, chord);
        else this.seek(chord.from);
      });
      symbol.textContent = chord.name;
      row.append(symbol);
      this.symbols.push({ symbol, chord });
    }
    stage.append(row);
  }

  askChord(row, symbol, chord) {
    const field = make("input", "chord asked", { type: "text", "aria-label": `Chord of bar ${chord.bar}` });
    field.value = chord.name;
    field.style.left = symbol.style.left;
    const close = () => {
      field.onblur = null; // leaving is no second close
      field.remove();
    };
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close();
      if (event.key !== "Enter") return;
      const text = field.value.trim();
      if (text && text !== chord.name) this.report("chord", { first: chord.first, halves: chord.halves, text });
      close();
    };
    field.onblur = close;
    row.append(field);
    field.select();
  }

  at(x, canvas) {
    return this.view.from + (x / canvas.clientWidth) * (this.view.to - this.view.from);
  }

  stretch(a, b) {
    // The region dragged over, on whole beats where there are beats, on bar lines where these are not all alike.
    const lines = this.data.bars?.map(([at]) => at);
    if (lines) {
      const [from, to] = [a, b].map((x) => this.at(x, this.ruler)).sort((p, q) => p - q);
      const first = Math.max(0, lines.findLastIndex((at) => at <= from));
      const last = lines.findIndex((at, i) => i > first && at >= to);
      return { start: lines[first], end: Math.min(last < 0 ? Infinity : lines[last], this.data.seconds) };
    }
    const unit = this.data.beat || 0.01;
    const [low, high] = [a, b].map((x) => this.at(x, this.ruler) / unit).sort((p, q) => p - q);
    const start = Math.max(0, Math.round(low)) * unit;
    const end = Math.min(Math.max(Math.round(high) * unit, start + unit), this.data.seconds);
    return { start, end };
  }

  lane(stage, track, tracks, plot, height, bare = false) {
    if (track && this.data.tracks.length > 1) stage.append(bare ? make("div", "strip") : this.strip(track));
    const box = make("div", "lane");
    box.style.height = `${height}px`;
    const under = make("canvas", "", { role: "img", "aria-label": this.described(tracks, plot) });
    const over = make("canvas", "over", { "aria-hidden": "true" });
    over.onpointerdown = (event) => this.seek(this.at(event.offsetX, over));
    over.onwheel = (event) => {
      if (!event.deltaX || this.view.to - this.view.from >= this.data.seconds) return;
      event.preventDefault();
      const span = this.view.to - this.view.from;
      const from = Math.max(0, Math.min(this.view.from + (event.deltaX / over.clientWidth) * span, this.data.seconds - span));
      this.view = { from, to: from + span };
      this.paint();
    };
    box.append(under, over);
    stage.append(box);
    this.lanes.push({ under, over, tracks, plot, rows: plot === "notes" ? rowsOf(tracks) : null });
  }

  strip(track) {
    const channel = this.channel(track);
    const strip = make("div", "strip");
    const name = make("span", "name", {}, track.label || track.name);
    const dot = make("i", "dot");
    strip.append(dot, name);
    const one = { strip, dot, track, channel };
    const rests = !track.notes.length && !track.wave;
    strip.classList.toggle("off", rests);
    if (!rests && !this.data.tracks.some((t) => t.wave)) {
      one.mute = button("flag mute", `Mute ${track.label || track.name}`, "", () => {
        channel.mute = !channel.mute;
        this.mixed();
      });
      one.mute.textContent = "M";
      one.solo = button("flag solo", `Solo ${track.label || track.name}`, "", () => {
        channel.solo = !channel.solo;
        this.mixed();
      });
      one.solo.textContent = "S";
      const fader = make("input", "fader", {
        type: "range", min: 0, max: 1.5, step: 0.01, title: "Volume; double click for 100%",
        "aria-label": `Volume of ${track.label || track.name}`,
      });
      fader.value = channel.volume;
      fader.addEventListener("input", () => {
        channel.volume = Number(fader.value);
        this.mixed();
      });
      fader.addEventListener("dblclick", () => {
        channel.volume = 1;
        fader.value = 1;
        this.mixed();
      });
      strip.append(one.mute, one.solo, fader);
      this.strips.push(one);
    } else this.plain.push(one);
    return strip;
  }

  described(tracks, plot) {
    const names = tracks.map((t) => t.label || t.name).join(", ");
    if (plot === "wave") return `Waveform of ${names}, ${this.data.seconds.toFixed(1)} seconds`;
    if (plot === "spectrum") return `Spectrogram of ${names}: ` + (this.data.lines ?? []).map((l) => l.label).join(", ");
    const notes = tracks.flatMap((t) => t.notes);
    if (!notes.length) return `Pianoroll of ${names}: silent`;
    const pitches = notes.map((n) => n[2]);
    const range = tracks.every((t) => t.drum)
      ? "" : `, from ${noteName(Math.min(...pitches))} to ${noteName(Math.max(...pitches))}`;
    return `Pianoroll of ${names}: ${notes.length} notes${range}`;
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
    this.root.classList.toggle("dark", colours.dark);
    this.lanes.forEach(({ under, tracks, plot, rows }) => {
      const index = this.data.tracks.indexOf(tracks[0]);
      const held = this.loaded ? this.deck.buffers[index] : null;
      if (plot === "notes") drawNotes(under, tracks, rows, this.view, this.data, colours);
      else if (plot === "wave") drawWave(under, held, this.view, this.data, colours, shadeOf(tracks[0], colours));
      else drawSpectrum(under, held, this.view, this.data, colours);
    });
    for (const { symbol, chord } of this.symbols) {
      const [left, right] = [chord.from, chord.to].map((at) => xOf(at, this.view, 100));
      symbol.hidden = right <= 0 || left >= 100;
      symbol.style.left = `${Math.max(0, left)}%`;
      symbol.style.width = `calc(${Math.min(100, right) - Math.max(0, left)}% - 2px)`;
    }
    for (const one of [...this.strips, ...this.plain]) one.dot.style.background = shadeOf(one.track, colours);
    this.moving();
  }

  moving() {
    // What changes while it plays: playhead, lit notes, time, the ruler.
    const now = this.deck.position, { colours, view, data } = this;
    if (!colours) return;
    const loop = this.deck.loop;
    for (const { over, tracks, plot, rows } of this.lanes) {
      const lit = this.deck.playing || now > 0 ? now : -1;
      if (plot === "notes") drawLit(over, tracks, rows, view, lit, loop, colours);
      else playhead(sized(over).pen, xOf(now, view, over.clientWidth), over.clientHeight, colours);
    }
    if (this.ruler && !data.compact) {
      drawRuler(this.ruler, view, now, loop, data, colours);
      const beats = data.beat ? now / data.beat : 0;
      const place = data.bars
        ? `bar ${(data.bars.findLast(([at]) => at <= now + 1e-6) ?? data.bars[0])[1]}` : data.beat
        ? `bar ${Math.floor(beats / data.beatsPerBar + 1e-6) + 1}, beat ${Math.floor((beats + 1e-6) % data.beatsPerBar) + 1}` : "";
      this.ruler.setAttribute("aria-valuemax", data.seconds.toFixed(1));
      this.ruler.setAttribute("aria-valuenow", now.toFixed(1));
      this.ruler.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${data.seconds.toFixed(1)} seconds ${place}`);
    }
    this.time.textContent = `${clock(now)} / ${clock(data.seconds)}`;
    this.playButton.style.setProperty("--level", Math.min(1, this.deck.level * 4).toFixed(3));
    window.dispatchEvent(new CustomEvent("bandstand:time", {
      detail: { player: data.player, seconds: now, beats: data.beat ? now / data.beat : null, playing: this.deck.playing },
    }));
  }

  refresh() {
    if (!this.data) return;
    const { playing, loop } = this.deck;
    this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.playButton.title = playing ? "Pause (space)" : "Play (space)";
    this.loopButton?.setAttribute("aria-pressed", String(Boolean(loop)));
    const gains = this.gains();
    for (const { mute, solo, channel, strip, track } of this.strips) {
      mute.setAttribute("aria-pressed", String(channel.mute));
      solo.setAttribute("aria-pressed", String(channel.solo));
      strip.classList.toggle("off", gains[this.data.tracks.indexOf(track)] === 0);
    }
    this.paint();
  }
}
