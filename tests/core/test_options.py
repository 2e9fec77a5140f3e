"""What the command line says can be asked for, and what it refuses of the real systems before any model is loaded."""

import json

import pytest

from engine import RequestError, systems
from engine.__main__ import listing, parser, run
from engine.core.commandline import request_of, spelled
from engine.core.formats import FORMATS
from engine.core.midi import write_midi
from engine.core.request import MAX_SEED, fields
from engine.core.song import Note, Song, Track
from engine.variation import Request as Variation


@pytest.fixture
def brought(tmp_path):
    """A folder with a song and a tune, where nothing may be written."""
    (tmp_path / "song.mid").write_bytes(write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),))))
    (tmp_path / "tune.abc").write_text("X:1\nK:C\nCEGc|\n")
    return tmp_path


@pytest.mark.parametrize(
    "words, complaint",
    [
        ("variation --input {}/song.mid --continue 4 --noise 1", "--noise changes nothing beside --continue"),
        ("variation --input {}/song.mid --continue 4 --bars 1-2", "--bars changes nothing beside --continue"),
        ("variation --input {}/song.mid --towards {}/song.mid --hold bass", "--hold changes nothing beside --towards"),
        ("variation --input {}/song.mid --steps 5", "--steps changes nothing without --towards"),
        ("variation --input {}/song.mid --temperature 0", "--temperature changes nothing without --continue"),
        ("variation --input {}/song.mid --towards {}/song.mid --bars 4 --step-bars 4", "say the same"),
        ("variation --input {}/song.mid --hold bass --noise bass=1", "both name bass"),
        ("variation --input {}/song.mid --bars 3-1", "from 1, not 3-1"),
        ("variation --input {}/song.mid --rewrite 3-1", "from 1, not 3-1"),
        ("variation --input {}/song.mid --rewrite 1 --bars 1", "--rewrite changes nothing beside --bars"),
        ("variation --input {}/song.mid --players bass", "--players changes nothing without --rewrite"),
        ("band --input {}/song.mid --rewrite 5-8", "The song has bar 1 alone: bars 5-8 are not among them"),
        ("band --input {}/song.mid --rewrite 2-1", "from 1, not 2-1"),
        ("band --input {}/song.mid --rewrite one", "write a bar or a range of bars"),
        ("band --input {}/song.mid --rewrite 1 --players flute", "There is no player 'flute'"),
        ("band --genre jazz --rewrite 1", "--rewrite changes nothing without --input"),
        ("band --genre jazz --input {}/song.mid", "--input changes nothing without --rewrite"),
        ("band --input {}/song.mid --rewrite 1 --tempo 90", "--tempo changes nothing beside --input"),
        ("trombone --note 58 --input {}/song.mid", "ask for two things"),
        ("trombone --seconds 1", "has to be given"),
        ("trombone --note 58 --legato", "--legato changes nothing without --scale or --input"),
        ("trombone --note 58 --scale --legato --articulation marcato", "ask for two things"),
        ("trombone --note 58 --articulation legato", "--articulation changes nothing without --scale or --input"),
        ("trombone --note 58 --articulation slurred", "'slurred' is not a choice for the articulation"),
        ("band --genre jazz --chords=", "--chords says nothing"),
        ("variation --input {}/tune.abc", "tune.abc is neither a MIDI file nor a MusicXML score"),
        ("trombone --note 58 --rate 48000", "choose 44100, 16000"),
        ("trombone --note 58 --tempo 90", "--tempo changes nothing without --input"),
        ("trombone --input {}/song.mid --seconds 1", "--seconds changes nothing beside --input"),
        ("trombone --note 39", "it plays 40"),
        ("trombone --note 77", "to 76"),
        ("trombone --note 58 --seconds 0.19", "from 0.2 to 20, not 0.19"),
        ("trombone --note 58 --seconds 20.1", "from 0.2 to 20, not 20.1"),
        ("trombone --note 58 --temperature 1.6", "from 0 to 1.5, not 1.6"),
        ("trombone --note 58 --temperature -0.1", "from 0 to 1.5, not -0.1"),
        ("trombone --input {}/song.mid --tempo 19", "from 20 to 400, not 19"),
        ("trombone --input {}/song.mid --tempo 401", "from 20 to 400, not 401"),
        ("melody --attempt 18 --candidates 4", "go beyond 20"),
        ("melody --tempo 0", "from 20 to 400, not 0"),
        ("melody --input {}/tune.abc --key D", "--key changes nothing beside --input"),
        ("melody --input {}/tune.abc --no-chord-symbols", "--chord-symbols changes nothing beside --input"),
        ("melody --input {}/tune.abc --rewrite 5-8", "one bar as it is written"),
        ("melody --rewrite 5-8", "--rewrite changes nothing without --input"),
        ("melody --input {}/tune.abc --temperature 1", "--temperature changes nothing beside --input"),
        ("translation --input {}/x.wav --to cello --midi {}/x.wav", "does not end in .mid"),
    ],
)
def test_what_cannot_be_or_would_change_nothing_is_refused_and_nothing_is_written(brought, words, complaint):
    before = sorted(path.name for path in brought.iterdir())
    with pytest.raises(RequestError) as refusal:
        run([*words.format(brought, brought).split(), "--out", str(brought / "made.mid")])
    assert complaint in str(refusal.value)
    assert sorted(path.name for path in brought.iterdir()) == before


def test_a_range_holds_its_ends():
    for name in systems.SYSTEMS:
        for field in fields(systems.system(name).Request):
            ends = [end for end in (field.option.low, field.option.high) if end is not None]
            if field.kind not in (int, float):
                continue
            for end in ends:
                field.check(field.kind(end))
            for end, step in zip(ends, (-1, 1)):
                with pytest.raises(RequestError, match=field.called):
                    field.check(field.kind(end) + step)


def test_what_an_option_requires_or_excludes_is_a_field():
    named = set()
    for name in systems.SYSTEMS:
        request = systems.system(name).Request
        own = {field.name for field in fields(request)}
        for field in fields(request):
            others = {*field.option.requires, *field.option.excludes, *field.option.despite}
            assert others <= own - {field.name}
            named |= others
    assert named


@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_help_names_what_the_system_has_and_takes_and_nothing_else(name, capsys):
    with pytest.raises(SystemExit):
        run([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    contents = systems.system(name).Request.CONTENTS
    outs = said.partition("- is a pipe; ")[2].partition(" --")[0].split(", ")
    assert set(outs) == {"." + ending for each in FORMATS if each.has(contents) for ending in each.endings}
    assert "--seed 0..2^63-1" in said and "e+" not in said
    for flag, choices in systems.system(name).Request.learned().items():
        if f"--{flag} " in said:
            assert spelled(choices) in said


def test_list_is_in_words_and_its_json_in_numbers(capsys):
    run(["list"])
    said = capsys.readouterr().out
    assert "{" not in said and "[" not in said and str(MAX_SEED) not in said
    assert "bars: 4 to 128" in said and "classical 112, jazz 120" in said
    assert json.loads(json.dumps(listing()))["systems"]["band"]["options"]["bars"] == [4, 128]


def test_a_harmony_that_is_left_open_means_the_usual_one(brought):
    given = {"format": 2, "input": "input.mid"}
    files = {"input.mid": (brought / "song.mid").read_bytes()}
    usual, open_ = (Variation.from_json(given | {"harmony_strength": h}, files).strength for h in (0.5, None))
    assert open_ == usual


@pytest.mark.parametrize(
    "words",
    ["band --genre jazz --bars 4", "variation --input {}/song.mid", "melody --bars 4", "melody --input {}/tune.abc",
     "trombone --note 58 --seconds 0.3"],
)  # fmt: skip
def test_a_result_comes_as_the_request_says(brought, words):
    name, *options = words.format(brought).split()
    module = systems.system(name)
    request = request_of(module.Request, parser(name).parse_args([name, *options]))
    assert module.generate(module.load(request.checkpoint()), request).contents == module.Request.CONTENTS
