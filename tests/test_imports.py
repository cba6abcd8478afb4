"""Who may import whom, and what starting costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import gcolor
import pytest

ROOT = Path(gcolor.__file__).parent
BELOW = {
    "color": set(),
    "models": {"color"},
    "runtime": {"color", "models"},
    "trainer": {"color", "models", "runtime"},
    "export": {"color", "models", "runtime"},
    "studio": {"color", "runtime"},
    "cli": {"color", "models", "runtime", "trainer", "export", "studio"},
}
HEAVY = {"torch", "onnx", "tensorrt", "onnxruntime", "ray", ".models"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at module level) of every import; those within gcolor begin with a dot, whatever the file's folder."""
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    folder = path.parent.relative_to(ROOT).parts
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append((node.module or "", id(node) in top))
        elif isinstance(node, ast.ImportFrom):
            parts = (*folder[: len(folder) - node.level + 1], *(node.module or "").split("."))
            found.append(("." + ".".join(filter(None, parts)), id(node) in top))
    return found


@pytest.mark.smoke
@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_only_what_lies_below_it(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for module, _ in imports(path):
            if module.startswith("."):
                assert module[1:].split(".")[0] in BELOW[folder] | {folder, "version"}, f"{path.name} imports {module}"
            assert not module.startswith("gcolor"), f"{path.name}: imports inside the package are relative"


def test_the_table_of_contributing_is_this_one() -> None:
    text = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    table = {row[0].strip("`/"): set(re.findall(r"[a-z]+", row[2])) for row in rows if row[0].strip("`/") in BELOW}
    everything = set(BELOW) - {"cli"}
    assert {name: everything if "all" in words else words & set(BELOW) for name, words in table.items()} == BELOW


def graph() -> dict[str, set[str]]:
    """The modules that each module of the package imports, wherever in it: in functions and for type checkers, too."""
    files = {name_of(path): path for path in ROOT.rglob("*.py") if not is_outside(path)}
    return {name: {target for target in imported(path, set(files)) if target != name} for name, path in files.items()}


def is_outside(path: Path) -> bool:
    """Whether a file is beside the package, in a repository whose root is the package."""
    top = path.relative_to(ROOT).parts[0]
    return top not in BELOW and not top.endswith(".py")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, modules: set[str]) -> set[str]:
    folder = path.parent.relative_to(ROOT).parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*folder[: len(folder) - node.level + 1], *filter(None, (node.module or "").split(".")))
            names = {".".join((*base, alias.name)) for alias in node.names}
            # `from . import name` is a module where there is one, else something of the package itself.
            found |= {name if name in modules else ".".join(base) for name in names}
    return found


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """What is left once modules that import none of the rest, and then those above them, are taken away: modules of a
    circle, and those that import one."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while ends := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in ends:
            del left[name]
    return sorted(left)


@pytest.mark.smoke
def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows = graph()
    assert {"runtime.colorizer", "runtime.engines.open", "trainer.loop"} <= arrows.keys()
    assert "runtime.engines.onnx_engine" in arrows["runtime.engines.open"], "an import in a function is seen"
    assert "runtime.colorizer" in arrows["runtime.batch.opening"], "an import for the type checker is seen"
    assert circles(arrows) == []


@pytest.mark.smoke
def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]


@pytest.mark.smoke
@pytest.mark.parametrize("folder", ["runtime", "studio", "cli"])
def test_runtime_and_commands_import_nothing_heavy_at_module_level(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        heavy = [m for m, top in imports(path) if top and {m[:1] + m[1:].split(".")[0]} & HEAVY]
        assert not heavy, f"{path.name} imports {heavy}"


@pytest.mark.smoke
def test_help_and_import_load_neither_arrays_nor_engines() -> None:
    code = (
        "import sys, gcolor; dir(gcolor); from gcolor.cli.main import run; run(['--help'])\n"
        "print([m for m in ('numpy', 'cv2', 'PIL', 'rich', 'onnxruntime', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.smoke
def test_public_surface() -> None:
    assert sorted(gcolor.__all__) == dir(gcolor) == ["Colorizer", "GcolorError", "__version__", "colorize"]
    assert gcolor.Colorizer.__name__ == "Colorizer" and callable(gcolor.colorize)
    assert issubclass(gcolor.GcolorError, Exception)


@pytest.mark.smoke
def test_nothing_is_importable_under_a_short_name() -> None:
    names = ("runtime", "trainer", "models", "cli", "studio")
    code = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"
