"""A line of one voice heard: a recording becomes notes, with its key, its tempo and its beats.

    audio → 16 kHz → tuning (Praat's pitch) → spectrum.py → model.py → decoding.py → tempo.py → Heard

    listen(audio)                    the notes at the recording's own seconds
    listen(audio, tempo=96)          the notes on the grid of a click
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import Progress, RequestError
from engine.core import pitch
from engine.core.audio import Audio
from engine.core.key import key_of, named
from engine.core.result import Music
from engine.core.song import Note, Song, Track
from engine.listen.decoding import SHORTEST, Span, decode
from engine.listen.spectrum import HOP, LOWEST, RATE
from engine.listen.tempo import beats_of, tempo_of

FRAME = HOP / RATE  # seconds
PROGRAM = 73  # General MIDI: the flute plays what is heard
TRACK = "Tune"
LINGERS = 0.11  # seconds for which a note before a rest is heard on: the median on lines that are known
SHORTEST_SECONDS = 0.3  # of a recording
SOFTEST_DB = -38.0  # of a note, below the loudest
HALFWAY = 0.5  # of its tuning, by which what is heard of a recording is moved
TUNED = 0.35  # how alike notes are tuned (0..1), from which on the tuning is believed
GRID = 12  # places of a beat on which quantised notes may begin: sixteenths and triplets
PLACES = (0, 3, 4, 6, 8, 9, 12)  # of them, those that are used
SPEECH = 0.82  # share of pitched frames within `STEADY` of their note, below which it is no melody
SPEECH_AMONG = 0.72  # the same where others sound too, between whose pitches the tracker jumps
STEADY = 0.5  # semitones
GLIDING = 0.62  # semitones that the pitch of half of its notes moves by at least, where it is no melody
ALONE = 0.87  # share of the power that a note's harmonics hold, below which others sound too
SEVERAL = "More than one note seems to sound at once; the strongest line is taken."
LOW_HZ, PARTIALS = 60.0, 8  # between which and how many harmonics power is compared


@dataclass(frozen=True, kw_only=True)
class Heard(Music):
    """The tune of a recording."""

    seconds: tuple[tuple[float, float], ...]  # where each of its notes begins and ends in the recording
    key: str  # "G major"
    tempo: float  # quarter notes a minute
    beats: tuple[float, ...]  # seconds
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, in beats of the song."""
        assert self.song is not None
        return self.song.tracks[0].notes

    @property
    def report(self) -> dict[str, Any]:
        """What `--json` prints: notes in seconds of the recording."""
        return {
            "notes": [
                {"onset": round(begin, 3), "duration": round(end - begin, 3), "pitch": note.pitch,
                 "velocity": note.velocity}
                for (begin, end), note in zip(self.seconds, self.notes)
            ],
            "key": self.key, "tempo": round(self.tempo, 2), "beats": [round(beat, 3) for beat in self.beats],
        }  # fmt: skip


def listen(
    audio: Audio, tempo: float | None = None, *, name: str = "The recording", progress: Progress | None = None
) -> Heard:
    """The notes of a line of one voice. With a `tempo` they are moved to the grid of a click of that tempo.

    Refused, in one sentence that begins with `name`, where there is no melody: silence, noise, speech.
    """
    from engine.listen.model import load  # here, because it brings PyTorch

    if audio.seconds < SHORTEST_SECONDS:
        raise RequestError(f"{name} lasts {audio.seconds:.2f} seconds; at least {SHORTEST_SECONDS} are needed.")
    if audio.silent:
        raise RequestError(f"{name} is silent: nothing in it is louder than -60 dB.")
    samples = audio.mono().resampled(RATE).samples
    tell = progress or (lambda done, total: None)
    tell(0, 3)
    f0_midi = tracked(samples)
    tell(1, 3)
    cents = 100 * HALFWAY * tuning(f0_midi)
    chances, onset = load().chances(samples, cents)
    tell(2, 3)
    level = pitch.loudness_db(samples, np.hanning(HOP * 2), HOP)
    spans = [span for span in decode(chances, onset)
             if level[span.first : span.last].max() > level.max() + SOFTEST_DB]  # fmt: skip
    share = alone(samples, spans, 100 * tuning(f0_midi))
    check(spans, f0_midi, SPEECH if share >= ALONE else SPEECH_AMONG, name)
    begins = [began(onset, span) for span in spans]
    ends = ended(spans, begins, audio.seconds)
    seconds = tuple(zip(begins, ends))
    found = tempo or tempo_of(begins)
    beats = beats_of(begins, found, max(ends), steady=tempo is not None)
    loudest = max(level[span.first : span.last].max() for span in spans)
    velocities = [int(np.clip(100 + 1.6 * (level[s.first : s.last].max() - loudest), 20, 110)) for s in spans]
    notes = [Note(begin * found / 60, (end - begin) * found / 60, span.pitch + LOWEST, velocity)
             for span, (begin, end), velocity in zip(spans, seconds, velocities)]  # fmt: skip
    signature = key_of(notes)
    song = Song((Track(TRACK, PROGRAM).with_notes(notes),), tempo=found, title=name, keys=((0.0, signature),))
    tell(3, 3)
    heard = Heard(song=song, seconds=seconds, key=named(signature), tempo=found, beats=tuple(beats.tolist()),
                  remarks=() if share >= ALONE else (SEVERAL,))  # fmt: skip
    return heard if tempo is None else replace(heard, song=quantised(heard, clicked=True))


def tracked(samples: np.ndarray) -> np.ndarray:
    """Praat's pitch at every frame, MIDI number with fractions, 0 where there is none, float64 [t]."""
    seconds, hz = pitch.track_f0(samples, RATE, FRAME, floor_hz=50.0, ceiling_hz=1_700.0)
    at = np.arange(len(samples) // HOP + 1) * FRAME
    nearest = np.clip(np.round((at - seconds[0]) / FRAME).astype(int), 0, len(hz) - 1)
    hz = hz[nearest]
    return np.where(hz > 0, pitch.hz_midi(np.where(hz > 0, hz, pitch.A4)), 0.0)


def tuning(f0_midi: np.ndarray) -> float:
    """How far a recording is tuned above A4 = 440 Hz, in semitones of -0.5..0.5; 0 where its notes do not agree.

    What is heard is moved halfway: a line that lies between two semitones would else be heard now on the upper, now on
    the lower, as a little more or less of it is known.
    """
    held = (f0_midi[1:] > 0) & (f0_midi[:-1] > 0) & (np.abs(np.diff(f0_midi)) < 0.15)
    if not held.any():
        return 0.0
    mean = np.exp(2j * np.pi * f0_midi[1:][held]).mean()
    return float(np.angle(mean) / (2 * np.pi)) if abs(mean) > TUNED else 0.0


def began(onset: np.ndarray, span: Span) -> float:
    """The second at which a note begins: the middle of what the ear says around its first frame."""
    at = np.arange(max(0, span.first - 1), min(len(onset), span.first + 2))
    return float((at * onset[at]).sum() / max(onset[at].sum(), 1e-9)) * FRAME


def ended(spans: list[Span], begins: list[float], seconds: float) -> list[float]:
    """The second at which each note ends: where the next begins, or where what lingers before a rest began to."""
    ends = []
    for begin, span, following, after in zip(begins, spans, [*spans[1:], None], [*begins[1:], seconds]):
        goes_on = following is not None and following.first == span.last
        ends.append(after if goes_on else min(max(span.last * FRAME - LINGERS, begin + SHORTEST * FRAME), after))
    return ends


def check(spans: list[Span], f0_midi: np.ndarray, least: float, name: str) -> None:
    """Refuse what has no notes, or whose pitch rests on one for less than the share `least` of the time."""
    if not spans:
        raise RequestError(f"No notes are heard in {name}: it is too soft, or has no pitch (noise, percussion).")
    inside = [f0_midi[span.first : span.last] for span in spans]
    inside = [f0[f0 > 0] for f0 in inside if (f0 > 0).sum() >= SHORTEST]
    near = sum(int((np.abs(f0 - np.median(f0)) < STEADY).sum()) for f0 in inside)
    wide = float(np.median([np.ptp(np.percentile(f0, (10, 90))) for f0 in inside])) if inside else 0.0
    if wide > GLIDING and near < least * (f0_midi > 0).sum():
        raise RequestError(f"{name} sounds like speech: its pitch hardly ever rests on a note.")


def alone(samples: np.ndarray, spans: list[Span], cents: float) -> float:
    """The share of the power around the middle of notes that their own lowest harmonics hold, 0..1: that of a note of
    which 30% hold less."""
    size = 2_048
    window, bins = np.hanning(size), np.arange(size + 1) * RATE / (2 * size)
    shares = []
    for span in spans:
        middle = (span.first + span.last) * HOP // 2
        piece = samples[max(0, middle - size // 2) : middle + size // 2]
        if len(piece) < size:
            continue
        power = np.abs(np.fft.rfft(piece * window, 2 * size)) ** 2
        hz = float(pitch.midi_hz(span.pitch + LOWEST + cents / 100))
        nearest = np.maximum(np.round(bins / hz), 1)
        own = np.abs(bins - nearest * hz) < np.maximum(0.02 * bins, 20.0)
        low = (bins > LOW_HZ) & (bins < (PARTIALS + 0.5) * hz)
        shares.append(power[own & low].sum() / max(power[low].sum(), 1e-12))
    return float(np.percentile(shares, 30)) if shares else 1.0


def quantised(heard: Heard, *, clicked: bool = False) -> Song:
    """The notes on sixteenths and triplets of the heard beats, which follow one another evenly; each lasts at least a
    sixteenth, and until the next begins where hardly anything lay between. The first lies in the first beat, or, where
    the recording began with a click, as many beats later as it was."""
    assert heard.song is not None
    beats = np.array(heard.beats)
    place = np.interp([second for span in heard.seconds for second in span], beats, np.arange(len(beats)),
                      left=np.nan, right=np.nan).reshape(-1, 2)  # fmt: skip
    period = 60 / heard.tempo
    raw = np.array(heard.seconds)
    before, after = (raw - beats[0]) / period, len(beats) - 1 + (raw - beats[-1]) / period
    place = np.where(raw < beats[0], before, np.where(raw > beats[-1], after, place))
    first = np.floor(snap(place.min()))
    place -= min(first, 0.0) if clicked else first
    snapped: list[float] = []
    for begin, _ in place:
        snapped.append(max(snap(begin), snapped[-1] + 1 / GRID if snapped else 0.0))
    notes = []
    for i, (note, (_, end)) in enumerate(zip(heard.notes, place)):
        following = snapped[i + 1] if i + 1 < len(snapped) else np.inf
        end = following if following - end < 0.2 else max(snap(end), snapped[i] + 0.25)
        notes.append(replace(note, onset=snapped[i], duration=min(end, following) - snapped[i]))
    return replace(heard.song, tracks=(replace(heard.song.tracks[0], notes=tuple(notes)),))


def snap(beat: float) -> float:
    """The nearest place of a beat on which a note may begin."""
    whole, part = divmod(beat, 1.0)
    return float(whole + min(PLACES, key=lambda place: abs(place / GRID - part)) / GRID)
