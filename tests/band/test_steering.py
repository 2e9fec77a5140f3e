"""Band is steered: chords, a tune, how busy and how high each plays; what was not asked for stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from engine import RequestError, band
from engine import player as engine_player
from engine.band import played
from engine.band.brought import lead_of
from engine.band.progressions import BY_STYLE, COMMON
from engine.core.chords import chord_of, read
from engine.core.midi import read_midi, write_midi
from engine.core.pianoroll import TRACKS
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.melody import chords_in, read_any
from tests.band.test_band import play, player

__all__ = ["player"]
WALTZ = File(
    "waltz.abc",
    b"""X:1
T:Waltz
R:waltz
M:3/4
L:1/8
K:D
A2|"D"d3 e f2|"A7"e4 A2|"Em"(3BcB c2 d2|"A7"c4 A2|"D"d3 e f2|"G"g4 e2|"A7"a2 g2 e2|"D"d4:|
""",
)


def asked(**fields: Any) -> band.Request:
    return band.Request(genre={"one": 1.0}, **fields)


def midi(*tracks: Track, meter: tuple[int, int] = (4, 4), **known: Any) -> File:
    return File("song.mid", write_midi(Song(tracks, 100.0, meter, **known)))


def line(count: int, **known: Any) -> Track:
    return Track("lead", 73, **known).with_notes(Note(n / 2, 0.5, 60 + 2 * (n % 5)) for n in range(count))


def test_chords_are_the_players_plan_and_come_again_from_their_beginning(player: Any) -> None:
    request = asked(chords="Ebmaj7 | Bb7 Cm | N.C.", bars=4)
    assert played.key_of(request) == 3  # E flat
    assert played.brief_of(player, request).chords == dict(enumerate([48, 48, 31, 21, -1, -1, 48, 48]))
    result = band.generate(player, request)
    assert result.report["chords"] == [[48, 48], [31, 21], [-1, -1], [48, 48]] and not result.remarks
    roman = asked(chords="ii7 V7", key="G", bars=4)
    assert played.key_of(roman) == 7 and list(played.brief_of(player, roman).chords.values())[:4] == [38, 38, 31, 31]


def test_chords_that_the_player_does_not_know_are_played_as_they_are_written(player: Any) -> None:
    """No fifth under C+, no third under C5, E below C/E; where every chord is known nothing is moved."""
    busy = dict.fromkeys(TRACKS, 1.0)

    def heard(chords: str) -> tuple[list[Any], list[list[tuple[int, int]]]]:
        """The bars of such a piece, and the lanes and pitch classes of its notes well before the next bar."""
        request = asked(chords=chords, key="C", seed=2, busy=busy)
        bars = list(engine_player.perform(player, played.brief_of(player, request)))
        written = [played.as_written(bar, number, request, 0, (4, 4)) for number, bar in enumerate(bars)]
        early = [engine_player.steps_of((4, 4), bar.grid) * 7 // 8 for bar in bars]
        steps = [[(lane, pitch % 12) for lane, notes in bar.lanes.items() if lane for step, _, pitch in notes
                  if step < last] for bar, last in zip(written, early)]  # fmt: skip
        return [bars, written], steps

    (plain, same), _ = heard("C | Am7 | N.C. | Gsus4")
    for bar, written in zip(plain, same):
        assert {**written.lanes} == {lane: sorted(notes) for lane, notes in bar.lanes.items()}
    _, steps = heard("C+ | C/E | C5 | %")
    assert all((lane, 7) not in steps[0] for lane in range(6)) and all((lane, 4) not in steps[2] for lane in range(6))
    low = {step for bar in heard("C/E")[1] for lane, step in bar if lane == 3}
    assert 0 not in low and 4 in low


def test_the_same_request_gives_the_same_bytes_and_other_chords_do_not(player: Any) -> None:
    one, same, other = (write_midi(play(player, "one", seed=2, chords=text)) for text in ("C G", "C G", "C F"))
    assert one == same != other


def test_chords_of_a_file_are_those_that_are_played_in_it() -> None:
    chords = [Note(4.0 * n, 4.0, pitch) for n, name in enumerate(("Dm7", "G7", "C", "A"))
              if (chord := chord_of(name)) for pitch in chord.pitches]  # fmt: skip
    assert chords_in(midi(Track("piano").with_notes(chords))) == "Dm7 | G7 | C | A"
    assert chords_in(WALTZ).split(" | ")[:4] == ["D", "A7", "Em", "A7"]
    assert list(map(str, asked(chords_from=WALTZ, bars=16).progression.bars[0][0].text)) == ["D"]  # type: ignore[union-attr]
    with pytest.raises(RequestError, match="no pitched notes"):
        chords_in(midi(Track("drums", 0, True).with_notes([Note(0, 1, 36)])))
    with pytest.raises(RequestError, match="two different notes"):
        chords_in(midi(Track("piano").with_notes([Note(0, 1, 60), Note(4, 1, 62)])))


def test_the_tune_is_a_sixth_track_kept_note_for_note(player: Any) -> None:
    song = band.generate(player, asked(tune=WALTZ, seed=3)).song
    assert song and [track.name for track in song.tracks] == [*TRACKS, "lead"] and song.meter == (3, 4)
    original = read_any(WALTZ)
    late = 3 - original.upbeat
    again = read_midi(write_midi(song))
    for tune in (song.tracks[-1], again.tracks[-1]):
        assert len(tune.notes) == len(original.tracks[0].notes)
        for mine, theirs in zip(tune.notes, original.tracks[0].notes):
            assert mine.pitch == theirs.pitch and mine.velocity == theirs.velocity
            assert abs(mine.onset - late - theirs.onset) < 1 / 24 and abs(mine.duration - theirs.duration) < 1 / 24
    assert song.tempo == original.tempo and song.tracks[-1].program == 73
    assert all(note.end <= song.beats_per_bar * song.bars for track in song.tracks for note in track.notes)


def test_key_meter_length_and_chords_follow_the_tune() -> None:
    lead = lead_of(WALTZ)
    assert (lead.key, lead.bars, lead.song.meter, lead.song.upbeat) == (2, 17, (3, 4), 0)
    assert lead.chords.split(" | ")[:5] == ["D", "D", "A7", "Em", "A7"]
    assert asked(tune=WALTZ).length == 17


def test_a_part_played_anew_leaves_the_tune_and_the_others(player: Any) -> None:
    before, after = (play(player, "one", seed=3, tune=WALTZ, track_seeds=seeds) for seeds in ({}, {"bass": 5}))
    assert [a.name for a, b in zip(before.tracks, after.tracks) if a.notes != b.notes] == ["bass"]


def test_the_lead_track_of_a_song_is_found_or_named() -> None:
    chords = Track("pad", 0).with_notes(Note(4.0 * n, 4.0, p) for n in range(4) for p in (48, 52, 55))
    assert lead_of(midi(chords, line(32))).song.tracks[0].program == 73
    named = lead_of(midi(chords, line(32)), None, "pad")
    assert len(named.song.tracks[0].notes) == 12 and set(named.chords.split(" | ")) == {"C"}


@pytest.mark.parametrize("fields, words", [
    ({"chords": "C | H7"}, "'H7' in bar 2"), ({"chords": "C " * 9}, "9 bars, and the piece 8"),
    ({"chords": " | "}, "no chords"),
    ({"tune": midi(line(1))}, "1 note; the band follows 4"), ({"tune": midi(line(10_000))}, "10000 notes"),
    ({"tune": midi(line(40), meter=(5, 4))}, "not 5/4"), ({"tune": File("x.txt", b"hello")}, "neither a MIDI"),
    ({"tune": midi(line(40), meter_changes=((8.0, (3, 4)),))}, "one meter"),
    ({"tune": midi(line(1200))}, "at most 128"),
    ({"busy": {"flute": 0.5}}, "flute"), ({"busy": {"bass": 2.0}}, "busy"), ({"register": {"piano": 9}}, "register"),
    ({"register": {"drums": 1}}, "drums"), ({"meter": "5/4"}, "meter"),
])  # fmt: skip
def test_what_cannot_be_followed_is_one_sentence(player: Any, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        band.generate(player, asked(**fields))
    assert "\n" not in str(refused.value)


def test_busy_and_register_are_levels_of_one_player(player: Any) -> None:
    whole = played.brief_of(player, asked(seed=1))
    brief = played.brief_of(player, asked(seed=1, busy={"drums": 0.2, "strings": 1.0}, register={"bass": -1}))
    assert (brief.busy[0], brief.busy[4]) == (3, 7) and {1: whole.busy[1]}.items() <= brief.busy.items()
    usual = whole.register.get(3, played.USUAL_REGISTER[3])
    assert brief.register[3] == max(1, usual - 1)
    song = play(player, "one", seed=1, busy={"strings": 1.0})
    assert song.tracks[4].notes


def test_other_meters_fill_their_bars(player: Any) -> None:
    song = play(player, "one", meter="6/8", bars=4, chords="C F")
    assert song.meter == (6, 8) and song.bars == 4 and song.beats <= 12


def test_a_take_of_a_tune_is_made_again_from_its_recipe(player: Any) -> None:
    request = asked(tune=WALTZ, seed=4, busy={"drums": 0.3})
    again = band.Request.from_json(request.to_json(), request.files)
    assert write_midi(band.generate(player, again).song) == write_midi(band.generate(player, request).song)  # type: ignore[arg-type]


def test_every_common_progression_can_be_read() -> None:
    for known in (*BY_STYLE.values(), COMMON):
        for text in known.values():
            assert all(chord.roman for chord in read(text).chords) and not read(text).remarks()
