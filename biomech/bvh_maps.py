"""Which joint of a .bvh is which part of a person: naming conventions as YAML, one file per family in data/bvh_maps.

A map of one's own has the same form::

    name: my_rig
    joints:
      pelvis: [Root]          # role: names it may have, the first one present counts
      hip_r: [thigh_right]
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import yaml

from biomech.anatomy import SIDES
from biomech.errors import MotionError
from biomech.plain_yaml import load_yaml

NEEDED: tuple[str, ...] = (
    "pelvis",
    "thorax",
    "head",
    *(f"{part}_{side}" for side in SIDES for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")),
)
"""Roles that a skeleton must have."""

OPTIONAL: tuple[str, ...] = (
    "neck",
    *(f"{part}_{side}" for side in SIDES for part in ("collar", "toe", "finger", "thumb")),
)
"""Roles that make the result better: feet with toes, hands that turn."""


@dataclass(frozen=True, slots=True)
class BvhMap:
    """One naming convention."""

    name: str
    joints: Mapping[str, tuple[str, ...]]  # role -> names it may have

    def roles(self, names: Iterable[str]) -> dict[str, str]:
        """Role -> joint, for the roles that `names` fill."""
        known = {plain_name(name): name for name in names}
        found = {role: next((known[n] for n in map(plain_name, wanted) if n in known), None)
                 for role, wanted in self.joints.items()}  # fmt: skip
        return {role: name for role, name in found.items() if name is not None}


def plain_name(name: str) -> str:
    """A joint name without prefix, case, spaces: 'mixamorig:Left Arm' -> 'leftarm'."""
    return name.rpartition(":")[2].replace(" ", "").lower()


def load_map(path: Path | str) -> BvhMap:
    """A map of one's own.

    Raises:
        MotionError: the file cannot be read, or names a role that does not exist.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MotionError(
            f"cannot read the joint map {path} ({getattr(error, 'strerror', error)}); give a YAML file, or nothing for "
            f"one of {', '.join(known.name for known in known_maps())}"
        ) from None
    return _parse(text, str(path))


@lru_cache(maxsize=1)
def known_maps() -> tuple[BvhMap, ...]:
    """The families that ship, by file name."""
    folder = files("biomech") / "data" / "bvh_maps"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return tuple(_parse(f.read_text(encoding="utf-8"), f.name) for f in found)


def find_roles(names: tuple[str, ...], own: BvhMap | None = None) -> tuple[str, dict[str, str]]:
    """(name of the map, role -> joint) for a skeleton.

    Args:
        names: the joints of the file.
        own: use this map; None: the shipped one that fills most roles.

    Raises:
        MotionError: a needed role stays empty; the message names the roles and the joints nobody knows.
    """
    maps = (own,) if own is not None else known_maps()
    filled = [(candidate, candidate.roles(names)) for candidate in maps]
    best, roles = max(filled, key=lambda pair: (sum(r in pair[1] for r in NEEDED), len(pair[1])))
    missing = [role for role in NEEDED if role not in roles]
    if missing:
        known = {plain_name(n) for m in maps for wanted in m.joints.values() for n in wanted}
        unknown = [n for n in names if plain_name(n) not in known and not n.endswith("_end")]
        raise MotionError(
            f"no joint for {_some(missing)} (nearest naming: {best.name}); joints that no map knows: "
            f"{_some(unknown) or 'none'}. Write a map as in biomech/data/bvh_maps and give it with --mapping"
        )
    return best.name, roles


def _some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _parse(text: str, where: str) -> BvhMap:
    try:
        data = load_yaml(text)
        joints = {str(role): _names(value) for role, value in data["joints"].items()}
        name = str(data.get("name") or Path(where).stem)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise MotionError(f"{where} is no joint map ({first}); wanted 'joints:' with lines 'role: [names]'") from None
    strange = [role for role in joints if role not in NEEDED + OPTIONAL]
    if strange:
        near = difflib.get_close_matches(strange[0], NEEDED + OPTIONAL, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(NEEDED + OPTIONAL)}"
        raise MotionError(f"{where}: no part of the body is called {strange[0]!r}; {hint}")
    return BvhMap(name, joints)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"{value!r} is no list of names")
