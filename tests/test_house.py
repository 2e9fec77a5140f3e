"""The house's rules: imports run one way, files say what they are, weights fit their sizes."""

import ast
from pathlib import Path

import pytest

from engine.systems import SYSTEMS

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


def modules() -> dict[str, Path]:
    """Every module of the house by its dotted name; a package is its __init__."""
    out = {}
    for path in FILES:
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        out[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return out


def needed(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the house that a file imports, inside functions too; not what only the type checker reads."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module if node.module in known else "", *(f"{node.module}.{a.name}" for a in node.names)}
    return names & known.keys()


def test_there_are_no_circles():
    """Not between modules, and a package's __init__ is a module among them."""
    known = modules()
    edges = {name: needed(path, known) - {name} for name, path in known.items()}
    finished: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in finished:
            for other in edges[name]:
                walk(other, (*way, name))
            finished.add(name)

    for name in known:
        walk(name, ())


def test_a_system_enters_another_only_by_its_door():
    """Of another system's rooms a system uses what that system's __init__ offers, and core knows no system."""
    known = modules()
    for name, path in known.items():
        room = name.split(".")
        if room[0] != "engine" or len(room) < 2:
            continue
        for other in needed(path, known):
            there = other.split(".")
            if room[1] in SYSTEMS and len(there) > 2 and there[1] in SYSTEMS:
                assert there[1] == room[1], f"{name} imports {other}"
            if room[1] == "core":
                assert there[:2] == ["engine", "core"] or there == ["engine"], f"core/ imports {other}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_is_no_longer_than_a_person_reads(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_weights_fit_their_sizes():
    weights = list((ROOT / "checkpoints").rglob("*.safetensors"))
    assert weights, "a clone makes music at once: there are weights in it"
    assert all(path.stat().st_size <= 16 * 2**20 for path in weights)
    assert sum(path.stat().st_size for path in weights) <= 64 * 2**20
    for path in weights:
        assert (path.parent / "config.json").exists() and (path.parent / "README.md").exists(), f"{path} has no card"
