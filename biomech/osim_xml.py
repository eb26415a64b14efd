"""A skeleton as OpenSim model text (.osim).

Written as text because a CustomJoint built through the Python bindings crashes; any OpenSim 4.x reads it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from biomech.anatomy import BODIES, COORDINATES, JOINTS, PARENTS, Joint, load_anatomy
from biomech.errors import ModelError
from biomech.geometry import Landmark, SkeletonGeometry

_DENSITY = 1050.0
"""kg/m3, whole body; only shapes the inertias, which no pose depends on."""


def write_osim(geometry: SkeletonGeometry, path: Path | str | None, ranges: np.ndarray, name: str = "synthgen") -> str:
    """Model text, also written to ``path`` unless None.

    Args:
        ranges: (D, 2) rad or m, written as clamped coordinate ranges, in the order of anatomy.COORDINATES.
    """
    if ranges.shape != (len(COORDINATES), 2):
        raise ModelError(f"ranges of shape {ranges.shape} given; wanted ({len(COORDINATES)}, 2)")
    limits = dict(zip(COORDINATES, ranges, strict=True))
    bodies = "".join(_body(geometry, i, mass) for i, mass in enumerate(body_masses(geometry)))
    joints = "".join(_joint(geometry, i, limits) for i in range(len(JOINTS)))
    markers = "".join(_marker(landmark) for landmark in geometry.landmarks)
    text = f"""<?xml version="1.0" encoding="UTF-8" ?>
<OpenSimDocument Version="40600">
<Model name="{name}">
<Ground name="ground"/>
<gravity>0 -9.80665 0</gravity>
<length_units>meters</length_units>
<force_units>N</force_units>
<BodySet name="bodyset"><objects>
{bodies}</objects></BodySet>
<JointSet name="jointset"><objects>
{joints}</objects></JointSet>
<MarkerSet name="markerset"><objects>
{markers}</objects></MarkerSet>
</Model>
</OpenSimDocument>
"""
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


def body_masses(geometry: SkeletonGeometry) -> np.ndarray:
    """(N,) kg, summing to the mass of the geometry."""
    facts = load_anatomy()
    fractions = facts[f"mass_{geometry.sex}"]
    share = facts["mass_share"]
    masses = np.empty(len(BODIES))
    for i, body in enumerate(BODIES):
        part = share[body] if body in share else share[body[:-2]]
        masses[i] = part.value * fractions[part.unit.removeprefix("of ")].value
    return geometry.mass * masses / masses.sum()


def euler_xyz(rotation: np.ndarray) -> np.ndarray:
    """Body-fixed X-Y-Z angles (3,) rad of a rotation matrix: R = Rx Ry Rz, OpenSim's frame orientation."""
    sine = float(np.clip(rotation[0, 2], -1.0, 1.0))
    if abs(sine) > 1.0 - 1e-12:  # gimbal lock: only the sum of the outer angles is known
        return np.array([np.arctan2(rotation[2, 1], rotation[1, 1]), np.arcsin(sine), 0.0])
    return np.array(
        [np.arctan2(-rotation[1, 2], rotation[2, 2]), np.arcsin(sine), np.arctan2(-rotation[0, 1], rotation[0, 0])]
    )


def _numbers(values: np.ndarray | tuple[float, ...]) -> str:
    # twelve digits: a picometre, and the text does not change with the last bit of a sine; "+ 0.0" drops minus zero
    numbers = values.tolist() if isinstance(values, np.ndarray) else values
    return " ".join([f"{round(v, 12) + 0.0:.12g}" if v else "0" for v in numbers])


def _body(geometry: SkeletonGeometry, i: int, mass: float) -> str:
    children = [k for k, parent in enumerate(PARENTS) if parent == i]
    tip = geometry.parent_from_joint[children, :3, 3].mean(0) if children else np.zeros(3)
    length = max(float(np.linalg.norm(tip)), 0.02 * geometry.stature)
    # a solid cylinder of the body's length and mass, the same about every axis but its own; kept isotropic (the larger)
    inertia = mass * (mass / (np.pi * _DENSITY * length) / 4.0 + length**2 / 12.0)
    return (
        f'<Body name="{BODIES[i]}"><mass>{_numbers((mass,))}</mass><mass_center>{_numbers(0.5 * tip)}</mass_center>'
        f"<inertia>{_numbers((inertia, inertia, inertia, 0.0, 0.0, 0.0))}</inertia></Body>\n"
    )


def _joint(geometry: SkeletonGeometry, i: int, limits: dict[str, np.ndarray]) -> str:
    joint = JOINTS[i]
    kind = "CustomJoint" if joint.turns else "WeldJoint"
    parent = "/ground" if joint.parent == "ground" else f"/bodyset/{joint.parent}"
    frames = _offset(f"{joint.name}_parent", parent, geometry.parent_from_joint[i])
    frames += _offset(f"{joint.name}_child", f"/bodyset/{joint.body}", geometry.body_from_joint[i])
    coordinates = "".join(
        f'<Coordinate name="{c}"><default_value>0</default_value><range>{_numbers(limits[c])}</range>'
        "<clamped>true</clamped></Coordinate>\n"
        for c in joint.coordinates
    )
    return (
        f'<{kind} name="{joint.name}">'
        f"<socket_parent_frame>{joint.name}_parent</socket_parent_frame>"
        f"<socket_child_frame>{joint.name}_child</socket_child_frame>\n"
        + (f"<coordinates>\n{coordinates}</coordinates>\n" if coordinates else "")
        + f"<frames>\n{frames}</frames>\n"
        + (_spatial_transform(joint) if joint.turns else "")
        + f"</{kind}>\n"
    )


def _offset(name: str, parent: str, frame: np.ndarray) -> str:
    return (
        f'<PhysicalOffsetFrame name="{name}"><socket_parent>{parent}</socket_parent>'
        f"<translation>{_numbers(frame[:3, 3])}</translation>"
        f"<orientation>{_numbers(euler_xyz(frame[:3, :3]))}</orientation></PhysicalOffsetFrame>\n"
    )


@cache
def _spatial_transform(joint: Joint) -> str:
    rows = []
    used = [turn.axis for turn in joint.turns]
    # OpenSim wants three rotation axes, independent where they are unused
    spare = [axis for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)) if not _parallel(axis, used)]
    for k in range(3):
        if k < len(joint.turns):
            turn = joint.turns[k]
            rows.append(_axis(f"rotation{k + 1}", turn.coordinate, turn.axis, turn.slope))
        else:
            rows.append(_axis(f"rotation{k + 1}", "", spare.pop(0), 0.0))
    for k, axis in enumerate(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))):
        rows.append(_axis(f"translation{k + 1}", joint.slides[k] if joint.slides else "", axis, 1.0))
    return "<SpatialTransform>\n" + "".join(rows) + "</SpatialTransform>\n"


def _parallel(axis: tuple[float, float, float], others: list[tuple[float, float, float]]) -> bool:
    return any(abs(float(np.dot(axis, other))) > 0.7 for other in others)


def _axis(name: str, coordinate: str, axis: tuple[float, float, float], slope: float) -> str:
    function = (
        f'<LinearFunction name="function"><coefficients>{_numbers((slope, 0.0))}</coefficients></LinearFunction>'
        if coordinate
        else '<Constant name="function"><value>0</value></Constant>'
    )
    return (
        f'<TransformAxis name="{name}"><coordinates>{coordinate}</coordinates>'
        f"<axis>{_numbers(axis)}</axis>{function}</TransformAxis>\n"
    )


def _marker(landmark: Landmark) -> str:
    return (
        f'<Marker name="{landmark.name}"><socket_parent_frame>/bodyset/{landmark.body}</socket_parent_frame>'
        f"<location>{_numbers(landmark.location)}</location><fixed>true</fixed></Marker>\n"
    )
