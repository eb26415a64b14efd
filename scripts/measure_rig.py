"""How well skin, vertebrae and labels sit together, over many bodies: the figures of the README.

    python scripts/measure_rig.py [SUBJECTS]

Draws people of 5 to 90 years and every build, bends each to the extremes of every plane, and prints the worst of
what it finds.
"""

import sys
from collections.abc import Sequence

import numpy as np

from biomech.anatomy import AXES, COORDINATES, REGIONS, VERTEBRAE, coordinate_index
from biomech.kinematics import forward_kinematics
from biomech.model import build_model
from scenes.body import BODY_VERTEX_COUNT, load_body
from scenes.column import Column, sagittal_section, section_extent, triangles
from scenes.rig import skin, skin_transforms
from scenes.subject import Subject, build_subject
from synthgen.annotate import Anchors, anchor_keypoints, keypoints_world, residuals
from synthgen.assets import cache_folder
from synthgen.config import PeopleConfig
from synthgen.keypoints import spinetrack
from synthgen.people import draw_subject

# Totals in degrees over the lumbar, thoracic and cervical levels for FE, LB, AR.
EXTREMES = {
    "flexion 50/25/30": ((-50, -25, -30), (0, 0, 0), (0, 0, 0)),
    "extension 25/10/30": ((25, 10, 30), (0, 0, 0), (0, 0, 0)),
    "lateral 25/25/20": ((0, 0, 0), (25, 25, 20), (0, 0, 0)),
    "axial 10/35/50": ((0, 0, 0), (0, 0, 0), (10, 35, 50)),
    "scoliosis +25/-35/+10": ((0, 0, 0), (25, -35, 10), (0, 0, 0)),
}
# Spinous processes on the way from C7 to the PSIS, per cent (Ernst 2013, 22 subjects).
ERNST = {"T4": 21.0, "T7": 39.0, "T10": 54.1, "L1": 70.9, "L4": 86.1}
# Keypoints of an upright adult on the way from C7 to the mid hip joint (SIMSPINE's markers on its own model).
SIMSPINE = {"spine_05": 0.13, "spine_04": 0.33, "spine_03": 0.56, "spine_02": 0.65, "spine_01": 0.72, "hip": 0.86}


def spine_pose(totals: Sequence) -> np.ndarray:
    """(D,) coordinates that share regional totals evenly over the levels."""
    q = np.zeros(len(COORDINATES))
    for axis, regional in zip(AXES, totals, strict=True):
        for levels, total in zip(REGIONS.values(), regional, strict=True):
            for level in levels:
                q[coordinate_index(f"{level}_{axis}")] = np.deg2rad(total) / len(levels)
    return q


def share_of_c7_psis(column: Column) -> dict[str, float]:
    """Height of the spinous tips of ERNST on the way from C7 to the PSIS, per cent."""
    tips = dict(zip(VERTEBRAE, column.spinous_tips[:, 1], strict=True))
    return {v: 100 * (tips["C7"] - tips[v]) / (tips["C7"] - column.sacrum[1]) for v in ERNST}


def share_of_c7_hip(subject: Subject, anchors: Anchors) -> dict[str, float]:
    """Height of the keypoints of SIMSPINE on the way from C7 to the mid hip joint, upright."""
    points = keypoints_world(anchors, subject.skeleton.rest_world_from_body, subject.vertices)[:, 1]
    y = dict(zip(spinetrack().names, points, strict=True))
    hip = (y["left_hip"] + y["right_hip"]) / 2
    return {name: (y["neck"] - y[name]) / (y["neck"] - hip) for name in SIMSPINE}


def inside_outline(subject: Subject, faces: np.ndarray) -> np.ndarray:
    """(24,) whether each vertebral centre lies within the outline of the body in the midline plane."""
    section = sagittal_section(subject.vertices[:BODY_VERTEX_COUNT], faces)
    rear, front = section_extent(section, subject.column.centres[:, 1])
    x = subject.column.centres[:, 0]
    return (x > rear) & (x < front)


def posture_residuals(subject: Subject, anchors: Anchors, totals: Sequence) -> list[dict[str, float]]:
    """Residuals of a subject bent to each of the postures."""
    frames = forward_kinematics(build_model(subject.geometry), np.stack([spine_pose(t) for t in totals]))
    found = []
    for world_from_body in frames.world_from_body:
        posed = skin(subject.rig.weights, subject.vertices, skin_transforms(subject.rig, world_from_body))
        points = keypoints_world(anchors, world_from_body, posed)
        found.append(residuals(subject, anchors, world_from_body, posed, points))
    return found


def main(count: int) -> None:
    body, schema = load_body(cache_folder() / "body"), spinetrack()
    faces = triangles(body.quads)
    people = PeopleConfig(children=0.2, elders=0.3, muscle=(0.05, 0.95), stature=(-2.5, 2.5), asymmetry=2.0)
    follow, levels, heights, rest, inside, behind = [], [], [], 0.0, 0, 0
    for number in range(count):
        subject = build_subject(body, draw_subject(people, np.random.default_rng([11, number])))
        anchors = anchor_keypoints(subject, schema)
        still = skin_transforms(subject.rig, subject.rig.rest_world_from_body)
        rest = max(rest, float(np.abs(skin(subject.rig.weights, subject.vertices, still) - subject.vertices).max()))
        inside += int(inside_outline(subject, faces).sum())
        behind += int((subject.column.spinous_tips[:, 0] < subject.column.centres[:, 0]).sum())
        levels.append(share_of_c7_psis(subject.column))
        heights.append(share_of_c7_hip(subject, anchors))
        follow.append(posture_residuals(subject, anchors, tuple(EXTREMES.values())))

    print(f"{count} subjects, {len(EXTREMES)} extreme postures each")
    for k, name in enumerate(EXTREMES):
        mean, worst = (np.array([row[k][key] for row in follow]) * 1e3 for key in ("skin_mean", "skin_worst"))
        print(
            f"  skin follows its vertebra, {name:22s}"
            f" mean {mean.mean():.2f}, worst mean {mean.max():.2f}, worst {worst.max():.1f} mm"
        )
    marker = max(found["marker_worst"] for row in follow for found in row)
    print(f"  skin keypoints against OpenSim's markers: at most {marker * 1e3:.2f} mm")
    print(f"  rest skinning differs from the identity by at most {rest:.1e} m")
    print(f"  of {24 * count} vertebral centres {inside} lie inside the outline, {behind} before their spinous tip")
    for vertebra, expected in ERNST.items():
        low, high = (extreme(row[vertebra] for row in levels) for extreme in (min, max))
        print(f"  spinous process {vertebra:3s} at {low:.1f}-{high:.1f} % of C7-PSIS (Ernst 2013: {expected} %)")
    for name, expected in SIMSPINE.items():
        low, high = (extreme(row[name] for row in heights) for extreme in (min, max))
        print(f"  {name} at {low:.3f}-{high:.3f} of C7-hip (SIMSPINE: {expected})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
