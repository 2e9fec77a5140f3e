"""Training curves: what a log becomes in a checkpoint, in its card, in the report and on the page."""

import json

import pytest

from engine import CHECKPOINTS, ROOT
from engine.core import checkpoint
from training.core import cards
from training.core.runs import POINTS, curves, joined
from training.report_rows import learned

FOLDERS = sorted(path.parent for path in CHECKPOINTS.rglob("config.json"))


def logged(folder, *rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_curve_is_of_what_led_to_the_weights_and_evaluations_are_apart(tmp_path):
    run = logged(tmp_path / "run", {"step": 1, "loss": 4.0}, {"step": 2, "loss": 3.0}, {"step": 3, "loss": 99.0},
                 {"step": 3, "loss": 2.0}, {"step": 3, "score": 2, "loss": 2.6}, {"step": 4, "loss": 1.0})  # fmt: skip
    names = {"loss": "nats", "held out loss": "nats, held out", "other": "never logged"}
    assert curves(run, names, steps=3) == {
        "nats": {"step": [1, 2, 3], "value": [4.0, 3.0, 2.0]}, "nats, held out": {"step": [3], "value": [2.6]}
    }  # fmt: skip
    branch = logged(tmp_path / "branch", {"step": 3, "loss": 1.5}, {"step": 4, "loss": 0.5})
    assert curves((run, branch), {"loss": "nats"}, 9)["nats"] == {"step": [1, 2, 3, 4], "value": [4.0, 3.0, 1.5, 0.5]}
    assert curves(tmp_path / "none", names, 9) == {}


def test_a_run_that_began_with_a_checkpoint_goes_on_with_its_curve():
    learned = {"nats": {"step": [2, 4], "value": [1.5, 1.0]}, "new": {"step": [4], "value": [0.5]}}
    before = {"steps": 10, "curves": {"nats": {"step": [5, 10], "value": [4.0, 2.0]}}}
    assert joined(before, 4, learned) == {"steps": 14, "curves": {
        "nats": {"step": [5, 10, 12, 14], "value": [4.0, 2.0, 1.5, 1.0]}, "new": {"step": [14], "value": [0.5]}
    }}  # fmt: skip
    assert joined({}, 4, learned) == {"steps": 4, "curves": learned}


def test_a_long_curve_is_means_of_about_as_many_steps_each(tmp_path):
    run = logged(tmp_path, *({"step": n + 1, "loss": n % 2} for n in range(4 * POINTS)))
    found = curves(run, {"loss": "nats"}, 10**6)["nats"]
    assert found["step"] == list(range(4, 4 * POINTS + 1, 4)) and set(found["value"]) == {0.5}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(CHECKPOINTS).as_posix())
def test_the_card_and_the_report_have_the_curves_of_the_checkpoint_and_no_others(folder):
    config, card = checkpoint.read_config(folder), (folder / "README.md").read_text("utf-8")
    known = config.get("curves", {})
    assert ("## How it learned" in card) == bool(known)
    for words, curve in known.items():
        assert len(curve["step"]) == len(curve["value"]) and curve["step"] == sorted(set(curve["step"]))
        assert curve["step"][-1] <= config["steps"]
        assert f"| {words} | {curve['value'][0]:.3f} ({curve['step'][0]}) |" in card
    shown = json.loads((ROOT / "EVALUATION.json").read_text("utf-8"))
    if config["system"] in shown:
        assert shown[config["system"]]["curves"].get(folder.name, {}) == known
        assert learned(shown[config["system"]]) in (ROOT / "EVALUATION.md").read_text("utf-8")


def test_milestones_are_where_a_curve_begins_its_quarters_and_where_it_ends():
    curve = {"step": list(range(10, 100, 10)), "value": [float(n) for n in range(9)]}
    assert cards.milestones(curve) == [(10, 0.0), (30, 2.0), (50, 4.0), (70, 6.0), (90, 8.0)]
    assert cards.milestones({"step": [5], "value": [1.0]}) == [(5, 1.0)] * 5
