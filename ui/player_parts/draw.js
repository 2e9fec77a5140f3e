// Drawing: lanes of notes, of a waveform, of a spectrogram; a ruler. A view {from, to} in seconds maps to a canvas's width.

const NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]; // as they are typed, and read elsewhere
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
    accent: read("--st-primary-color", "#a03c26"),
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

const fontOf = (canvas, pixels, weight = 400) => `${weight} ${pixels}px ${getComputedStyle(canvas).fontFamily || "sans-serif"}`;

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
  for (let beat = first; beat * data.beat <= Math.min(view.to, data.end + 1e-3); beat++) {
    const bar = Math.abs(beat % data.beatsPerBar) < 1e-6;
    if (!bar && beatWidth < 9) continue;
    pen.fillStyle = fade(colours.ink, bar ? 0.16 : 0.06);
    pen.fillRect(Math.round(xOf(beat * data.beat, view, width)), 0, 1, height);
  }
}

function bandShades(pen, width, height, view, data, colours) {
  for (const { at } of data.compact ? [] : data.marks) {
    pen.fillStyle = fade(colours.accent, 0.45);
    pen.fillRect(Math.round(xOf(at, view, width)) - 1, 0, 2, height);
  }
  for (const [from, to] of data.bands ?? []) {
    pen.fillStyle = fade(colours.accent, 0.12);
    const x = xOf(from, view, width);
    pen.fillRect(x, 0, xOf(to, view, width) - x, height);
  }
}

const KIT = [36, 38, 39, 42, 45, 46, 48, 49, 51]; // drums that a hand is offered
const SPARE = 5; // semitones around what is played, for a hand

// Where each pitch lies: a row for each drum in use, or a stave of semitones at least an octave and a half high.
function rowsOf(tracks, byHand) {
  const drums = tracks.every((t) => t.drum), spared = byHand ? SPARE : 0;
  const used = tracks.flatMap((t) => [...t.notes, ...(t.ghosts ?? [])].map((n) => n[2]));
  const pitches = [...new Set([...used, ...(byHand ? (drums ? KIT : used.length ? [] : [60]) : [])])].sort((a, b) => a - b);
  if (!pitches.length) return { count: 18, row: () => 0, pitches, drums };
  if (drums) {
    const at = new Map(pitches.map((p, i) => [p, i]));
    const count = Math.max(pitches.length, 4);
    return { count, row: (p) => at.get(p) ?? 0, pitch: (row) => pitches[Math.max(0, Math.min(row, pitches.length - 1))], pitches, drums };
  }
  const low = pitches[0], high = pitches.at(-1);
  const spare = Math.max(spared * 2, 18 - (high - low + 1));
  const base = low - Math.floor(spare / 2) - 1;
  return { count: high - low + 3 + spare, row: (p) => p - base, pitch: (row) => base + row, pitches, base, drums };
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
      if (isBlack(rows.base + i)) {
        pen.fillRect(0, height - ((i + 1) * height) / rows.count, width, height / rows.count);
      }
    }
  }
  bandShades(pen, width, height, view, data, colours);
  gridLines(pen, width, height, view, data, colours);
  for (const track of tracks) {
    const colour = shadeOf(track, colours);
    pen.strokeStyle = fade(colours.ink, 0.32);
    for (const ghost of track.ghosts ?? []) {
      const [x, y, wide, tall] = noteBox(ghost, rows, view, width, height);
      pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, wide - 1), Math.max(1, tall - 1));
    }
    for (const note of track.notes) {
      if (note[0] > view.to || note[0] + note[1] < view.from) continue;
      const [x, y, wide, tall] = noteBox(note, rows, view, width, height);
      const same = track.compared && !track.fresh.has(note);
      pen.fillStyle = fade(colour, (0.45 + 0.55 * Math.min(1, note[3] / 110)) * (same ? 0.5 : 1));
      pen.beginPath();
      pen.roundRect(x, y, wide, tall, Math.min(2.5, tall / 2));
      pen.fill();
      if (!track.compared || same || tall < 6) continue; // an outline would hide the colour of a thin one
      pen.strokeStyle = fade(colours.ink, 0.8);
      pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, wide - 1), Math.max(1, tall - 1));
    }
  }
}

const DRUMS = ["slap", "scratch", "scratch 2", "sticks", "click", "click 2", "bell", "kick 2", "kick", "stick", "snare",
  "clap", "snare 2", "low tom 2", "hat", "low tom", "pedal", "mid tom 2", "open hat", "mid tom", "high tom 2", "crash",
  "high tom", "ride", "china", "ride bell", "tambourine", "splash", "cowbell", "crash 2", "vibraslap", "ride 2", "bongo",
  "low bongo", "conga mute", "conga", "low conga", "timbale", "low timb.", "agogo", "low agogo", "cabasa", "maracas",
  "whistle", "whistle 2", "guiro", "long guiro", "claves", "wood", "low wood", "cuica mute", "cuica", "triangle 2",
  "triangle", "shaker", "jingles", "bell tree", "castanets", "surdo mute", "surdo"]; // General MIDI's, from 28 on
const drumName = (pitch) => DRUMS[pitch - 28] ?? `key ${pitch}`;

const isBlack = (pitch) => [1, 3, 6, 8, 10].includes(pitch % 12);

function drawKeys(canvas, tracks, rows, colours) {
  // At the edge of a lane: a piano's keys, every C named and others where there is room; of drums their names.
  const { pen, width, height } = sized(canvas), tall = height / rows.count;
  if (!rows.pitches.length) return;
  const size = 10;
  pen.font = fontOf(canvas, size);
  pen.textBaseline = "middle";
  const each = rows.drums ? rows.pitches : Array.from({ length: rows.count }, (_, i) => rows.base + i);
  if (!rows.drums) {
    pen.fillStyle = colours.dark ? "#e9e1d3" : "#ffffff";
    pen.fillRect(0, 0, width, height);
  }
  let below = Infinity;
  for (const pitch of each) {
    const top = height - (rows.row(pitch) + 1) * tall, y = top + tall / 2;
    if (!rows.drums && isBlack(pitch)) {
      pen.fillStyle = "#2b2521";
      pen.fillRect(0, top, width * 0.55, tall);
    } else if (!rows.drums && [0, 5].includes(pitch % 12)) {
      pen.fillStyle = "rgba(43,37,33,0.35)";
      pen.fillRect(0, top + tall - 0.5, width, 0.5);
    }
    const white = !isBlack(pitch), name = rows.drums ? drumName(pitch) : white && (pitch % 12 === 0 || tall >= 9) ? noteName(pitch) : "";
    const at = Math.max(size / 2, Math.min(y, height - size / 2)); // whole, in the lane
    if (!name || below - at < size) continue;
    pen.fillStyle = rows.drums ? colours.ink : "#2b2521";
    pen.textAlign = "right";
    pen.fillText(name, width - 2, at, width - 3);
    below = at;
  }
}

function drawChosen(canvas, note, rows, view, colours) {
  const pen = canvas.getContext("2d");
  const [x, y, wide, tall] = noteBox(note, rows, view, canvas.clientWidth, canvas.clientHeight);
  pen.lineWidth = 2;
  pen.strokeStyle = colours.ink;
  pen.strokeRect(x - 2, y - 2, wide + 4, tall + 4);
  pen.lineWidth = 1;
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
      const colour = shadeOf(track, colours);
      pen.fillStyle = colour;
      pen.shadowColor = colour;
      pen.shadowBlur = 14;
      pen.beginPath();
      pen.roundRect(x - 1.5, y - 1.5, wide + 3, tall + 3, 3);
      pen.fill();
      pen.shadowBlur = 0;
      if (!colours.dark) continue;
      pen.fillStyle = "rgba(255,255,255,0.45)"; // on dark its own colour is lit
      pen.fill();
    }
  }
  playhead(pen, xOf(seconds, view, width), height, colours);
}

function playhead(pen, x, height, colours) {
  pen.fillStyle = colours.accent;
  pen.fillRect(Math.min(x, pen.canvas.clientWidth - 1) - 0.75, 0, 1.5, height);
}

function drawRuler(canvas, view, seconds, loop, data, colours) {
  const { pen, width, height } = sized(canvas);
  pen.font = fontOf(canvas, 11);
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
    if (x + 5 + pen.measureText(label).width < width) pen.fillText(label, x + 4, height / 2);
    return x;
  };
  if (data.bars) {
    let last = -Infinity; // where the last label stands: bars of a map differ in width
    const [[begin], [whole]] = [data.bars[0], data.bars[1] ?? data.bars[0]];
    for (const [at, number] of data.bars) {
      if (!number && xOf(whole, view, width) - xOf(begin, view, width) < 30) continue; // an upbeat gives way to bar 1
      if (at >= view.from && at <= view.to && at < data.end - 1e-3 && xOf(at, view, width) - last >= 30) last = mark(at, String(number));
    }
  } else {
    const last = bar ? data.end - 1e-3 : data.seconds + 1e-6; // what rings on after the last bar is none
    for (let i = Math.floor(view.from / step); i * step <= Math.min(view.to, last); i++) {
      mark(i * step, bar ? String(Math.round((i * step) / bar) + 1) : (i * step).toFixed(step < 1 ? 1 : 0) + " s");
    }
  }
  const x = Math.min(xOf(seconds, view, width), width);
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
