"""Which marker sits where: maps from the names of common marker sets to places on our bodies.

A map is a YAML file; those that ship are in data/marker_maps, and plug_in_gait.yaml says how one is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from biomech.anatomy import BODIES
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.inverse_kinematics import Points
from biomech.plain_yaml import load_yaml

_FIELDS = ("landmark", "body", "near", "at", "sd", "weight")
_DEFAULT_SD = 10.0  # mm
_ENOUGH = 6  # matched names that make a map worth trying: one segment with three, and another


@dataclass(frozen=True, slots=True)
class MarkerPlace:
    """Where one marker sits on a person who stands upright, palms forward."""

    name: str
    body: str
    near: str  # body (its joint centre) or landmark
    at: tuple[float, float, float]  # fractions of stature: forward, up, right of `near`
    sd: float  # m: how far the real marker may lie from there
    weight: float


@dataclass(frozen=True, slots=True)
class MarkerMap:
    """Places of the markers of one set."""

    name: str
    title: str
    places: tuple[MarkerPlace, ...]

    def place(self, marker: str) -> MarkerPlace | None:
        """Place of a marker by name, in any case; None if the map does not know it."""
        return next((place for place in self.places if place.name.casefold() == marker.casefold()), None)


def builtin_maps() -> tuple[str, ...]:
    """Names of the maps that ship."""
    folder = files("biomech") / "data" / "marker_maps"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_map(name: str | Path) -> MarkerMap:
    """A map that ships, by name, or one of your own, by the path of its .yaml file.

    Raises:
        ModelError: no such map or file, or an entry that is not understood; the message names it.
    """
    if str(name) in builtin_maps():
        return _builtin(str(name))
    path = Path(name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ModelError(f"no marker map {name!r}; known ones are {', '.join(builtin_maps())}, or give a .yaml file")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read marker map {path}: {error}") from error
    return parse_map(text, path.name)


@lru_cache(maxsize=16)
def _builtin(name: str) -> MarkerMap:
    text = (files("biomech") / "data" / "marker_maps" / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_map(text, f"{name}.yaml")


def parse_map(text: str, source: str) -> MarkerMap:
    """A map from its YAML text; `source` is for messages."""
    try:
        data = load_yaml(text)
    except yaml.YAMLError as error:
        raise ModelError(f"{source} is not YAML: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("markers"), dict) or not data["markers"]:
        raise ModelError(f"{source}: a marker map needs 'markers:' with one entry per marker, see plug_in_gait.yaml")
    places: list[MarkerPlace] = []
    for name, entry in data["markers"].items():
        sides = (("R", "r", 1.0), ("L", "l", -1.0)) if "{S}" in str(name) else (("", "", 1.0),)
        places += [_place(str(name), entry, side, source) for side in sides]
    names = [place.name.casefold() for place in places]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ModelError(f"{source}: marker {doubled[0]!r} stands there twice")
    name = str(data.get("name", Path(source).stem))
    return MarkerMap(name, str(data.get("title", name)), tuple(places))


def _place(name: str, entry: Any, side: tuple[str, str, float], source: str) -> MarkerPlace:
    upper, lower, sign = side

    def filled(text: Any) -> str:
        return str(text).replace("{S}", upper).replace("{s}", lower)

    fields = {"landmark": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict) or set(fields) - set(_FIELDS):
        raise ModelError(f"{source}, marker {name}: got {entry!r}; wanted a landmark or some of {', '.join(_FIELDS)}")
    landmarks = {landmark.name: landmark.body for landmark in _standing().landmarks}
    if "landmark" in fields:
        near = filled(fields["landmark"])
        body = landmarks.get(near, "")
    else:
        body = filled(fields.get("body", ""))
        near = filled(fields.get("near", body))
    if body not in BODIES or (near not in BODIES and near not in landmarks):
        wrong = near if body in BODIES or "landmark" in fields else body
        raise ModelError(
            f"{source}, marker {name}: no body or landmark is called {wrong!r}; bodies are {', '.join(BODIES)}; "
            "landmarks are in data/landmarks.csv, and <vertebra>_spinous and <vertebra>_centre"
        )
    try:
        forward, up, right = (float(value) for value in fields.get("at", (0.0, 0.0, 0.0)))
        sd, weight = float(fields.get("sd", _DEFAULT_SD)), float(fields.get("weight", 1.0))
        if not (sd > 0.0 and weight >= 0.0 and max(abs(forward), abs(up), abs(right)) < 1.0):
            raise ValueError
    except (TypeError, ValueError):
        raise ModelError(
            f"{source}, marker {name}: got {fields!r}; wanted at: [forward, up, right] in fractions of stature, "
            "sd in mm above 0, weight 0 or more"
        ) from None
    return MarkerPlace(filled(name), body, near, (forward, up, sign * right), 1e-3 * sd, weight)


@lru_cache(maxsize=1)
def _standing() -> SkeletonGeometry:
    return default_geometry()


def place_points(places: tuple[MarkerPlace, ...], geometry: SkeletonGeometry) -> Points:
    """The markers as points of a skeleton, unless calibration knows better."""
    frames = geometry.neutral_frames()
    landmarks = {landmark.name: landmark for landmark in geometry.landmarks}
    locations = np.empty((len(places), 3))
    for k, place in enumerate(places):
        if place.near in BODIES:
            near = frames[BODIES.index(place.near), :3, 3]
        else:
            landmark = landmarks[place.near]
            frame = frames[BODIES.index(landmark.body)]
            near = frame[:3, :3] @ landmark.location + frame[:3, 3]
        own = frames[BODIES.index(place.body)]
        locations[k] = own[:3, :3].T @ (near + geometry.stature * np.array(place.at) - own[:3, 3])
    names = tuple(place.name for place in places)
    weights = np.array([place.weight for place in places])
    return Points(names, tuple(place.body for place in places), locations, weights)


def choose_map(names: tuple[str, ...], source: str = "this file") -> MarkerMap:
    """The shipped map that knows most of the names.

    Raises:
        ModelError: none knows enough of them.
    """
    maps = [load_map(name) for name in builtin_maps()]
    known = [sum(candidate.place(name) is not None for name in names) for candidate in maps]
    # of two that know equally many, the one with fewer names of its own describes the set better
    best = max(range(len(maps)), key=lambda i: (known[i], -len(maps[i].places)))
    if known[best] < min(_ENOUGH, len(names)):
        raise ModelError(
            f"{source}: no marker set is known with names like {', '.join(names[:6])} "
            f"(best: {maps[best].name} with {known[best]} of {len(names)}); sets: {', '.join(builtin_maps())}; "
            "write your own after data/marker_maps/plug_in_gait.yaml and give it with --mapping"
        )
    return maps[best]
