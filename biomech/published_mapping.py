"""Which body and which coordinate of a published model is which vertebra and level: a YAML file per model family.

name: my model                        # required
extends: [limbs]                      # shipped maps to start from, by name
detect: [L4_L5_FE, L3_L4_FE]          # shipped maps only: a model with all of these is of this family
bodies:                               # our vertebra, or a rigid run of them: names the model's body may have
  S1: [sacrum, pelvis]                # S1 is our sacrum
  L5: [lumbar5]
  T12..T1: [torso]
  skull: [head]
levels:                               # level, or a run moved by one joint: flexion-extension, bending, rotation
  L4_L5: [L4_L5_FE, L4_L5_LB, L4_L5_AR]
  C7_T1..C0_C1: [neck_flexion, neck_bending, neck_rotation]     # null where a model has no such motion
pelvis: pelvis                        # the body to take the pelvis pose from
coordinates: {knee_angle_s: knee_s}   # ours: theirs, _s for both sides; a leading minus turns the sign
arms: {r: humerus_r, l: humerus_l}    # upper arms
zero: {arm_add_r: 0}                  # coordinates at which the model stands upright with hanging arms, if not 0
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from biomech.anatomy import COORDINATES, LEVELS, VERTEBRAE
from biomech.errors import ModelError
from biomech.plain_yaml import load_yaml
from biomech.published_source import ModelSource

COLUMN: tuple[str, ...] = ("S1", *VERTEBRAE, "skull")
"""What a map calls the bones of the column, caudal to cranial."""

_KEYS = ("name", "extends", "detect", "bodies", "levels", "pelvis", "coordinates", "arms", "zero")


@dataclass(frozen=True, slots=True, eq=False)
class ModelMapping:
    """A map as written, both-sides names spelled out.

    Attributes:
        bodies: (first, last) index into COLUMN -> names the body may have.
        levels: (first, last) index into LEVELS -> FE, LB, AR coordinate, None where there is none.
        signs: (first, last) -> +1 or -1 per axis, as the map's author states them.
        coordinates: our limb coordinate -> (theirs, sign).
        lenient: a shipped map; what a model of the family lacks is left out, with a note.
    """

    name: str
    detect: tuple[str, ...] = ()
    bodies: Mapping[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[tuple[int, int], tuple[str | None, str | None, str | None]] = field(default_factory=dict)
    signs: Mapping[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    pelvis: str = ""
    coordinates: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)
    zero: Mapping[str, float] = field(default_factory=dict)
    lenient: bool = False


def shipped() -> dict[str, ModelMapping]:
    """The maps of known families, by file name; those without `detect` only serve others to extend."""
    return {name: _parse(text, f"the map {name}", True) for name, text in sorted(_texts().items())}


def read_mapping(path: Path | str) -> ModelMapping:
    """A map of the user's own, or a shipped one by name.

    Raises:
        ModelError: no such file, no YAML, or a key, body or level that means nothing here.
    """
    path = Path(path)
    if str(path) in _texts():
        return shipped()[str(path)]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ModelError(
            f"cannot read the model map {path}: {reason}; give a YAML file, or one of {', '.join(sorted(_texts()))}"
        ) from None
    return _parse(text, str(path), False)


def choose(source: ModelSource) -> ModelMapping:
    """The shipped map whose signature the model carries; of several the one that asks for most.

    Raises:
        ModelError: no family fits; the message says whether the model has a spine at all.
    """
    have = set(source.names)
    fitting = [m for m in shipped().values() if m.detect and have.issuperset(m.detect)]
    if fitting:
        return max(fitting, key=lambda m: (len(m.detect), m.name))
    spine = [b for b in source.bodies if any(w in b.lower() for w in _SPINE_WORDS)]
    if not spine:
        some = ", ".join(source.bodies[:5]) or "none"
        raise ModelError(
            f"{source.path} has no spine: none of its {len(source.bodies)} bodies ({some} ..) is a vertebra, torso or "
            "head; give a model with at least a joint between pelvis and torso"
        )
    raise ModelError(
        f"{source.path} is of no known family (it has {', '.join(spine[:6])}); write a model map and give it with "
        f"--mapping or model.mapping (known families: {', '.join(k for k, m in shipped().items() if m.detect)})"
    )


_SPINE_WORDS = ("lumbar", "thora", "cerv", "torso", "head", "skull", "spine", "trunk", "neck", "vertebra")


def _texts() -> dict[str, str]:
    folder = files("biomech") / "data" / "model_maps"
    return {f.name.removesuffix(".yaml"): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".yaml")}


def _parse(text: str, where: str, lenient: bool) -> ModelMapping:
    import yaml

    try:
        data = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ModelError(f"{where}{f', line {mark.line + 1}' if mark else ''}: not valid YAML") from None
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        raise ModelError(f"{where} is no model map; it needs at least 'name' and 'levels' (keys: {', '.join(_KEYS)})")
    unknown = [k for k in data if k not in _KEYS]
    if unknown:
        raise ModelError(f"{where}: unknown key {unknown[0]!r}{_hint(str(unknown[0]), _KEYS)}")
    merged: dict[str, Any] = {}
    for base in data.get("extends") or ():
        if base not in _texts():
            raise ModelError(f"{where} extends {base!r}{_hint(str(base), sorted(_texts()))}")
        merged = _joined(merged, _raw(base))
    return _built(_joined(merged, data), where, lenient)


def _raw(name: str) -> dict[str, Any]:

    data = load_yaml(_texts()[name])
    merged: dict[str, Any] = {}
    for base in data.get("extends") or ():
        merged = _joined(merged, _raw(base))
    return _joined(merged, data)


def _joined(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Groups are merged, an empty entry takes one out; everything else is replaced."""
    out = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
            group = {**out[key], **value}
            out[key] = {k: v for k, v in group.items() if v not in ([], None)}
        else:
            out[key] = value
    return out


def _built(data: Mapping[str, Any], where: str, lenient: bool) -> ModelMapping:
    levels: dict[tuple[int, int], tuple] = {}
    signs: dict[tuple[int, int], tuple] = {}
    for key, names in _group(data, "levels", where).items():
        if not isinstance(names, Sequence) or isinstance(names, str) or len(names) != 3:
            raise ModelError(f"{where}: level {key} needs three coordinates [FE, LB, AR], null for none; got {names!r}")
        run = _run(str(key), LEVELS, "level", where)
        signed = [_signed(name) if name else (None, 1.0) for name in names]
        levels[run], signs[run] = tuple(n for n, _ in signed), tuple(int(s) for _, s in signed)
    bodies = {}
    for key, names in _group(data, "bodies", where).items():
        if names:
            listed = (names,) if isinstance(names, str) else tuple(str(n) for n in names)
            bodies[_run(str(key), COLUMN, "body", where)] = listed
    coordinates = {}
    for ours, theirs in _group(data, "coordinates", where).items():
        for name, other in _both_sides(str(ours), str(theirs)):
            if name not in COORDINATES:
                raise ModelError(f"{where}: our model has no coordinate {name!r}{_hint(name, COORDINATES)}")
            coordinates[name] = _signed(other)
    zero = {str(k): float(v) for k, v in _group(data, "zero", where).items()}
    arms = {str(k): str(v) for k, v in _group(data, "arms", where).items()}
    if set(arms) - {"r", "l"}:
        raise ModelError(f"{where}: 'arms' has the keys {', '.join(arms)}; allowed are r and l")
    return ModelMapping(
        str(data["name"]), tuple(data.get("detect") or ()), bodies, levels, signs, str(data.get("pelvis") or ""),
        coordinates, arms, zero, lenient,
    )  # fmt: skip


def _group(data: Mapping[str, Any], key: str, where: str) -> Mapping[Any, Any]:
    value = data.get(key) or {}
    if not isinstance(value, Mapping):
        raise ModelError(f"{where}: '{key}' must be a group of 'name: value' lines, got {value!r}")
    return value


def _run(text: str, names: Sequence[str], what: str, where: str) -> tuple[int, int]:
    """ "T12..T1" -> first and last index."""
    first, dots, last = text.partition("..")
    ends = (first.strip(), (last if dots else first).strip())
    for end in ends:
        if end not in names:
            raise ModelError(f"{where}: unknown {what} {end!r}{_hint(end, names)}")
    low, high = names.index(ends[0]), names.index(ends[1])
    if low > high:
        raise ModelError(f"{where}: {text} runs downwards; write the lower end first, as in {names[0]}..{names[1]}")
    return low, high


def _signed(name: str) -> tuple[str, float]:
    name = str(name).strip()
    return (name[1:].strip(), -1.0) if name.startswith("-") else (name, 1.0)


def _both_sides(ours: str, theirs: str) -> list[tuple[str, str]]:
    if not ours.endswith("_s"):
        return [(ours, theirs)]
    other = theirs[:-2] if theirs.endswith("_s") else theirs
    return [(f"{ours[:-2]}_{side}", f"{other}_{side}" if theirs.endswith("_s") else other) for side in "rl"]


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
