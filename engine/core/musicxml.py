"""Songs as MusicXML, for notation programs."""

from __future__ import annotations

import re
from fractions import Fraction

from engine.core.song import Song, Track


def write_musicxml(song: Song) -> bytes:
    """The song as MusicXML for a notation program, engraved by music21 on a grid of sixteenths and triplets."""
    # here, because music21 takes a second to import
    from music21 import clef, instrument, metadata, meter, note, stream, tempo
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    score = stream.Score()
    score.insert(0, metadata.Metadata(title=song.title or "Bandstand", composer="Bandstand"))
    for track in song.tracks:
        if not track.notes:
            continue
        part = stream.Part()
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
            written = note.Note(each.pitch)
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
