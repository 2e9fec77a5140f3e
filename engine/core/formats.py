"""Songs as other files: pypianoroll `.npz` in and out (LPD's format), MusicXML and a zip of stems out."""

from __future__ import annotations

import io
import itertools
import re
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from engine import RequestError
from engine.core.audio import Audio, write_wav
from engine.core.song import Note, Song, Track, to_roll
from engine.core.upload import content_of

NPZ_STEPS = 24  # steps a beat: LPD's resolution
MAX_NPZ_BYTES = 20 * 2**20
EPOCH = (1980, 1, 1, 0, 0, 0)  # the time written into zip entries, so that the same song gives the same bytes


def write_npz(song: Song) -> bytes:
    """The song as a pypianoroll Multitrack at 24 steps a beat, velocities as cells; the form that LPD is published in.

    A pianoroll of velocities cannot tell a repeated note from a held one, so a note that is struck again where it ends
    gives up its last step.
    """
    import pypianoroll

    onsets, sustain = to_roll(song, NPZ_STEPS)
    sustain[:, :-1] &= ~onsets[:, 1:]  # the step before an onset of the same pitch stays empty
    tracks = []
    for t, track in enumerate(song.tracks):
        velocity = np.zeros(onsets.shape[1:], np.uint8)
        for note in track.notes:
            start = int(np.floor(note.onset * NPZ_STEPS + 0.5))
            if start >= len(velocity):
                continue
            stop = start + 1
            while stop < len(velocity) and sustain[t, stop, note.pitch]:
                stop += 1
            velocity[start:stop, note.pitch] = note.velocity
        tracks.append(
            pypianoroll.StandardTrack(name=track.name, program=track.program, is_drum=track.is_drum, pianoroll=velocity)
        )
    steps = onsets.shape[1]
    downbeat = np.zeros((steps, 1), bool)
    downbeat[:: max(1, round(song.beats_per_bar * NPZ_STEPS))] = True
    multitrack = pypianoroll.Multitrack(
        name=song.title or "Bandstand",
        resolution=NPZ_STEPS,
        tempo=np.full((steps, 1), song.tempo),
        downbeat=downbeat,
        tracks=tracks,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.npz"
        multitrack.save(str(path))
        with zipfile.ZipFile(path) as saved:
            return _zip({name: saved.read(name) for name in saved.namelist()})


def read_npz(source: bytes | Path | str, *, name: str = "The file") -> Song:
    """A song from a pypianoroll `.npz`. Refused when it is not one or is larger than 20 MiB."""
    import pypianoroll

    source, name = content_of(source, name, MAX_NPZ_BYTES)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "song.npz"
            path.write_bytes(source)
            multitrack = pypianoroll.load(str(path))
    except Exception as error:  # numpy and pypianoroll raise many kinds on foreign files
        raise RequestError(
            f"{name} is not a pypianoroll .npz file ({type(error).__name__} while reading it)."
        ) from None
    tracks = []
    for track in multitrack.tracks:
        roll = np.asarray(track.pianoroll)
        if roll.dtype == bool:
            roll = roll * np.uint8(80)
        tracks.append(
            Track(track.name or "", track.program, track.is_drum).with_notes(_runs(roll, multitrack.resolution))
        )
    tempo = multitrack.tempo
    return Song(
        tuple(tracks),
        float(np.median(tempo)) if tempo is not None and len(tempo) else 120.0,
        title=multitrack.name or "",
    )


def _runs(roll: np.ndarray, steps_per_beat: int) -> list[Note]:
    """Notes of a velocity roll [steps, 128]: runs of one velocity along a pitch; a change of velocity is a new note."""
    padded = np.pad(roll.astype(np.int16), ((1, 1), (0, 0)))
    notes = []
    change = np.diff(padded, axis=0) != 0
    for pitch in np.nonzero(roll.any(axis=0))[0]:
        edges = np.nonzero(change[:, pitch])[0]
        for start, stop in itertools.pairwise(edges):
            if velocity := int(roll[start, pitch]):
                notes.append(
                    Note(
                        int(start) / steps_per_beat,
                        int(stop - start) / steps_per_beat,
                        int(pitch),
                        min(127, max(1, velocity)),
                    )
                )
    return notes


def write_musicxml(song: Song) -> bytes:
    """The song as MusicXML for a notation program, engraved by music21 on a grid of sixteenths and triplets."""
    from music21 import clef, instrument, metadata, meter, note, stream, tempo
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    score = stream.Score()
    score.insert(0, metadata.Metadata(title=song.title or "Bandstand", composer="Bandstand"))
    for track in song.tracks:
        if not track.notes:
            continue
        part: Any = stream.Part()
        part.partName = track.name
        try:
            player = instrument.Percussion() if track.is_drum else instrument.instrumentFromMidiProgram(track.program)
        except Exception:  # music21 knows no instrument of some programs
            player = instrument.Piano()
        player.partName = track.name
        part.insert(0, player)
        part.insert(0, tempo.MetronomeMark(number=song.tempo))
        part.insert(0, meter.TimeSignature(f"{song.meter[0]}/{song.meter[1]}"))
        if track.is_drum:
            part.insert(0, clef.PercussionClef())
        for each in track.notes:
            written: Any = note.Note(each.pitch)
            written.volume.velocity = each.velocity
            written.quarterLength = max(Fraction(1, 4), Fraction(round(each.duration * 12), 12))
            part.insert(Fraction(round(each.onset * 12), 12), written)
        part.quantize((4, 3), processOffsets=True, processDurations=True, inPlace=True)
        score.insert(0, part.chordify() if _polyphonic(track) else part)
    xml = GeneralObjectExporter(score).parse().decode("utf-8")
    # music21 writes today's date and ids of this run; the same song has to give the same bytes.
    xml = re.sub(r"\s*<encoding-date>.*?</encoding-date>", "", xml)
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="([PI][0-9a-f]{16,})"', xml)), start=1):
        xml = xml.replace(name, f"{name[0]}{number}")
    return xml.encode("utf-8")


def _polyphonic(track: Track) -> bool:
    ends = 0.0
    for each in track.notes:
        if each.onset < ends - 1e-6:
            return True
        ends = max(ends, each.end)
    return False


def write_stems(names: list[str], stems: list[Audio]) -> bytes:
    """A zip of one WAV a track, numbered and named after it. Names are reduced to letters, digits, space, - and _."""
    safe = ("".join(c if c.isalnum() or c in " -_" else "_" for c in name)[:40].strip() or "track" for name in names)
    return _zip({f"{n:02d} {name}.wav": write_wav(stem) for n, (name, stem) in enumerate(zip(safe, stems), start=1)})


def _zip(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()
