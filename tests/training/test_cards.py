"""The model cards: each is its template filled from its config.json, and no figure stands in a template."""

import json
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from engine import CHECKPOINTS
from engine.core import checkpoint
from training.core import cards
from training.core.cards import fixed, rounded

FOLDERS = sorted(path.parent for path in CHECKPOINTS.rglob("config.json"))
TEMPLATES = sorted(Path(cards.__file__).parent.glob("*.md.j2"))


def named(path):
    return path.relative_to(CHECKPOINTS).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_card_is_its_template_filled_from_its_config(folder):
    config = checkpoint.read_config(folder)
    assert (folder / "README.md").read_text("utf-8") == cards.render(config["system"], config)
    assert config["tried"]


def test_every_system_has_a_template():
    assert {path.name for path in TEMPLATES} == {f"{checkpoint.read_config(f)['system']}.md.j2" for f in FOLDERS}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_figure(path):
    words = path.read_text("utf-8")
    assert not re.findall(r"\d+\.\d+", words)
    assert not re.findall(r"\d+\s*%(?!\})", words)  # %} ends a tag


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_what_was_tried_is_told_and_a_new_training_that_knows_of_none_has_a_card_too(folder):
    config = checkpoint.read_config(folder)
    text = cards.render(config["system"], config)
    bare = cards.render(config["system"], {key: value for key, value in config.items() if key not in cards.KEPT})
    said = [part for part in config["tried"] if isinstance(part, str)]
    flat, bare_flat = (" ".join(t.split()) for t in (text, bare))
    assert said and all(part in flat and part not in bare_flat for part in said)
    assert "## Limits" in bare or "**Not meant for**" in bare


def test_a_card_without_its_figures_is_refused():
    with pytest.raises(UndefinedError, match="metrics"):
        cards.render("melody", {"system": "melody"})


def test_a_training_keeps_what_no_run_finds_again(tmp_path):
    assert cards.kept(tmp_path) == {}
    (tmp_path / "config.json").write_text(
        json.dumps({"system": "x", "format": 1, "model": {}, "sha256": "", "steps": 3, "tried": ["One."], "about": {}})
    )
    assert cards.kept(tmp_path) == {"tried": ["One."], "about": {}}


def test_blocks_are_paragraphs_items_and_tables():
    parts = ["A word.", "- one", "- two " + "long " * 30, [["trial", "F1"], ["a", 0.5]], "After."]
    text = cards.blocks(parts)
    assert text.startswith("A word.\n\n- one\n- two long")
    assert all(len(line) <= cards.WIDTH for line in text.splitlines())
    assert "\n  long" in text and "\n\n| trial | F1 |\n|---|---|\n| a | 0.5 |\n\nAfter." in text


def test_what_could_not_be_measured_is_a_dash_and_no_word_that_json_does_not_know():
    figures = rounded({"bass": float("nan"), "rest": [0.12345]})
    assert json.loads(json.dumps(figures, allow_nan=False)) == {"bass": None, "rest": [0.1235]}
    assert fixed(figures["bass"], 2) == "–" and fixed(figures["rest"][0], 2) == "0.12"
