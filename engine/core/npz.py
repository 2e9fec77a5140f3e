"""Songs as pypianoroll `.npz` files, the form in which the Lakh Pianoroll Dataset is published."""

from __future__ import annotations

import itertools
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from engine import RequestError
from engine.core.pianoroll import to_roll
from engine.core.song import Note, Song, Track
from engine.core.stop import tidying
from engine.core.upload import content_of
from engine.core.zipped import zipped

RESOLUTION = 24  # steps a beat: LPD's
MAX_BYTES = 20 * 2**20


def write_npz(song: Song) -> bytes:
    """The song as a pypianoroll Multitrack at 24 steps a beat, velocities as cells; the form that LPD is published in.

    A pianoroll of velocities cannot tell a repeated note from a held one, so a note that is struck again where it ends
    gives up its last step.
    """
    import pypianoroll

    onsets, sustain = to_roll(song, RESOLUTION)
    sustain[:, :-1] &= ~onsets[:, 1:]  # the step before an onset of the same pitch stays empty
    tracks = []
    for t, track in enumerate(song.tracks):
        velocity = np.zeros(onsets.shape[1:], np.uint8)
        for note in track.notes:
            start = int(np.floor(note.onset * RESOLUTION + 0.5))
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
    downbeat[[step for line in song.bar_lines() if (step := round(line * RESOLUTION)) < steps]] = True
    tempo = np.full((steps, 1), song.tempo)
    for beat, each in song.tempo_changes:
        tempo[round(beat * RESOLUTION) :] = each
    multitrack = pypianoroll.Multitrack(
        name=song.title or "Bandstand",
        resolution=RESOLUTION,
        tempo=tempo,
        downbeat=downbeat,
        tracks=tracks,
    )
    with tidying(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.npz"
        multitrack.save(str(path))
        with zipfile.ZipFile(path) as saved:
            return zipped({name: saved.read(name) for name in saved.namelist()})


def read_npz(source: bytes | Path | str, *, name: str = "The file") -> Song:
    """A song from a pypianoroll `.npz`. Refused when it is not one or is larger than 20 MiB."""
    import pypianoroll

    source, name = content_of(source, name, MAX_BYTES)
    try:
        with tidying(), tempfile.TemporaryDirectory() as folder:
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
