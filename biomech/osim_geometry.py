"""The joint placement of a skeleton, read back from the model text that `osim_xml.write_osim` wrote."""

from __future__ import annotations

import re

import numpy as np

from biomech.anatomy import BODIES, JOINTS
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry, default_mass
from biomech.kinematics_numpy import axis_rotation

_FRAME = re.compile(
    r'<PhysicalOffsetFrame name="(?P<name>[^"]+)"><socket_parent>[^<]*</socket_parent>'
    r"<translation>(?P<at>[^<]*)</translation><orientation>(?P<turn>[^<]*)</orientation>"
)


def read_geometry(text: str, *, stature: float, sex: str = "m", age: float = 30.0) -> SkeletonGeometry:
    """Geometry of a model of ours; its landmarks and capsules are left out.

    Args:
        text: content of the .osim file.
        stature: m; sex: m or f; age: years: what the text does not say.

    Raises:
        ModelError: the text lacks an offset frame of our joints; another program wrote it, or it is cut short.
    """
    found = {m["name"]: (_numbers(m["at"]), _numbers(m["turn"])) for m in _FRAME.finditer(text)}
    missing = [
        f"{joint.name}_{end}" for joint in JOINTS for end in ("parent", "child") if f"{joint.name}_{end}" not in found
    ]
    if missing:
        raise ModelError(
            f"the model text lacks the frame {missing[0]} and {len(missing) - 1} others; "
            "give a model that 'synthgen render' wrote"
        )
    parent, body = np.empty((2, len(BODIES), 4, 4))
    for i, joint in enumerate(JOINTS):
        parent[i] = _frame(*found[f"{joint.name}_parent"])
        body[i] = _frame(*found[f"{joint.name}_child"])
    return SkeletonGeometry(stature, default_mass(stature, sex), sex, age, parent, body, (), ())


def _numbers(text: str) -> np.ndarray:
    values = np.array([float(word) for word in text.split()])
    if values.shape != (3,) or not np.isfinite(values).all():
        raise ModelError(f"a frame of the model holds {text!r}; wanted three numbers")
    return values


def _frame(at: np.ndarray, turn: np.ndarray) -> np.ndarray:
    frame = np.eye(4)
    for axis, angle in zip(np.eye(3), turn, strict=True):  # body-fixed X, Y, Z
        frame[:3, :3] = frame[:3, :3] @ axis_rotation(tuple(axis), np.array(angle))
    frame[:3, 3] = at
    return frame
