"""Names and facts of the skeleton: bodies, joints, coordinates, and one table of numbers with a source each.

Axes everywhere: x forward, y up, z right; metres, radians, right-handed.
Spine coordinates are ``{upper}_{lower}`` levels with ``FE`` (about z, + extension), ``LB`` (about x, + to the right)
and ``AR`` (about y, + to the left), applied in the order z, x, y, body-fixed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from biomech.errors import ModelError

VERTEBRAE: tuple[str, ...] = (
    *(f"L{i}" for i in range(5, 0, -1)),
    *(f"T{i}" for i in range(12, 0, -1)),
    *(f"C{i}" for i in range(7, 0, -1)),
)
"""The 24 vertebrae, caudal to cranial."""

LEVELS: tuple[str, ...] = (
    "L5_S1",
    *(f"{upper}_{lower}" for lower, upper in zip(VERTEBRAE[:-1], VERTEBRAE[1:], strict=True)),
    "C0_C1",
)
"""The 25 levels, ``upper_lower``, caudal to cranial; level i lies below vertebra i, the last one below the skull."""

AXES: tuple[str, ...] = ("FE", "LB", "AR")
SIDES: tuple[str, ...] = ("r", "l")

REGIONS: dict[str, tuple[str, ...]] = {"lumbar": LEVELS[:5], "thoracic": LEVELS[5:17], "cervical": LEVELS[17:]}
"""Levels of each region. T12_L1 counts as thoracic: its facets and motion resemble T11_T12 more than L1_L2."""

REGION_SLICES: dict[str, slice] = {"lumbar": slice(0, 5), "thoracic": slice(5, 17), "cervical": slice(17, 25)}
"""The same regions as slices of LEVELS."""

LIMB_BODIES: tuple[str, ...] = (
    "femur", "tibia", "talus", "calcn", "toes", "clavicle", "humphant", "humerus", "ulna", "radius", "hand",
)  # fmt: skip

SPINE_BODIES: tuple[str, ...] = ("sacrum", *VERTEBRAE, "skull")
"""The 26 bodies that skin the trunk."""

BODIES: tuple[str, ...] = ("pelvis", *SPINE_BODIES, *(f"{body}_{side}" for side in SIDES for body in LIMB_BODIES))

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
SUBTALAR_AXIS = (0.787179, 0.604747, -0.120949)
"""Oblique subtalar axis of a right foot, unit length (Inman 1976, as in the gait2392 and Rajagopal models)."""
ALMOST_Y = (2e-5, 1.0, 0.0)
"""Third axis of the shoulder's swing. OpenSim refuses a joint whose axes are parallel to 1e-5, so it leans by a
thousandth of a degree: 0.015 mm at the fingertips, and both kinematics use the same axis."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One rotation of a joint: angle = slope x coordinate, about a body-fixed unit axis."""

    coordinate: str
    axis: tuple[float, float, float]
    slope: float = 1.0


@dataclass(frozen=True, slots=True)
class Joint:
    """How a body hangs on its parent: at most three turns in order, then (root only) three translations."""

    name: str
    parent: str
    body: str
    turns: tuple[Turn, ...] = ()
    slides: tuple[str, ...] = ()

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Coordinate names in model order, each once."""
        return tuple(dict.fromkeys([turn.coordinate for turn in self.turns])) + self.slides


def _minus(axis: tuple[float, float, float]) -> tuple[float, float, float]:
    return (0.0 - axis[0], 0.0 - axis[1], 0.0 - axis[2])


def _limb_joints(side: str) -> tuple[Joint, ...]:
    """Joints of one side; the left uses axes mirrored in the sagittal plane, so equal values give mirrored poses."""

    def turn(coordinate: str, axis: tuple[float, float, float], slope: float = 1.0) -> Turn:
        mirrored = axis if side == "r" else (0.0 - axis[0], 0.0 - axis[1], axis[2])
        return Turn(f"{coordinate}_{side}", mirrored, slope)

    # (joint, parent, body, turns of a right limb); a parent without side is a spine body
    table: tuple[tuple[str, str, str, tuple[Turn, ...]], ...] = (
        ("hip", "pelvis", "femur", (turn("hip_flexion", Z), turn("hip_adduction", X), turn("hip_rotation", Y))),
        ("knee", "femur_", "tibia", (turn("knee_angle", _minus(Z)),)),
        ("ankle", "tibia_", "talus", (turn("ankle_angle", Z),)),
        ("subtalar", "talus_", "calcn", (turn("subtalar_angle", SUBTALAR_AXIS),)),
        ("mtp", "calcn_", "toes", (turn("mtp_angle", Z),)),
        ("sternoclavicular", "T1", "clavicle", (turn("clav_prot", Y), turn("clav_elev", _minus(X)))),
        ("shoulder", "clavicle_", "humphant",
         (turn("elv_angle", Y), turn("shoulder_elv", _minus(X)), turn("elv_angle", ALMOST_Y, -1.0))),
        ("shoulder_twist", "humphant_", "humerus", (turn("shoulder_rot", Y),)),
        ("elbow", "humerus_", "ulna", (turn("elbow_flexion", Z),)),
        ("radioulnar", "ulna_", "radius", (turn("pro_sup", Y),)),
        ("wrist", "radius_", "hand", (turn("wrist_flex", Z), turn("wrist_dev", X))),
    )  # fmt: skip
    return tuple(
        Joint(f"{name}_{side}", parent + side if parent.endswith("_") else parent, f"{body}_{side}", turns)
        for name, parent, body, turns in table
    )


def _joints() -> tuple[Joint, ...]:
    root = Joint(
        "ground_pelvis",
        "ground",
        "pelvis",
        (Turn("pelvis_tilt", Z), Turn("pelvis_list", X), Turn("pelvis_rotation", Y)),
        ("pelvis_tx", "pelvis_ty", "pelvis_tz"),
    )
    spine = tuple(
        Joint(level, parent, body, tuple(Turn(f"{level}_{a}", v) for a, v in zip(AXES, (Z, X, Y), strict=True)))
        for level, parent, body in zip(LEVELS, SPINE_BODIES[:-1], SPINE_BODIES[1:], strict=True)
    )
    return (root, Joint("pelvis_sacrum", "pelvis", "sacrum"), *spine, *_limb_joints("r"), *_limb_joints("l"))


JOINTS: tuple[Joint, ...] = _joints()
"""One joint per body, in BODIES order, parents before children."""

COORDINATES: tuple[str, ...] = tuple(name for joint in JOINTS for name in joint.coordinates)
"""All coordinate names in model order: 6 pelvis, 75 spine, 16 per limb side."""

SPINE_COORDINATES: tuple[str, ...] = tuple(f"{level}_{axis}" for level in LEVELS for axis in AXES)
SPINE_SLICE = slice(COORDINATES.index("L5_S1_FE"), COORDINATES.index("C0_C1_AR") + 1)
"""Where the 75 spine coordinates stand in COORDINATES."""
TRANSLATIONS: tuple[str, ...] = JOINTS[0].slides
"""The coordinates in metres; every other one is in radians."""
PARENTS: tuple[int, ...] = tuple(-1 if j.parent == "ground" else BODIES.index(j.parent) for j in JOINTS)
"""Index of each body's parent in BODIES; -1 is ground."""


def level_of(coordinate: str) -> str | None:
    """Level of a spine coordinate (``L4_L5_FE`` -> ``L4_L5``), None for any other coordinate."""
    _index(COORDINATES, coordinate, "coordinate")
    return coordinate[:-3] if coordinate in SPINE_COORDINATES else None


def region_of(level: str) -> str:
    """Region that a level belongs to: lumbar, thoracic or cervical."""
    _index(LEVELS, level, "level")
    return next(region for region, levels in REGIONS.items() if level in levels)


def coordinate_index(name: str) -> int:
    """Position of a coordinate in COORDINATES."""
    return _index(COORDINATES, name, "coordinate")


def body_index(name: str) -> int:
    """Position of a body in BODIES."""
    return _index(BODIES, name, "body")


def _index(names: tuple[str, ...], name: str, what: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise ModelError(f"unknown {what} {name!r}; known ones are {', '.join(names)}") from None


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of a table, in the unit given there."""

    value: float
    unit: str
    source: str
    confidence: str


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of ``biomech/data/{name}.csv``."""
    text = (files("biomech") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def load_anatomy() -> dict[str, dict[str, Fact]]:
    """The table of dimensions as ``facts[table][key]``; treat it as read-only."""
    facts: dict[str, dict[str, Fact]] = {}
    for row in read_table("anatomy"):
        fact = Fact(float(row["value"]), row["unit"], row["source"], row["confidence"])
        facts.setdefault(row["table"], {})[row["key"]] = fact
    return facts
