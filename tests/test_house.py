"""The house's rules: imports run one way, files say what they are, weights fit their sizes."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "engine": {"streamlit", "ui", "pages", "training", "benchmarks", "tests", "pickle"},
    "training": {"streamlit", "ui", "pages", "tests", "pickle"},
    "ui": {"pages", "training", "tests", "pickle"},
    "pages": {"training", "tests", "pickle"},
}


def imported(path: Path) -> set[str]:
    """The top-level names of all modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


FILES = sorted(path for room in FORBIDDEN for path in (ROOT / room).rglob("*.py"))


def named(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_run_one_way(path):
    assert not imported(path) & FORBIDDEN[path.relative_to(ROOT).parts[0]]


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_opens_by_saying_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"


def test_weights_fit_their_sizes():
    weights = list((ROOT / "checkpoints").rglob("*.safetensors"))
    assert weights, "a clone makes music at once: there are weights in it"
    assert all(path.stat().st_size <= 16 * 2**20 for path in weights)
    assert sum(path.stat().st_size for path in weights) <= 64 * 2**20
    for path in weights:
        assert (path.parent / "config.json").exists() and (path.parent / "README.md").exists(), f"{path} has no card"
