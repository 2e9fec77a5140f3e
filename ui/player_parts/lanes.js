// The lanes: a strip with a track's name, mute, solo and volume, and beside it the keys and the notes, or a sound.

const ROW = 12; // pixels of a row in an enlarged lane, at first
const ROWS = [4, 40]; // pixels, the lowest and the tallest
const LARGE = [150, 900]; // pixels of an enlarged lane
const DRUM = 11, DRUMS_HIGH = 121; // pixels of a drum, so that its name can be read, and at most of all of them

class Lanes extends Ruler {
  lane(stage, track, tracks, plot, bare = false) {
    if (track && this.data.tracks.length > 1) stage.append(bare ? make("div", "strip") : this.strip(track));
    const box = make("div", "lane");
    const under = make("canvas", "", { role: "img", "aria-label": this.described(tracks, plot) });
    const over = make("canvas", "over", { "aria-hidden": "true" });
    const one = { box, under, over, tracks, plot, rows: null };
    over.onpointerdown = (event) => this.hand.on && plot === "notes" ? this.hand.down(event, one) : this.seek(this.at(event.offsetX, over));
    over.onwheel = (event) => this.wheel(event, over);
    box.append(under, over);
    if (plot === "notes" && !this.data.compact) {
      one.keys = make("canvas", "keys", { "aria-hidden": "true" });
      box.append(one.keys);
      if (this.hand.on) this.hand.reach(one);
    }
    stage.append(box);
    this.lanes.push(one);
    this.measure(one);
  }

  wheel(event, over) {
    const span = this.view.to - this.view.from;
    if (!event.deltaX || span >= this.axis) return;
    event.preventDefault();
    const from = Math.max(0, Math.min(this.view.from + (event.deltaX / over.clientWidth) * span, this.axis - span));
    this.view = { from, to: from + span };
    this.paint();
  }

  isLarge(tracks) {
    return !this.data.compact && tracks[0].name === this.large;
  }

  measure(lane) {
    // The rows of a lane, and its height.
    const { tracks, plot, box } = lane, { data } = this;
    let height = plot === "spectrum" ? 200 : data.compact ? 70 : data.height || 96;
    if (plot === "notes") {
      const [track] = tracks, alone = data.tracks.filter((t) => t.notes.length || !t.wave).length === 1;
      lane.rows = rowsOf(tracks, this.hand.on);
      height = data.height || (data.compact ? 84 : alone ? 190 : 68);
      if (!data.compact && !track.notes.length && !this.hand.on) height = 30;
      else if (!data.compact && track.drum) height = Math.max(60, Math.min(DRUM * lane.rows.count, DRUMS_HIGH));
      if (this.isLarge(tracks)) height = Math.max(LARGE[0], Math.min(LARGE[1], lane.rows.count * this.row));
    }
    box.style.height = `${height}px`;
  }

  enlarge(name) {
    // One lane at a time; the same again makes it as low as the others.
    this.large = this.large === name ? null : name;
    this.refresh();
  }

  taller(factor) {
    // Vertical zoom, of the lane that is enlarged or will be.
    this.large ??= this.data.tracks.find((t) => t.notes.length)?.name ?? null;
    this.row = Math.max(ROWS[0], Math.min(ROWS[1], this.row * factor));
    this.refresh();
  }

  strip(track) {
    const channel = this.channel(track), label = track.label || track.name;
    const strip = make("div", "strip");
    const dot = make("i", "dot");
    const rests = !track.notes.length && !track.wave;
    const one = { strip, dot, track, channel };
    if (track.wave || this.data.compact) one.name = make("span", "name", {}, label);
    else {
      one.name = button("name", `Enlarge ${label}`, "", () => this.enlarge(track.name));
      one.name.append(make("span", "", {}, label), icon("unfold"));
      one.zoom = make("span", "zoom");
      one.zoom.append(button("flag", `Lower rows for ${label}`, "less", () => this.taller(1 / 1.4)));
      one.zoom.append(button("flag", `Taller rows for ${label}`, "more", () => this.taller(1.4)));
    }
    strip.append(dot, one.name);
    if (this.data.mayRewrite && !track.wave && this.data.tracks.length > 1) {
      one.mark = button("flag mark", `${label} is written anew`, "pencil", () => {
        if (!this.marked.delete(track.name)) this.marked.add(track.name);
        this.wholeBars();
        this.refresh();
      });
    }
    strip.classList.toggle("off", rests);
    if (!rests && !this.data.tracks.some((t) => t.wave)) {
      this.faders(one, label);
      this.strips.push(one);
    } else {
      if (one.mark) strip.append(one.mark);
      this.plain.push(one);
    }
    if (one.zoom) strip.append(one.zoom);
    return strip;
  }

  faders(one, label) {
    // Mute, solo and volume of a track that is heard.
    const { channel, strip } = one;
    const flag = (what, name) => {
      const element = button(`flag ${name}`, `${what} ${label}`, "", () => {
        channel[name] = !channel[name];
        this.mixed();
      });
      element.textContent = what[0];
      return element;
    };
    one.mute = flag("Mute", "mute");
    one.solo = flag("Solo", "solo");
    const fader = make("input", "fader", {
      type: "range", min: 0, max: 1.5, step: 0.01, title: "Volume; double click for 100%", "aria-label": `Volume of ${label}`,
    });
    fader.value = channel.volume;
    fader.addEventListener("input", () => {
      channel.volume = Number(fader.value);
      this.mixed(500); // while it is dragged
    });
    fader.addEventListener("dblclick", () => {
      channel.volume = 1;
      fader.value = 1;
      this.mixed();
    });
    strip.append(one.mute, one.solo);
    if (one.mark) strip.append(one.mark);
    strip.append(fader);
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
}
