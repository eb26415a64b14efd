"""The folder of a dataset while it is made: may this run write here, does it continue an earlier one, is there room?"""

import contextlib
import fcntl
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from biomech.errors import DatasetError
from synthgen import __version__
from synthgen.config import Config, diff_configs
from synthgen.published import model_record
from synthgen.settings import canonical_json, digested
from synthgen.shards import SHARDS, is_temporary, write_atomic

FORMAT = "synthgen-dataset-1"
DATASET = "dataset.json"
PLAN = "plan.json"
PLAN_AGAIN = "plan-again.json"  # the same, for a disk that spoils the first
LOCK = ".synthgen.lock"
# What a version of these draws or encodes may differ by bytes, so a dataset is not resumed across them.
VERSIONED = ("numpy", "scipy", "opensim", "pyrender", "opencv-python-headless", "simplejpeg", "pyarrow")
MARGIN = 64 * 2**20  # bytes to leave free


def identity(config: Config, assets: str) -> dict:
    """What two runs must share to make one dataset: plain data, written into the folder.

    Args:
        assets: fingerprint of the installed asset packs.
    """
    return {
        "format": FORMAT,
        "config": digested(config),
        "config_digest": config.digest,
        "assets_digest": assets,
        "versions": versions(),
        **model_record(config.model),
    }


def versions() -> dict[str, str]:
    """Package -> version of whatever shapes the bytes."""
    found = {"synthgen": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def recorded_identity(root: Path) -> dict | None:
    """The identity a dataset folder was begun with; None where the folder holds no dataset of ours."""
    for path in (root / DATASET, root / SHARDS / PLAN, root / SHARDS / PLAN_AGAIN):
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(data, dict) and data.get("format") == FORMAT:
            return data
    return None


def claim(root: Path, wanted: dict, fresh: bool) -> None:
    """Make `root` ours to write: create it, continue it, or with `fresh` empty it first.

    Raises:
        DatasetError: the folder holds something else, or a dataset of another config, assets or versions.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot create the folder {root}: {error.strerror}; choose another with --out") from None
    if not os.access(root, os.W_OK | os.X_OK):
        raise DatasetError(f"no permission to write into {root}; choose another folder with --out")
    before = recorded_identity(root)
    foreign = [] if before else _foreign(root)  # a dataset's millions of files are not gone through
    if foreign:
        raise DatasetError(
            f"{root} is not empty and holds no synthgen dataset (it has {', '.join(foreign[:3])}); "
            "choose a new folder with --out"
        )
    if before is not None and fresh:
        empty(root)
        before = None
    if before is not None:
        refuse_difference(root, before, wanted)
        return
    for name in (PLAN, PLAN_AGAIN):
        write_atomic(root / SHARDS / name, canonical_json(wanted).encode())


def _foreign(root: Path) -> list[str]:
    """What stands at the top of a folder and holds files that are not ours."""
    return sorted({p.relative_to(root).parts[0] for p in root.rglob("*") if p.is_file() and not _ours(p.name)})


def _ours(name: str) -> bool:
    """Whether a file is the lock, or what a run killed in its first moment left under a temporary name."""
    return name == LOCK or is_temporary(name)


def refuse_difference(root: Path, before: dict, wanted: dict) -> None:
    """DatasetError naming every key in which the recorded dataset differs from the wanted one."""
    same = before["config_digest"] == wanted["config_digest"]
    differing = [] if same else diff_configs(before["config"], wanted["config"])
    lines = [f"  {key}: {_show(old)} there, {_show(new)} now" for key, old, new in differing]
    if before["assets_digest"] != wanted["assets_digest"]:
        lines.append("  asset packs: other files are installed now")
    if same and before.get("model") != wanted.get("model"):
        lines.append("  model: another file, or another map, under the same name")
    lines += [
        f"  version of {name}: {before['versions'].get(name)} there, {wanted['versions'].get(name)} now"
        for name in sorted({*before["versions"], *wanted["versions"]})
        if before["versions"].get(name) != wanted["versions"].get(name)
    ]
    if lines:
        raise DatasetError(
            f"{root} was begun with other settings:\n" + "\n".join(lines) + "\nUse those settings to resume it, "
            "choose another folder with --out, or start it over with --fresh (this deletes it)"
        )


def _show(value: object) -> str:
    return "not set" if value is None else json.dumps(value)


def empty(root: Path) -> None:
    """Delete the content of a recognised dataset folder; its record goes last, so an interrupted delete can go on."""
    entries = sorted(root.iterdir(), key=lambda p: (p.name in (SHARDS, DATASET), p.name))
    for path in entries:
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def clean_temporaries(root: Path, deep: bool = True) -> None:
    """Remove what killed runs left under temporary names; without `deep` at the top only."""
    for path in root.rglob("*") if deep else root.iterdir():
        if is_temporary(path.name) and path.is_file():
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep a second run out of the folder while this one writes; the lock goes with the process, however it ends."""
    path = root / LOCK
    handle = _lock(path)
    while not _names(path, handle):  # whoever held it before took the file away between our two steps
        os.close(handle)
        handle = _lock(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _lock(path: Path) -> int:
    """The open, locked file; a refused run leaves the file to whoever holds it."""
    root = path.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise DatasetError(f"cannot write into {root}: {error.strerror}; choose another folder with --out") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise DatasetError(f"another run is writing into {root}; wait for it or choose another --out") from None
    except OSError:  # a file system without locks
        pass
    return handle


def _names(path: Path, handle: int) -> bool:
    """Whether `path` is the name of the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


def estimate_bytes(config: Config) -> int:
    """Disk a finished dataset needs, from measured bytes per pixel and per pose, rounded up."""
    pixels = config.width * config.height
    per_pixel = 0.25 + (0.55 if config.output.depth else 0) + (0.06 if config.output.ids else 0)
    subjects = -(-config.poses // config.poses_per_subject)
    return int(config.poses * (pixels * per_pixel + 25_000) + subjects * 130_000)


def check_room(root: Path, needed: float) -> None:
    """DatasetError where the disk has too little room for `needed` bytes."""
    place = root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed + MARGIN:
        raise DatasetError(
            f"about {human(needed + MARGIN)} are needed and the disk of {root} has {human(free)} free; "
            "make room, choose another folder with --out, or ask for fewer --poses"
        )


def human(size: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit in ("bytes", "kB") else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
