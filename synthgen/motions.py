"""Imported motions on disk: imported once, found again by what they were made from, checked by what they hold.

The cache ($SYNTHGEN_MOTIONS, else the user's cache folder) holds a pair of files per motion and set of options:
`<source digest>-<options digest>.mot`, which OpenSim opens, and `.json` beside it: provenance, contacts, clearance.
A config names a motion as `name@<file>:<content digest>`, so a dataset depends on what a motion holds and on no path.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import platformdirs

from biomech.anatomy import COORDINATES
from biomech.errors import ConfigError, MotionError, SynthgenError
from biomech.motion import read_mot, write_mot
from biomech.motion_import import ImportedMotion, ImportOptions, import_motion, motion_files
from synthgen.config import Config, with_values
from synthgen.settings import canonical_json, to_plain
from synthgen.shards import write_atomic

RECIPE = 2
"""Version of the import: motions imported by another one are imported anew."""

_KEY = re.compile(r"^(?P<name>[\w.-]+)@(?P<file>[0-9a-f]{16}-[0-9a-f]{12}):(?P<content>[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """An imported motion, read back."""

    key: str  # name@file:content
    name: str
    times: np.ndarray  # (T,) s
    q: np.ndarray  # (T, D) rad and m, order anatomy.COORDINATES
    contacts: np.ndarray  # (T, 4) bool, order biomech.floor.POINTS
    clearance: np.ndarray  # (T,) m
    stature: float  # m, of whom it moved
    record: dict  # provenance, as in the .json

    def __len__(self) -> int:
        return len(self.times)


def motion_cache() -> Path:
    """$SYNTHGEN_MOTIONS, else a folder in the user's cache."""
    named = os.environ.get("SYNTHGEN_MOTIONS")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("synthgen")) / "motions"


def cached(path: Path, options: ImportOptions, folder: Path | None = None, force: bool = False) -> Clip:
    """A motion from the cache, imported where it is not there yet.

    Raises:
        SynthgenError: the file cannot be imported.
    """
    folder = folder or motion_cache()
    stem = file_stem(path, options)
    if not force and (folder / f"{stem}.json").is_file():
        try:
            return read_clip(folder / f"{stem}.mot", plain_name(path.stem))
        except SynthgenError:
            pass  # damaged: import again
    save(import_motion(path, None, options), options, folder, stem)
    return read_clip(folder / f"{stem}.mot", plain_name(path.stem))


def file_stem(path: Path, options: ImportOptions) -> str:
    """`<source digest>-<options digest>`; what further files hold (maps, models, static poses) counts too."""
    if not path.is_file():
        raise MotionError(f"there is no file {path}")
    settings: dict = {**asdict(options), "recipe": RECIPE}
    for name in ("mapping", "source_model", "source_mapping", "static"):
        if settings[name] and Path(settings[name]).is_file():
            settings[name] = hashlib.sha256(Path(settings[name]).read_bytes()).hexdigest()
    wanted = hashlib.sha256(canonical_json(settings).encode()).hexdigest()
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}-{wanted[:12]}"


def save(found: ImportedMotion, options: ImportOptions, folder: Path, stem: str) -> Path:
    """Write the .mot and the .json beside it; the .json comes last, so a pair with one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    mot = folder / f"{stem}.mot"
    temporary = folder / f".{stem}.{os.getpid()}.tmp"
    try:
        write_mot(temporary, found.motion.times, COORDINATES, found.motion.q, name="motion")
        os.replace(temporary, mot)
    finally:
        temporary.unlink(missing_ok=True)
    record = {
        "kind": found.kind,
        "source_sha256": found.source_digest,
        "options": {k: v for k, v in to_plain(options).items() if k not in ("static", "source_model", "mapping")},
        "stature": round(found.geometry.stature, 6),
        "frames": len(found),
        "seconds": round(found.duration, 6),
        "rms_mm": None if np.isnan(found.rms) else round(1e3 * found.rms, 3),
        "rms_by_target_mm": {name: round(1e3 * value, 3) for name, value in found.rms_by_target.items()},
        "clamped_frames": found.clamped,
        "clamped_share": round(found.clamped_share, 6),
        "slide_mm": [round(1e3 * v, 3) for v in found.slide],
        "filled_levels": list(found.filled),
        "notes": list(found.notes),
        "contacts": ["".join("1" if c else "0" for c in row) for row in found.contacts],
        "clearance_mm": [round(1e3 * float(v), 1) for v in found.clearance],
        "mot_sha256": hashlib.sha256(mot.read_bytes()).hexdigest(),
    }
    write_atomic(folder / f"{stem}.json", (canonical_json(record) + "\n").encode())
    return mot


def read_clip(path: Path, name: str = "") -> Clip:
    """A stored motion by its .mot; `name` is what it is to be called.

    Raises:
        MotionError: the pair is incomplete or was altered.
    """
    try:
        text = path.with_suffix(".json").read_bytes()
        record = json.loads(text)
        intact = hashlib.sha256(path.read_bytes()).hexdigest() == record["mot_sha256"]
        contacts = np.array([[c == "1" for c in row] for row in record["contacts"]], dtype=bool).reshape(-1, 4)
        clearance = 1e-3 * np.array(record["clearance_mm"], dtype=float)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise MotionError(f"the imported motion {path} is incomplete ({error}); import it again") from None
    if not intact:
        raise MotionError(f"the imported motion {path} was altered after its import; import it again")
    motion = read_mot(path, angles="degrees")
    content = hashlib.sha256(text).hexdigest()
    key = f"{name or path.stem}@{path.stem}:{content}"
    return Clip(key, name or path.stem, motion.times, motion.q, contacts, clearance, record["stature"], record)


def open_clip(key: str, folder: Path | None = None) -> Clip:
    """The motion that a config names.

    Raises:
        ConfigError: no such name. MotionError: it is not in the cache, or holds something else.
    """
    parts = _KEY.match(key)
    if parts is None:
        raise ConfigError(f"'motion.sources' holds {key!r}; give motion files with --motion or under 'motion.files'")
    path = (folder or motion_cache()) / f"{parts['file']}.mot"
    if not path.is_file():
        raise MotionError(f"the motion {parts['name']} is not in {path.parent}; give its file again with --motion")
    clip = read_clip(path, parts["name"])
    if clip.key.rpartition(":")[2] != parts["content"]:
        raise MotionError(
            f"the motion {parts['name']} in the cache is not the one this dataset was begun with; "
            "import the original with the version that made it, or start the dataset over with --fresh"
        )
    return clip


def options_of(config: Config) -> ImportOptions:
    """How a config wants its motions imported."""
    return ImportOptions(fps=config.motion.fps, lowpass=config.motion.lowpass_hz, source_model=config.motion.model)


def resolve_motions(config: Config, tell: Callable[[str], object] | None = None) -> tuple[Config, list[str]]:
    """Import the files a config names and put what they hold in their place.

    Args:
        tell: called with each file's name before it is imported.

    Returns:
        the config with `motion.sources` filled and no files, and one sentence per file that could not be used.

    Raises:
        MotionError: none of the files can be used.
    """
    if not config.motion.files:
        for key in config.motion.sources:
            open_clip(key)
        return config, []
    if config.motion.model and not Path(config.motion.model).is_file():
        raise ConfigError(f"'motion.model' is {config.motion.model}, and there is no such file; give an .osim")
    if not all(place.strip() for place in config.motion.files):
        raise ConfigError("'motion.files' holds an empty name; give files or folders, or an empty list for none")
    keys, failed = list(config.motion.sources), []
    for path in [p for place in config.motion.files for p in motion_files(place)]:
        if tell:
            tell(path.name)
        try:
            clip = cached(path, options_of(config))
        except SynthgenError as error:
            failed.append(str(error) if path.name in str(error) else f"{path.name}: {error}")
            continue
        keys.append(clip.key)
    if not keys:
        raise MotionError(f"none of the motion files can be used; the first: {failed[0]}")
    return with_values(
        config, motion={**to_plain(config.motion), "files": [], "model": "", "sources": distinct(keys)}
    ), failed


def distinct(keys: Sequence[str]) -> list[str]:
    """Each content once, sorted by name, and no name twice."""
    found: dict[str, str] = {}
    for key in sorted(keys):
        found.setdefault(key.partition("@")[2], key)
    names: dict[str, int] = {}
    out = []
    for key in found.values():
        name, _, rest = key.partition("@")
        names[name] = names.get(name, 0) + 1
        out.append(key if names[name] == 1 else f"{name}-{names[name]}@{rest}")
    return out


def plain_name(stem: str) -> str:
    """A file name as part of an activity: letters, digits, _ . and -."""
    return re.sub(r"[^\w.-]+", "_", stem, flags=re.ASCII).strip("._-") or "motion"
