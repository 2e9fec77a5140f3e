// Sound: stems fetched and decoded once, mixed in the browser, all started on the same sample.
// One AudioContext for the whole page; `studio` is shared by every player on it.

const studio = (window.__bandstand ??= {
  context: null,
  players: new Map(), // key → Player
  buffers: new Map(), // url → promise of an AudioBuffer, the least recently used first
  volume: 0.9,
});
const BUFFER_BYTES = 400e6;

function context() {
  studio.context ??= new AudioContext({ latencyHint: "interactive" });
  if (studio.context.state === "suspended") studio.context.resume();
  return studio.context;
}

async function download(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`sound not found (${answer.status})`);
  return answer.arrayBuffer();
}

function buffer(url, rate) {
  const known = studio.buffers.get(url);
  studio.buffers.delete(url);
  const wanted =
    known ?? download(url).then((bytes) => new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes));
  studio.buffers.set(url, wanted);
  if (!known) wanted.then(forget, () => studio.buffers.delete(url));
  return wanted;
}

async function forget() {
  let bytes = 0;
  for (const [url, wanted] of [...studio.buffers].reverse()) {
    const held = await wanted.catch(() => null);
    bytes += held ? held.length * held.numberOfChannels * 4 : 0;
    if (bytes > BUFFER_BYTES) studio.buffers.delete(url);
  }
}

class Deck {
  // Plays buffers together from a place, in a loop if asked, each at its own gain.
  constructor() {
    this.buffers = [];
    this.gains = [];
    this.seconds = 0;
    this.at = 0; // where playing began, or where it stands
    this.began = 0; // on the context's clock
    this.loop = null; // {start, end} in seconds
    this.voices = null; // while playing
    this.ended = () => {};
  }

  get playing() {
    return this.voices !== null;
  }

  get position() {
    if (!this.playing) return this.at;
    const heard = studio.context.currentTime - (studio.context.outputLatency || 0) - this.began;
    const now = this.at + Math.max(0, heard);
    if (this.loop && now >= this.loop.end) {
      return this.loop.start + ((now - this.loop.start) % (this.loop.end - this.loop.start));
    }
    return Math.min(now, this.seconds);
  }

  get level() {
    if (!this.playing) return 0;
    this.meter.getFloatTimeDomainData(this.scope);
    return Math.sqrt(this.scope.reduce((sum, x) => sum + x * x, 0) / this.scope.length);
  }

  play(from = this.at) {
    const sound = context();
    this.halt();
    if (this.loop && (from >= this.loop.end || from < this.loop.start)) from = this.loop.start;
    if (!this.loop && from >= this.seconds - 0.02) from = 0;
    this.at = from;
    this.began = sound.currentTime + 0.03;
    this.out = sound.createGain();
    this.out.gain.setValueAtTime(0, this.began);
    this.out.gain.linearRampToValueAtTime(studio.volume, this.began + 0.006);
    this.meter = sound.createAnalyser();
    this.meter.fftSize = 1024;
    this.scope = new Float32Array(this.meter.fftSize);
    this.out.connect(this.meter).connect(sound.destination);
    this.voices = this.buffers.map((held, i) => {
      if (!held) return null;
      const source = new AudioBufferSourceNode(sound, { buffer: held });
      const gain = new GainNode(sound, { gain: this.gains[i] ?? 1 });
      if (this.loop) Object.assign(source, { loop: true, loopStart: this.loop.start, loopEnd: this.loop.end });
      source.connect(gain).connect(this.out);
      source.start(this.began, Math.min(from, held.duration));
      return { source, gain };
    });
    const last = this.voices.find((voice) => voice);
    if (last) {
      last.source.onended = () => {
        if (this.voices?.includes(last)) this.finish();
      };
    }
  }

  finish() {
    this.halt();
    this.at = 0;
    this.ended();
  }

  pause() {
    const now = this.position;
    this.halt();
    this.at = now;
  }

  halt() {
    if (!this.playing) return;
    const now = studio.context.currentTime;
    this.out.gain.cancelScheduledValues(now);
    this.out.gain.setTargetAtTime(0, now, 0.004); // no click
    const { voices, out } = this;
    this.voices = null;
    for (const voice of voices) voice?.source.stop(now + 0.03);
    setTimeout(() => out.disconnect(), 120);
  }

  seek(to) {
    to = Math.max(0, Math.min(to, this.seconds));
    if (this.playing) this.play(to);
    else this.at = to;
  }

  setLoop(loop) {
    const now = this.position;
    this.loop = loop;
    if (this.playing) this.play(loop && (now < loop.start || now >= loop.end) ? loop.start : now);
  }

  setGain(track, gain) {
    this.gains[track] = gain;
    this.voices?.[track]?.gain.gain.setTargetAtTime(gain, studio.context.currentTime, 0.015);
  }

  setVolume(volume) {
    if (this.playing) this.out.gain.setTargetAtTime(volume, studio.context.currentTime, 0.015);
  }
}
