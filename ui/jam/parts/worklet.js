// The clock and the sound of a jam: bars come over a port, ahead of the one that sounds, and are rendered event by event.
//
// From the page:    {bank: ArrayBuffer} once, {port} to the worker, {play: true, countIn}, {stop: true}, {metronome},
//                   {note: {pitch, velocity, on, program, asked}} of the person's own, where `asked` is the second of
//                   the context that was heard when the key went, if that is known
// From the worker:  a bar, as ui/jam/session.py says it; one of a number that came before takes its place: before its
//                   bar line as a whole, while it sounds from its middle on; its tempi wherever it is
// To the worker:    {sounds: number}
// To the page:      {events: [[at (seconds), on, channel, pitch, velocity], …]}, {ticks: [at, …]} of the clock, for MIDI
//                   outputs, each as soon as no other tempo can move it;
//                   {heard: pitch, on, velocity, program, asked, at (seconds)} of the person's own
//                   {sounds, beat, at (seconds of the context), seconds (of a whole bar), beats, late (bars that came
//                   too late so far)} at each bar line and where the tempo becomes another
//
// A bar that is not there when it is its turn is a late one: the bar before is played again in its place.

import { SoundBankLoader, SpessaSynthProcessor } from "spessasynth_core";

const CHANNELS = ["piano", "guitar", "bass", "strings", "answer"];
const DRUMS = 9, OWN = 8;
const KEYS = 32; // from which it is known how soon a key can sound
const BLOCK = 128; // samples
const TICKS = 24; // of the clock, a quarter note
const SETTLED = 0.1; // seconds: what comes so soon, no tempo that is asked for now moves (sounding.js has EARLY)
const [CLICK, ACCENT] = [77, 76];

class Jam extends AudioWorkletProcessor {
  constructor() {
    super();
    this.synth = null;
    this.playing = false;
    this.silence();
    this.metronome = false;
    this.lags = []; // seconds from the last keys to their sounds, had they sounded in the next block
    this.port.onmessage = ({ data }) => this.told(data);
  }

  silence() {
    this.bars = new Map();
    this.events = (this.events ?? []).filter(([, , channel]) => channel === OWN); // [frame, on, channel, pitch, velocity, whether the page knows], ascending
    this.sounding = new Map(); // channel · 128 + pitch → the frame at which it ends
    this.number = 0;
    this.line = 0; // of the next bar, in frames: a fraction is kept, so that no tempo drifts
    this.middle = Infinity; // of the bar that sounds, until it is past
    this.anchor = { frame: 0, beat: 0, frames: 1 }; // a place in the bar that sounds, and frames a beat from there on
    this.turned = Infinity; // the beat from which that is so
    this.tick = Infinity; // of the clock, the next in the bar that sounds
    this.over = new Map(); // channel, pitch, onset → [channel, pitch] of what began in a first half and ends in the second
    this.before = null;
    this.late = 0;
    this.programs = {};
  }

  async told(data) {
    if (data.bank) {
      const synth = new SpessaSynthProcessor(sampleRate, { eventsEnabled: false });
      synth.soundBankManager.addSoundBank(SoundBankLoader.fromArrayBuffer(data.bank), "main");
      await synth.processorInitialized;
      this.synth = synth;
      this.port.postMessage({ ready: true });
    } else if (data.port) {
      this.server?.close();
      this.server = data.port;
      this.server.onmessage = ({ data: bar }) => this.bars.set(bar.bar, bar);
    } else if (data.play) {
      this.silence();
      this.playing = true;
      this.countIn = data.countIn;
    } else if (data.stop) {
      this.playing = false;
      this.silence();
      this.synth?.stopAllChannels(true);
    } else if (data.note) this.own(data.note);
    if ("metronome" in data) this.metronome = data.metronome;
  }

  // What a person plays sounds at once: a block of samples after the soonest of late could, so that all are equally late.
  own({ pitch, velocity, on, program, asked }) {
    if (!this.synth) return;
    if (program !== undefined && program !== this.programs[OWN]) {
      this.programs[OWN] = program;
      this.synth.programChange(OWN, program);
    }
    let at = currentTime;
    if (asked !== undefined) {
      this.lags = [...this.lags.slice(1 - KEYS), at - asked];
      at = Math.max(at, asked + Math.min(...this.lags) + BLOCK / sampleRate);
    }
    this.events.push([at * sampleRate + !on, on, OWN, pitch, velocity]); // never up before it is down
    this.sort();
    this.port.postMessage({ heard: pitch, on, velocity, program: this.programs[OWN] ?? 0, asked, at });
  }

  // Lay out the events of the next bar's first half, from its line on.
  begin() {
    let bar = this.bars.get(this.number + 1);
    if (!this.before && !(bar && this.bars.has(2))) {
      this.line = currentFrame + BLOCK; // the first two are still awaited
      return false;
    }
    if (this.before?.last) {
      this.playing = false;
      this.port.postMessage({ ended: true });
      return false;
    }
    if (bar) this.number += 1;
    else this.late += 1;
    bar = bar ?? this.before;
    const frames = bar === this.before ? this.anchor.frames : (60 / bar.tempo) * sampleRate;
    if (this.countIn) {
      this.countIn = false;
      this.clicks(bar, { frame: this.line, beat: 0, frames });
      this.line += bar.beats * frames;
    }
    this.before = bar;
    this.turned = this.tick = 0;
    this.goes({ frame: this.line, beat: 0, frames });
    this.lay(bar, false);
    if (this.metronome) this.clicks(bar, this.anchor);
    this.server?.postMessage({ sounds: this.number });
    for (const old of this.bars.keys()) if (old < this.number) this.bars.delete(old);
    return true;
  }

  // From a place in the bar that sounds on it has so many frames a beat.
  goes(anchor) {
    const beats = this.before.beats;
    this.anchor = anchor;
    this.line = this.frameOf(beats);
    if (anchor.beat < beats / 2) this.middle = this.frameOf(beats / 2);
    this.port.postMessage({ sounds: this.number, beat: anchor.beat, at: anchor.frame / sampleRate,
                            seconds: (beats * anchor.frames) / sampleRate, beats, late: this.late }); // prettier-ignore
  }

  // Where a beat of the bar that sounds falls, in frames.
  frameOf(beat, { frame, beat: from, frames } = this.anchor) {
    return frame + (beat - from) * frames;
  }

  // Where its tempo becomes another before a frame, all that is laid out from there on moves.
  turn(end) {
    const [beat, tempo] = this.bars.get(this.number)?.turns.find(([beat]) => beat > this.turned) ?? [Infinity];
    if (this.frameOf(beat) >= end) return;
    const frame = Math.max(this.frameOf(beat), currentFrame), frames = (60 / tempo) * sampleRate;
    const slower = frames / this.anchor.frames, reached = this.anchor.beat + (frame - this.anchor.frame) / this.anchor.frames;
    this.turned = beat;
    for (const event of this.events)
      if (event[2] !== OWN && event[0] > frame) event[0] = frame + (event[0] - frame) * slower;
    this.goes({ frame, beat: reached, frames });
  }

  // Lay out its second half, as the bar is by now. What began in the first half ends where it says, or at once where it
  // is no longer in it.
  halfway() {
    const now = this.bars.get(this.number);
    if (now) this.before = now;
    this.lay(this.before, true);
    this.middle = Infinity;
  }

  lay(bar, second) {
    for (const track of bar.tracks) {
      const channel = track.drum ? DRUMS : CHANNELS.indexOf(track.name);
      if (this.programs[channel] !== track.program) {
        this.programs[channel] = track.program;
        this.synth.programChange(channel, track.program);
      }
      for (const [onset, duration, pitch, velocity] of track.notes) {
        const begin = this.frameOf(onset), end = this.frameOf(onset + duration), key = `${channel} ${pitch} ${onset}`;
        const struck = second ? this.over.delete(key) : false;
        if (second ? !struck && end < this.middle : begin >= this.middle) continue;
        if (!struck) this.events.push([second ? Math.max(begin, this.middle) : begin, true, channel, pitch, velocity]);
        if (second || end < this.middle) this.events.push([end, false, channel, pitch, 0]);
        else this.over.set(key, [channel, pitch]);
      }
    }
    if (second) {
      for (const [channel, pitch] of this.over.values()) this.events.push([this.middle, false, channel, pitch, 0]);
      this.over.clear();
    }
    this.sort();
  }

  // The page is told what comes soon.
  tell() {
    const soon = currentFrame + SETTLED * sampleRate;
    const events = [], ticks = [];
    for (const event of this.events) {
      const [frame, on, channel, pitch, velocity, known] = event;
      if (frame >= soon) break;
      if (!known && channel !== OWN) events.push([frame / sampleRate, on, channel, pitch, velocity]);
      event[5] = true;
    }
    for (; this.tick < TICKS * this.before?.beats && this.frameOf(this.tick / TICKS) < soon; this.tick++)
      ticks.push(this.frameOf(this.tick / TICKS) / sampleRate);
    if (events.length) this.port.postMessage({ events });
    if (ticks.length) this.port.postMessage({ ticks });
  }

  sort() {
    this.events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }

  // The metronome, of a bar that goes by as an anchor says; no output plays it.
  clicks({ beats }, anchor) {
    for (let beat = 0; beat < beats; beat++) {
      const frame = this.frameOf(beat, anchor), pitch = beat ? CLICK : ACCENT;
      this.events.push([frame, true, DRUMS, pitch, 90, true], [frame + 2000, false, DRUMS, pitch, 0, true]);
    }
    this.sort();
  }

  strike([frame, on, channel, pitch, velocity]) {
    if (channel === OWN) return on ? this.synth.noteOn(OWN, pitch, velocity) : this.synth.noteOff(OWN, pitch);
    const key = channel * 128 + pitch;
    if (on) {
      this.sounding.set(key, (this.sounding.get(key) ?? 0) + 1);
      if (this.sounding.get(key) > 1) this.synth.noteOff(channel, pitch);
      this.synth.noteOn(channel, pitch, velocity);
    } else {
      const left = (this.sounding.get(key) ?? 1) - 1; // a note that was struck again meanwhile sounds on
      this.sounding.set(key, left);
      if (left === 0) this.synth.noteOff(channel, pitch);
    }
  }

  process(_, [output]) {
    if (!this.synth) return true;
    const [left, right] = [output[0], output[1] ?? new Float32Array(output[0].length)];
    const end = currentFrame + left.length;
    if (this.playing) {
      this.turn(end);
      if (this.middle < end) this.halfway();
      if (this.line < end) this.begin();
      this.tell();
    }
    let at = 0;
    while (this.events.length && this.events[0][0] < end) {
      const event = this.events.shift();
      const until = Math.max(at, Math.floor(event[0]) - currentFrame);
      if (until > at) this.synth.process(left, right, at, until - at);
      at = Math.max(at, until);
      this.strike(event);
    }
    if (at < left.length) this.synth.process(left, right, at, left.length - at);
    return true;
  }
}

registerProcessor("bandstand-jam", Jam);
