"""Laws of the house: who may import whom, and what importing costs."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {"biomech": {"biomech"}, "scenes": {"biomech", "scenes"}, "synthgen": {"biomech", "scenes", "synthgen"}}
HEAVY = ("torch", "warp", "anny", "matplotlib", "pandas")
# Baking runs once, outside the workers, and is the one place that may need the heavy libraries.
BAKING = {"scenes/bake_anny.py"}
# Other renderers, which only processes of the bench import, and which need not be installed.
ENGINES = "synthgen/bench/engines/"


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def sources() -> list[Path]:
    return [p for package in ALLOWED for p in sorted((ROOT / package).rglob("*.py"))]


def test_there_is_something_to_check():
    assert len(sources()) > 20


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_left(path):
    package = path.relative_to(ROOT).parts[0]
    assert not (imported(path) & set(ALLOWED)) - ALLOWED[package]


def test_the_law_sees_an_import_to_the_right(tmp_path):
    (tmp_path / "wrong.py").write_text("def f():\n    from synthgen.config import Config\n")
    assert imported(tmp_path / "wrong.py") - ALLOWED["biomech"]


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_only_one_file_touches_opengl(path):
    name = path.relative_to(ROOT).as_posix()
    assert not imported(path) & {"pyrender", "OpenGL"} or name.startswith(("scenes/raster", ENGINES)), name


@pytest.mark.parametrize("package", ["biomech", "scenes", "synthgen"])
def test_all_resolves(package):
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name) is not None, name
    with pytest.raises(AttributeError):
        module.no_such_thing  # noqa: B018 - the lookup is the test


def test_every_module_imports():
    for package in ALLOWED:
        for info in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            name = info.name.replace(".", "/") + ".py"
            if name not in BAKING and not name.startswith(ENGINES):
                importlib.import_module(info.name)


def test_a_worker_imports_nothing_heavy():
    code = (
        "import importlib.util, sys, synthgen.pool, synthgen.shards, synthgen.config\n"
        "import importlib\n"
        "if importlib.util.find_spec('synthgen.sample'): importlib.import_module('synthgen.sample')\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
