// Drawing: lanes of notes, of a waveform, of a spectrogram; a ruler. A view {from, to} in seconds maps to a canvas's width.

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const noteName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);

function palette(element) {
  const style = getComputedStyle(element);
  const read = (name, other) => style.getPropertyValue(name).trim() || other;
  const paper = read("--st-background-color", "#fff");
  const ink = read("--st-text-color", "#222");
  const [r, g, b] = rgb(paper);
  return {
    paper,
    ink,
    panel: read("--st-secondary-background-color", "#eee"),
    accent: read("--st-primary-color", "#b4472e"),
    dark: 0.299 * r + 0.587 * g + 0.114 * b < 128,
  };
}

function rgb(colour) {
  const hex = colour.replace("#", "");
  if (/^[0-9a-f]{6}/i.test(hex)) return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return (colour.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
}

const fade = (colour, alpha) => `rgba(${rgb(colour).join(",")},${alpha})`;
const shadeOf = (track, colours) => track.colour[colours.dark ? 1 : 0];

function sized(canvas) {
  // The canvas's own pixels follow its size on the screen; drawing is in CSS pixels.
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

const xOf = (seconds, view, width) => ((seconds - view.from) / (view.to - view.from)) * width;

function gridLines(pen, width, height, view, data, colours) {
  if (!data.beat) return;
  if (data.bars) {
    pen.fillStyle = fade(colours.ink, 0.16);
    for (const [at] of data.bars) pen.fillRect(Math.round(xOf(at, view, width)), 0, 1, height);
    return;
  }
  const beatWidth = (data.beat / (view.to - view.from)) * width;
  const first = Math.floor(view.from / data.beat);
  for (let beat = first; beat * data.beat <= view.to; beat++) {
    const bar = Math.abs(beat % data.beatsPerBar) < 1e-6;
    if (!bar && beatWidth < 9) continue;
    pen.fillStyle = fade(colours.ink, bar ? 0.16 : 0.06);
    pen.fillRect(Math.round(xOf(beat * data.beat, view, width)), 0, 1, height);
  }
}

function bandShades(pen, width, height, view, data, colours) {
  for (const [from, to] of data.bands ?? []) {
    pen.fillStyle = fade(colours.accent, 0.12);
    const x = xOf(from, view, width);
    pen.fillRect(x, 0, xOf(to, view, width) - x, height);
  }
}

// Where each pitch lies: a row for each drum in use, or a stave of semitones at least an octave and a half high.
function rowsOf(tracks) {
  const drums = tracks.every((t) => t.drum);
  const pitches = [...new Set(tracks.flatMap((t) => t.notes.map((n) => n[2])))].sort((a, b) => a - b);
  if (!pitches.length) return { count: 18, row: () => 0, low: 0, high: 0, drums };
  if (drums) {
    const at = new Map(pitches.map((p, i) => [p, i]));
    const count = Math.max(pitches.length, 4);
    return { count, row: (p) => at.get(p) ?? 0, low: pitches[0], high: pitches.at(-1), drums };
  }
  const low = pitches[0], high = pitches.at(-1);
  const spare = Math.max(0, 18 - (high - low + 1));
  const base = low - Math.floor(spare / 2) - 1;
  return { count: high - low + 3 + spare, row: (p) => p - base, low, high, base, drums };
}

function noteBox(note, rows, view, width, height) {
  const tall = height / rows.count;
  const x = xOf(note[0], view, width);
  const wide = Math.max(2, xOf(note[0] + note[1], view, width) - x - 1);
  const shown = Math.max(tall - (tall > 4 ? 1 : 0), 2.2);
  return [x, height - (rows.row(note[2]) + 1) * tall, rows.drums ? Math.min(wide, Math.max(4, shown * 1.3)) : wide, shown];
}

function drawNotes(canvas, tracks, rows, view, data, colours) {
  const { pen, width, height } = sized(canvas);
  if (!rows.drums && rows.base !== undefined) {
    pen.fillStyle = fade(colours.ink, 0.035);
    for (let i = 0; i < rows.count; i++) {
      if ([1, 3, 6, 8, 10].includes((rows.base + i) % 12)) {
        pen.fillRect(0, height - ((i + 1) * height) / rows.count, width, height / rows.count);
      }
    }
  }
  bandShades(pen, width, height, view, data, colours);
  gridLines(pen, width, height, view, data, colours);
  for (const track of tracks) {
    const colour = shadeOf(track, colours);
    for (const note of track.notes) {
      if (note[0] > view.to || note[0] + note[1] < view.from) continue;
      const [x, y, wide, tall] = noteBox(note, rows, view, width, height);
      pen.fillStyle = fade(colour, 0.45 + 0.55 * Math.min(1, note[3] / 110));
      pen.beginPath();
      pen.roundRect(x, y, wide, tall, Math.min(2.5, tall / 2));
      pen.fill();
    }
  }
}

function drawLit(canvas, tracks, rows, view, seconds, loop, colours) {
  const { pen, width, height } = sized(canvas);
  if (loop) {
    pen.fillStyle = fade(colours.ink, 0.1);
    const [a, b] = [xOf(loop.start, view, width), xOf(loop.end, view, width)];
    pen.fillRect(0, 0, a, height);
    pen.fillRect(b, 0, width - b, height);
  }
  for (const track of tracks) {
    for (const note of track.notes) {
      if (note[0] > seconds) break; // notes are in order of onset
      const length = track.drum ? Math.max(note[1], 0.09) : note[1];
      if (note[0] + length <= seconds) continue;
      const [x, y, wide, tall] = noteBox(note, rows, view, width, height);
      pen.fillStyle = colours.dark ? "#fff" : colours.ink;
      pen.shadowColor = shadeOf(track, colours);
      pen.shadowBlur = 10;
      pen.beginPath();
      pen.roundRect(x - 0.5, y - 0.5, wide + 1, tall + 1, 2.5);
      pen.fill();
      pen.shadowBlur = 0;
    }
  }
  playhead(pen, xOf(seconds, view, width), height, colours);
}

function playhead(pen, x, height, colours) {
  pen.fillStyle = colours.accent;
  pen.fillRect(x - 0.75, 0, 1.5, height);
}

function drawRuler(canvas, view, seconds, loop, data, colours) {
  const { pen, width, height } = sized(canvas);
  pen.font = "11px " + (getComputedStyle(canvas).fontFamily || "sans-serif");
  pen.textBaseline = "middle";
  if (loop) {
    const [a, b] = [xOf(loop.start, view, width), xOf(loop.end, view, width)];
    pen.fillStyle = fade(colours.accent, 0.3);
    pen.beginPath();
    pen.roundRect(a, 2, b - a, height - 4, 4);
    pen.fill();
  }
  const span = view.to - view.from;
  const bar = data.beat ? data.beat * data.beatsPerBar : 0;
  let step = bar;
  if (bar) while ((step / span) * width < 30) step *= 2;
  else step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120].find((s) => (s / span) * width > 44) ?? 300;
  const mark = (at, label) => {
    const x = xOf(at, view, width);
    pen.fillStyle = fade(colours.ink, 0.35);
    pen.fillRect(Math.round(x), height - 6, 1, 6);
    pen.fillStyle = fade(colours.ink, 0.7);
    if (x < width - 10) pen.fillText(label, x + 4, height / 2);
    return x;
  };
  if (data.bars) {
    let last = -Infinity; // where the last label stands: bars of a map differ in width
    const [[begin], [whole]] = [data.bars[0], data.bars[1] ?? data.bars[0]];
    for (const [at, number] of data.bars) {
      if (!number && xOf(whole, view, width) - xOf(begin, view, width) < 30) continue; // an upbeat gives way to bar 1
      if (at >= view.from && at <= view.to && xOf(at, view, width) - last >= 30) last = mark(at, String(number));
    }
  } else {
    for (let i = Math.floor(view.from / step); i * step <= Math.min(view.to, data.seconds) + 1e-6; i++) {
      mark(i * step, bar ? String(Math.round((i * step) / bar) + 1) : (i * step).toFixed(step < 1 ? 1 : 0) + " s");
    }
  }
  const x = xOf(seconds, view, width);
  pen.fillStyle = colours.accent;
  pen.beginPath();
  pen.moveTo(x - 5, height - 8);
  pen.lineTo(x + 5, height - 8);
  pen.lineTo(x, height);
  pen.fill();
}

function drawWave(canvas, held, view, data, colours, colour) {
  const { pen, width, height } = sized(canvas);
  bandShades(pen, width, height, view, data, colours);
  gridLines(pen, width, height, view, data, colours);
  pen.fillStyle = fade(colours.ink, 0.2);
  pen.fillRect(0, height / 2, width, 1);
  if (!held) return;
  const channels = [...Array(held.numberOfChannels).keys()].map((c) => held.getChannelData(c));
  held.peak ??= channels.reduce((most, samples) => samples.reduce((m, x) => Math.max(m, Math.abs(x)), most), 0.01);
  const tall = (height / 2.1) * Math.min(8, 0.95 / held.peak); // a soft sound is drawn larger, so that it is seen
  pen.fillStyle = colour;
  for (let x = 0; x < width; x++) {
    const at = (view.from + (x / width) * (view.to - view.from)) * held.sampleRate;
    const end = (view.from + ((x + 1) / width) * (view.to - view.from)) * held.sampleRate;
    let low = 0, high = 0;
    const step = Math.max(1, Math.floor((end - at) / 200));
    for (const samples of channels) {
      for (let i = Math.floor(at); i < end && i < samples.length; i += step) {
        if (samples[i] < low) low = samples[i];
        if (samples[i] > high) high = samples[i];
      }
    }
    pen.fillRect(x, height / 2 - high * tall, 1, Math.max(1, (high - low) * tall));
  }
}
