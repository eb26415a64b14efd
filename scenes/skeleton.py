"""Seat the whole skeleton in a rest mesh, and turn it into the geometry that OpenSim is given.

The subject's own joint centres become the joint centres of his OpenSim model, so forward kinematics through OpenSim
lands in the mesh and no translation is lost in retargeting.

Shape legend: N bodies in the order of biomech.anatomy.BODIES. Metres; x forward, y up, z right.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from biomech.anatomy import BODIES, PARENTS, VERTEBRAE, body_index
from biomech.geometry import Capsule, Landmark, SkeletonGeometry, default_geometry, geometry_from_frames, invert
from scenes.body import BODY_VERTEX_COUNT, BodyAsset
from scenes.column import Column
from scenes.landmarks import skin_landmarks
from scenes.rig import DRIVERS, dominant_driver

HIP_WIDTH_SHARE = 0.88
"""Femoral heads lie this much nearer to the midline than the mesh's hip bones, whose heads sit under the trochanters:
a 1.75 m man then has them 210 mm apart (SIMSPINE's hip markers: 211 mm)."""

_SIDE_NAME = {"r": "right", "l": "left"}


@dataclass(frozen=True, slots=True, eq=False)
class SeatedSkeleton:
    """The skeleton as it sits in the rest mesh, and as it stands at zero coordinates.

    Attributes:
        rest_world_from_body: (N, 4, 4) in the rest mesh.
        pelvis_from_body: (N, 4, 4) at zero coordinates.
        joint_centres: (N, 3) m in the pelvis frame at zero coordinates.
    """

    rest_world_from_body: np.ndarray
    pelvis_from_body: np.ndarray
    joint_centres: np.ndarray


def seat_skeleton(asset: BodyAsset, vertices: np.ndarray, bone_heads: np.ndarray, column: Column) -> SeatedSkeleton:
    """Body frames in the rest mesh, and the neutral frames that lead to it.

    Spine and shoulder girdle are at zero in the mesh's rest posture. Limbs are not: the mesh stands with arms and legs
    apart, zero is the anatomical position; so limb offsets are read in the bodies' own frames.
    """
    rest = np.tile(np.eye(4), (len(BODIES), 1, 1))

    def head(bone: str) -> np.ndarray:
        return bone_heads[asset.bone(bone)].astype(float)

    def place(name: str, origin: np.ndarray, axes: np.ndarray | None = None) -> None:
        row = body_index(name)
        rest[row, :3, 3] = origin
        if axes is not None:
            rest[row, :3, :3] = axes

    hips = {}
    for side, suffix in (("r", "R"), ("l", "L")):
        hips[side] = head(f"upperleg01.{suffix}")
        hips[side][2] *= HIP_WIDTH_SHARE
    place("pelvis", (hips["r"] + hips["l"]) / 2)
    place("sacrum", column.sacrum)
    for vertebra, frame in zip(VERTEBRAE, column.world_from_vertebra, strict=True):
        rest[body_index(vertebra)] = frame
    ears = (vertices[skin_landmarks()["right_ear"]] + vertices[skin_landmarks()["left_ear"]]) / 2
    place("skull", np.array([ears[0], ears[1], 0.0]))
    for side, suffix in (("r", "R"), ("l", "L")):
        _seat_leg(place, head, hips[side], side, suffix)
        _seat_arm(place, head, side, suffix)

    # Joint centres in the rest mesh; the spine's are discs, every other joint sits at its body's origin.
    centres = rest[:, :3, 3].copy()
    first = body_index("L5")
    centres[first : first + 25] = column.joints

    neutral = np.tile(np.eye(4), (len(BODIES), 1, 1))
    neutral_centres = np.zeros((len(BODIES), 3))
    for row, parent in enumerate(PARENTS):
        if parent < 0:
            continue
        neutral_centres[row] = apply(neutral[parent] @ invert(rest[parent]), centres[row])
        if row <= body_index("skull") or BODIES[row].startswith("clavicle"):
            neutral[row] = neutral[0] @ invert(rest[0]) @ rest[row]
        else:
            # Aligned with the pelvis; the origin keeps its place about the joint centre.
            origin_from_centre = rest[row, :3, :3].T @ (rest[row, :3, 3] - centres[row])
            neutral[row, :3, 3] = neutral_centres[row] + origin_from_centre
    return SeatedSkeleton(rest, neutral, neutral_centres)


def apply(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(4, 4) on (..., 3) points."""
    return points @ frame[:3, :3].T + frame[:3, 3]


def _axes(up: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(3, 3) axes whose y is along `up` and whose z is the part of `right` across it."""
    y = up / np.linalg.norm(up)
    z = right - (right @ y) * y
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], 1)


def _seat_leg(place, head, hip: np.ndarray, side: str, suffix: str) -> None:
    knee, ankle = head(f"lowerleg01.{suffix}"), head(f"foot.{suffix}")
    right = np.array([0.0, 0.0, 1.0])
    # The knee bends in the plane in which the foot points.
    toe = head(f"toe2-1.{suffix}") - ankle
    yaw = np.arctan2(-toe[2], toe[0])
    right = Rotation.from_euler("y", yaw).apply(right)
    place(f"femur_{side}", hip, _axes(hip - knee, right))
    place(f"tibia_{side}", knee, _axes(knee - ankle, right))
    flat = Rotation.from_euler("y", yaw).as_matrix()
    place(f"talus_{side}", ankle, flat)
    place(f"calcn_{side}", ankle, flat)
    balls = np.mean([head(f"toe{k}-1.{suffix}") for k in range(1, 6)], axis=0)
    place(f"toes_{side}", balls, flat)


def _seat_arm(place, head, side: str, suffix: str) -> None:
    sternoclavicular = head(f"clavicle.{suffix}")
    shoulder, elbow = head(f"upperarm01.{suffix}"), head(f"lowerarm01.{suffix}")
    wrist, knuckle = head(f"wrist.{suffix}"), head(f"finger3-1.{suffix}")
    index_knuckle, little_knuckle = head(f"finger2-1.{suffix}"), head(f"finger5-1.{suffix}")
    outward = 1.0 if side == "r" else -1.0

    upper, fore = shoulder - elbow, elbow - wrist
    # The rest pose bends the elbow a little: flexion turns the forearm towards +x of the upper arm, about z.
    axis = np.cross(-upper, -fore)
    upper_axes = _axes(upper, axis)
    place(f"clavicle_{side}", sternoclavicular)
    swing, _ = Rotation.align_vectors([-upper / np.linalg.norm(upper)], [[0.0, -1.0, 0.0]])
    place(f"humphant_{side}", shoulder, swing.as_matrix())
    place(f"humerus_{side}", shoulder, upper_axes)
    place(f"ulna_{side}", elbow, _axes(fore, upper_axes[:, 2]))
    # Supinated, thumb and index finger lie on the outer side of the hand.
    across = outward * (index_knuckle - little_knuckle)
    place(f"radius_{side}", elbow, _axes(fore, across))
    place(f"hand_{side}", wrist, _axes(wrist - knuckle, across))


def skeleton_geometry(
    skeleton: SeatedSkeleton,
    rig_weights: sp.csr_matrix,
    vertices: np.ndarray,
    *,
    stature: float,
    mass: float,
    sex: str,
    age: float,
) -> SkeletonGeometry:
    """The seated skeleton as OpenSim is given it: landmarks on the mesh, capsules as thick as the flesh."""
    generic = default_geometry(stature, "m" if sex == "m" else "f", age)
    kept = tuple(landmark for landmark in generic.landmarks if landmark.name in _JOINT_LANDMARKS)
    return geometry_from_frames(
        skeleton.pelvis_from_body,
        skeleton.joint_centres,
        stature=stature,
        mass=mass,
        sex=sex,
        age=age,
        landmarks=kept + _sole_landmarks(skeleton, vertices),
        capsules=_fit_capsules(generic, skeleton, rig_weights, vertices),
    )


_JOINT_LANDMARKS = {
    f"{joint}_{side}"
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "mtp", "sternoclavicular")
    for side in "rl"
} | {"mid_hip"}
"""Landmarks of the generic model that are body origins, true of any skeleton."""


def _sole_landmarks(skeleton: SeatedSkeleton, vertices: np.ndarray) -> tuple[Landmark, ...]:
    """Where the foot touches the floor, and the ends of foot and hand, read off the skin."""
    found = []
    for side in "rl":
        floor = vertices[:BODY_VERTEX_COUNT, 1].min()
        marks = (skin_landmarks()[f"{_SIDE_NAME[side]}_{name}"] for name in ("heel", "big_toe", "small_toe"))
        heel, big, small = (vertices[mark] for mark in marks)
        calcn, toes = body_index(f"calcn_{side}"), body_index(f"toes_{side}")
        forward = skeleton.rest_world_from_body[calcn, :3, 0]
        ball = skeleton.rest_world_from_body[toes, :3, 3].copy()
        ball[1] = floor
        under_heel = heel + 0.15 * (ball - heel) @ forward * forward
        under_heel[1] = floor
        for name, row, point in (
            ("heel", calcn, heel),
            ("sole_heel", calcn, under_heel),
            ("sole_ball", toes, ball),
            ("big_toe", toes, big),
            ("small_toe", toes, small),
        ):
            location = apply(invert(skeleton.rest_world_from_body[row]), point)
            found.append(Landmark(f"{name}_{side}", BODIES[row], location))
    return tuple(found)


def _fit_capsules(
    generic: SkeletonGeometry, skeleton: SeatedSkeleton, weights: sp.csr_matrix, vertices: np.ndarray
) -> tuple[Capsule, ...]:
    """The generic capsules stretched to the subject's segments, with the median distance of the skin as radius."""
    dominant = dominant_driver(weights[:BODY_VERTEX_COUNT])
    neutral = generic.neutral_frames()
    fitted = []
    for capsule in generic.capsules:
        row = body_index(capsule.body)
        stretch = _segment_length(capsule.body, skeleton.pelvis_from_body) / _segment_length(capsule.body, neutral)
        start, end = capsule.start * [1, stretch, 1], capsule.end * [1, stretch, 1]
        wanted, side = _CAPSULE_DRIVERS[_stem(capsule.name)], capsule.name[len(_stem(capsule.name)) :]
        stands_for = np.zeros(len(DRIVERS), bool)
        stands_for[[DRIVERS.index(f"{stem}{side}") for stem in wanted]] = True
        mine = np.flatnonzero(stands_for.take(dominant))
        local = apply(invert(skeleton.rest_world_from_body[row]), vertices.take(mine, 0))
        if capsule.name in _TRUNK_CAPSULES:
            local = local[np.abs(local[:, 1]) < capsule.radius]
            start, end = _recentred(local, start, end)
        radius = float(np.median(_distance_to_segment(local, start, end)))
        fitted.append(Capsule(capsule.name, capsule.body, start, end, radius))
    return tuple(fitted)


def _stem(name: str) -> str:
    return name[:-2] if name.endswith(("_r", "_l")) else name


_TRUNK_CAPSULES = ("chest_upper", "chest_lower", "waist", "hips")
_TRUNK = ("sacrum",) + VERTEBRAE
_CAPSULE_DRIVERS = {
    "head": ("skull",),
    "neck": ("C2", "C3", "C4", "C5", "C6"),
    "chest_upper": _TRUNK, "chest_lower": _TRUNK, "waist": _TRUNK, "hips": _TRUNK,
    "thigh": ("femur", "thigh"), "shank": ("tibia",), "foot": ("calcn",), "toes": ("toes",),
    "upper_arm": ("humerus", "upperarm"), "forearm": ("forearm", "radius"),
    "hand": ("hand", "finger1-1", "finger1-2", "finger1-3"),
}  # fmt: skip
"""Whose skin a capsule stands for."""

_NEXT_BODY = {"femur": "tibia", "tibia": "talus", "humerus": "ulna", "radius": "hand", "calcn": "toes"}


def _segment_length(body: str, frames: np.ndarray) -> float:
    """Distance to the next joint along a limb; for other bodies the length of the trunk."""
    stem, side = _stem(body), body[-2:]
    if stem in _NEXT_BODY:
        ends = body_index(body), body_index(_NEXT_BODY[stem] + side)
    else:
        ends = body_index("pelvis"), body_index("C7")
    return float(np.linalg.norm(frames[ends[0], :3, 3] - frames[ends[1], :3, 3]))


def _recentred(local: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A trunk capsule lies across the body: as deep as the slice is, and wide enough to fill it."""
    depth, width = np.ptp(local[:, 0]) / 2, np.ptp(local[:, 2]) / 2
    middle = np.array([(local[:, 0].max() + local[:, 0].min()) / 2, (start[1] + end[1]) / 2, 0.0])
    reach = np.array([0.0, 0.0, max(width - depth, 0.01)])
    return middle - reach, middle + reach


def _distance_to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    share = np.clip((points - start) @ along / max(along @ along, 1e-12), 0.0, 1.0)
    x, y, z = (points - start - share[:, None] * along).T
    return np.sqrt(x * x + y * y + z * z)


BODY_DENSITY = 985.0
"""kg/m3 of the whole body with air in the lungs: a little under water, as people float. An estimate, not a citation."""


def body_mass(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Mass of the body proper from the volume of its skin, kg."""
    columns = np.ascontiguousarray(faces.T)
    x, y, z = ([axis.take(column) for column in columns] for axis in vertices[:BODY_VERTEX_COUNT].T)
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = x, y, z
    six_volumes = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return float(abs(six_volumes.sum()) / 6 * BODY_DENSITY)
