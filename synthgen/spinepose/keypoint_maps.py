"""Named maps from the keypoints of published annotation schemes to SpineTrack's 37, and from users' own.

A point that a scheme does not have stays unlabelled: visibility 0 and weight 0, never a coordinate to learn from.
S is the number of the source's keypoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from biomech.errors import ConfigError
from synthgen.keypoints import spinetrack
from synthgen.settings import nearest, parse_yaml

_KEYS = ("about", "points", "fields", "trust")


@dataclass(frozen=True, slots=True, eq=False)
class KeypointMap:
    """Where each keypoint of a scheme lands.

    Attributes:
        name: of the scheme.
        points: SpineTrack name per source keypoint, None where there is no counterpart.
        fields: annotation fields joined to one list of (x, y, visibility).
        target: (S,) int, place among the 37, -1 where none.
        trust: (37,) loss weight of a labelled point, 0 where the scheme never labels it.
    """

    name: str
    points: tuple[str | None, ...]
    fields: tuple[str, ...]
    target: np.ndarray
    trust: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        """(37,) bool: the points this scheme can label."""
        return self.trust > 0

    def lift(self, triplets: np.ndarray) -> np.ndarray:
        """(S, 3) x, y, visibility -> (37, 3); points without a counterpart are 0, 0, 0."""
        out = np.zeros((len(self.trust), 3), np.float32)
        has = self.target >= 0
        out[self.target[has]] = triplets[has]
        out[out[:, 2] <= 0] = 0.0
        return out


@cache
def _published() -> dict[str, Any]:
    text = (resources.files("synthgen.spinepose") / "data" / "keypoint_maps.yaml").read_text(encoding="utf-8")
    return parse_yaml(text, "keypoint_maps.yaml")


def map_names() -> tuple[str, ...]:
    """Names of the maps that come along."""
    return tuple(_published())


def load_map(name: str) -> KeypointMap:
    """A map by name, or from a user's YAML file (one map: its keys, or a single NAME: on top).

    Raises:
        ConfigError: no such map; a point unknown, landed on twice, or on one side of the body only.
    """
    if name in _published():
        return build_map(name, _published()[name])
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"unknown keypoint map '{name}'; {nearest(name, map_names())}, or give a .yaml file of your own"
        )
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"cannot read the keypoint map {name}; give a YAML file with the key 'points'") from None
    if isinstance(data, dict) and "points" not in data and len(data) == 1:
        (data,) = data.values()
    return build_map(path.stem, data)


def build_map(name: str, data: Any) -> KeypointMap:
    """A map from plain data; see keypoint_maps.yaml for the keys. ConfigError says what is wrong with it."""
    if not isinstance(data, dict) or not isinstance(data.get("points"), list):
        raise ConfigError(f"keypoint map '{name}' needs 'points', a list of SpineTrack names (~ for none)")
    for key in data:
        if key not in _KEYS:
            raise ConfigError(f"keypoint map '{name}': unknown key '{key}'; {nearest(str(key), _KEYS)}")
    schema = spinetrack()
    points = tuple(data["points"])
    for point in points:
        if point is not None and point not in schema.names:
            raise ConfigError(f"keypoint map '{name}': no keypoint '{point}'; {nearest(str(point), schema.names)}")
    named = [p for p in points if p is not None]
    twice = sorted({p for p in named if named.count(p) > 1})
    if twice:
        raise ConfigError(f"keypoint map '{name}': two source points land on '{twice[0]}'; keep one")
    for point in schema.keypoints:
        if point.name in named and point.swap and point.swap not in named:
            raise ConfigError(
                f"keypoint map '{name}' has '{point.name}' but not '{point.swap}': a flipped picture would be labelled "
                "wrongly; give both sides or neither"
            )
    trust = np.array([float(n in named) for n in schema.names])
    for point, value in (data.get("trust") or {}).items():
        if point not in named or not 0 <= float(value) <= 1:
            raise ConfigError(
                f"keypoint map '{name}': trust of '{point}' is {value}; a mapped point and 0 to 1, please"
            )
        trust[schema.id_of(point)] = float(value)
    target = np.array([-1 if p is None else schema.id_of(p) for p in points], int)
    return KeypointMap(name, points, tuple(data.get("fields") or ("keypoints",)), target, trust)


def source_names(keypoint_map: KeypointMap, names: Sequence[str]) -> list[str]:
    """Disagreements between the names an annotation file gives its points and the map, as sentences."""
    if len(names) != len(keypoint_map.points):
        return []
    return [
        f"point {i} is '{given}' in the file but '{ours}' in the map '{keypoint_map.name}'"
        for i, (given, ours) in enumerate(zip(names, keypoint_map.points, strict=True))
        if ours is not None and given in spinetrack().names and given != ours
    ]
