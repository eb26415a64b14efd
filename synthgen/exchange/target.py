"""Where an export goes: built under another name beside its place, then moved there whole."""

import contextlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from biomech.errors import DatasetError
from synthgen.folder import locked

MARK = "synthgen.json"  # in every export; what --force may replace
FORMAT = "synthgen-exchange-1"


@contextlib.contextmanager
def replacing(target: Path, dataset: Path, force: bool) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends well and vanishes when it does not.

    What an interrupted run left is cleared by the next one; two runs at once are refused.

    Raises:
        DatasetError: the target is taken, lies in the dataset or holds it, or cannot be written.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - a link stays a link
    refuse_place(target, dataset, force)
    work = target.with_name(f".{target.name}.exporting")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot create {target.parent}: {error.strerror}; choose another place") from None
    try:
        with locked(work):
            yield from _moved(work, target, dataset, force)
    finally:
        with contextlib.suppress(OSError):  # another run's lock may be in it
            work.rmdir()


def _moved(work: Path, target: Path, dataset: Path, force: bool) -> Iterator[Path]:
    """Yield the place to build at; afterwards move it to `target`, whose old content goes only then."""
    content, old = work / "content", work / "old"
    _remove(content)
    _put_back(old, target)
    try:
        yield content
        refuse_place(target, dataset, force)
        if target.exists():
            os.replace(target, old)
        os.replace(content, target)
    finally:
        _remove(content)
        _put_back(old, target)


def _put_back(old: Path, target: Path) -> None:
    """Undo the first of the two moves if the second was not made; else the old content can go."""
    if old.exists() and not target.exists():
        os.replace(old, target)
    _remove(old)


def refuse_place(target: Path, dataset: Path, force: bool) -> None:
    """DatasetError where an export must not be written to `target`."""
    here, root = target.resolve(), dataset.resolve()
    if here == root or root in here.parents or here in root.parents:
        raise DatasetError(f"--out {target} is, holds or lies in the dataset {dataset}; choose another place")
    if target.is_symlink():
        raise DatasetError(f"--out {target} is a link; give the place itself")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not force:
        raise DatasetError(f"{target} exists already; choose another --out, or replace it with --force")
    if not is_export(target):
        raise DatasetError(f"{target} is no export of ours (no {MARK}), so --force leaves it; choose another --out")


def is_export(target: Path) -> bool:
    """Whether a folder or zip file was written by an export."""
    try:
        if target.is_dir():
            data = (target / MARK).read_bytes()
        else:
            with zipfile.ZipFile(target) as file:
                with file.open(MARK) as mark:
                    data = mark.read(1 << 20)  # ours is far smaller, whatever it announces
        return json.loads(data).get("format") == FORMAT
    except (OSError, ValueError, KeyError, AttributeError, RecursionError, zipfile.BadZipFile, zlib.error):
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
