// Above the lanes: a ruler to go by and to loop with, the chords that sound, and the names of the parts.

const LEVELS = 3; // at which names stand that are wider than what they stand for
const SLIM = 7; // pixels that one takes up beside its name: its edge, its padding, and a gap

class Ruler {
  // How long the axis is, in seconds: to the last bar line, or as long as a sound of its own.
  get axis() {
    const { data } = this;
    return Math.max(0.05, data.end && !data.tracks.some((t) => t.wave) ? data.end : data.seconds);
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
    // The chords that were asked for, or sound; a click goes there, or where they may be changed asks for another.
    if (this.data.tracks.length > 1) stage.append(make("div", "strip heading", {}, "Chords"));
    const row = make("div", "chords", { role: "group", "aria-label": "Chords" }), entries = [];
    for (const chord of this.data.chords) {
      const words = `${chord.name}, bar ${chord.bar}${chord.sounds ? `: what sounds is nearer to ${chord.sounds}` : ""}`;
      const symbol = button(chord.sounds ? "chord unlike" : "chord", this.data.chordsMayChange ? `Change ${words}` : words, "", () => {
        if (this.data.chordsMayChange) this.askChord(row, symbol, chord);
        else this.seek(chord.from);
      });
      row.append(symbol);
      entries.push({ symbol, name: chord.name, from: chord.from, to: chord.to });
    }
    this.named.push({ row, entries });
    stage.append(row);
  }

  partRow(stage) {
    // What begins where: sections, a seam, the steps of a walk; a click goes there.
    if (this.data.tracks.length > 1) stage.append(make("div", "strip heading", {}, "Parts"));
    const row = make("div", "chords parts", { role: "group", "aria-label": "Parts" });
    const entries = this.data.marks.map(({ at, label }, i) => {
      const symbol = button("chord", `Go to ${label}`, "", () => this.seek(at));
      row.append(symbol);
      return { symbol, name: label, from: at, to: this.data.marks[i + 1]?.at ?? this.axis };
    });
    this.named.push({ row, entries });
    stage.append(row);
  }

  place({ row, entries }) {
    // Every name whole, for half of one is another chord's: one that is wider than its time reaches on, and the next
    // stands lower; where no level has room its time alone is marked, and its button still says it.
    const width = row.clientWidth, ends = Array(LEVELS).fill(0), pen = (this.pen ??= make("canvas").getContext("2d"));
    let levels = 1;
    pen.font = getComputedStyle(entries[0].symbol).font;
    for (const { symbol, name, from, to } of entries) {
      const [left, right] = [from, to].map((at) => Math.max(0, Math.min(xOf(at, this.view, width), width)));
      const wide = Math.ceil(pen.measureText(name).width) + SLIM;
      const start = Math.min(left, Math.max(0, width - wide)); // the last one ends at the edge
      const free = wide > width ? -1 : ends.findIndex((end) => end <= start + 0.5), whole = free >= 0;
      const level = whole ? free : ends.indexOf(Math.min(...ends));
      const begin = whole ? start : Math.max(left, ends[level]), end = whole ? Math.max(right, start + wide) : right;
      symbol.hidden = right <= left || end - begin < SLIM;
      if (symbol.hidden) continue;
      symbol.textContent = whole ? name : "";
      symbol.style.cssText = `left: ${begin}px; width: ${end - begin - 2}px; --level: ${level}`;
      ends[level] = end;
      levels = Math.max(levels, level + 1);
    }
    row.style.setProperty("--levels", levels);
  }

  askChord(row, symbol, chord) {
    const field = make("input", "chord asked", { type: "text", "aria-label": `Chord of bar ${chord.bar}` });
    field.value = chord.name;
    field.style.cssText = symbol.style.cssText;
    field.style.width = "";
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
      return { start: lines[first], end: Math.min(last < 0 ? Infinity : lines[last], this.axis) };
    }
    const unit = this.data.beat || 0.01;
    const [low, high] = [a, b].map((x) => this.at(x, this.ruler) / unit).sort((p, q) => p - q);
    const start = Math.max(0, Math.round(low)) * unit;
    const end = Math.min(Math.max(Math.round(high) * unit, start + unit), this.axis);
    return { start, end };
  }

  barsOf({ start, end }) {
    // The bars that a stretch touches, from 1; null where it is an upbeat alone.
    const { bars, beat, beatsPerBar } = this.data, little = 1e-3;
    let first, last;
    if (bars) {
      first = (bars.findLast(([at]) => at <= start + little) ?? bars[0])[1];
      last = (bars.findLast(([at]) => at < end - little) ?? bars[0])[1];
    } else if (beat) {
      first = Math.floor((start + little) / (beat * beatsPerBar)) + 1;
      last = Math.ceil((end - little) / (beat * beatsPerBar));
    }
    return last >= 1 ? { first: Math.max(1, first), last: Math.max(first, last) } : null;
  }

  wholeBars() {
    // What is marked becomes the bars that it touches; returns these.
    const marked = this.deck.loop && this.barsOf(this.deck.loop);
    if (!marked) return null;
    const { bars, beat, beatsPerBar } = this.data;
    const at = (bar) => (bars ? bars.find(([, number]) => number === bar)?.[0] ?? this.axis : (bar - 1) * beat * beatsPerBar);
    this.deck.setLoop({ start: at(marked.first), end: Math.min(at(marked.last + 1), this.axis) });
    this.refresh();
    return marked;
  }
}
