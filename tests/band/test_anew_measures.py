"""How real bars are that are written anew, measured: the control has another phrase's bars and nothing else."""

from pathlib import Path

import numpy as np

from engine.core.result import Result
from engine.core.song import Note, Song, Track
from training.band import anew
from training.band.critic import Side
from training.core.critic import Phrase


def test_two_bars_of_another_phrase_stand_where_its_own_did():
    phrases = [Phrase.of(Song((Track("drums", 0, True), Track("piano").with_notes(
        Note(beat, 1.0, pitch) for beat in range(32)))), 0, 8) for pitch in (60, 72)]  # fmt: skip
    mixed = anew._spliced(*phrases)
    assert mixed.onset.tolist() == phrases[0].onset.tolist()
    assert np.flatnonzero(mixed.pitch == 72).tolist() == [*range(12, 20)], "bars 4 and 5"
    again = Phrase.of(anew._song(mixed), 0, 8)
    assert all((getattr(again, name) == getattr(mixed, name)).all() for name in anew.NOTES)


def test_phrases_that_nobody_can_write_on_are_left_out(monkeypatch, capsys):
    """Every second one is refused; what is made of the others is the phrase itself, which is told by nothing."""
    phrases = [Phrase.of(Song((Track("drums", 0, True).with_notes(Note(b, 1, 36) for b in range(32)), Track(
        "piano").with_notes(Note(beat, 1.0, 48 + (beat * n) % 24) for beat in range(32)))), 0, 8)
        for n in range(1, 25)]  # fmt: skip
    side = Side(phrases, np.arange(len(phrases)), np.array(["rock"] * len(phrases)))
    monkeypatch.setattr(anew, "real_side", lambda *_: side)

    def generate(_, request):
        if request.seed % 2:
            raise anew.RequestError("nobody")
        return Result(request=request, song=anew._song(phrases[request.seed]))

    monkeypatch.setattr(anew.band, "generate", generate)
    figures = anew.measure(None, Path("songs"), 24, 0)
    assert figures["phrases"] == 12 and 0 <= figures["anew"] <= 1 and "called real" in capsys.readouterr().out
