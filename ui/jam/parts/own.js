// What a person plays along, in quarter notes from the first bar line, as the server and a MIDI file have it.

const TICKS = 480; // of a quarter note, the steps of a file
const BEFORE = 0.125; // quarter notes before a bar line from which a note belongs to the bar behind it

class OwnPart {
  constructor() {
    this.notes = []; // {onset, duration (0 while it is held), pitch, velocity, program}
  }

  // A key that went down or up at a time, in seconds of the context.
  note({ heard: pitch, on, velocity, program }, at, marks) {
    const beat = beatOf(at, marks);
    const held = this.notes.find((note) => note.pitch === pitch && !note.duration);
    if (held) held.duration = Math.max(1 / TICKS, beat === null ? 1 : beat - held.onset);
    if (on && beat !== null && beat >= -BEFORE) this.notes.push({ onset: Math.max(0, beat), duration: 0, pitch, velocity, program });
  }

  // What began in a bar, each [onset, duration, pitch, velocity, program] from its line on; what is still held lasts to
  // a place (as a bar and its share), or to the bar's end.
  of(bar, beats, place = bar + 1) {
    const begin = (bar - 1) * beats, until = Math.min(place - bar, 1) * beats;
    let first = this.notes.length;
    while (first && this.notes[first - 1].onset >= begin - BEFORE) first--;
    return this.notes.slice(first).filter(({ onset }) => onset < begin + beats - BEFORE).map((note) => this.row(note, begin, begin + until));
  }

  // All of it, to be kept.
  all(end) {
    return this.notes.filter(({ onset }) => onset < end).map((note) => this.row(note, 0, end));
  }

  row({ onset, duration, pitch, velocity, program }, begin, end) {
    return [onset - begin, duration || Math.max(end - onset, 1 / TICKS), pitch, velocity, program];
  }
}

// The beat at a time, on the grid of a file; null before the first bar is known.
function beatOf(at, marks) {
  const mark = marks.findLast((each) => each.at <= at + 1e-3) ?? marks[0];
  if (!mark) return null;
  const beat = (mark.number - 1) * mark.beats + mark.beat + ((at - mark.at) / mark.seconds) * mark.beats;
  return Math.round(beat * TICKS) / TICKS;
}
