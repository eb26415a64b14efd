"""Seat the 24 vertebrae in a rest mesh, from its posterior midline.

The mesh's own spine bones are too few and drift by one or two levels with shape, so levels come from anatomy
(`data/column.csv`) between landmarks that do not drift (C7, the hip joints, the atlas), and depth from the skin of the
back.

Axes: x forward, y up, z right; metres.
"""

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from scipy.ndimage import gaussian_filter1d

from biomech.anatomy import VERTEBRAE
from scenes.body import BODY_VERTEX_COUNT, BodyAsset
from scenes.layers import any_corner, every_corner

REFERENCE_LENGTH = 0.570
"""C7 to mid hip joint of the body that `column.csv` describes, m."""

PSIS_LEVEL = 0.86
"""Height of the posterior superior iliac spines (S2), as a fraction of the way from C7 down to the hip joints.
SIMSPINE's Hip marker on its model; it leaves C7-PSIS at 0.86 * 607 = 522 mm against 509 +- 35 mm (Ernst 2013)."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Seated vertebrae of one rest mesh, caudal to cranial.

    Attributes:
        world_from_vertebra: (24, 4, 4) origin at the vertebral body centre, x anterior, y cranial, z right.
        joints: (25, 3) m: disc centres below each vertebra (L5/S1 first), then the atlanto-occipital joint.
        spinous_tips: (24, 3) m.
        skin_midline: (24, 3) m: the skin behind each spinous tip.
        sacrum: (3,) m: centre of S2, at the height of the PSIS.
        length: C7 to mid hip joint, m.
    """

    world_from_vertebra: np.ndarray
    joints: np.ndarray
    spinous_tips: np.ndarray
    skin_midline: np.ndarray
    sacrum: np.ndarray
    length: float

    @property
    def centres(self) -> np.ndarray:
        """(24, 3) vertebral body centres, m."""
        return self.world_from_vertebra[:, :3, 3]


@cache
def column_table() -> dict[str, np.ndarray]:
    """The columns of `column.csv` as (24,) arrays; lengths in metres."""
    text = (files("scenes") / "data" / "column.csv").read_text().splitlines()
    rows = {row["vertebra"]: row for row in csv.DictReader(line for line in text if not line.startswith("#"))}
    table = {}
    for name in ("level", "tip_drop_mm", "centre_to_tip_mm", "skin_over_tip_mm", "extra_skin_mm"):
        values = np.array([float(rows[v][name]) for v in VERTEBRAE])
        table[name.removesuffix("_mm")] = values / 1e3 if name.endswith("_mm") else values
    return table


@lru_cache(maxsize=2)
def body_triangles(asset: BodyAsset) -> np.ndarray:
    """(T, 3) `triangles` of a body, the same for everybody."""
    return triangles(asset.quads)


def triangles(quads: np.ndarray) -> np.ndarray:
    """(F, 4) quads -> (T, 3) triangles of the body proper; quads that repeat a vertex give one triangle."""
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    keep = (both < BODY_VERTEX_COUNT).all(1) & (both[:, 0] != both[:, 2]) & (both[:, 1] != both[:, 2])
    return both[keep & (both[:, 0] != both[:, 1])]


def sagittal_section(vertices: np.ndarray, faces: np.ndarray, z: float = 1e-5) -> np.ndarray:
    """(S, 2, 2) segments (x, y) in which the plane at `z` cuts the surface, m."""
    beyond = vertices[:, 2] > z
    few = faces[any_corner(beyond, faces) & ~every_corner(beyond, faces)]
    few = few[(vertices[few, 2] - z).min(1) < 0]  # a plane that only touches a face does not cut it
    corners = vertices[few]  # (T', 3, 3)
    side = corners[:, :, 2] - z
    points = []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        crosses = side[:, i] * side[:, j] < 0
        with np.errstate(divide="ignore", invalid="ignore"):
            share = side[:, i] / (side[:, i] - side[:, j])
        point = corners[:, i, :2] + (corners[:, j, :2] - corners[:, i, :2]) * share[:, None]
        points.append(np.where(crosses[:, None], point, np.nan))
    ends = np.stack(points, 1)  # (T', 3, 2), one of the three is nan
    order = np.argsort(np.isnan(ends[:, :, 0]), axis=1, kind="stable")
    return np.take_along_axis(ends, order[:, :2, None], 1)


def section_extent(section: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rearmost and foremost x of the section at each height, m. Raises ValueError where nothing is cut."""
    low, high = section[:, :, 1].min(1), section[:, :, 1].max(1)
    back, front = np.empty(len(heights)), np.empty(len(heights))
    for k, y in enumerate(heights):
        hit = section[(low <= y) & (high >= y)]
        if not len(hit):
            raise ValueError(f"The mesh has no midline at height {y:.3f} m.")
        rise = hit[:, 1, 1] - hit[:, 0, 1]
        share = np.where(np.abs(rise) < 1e-9, 0.0, (y - hit[:, 0, 1]) / np.where(np.abs(rise) < 1e-9, 1.0, rise))
        x = hit[:, 0, 0] + share * (hit[:, 1, 0] - hit[:, 0, 0])
        back[k], front[k] = x.min(), x.max()
    return back, front


def seat_column(asset: BodyAsset, vertices: np.ndarray, bone_heads: np.ndarray, weight: float) -> Column:
    """Seat the column in rest `vertices` (V, 3); `weight` is the phenotype value in [0, 1]."""
    table = column_table()
    c7 = bone_heads[asset.bone("neck01")]
    hip = (bone_heads[asset.bone("upperleg01.L")] + bone_heads[asset.bone("upperleg01.R")]) / 2
    atlas = bone_heads[asset.bone("head")]
    length = float(c7[1] - hip[1])
    scale = length / REFERENCE_LENGTH

    level = table["level"]
    y = np.where(level >= 0, c7[1] - level * length, c7[1] - level * (atlas[1] - c7[1]))
    section = sagittal_section(vertices[:BODY_VERTEX_COUNT], body_triangles(asset))
    tip_y = y - table["tip_drop"] * scale
    back, _ = section_extent(section, tip_y)
    soft = table["skin_over_tip"] + table["extra_skin"] * np.clip(2 * weight - 1, -0.4, 1.0)
    tip_x = back + soft * scale
    x = tip_x + table["centre_to_tip"] * scale
    # No vertebra lies in front of the middle of the neck or trunk.
    rear, front = section_extent(section, y)
    x = np.minimum(x, rear + 0.52 * (front - rear))
    # Skin folds and the head's overhang are not the column's: neighbours share a smooth curve.
    x = gaussian_filter1d(x, 1.5, mode="nearest")
    centres = np.stack([x, y, np.zeros(24)], 1)

    sacrum_y = c7[1] - PSIS_LEVEL * length
    sacrum_back, _ = section_extent(section, np.array([sacrum_y]))
    sacrum = np.array([sacrum_back[0] + (0.016 + 0.030) * scale, sacrum_y, 0.0])
    occiput = centres[-1] + np.array([0.002, 0.014, 0.0]) * scale  # the condyles sit on the atlas

    world_from_vertebra = _frames_along(centres, sacrum, occiput)
    below = np.concatenate([(0.7 * centres[:1] + 0.3 * sacrum), centres[:-1]])
    joints = np.concatenate([0.5 * (below + centres), occiput[None]])
    joints[0] = below[0]
    tips = np.stack([np.minimum(tip_x, x - 0.02 * scale), tip_y, np.zeros(24)], 1)
    skin = np.stack([back, tip_y, np.zeros(24)], 1)
    return Column(world_from_vertebra, joints, tips, skin, sacrum, length)


def _frames_along(centres: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Frames whose y axis follows the curve through the centres and whose z axis is the body's right."""
    path = np.concatenate([below[None], centres, above[None]])
    tangent = path[2:] - path[:-2]
    tilt = gaussian_filter1d(np.arctan2(-tangent[:, 0], tangent[:, 1]), 1.0, mode="nearest")
    frames = np.tile(np.eye(4), (len(centres), 1, 1))
    frames[:, 0, 0], frames[:, 0, 1] = np.cos(tilt), -np.sin(tilt)
    frames[:, 1, 0], frames[:, 1, 1] = np.sin(tilt), np.cos(tilt)
    frames[:, :3, 3] = centres
    return frames
