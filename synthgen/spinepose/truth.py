"""What a generated set knows beyond its pictures: depth, spine angles, direction of view, clothes, activity.

N people of a source, K = 37 keypoints. Lengths in m, angles in rad; camera axes are OpenCV's.
"""

import json
from dataclasses import dataclass

import numpy as np

from biomech.errors import DatasetError
from scenes.distortion import undistort
from synthgen.coco import SCENES, TABLE, camera_of
from synthgen.keypoints import spinetrack
from synthgen.specs import actor_in
from synthgen.spinepose.sources import Source
from synthgen.table import read_table

# Four points of the chain make a region's angle: from the segment of the first two to that of the last two.
REGIONS = {
    "lumbar": ("hip", "spine_01", "spine_02", "spine_03"),
    "thoracic": ("spine_03", "spine_04", "spine_05", "neck"),
}
UPPER = ("racer", "tank", "openback", "tee", "crop", "longsleeve")  # cuts of kit that cover the chest
_FACING = (("front", 45.0), ("oblique front", 75.0), ("side", 105.0), ("oblique back", 135.0), ("back", 180.1))


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """3D and circumstances of the people of a generated source.

    Attributes:
        points_cam: (N, 37, 3) m. focal: (N, 2) px. center: (N, 2) principal point, px. distortion: (N, 5), OpenCV's.
        trunk_cam: (N, 3, 3) axes of L5 in camera axes: columns forward, up, right.
        slices: name -> (N,) labels to group by.
    """

    points_cam: np.ndarray
    focal: np.ndarray
    center: np.ndarray
    distortion: np.ndarray
    trunk_cam: np.ndarray
    slices: dict[str, np.ndarray]


def load_truth(source: Source) -> Truth | None:
    """The truth behind a generated source; None for any other source.

    Raises:
        DatasetError: the set's table does not hold the annotated people.
    """
    if source.root is None or not (source.root / TABLE).is_file():
        return None
    table = read_table(source.root / TABLE)
    by_id = {
        (int(i), int(a)): r for r, (i, a) in enumerate(zip(table["image_id"], table["annotation_id"], strict=True))
    }
    try:
        rows = np.array([by_id[int(i), int(a)] for i, a in zip(source.image_ids, source.annotation_ids, strict=True)])
    except KeyError as error:
        raise DatasetError(
            f"{source.root / TABLE} has no row for image, annotation {error}; render the set anew"
        ) from None
    focal, center, distortion = _cameras(source)
    trunk = table["vertebrae_cam"][rows, 0, :3, :3].astype(float)
    garments = _garments(source, table["spec_line"][rows], table["instance_id"][rows])
    slices = {
        "view": _facing(trunk, table["keypoints_cam"][rows, spinetrack().id_of("spine_01")]),
        "occlusion": _occlusion(source),
        "activity": np.asarray(table["activity"][rows], str),
        "garment": garments,
        "size": sizes_in_words(source),
    }
    return Truth(table["keypoints_cam"][rows].astype(float), focal, center, distortion, trunk, slices)


def errors_mm(points: np.ndarray, source: Source, rows: np.ndarray, truth: Truth) -> np.ndarray:
    """(N, K) error across the line of sight, mm: the predicted pixel at the true depth against the true point."""
    lifted = lift(points, truth, rows)
    distance = 1000 * np.linalg.norm(lifted - truth.points_cam[rows], axis=-1)
    return np.where(source.keypoints[rows, :, 2] > 0, distance, np.nan)


def lift(points: np.ndarray, truth: Truth, rows: np.ndarray) -> np.ndarray:
    """(N, K, 3) m: predicted pixels put at the true depth."""
    depth = truth.points_cam[rows, :, 2:]
    flat = (points - truth.center[rows, None]) / truth.focal[rows, None]
    for n in np.flatnonzero(truth.distortion[rows].any(1)):
        flat[n] = undistort(flat[n], tuple(truth.distortion[rows[n]].tolist()))
    flat = flat * depth
    return np.concatenate([flat, depth], -1)


def spine_angles(points_cam: np.ndarray, trunk_cam: np.ndarray) -> dict[str, np.ndarray]:
    """Bend of a region: the turn from its lower to its upper segment in the person's own planes.

    Axial rotation does not show in nine points on the midline and is not given.

    Args:
        points_cam: (N, 37, 3). trunk_cam: (N, 3, 3).

    Returns:
        "lumbar FE", "lumbar LB", "thoracic FE", "thoracic LB": (N,) rad, extension and right bend positive.
    """
    own = np.einsum("nij,nki->nkj", trunk_cam, points_cam)  # forward, up, right
    out = {}
    for region, names in REGIONS.items():
        a, b, c, d = (own[:, spinetrack().id_of(n)] for n in names)
        lower, upper = b - a, d - c
        # About the axis to the right, up turning to back is extension; about forward, up turning to right is bending.
        for axis, side, sign in (("FE", 0, -1.0), ("LB", 2, 1.0)):
            turn = np.arctan2(upper[:, side], upper[:, 1]) - np.arctan2(lower[:, side], lower[:, 1])
            out[f"{region} {axis}"] = sign * ((turn + np.pi) % (2 * np.pi) - np.pi)
    return out


def angle_errors(points: np.ndarray, source: Source, rows: np.ndarray, truth: Truth) -> dict[str, float]:
    """Mean absolute error of each region's angle, deg, over people whose points of the region are all labelled."""
    said = spine_angles(lift(points, truth, rows), truth.trunk_cam[rows])
    true = spine_angles(truth.points_cam[rows], truth.trunk_cam[rows])
    out = {}
    for name in said:
        ids = [spinetrack().id_of(n) for n in REGIONS[name.split()[0]]]
        whole = (source.keypoints[rows][:, ids, 2] > 0).all(1)
        gap = (said[name] - true[name] + np.pi) % (2 * np.pi) - np.pi
        out[name] = float(np.degrees(np.abs(gap[whole])).mean()) if whole.any() else float("nan")
    return out


def sizes_in_words(source: Source) -> np.ndarray:
    """(N,) the person's longer side in words."""
    side = source.boxes[:, 2:].max(1)
    return np.select([side < 96, side < 192, side < 384], ["< 96 px", "96-192 px", "192-384 px"], "> 384 px")


def _occlusion(source: Source) -> np.ndarray:
    labelled = (source.keypoints[..., 2] > 0).sum(1)
    hidden = 1 - (source.keypoints[..., 2] > 1).sum(1) / np.maximum(labelled, 1)
    return np.select([hidden < 0.25, hidden < 0.5], ["< 25 % hidden", "25-50 % hidden"], "> 50 % hidden")


def _facing(trunk_cam: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(N,) side of the body that is seen: angle between the trunk's forward and the way to the camera."""
    to_camera = -place / np.linalg.norm(place, axis=1, keepdims=True)
    forward, up = trunk_cam[:, :, 0], trunk_cam[:, :, 1]
    level = to_camera - (to_camera * up).sum(1, keepdims=True) * up
    cosine = (forward * level).sum(1) / np.maximum(np.linalg.norm(level, axis=1), 1e-9)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return np.select([angle < limit for _, limit in _FACING], [name for name, _ in _FACING], "front")


def _garments(source: Source, lines: np.ndarray, instances: np.ndarray) -> np.ndarray:
    """(N,) what the upper body wears, in the words of the wardrobe."""
    assert source.root is not None
    wanted: dict[int, set[int]] = {}
    for number, instance in zip(lines.tolist(), instances.tolist(), strict=True):
        wanted.setdefault(number, set()).add(instance)
    found = {}
    with open(source.root / SCENES, encoding="ascii") as file:
        for number, line in enumerate(file):
            if number in wanted:
                spec = json.loads(line)["spec"]
                for instance in wanted[number]:
                    found[number, instance] = _garment(actor_in(spec, instance)["person"]["wardrobe"])
    return np.array([found.get(key, "?") for key in zip(lines.tolist(), instances.tolist(), strict=True)])


def _garment(clothes: dict) -> str:
    """Family of an outfit ("casualsuit"), or how much of the back's shape the sports kit shows."""
    outfit, pieces = str(clothes.get("outfit") or ""), clothes.get("pieces") or []
    if outfit:
        return outfit.partition("_")[2].rstrip("0123456789") or outfit
    if not any(p["cut"] in UPPER for p in pieces):
        return "kit, bare chest"
    return "kit, loose" if any(p["loose"] for p in pieces if p["cut"] in UPPER) else "kit, tight"


def _cameras(source: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 2) focal lengths and (N, 2) principal points, px, and (N, 5) distortion of each person's camera."""
    assert source.root is not None
    path = source.root / "annotations" / f"person_keypoints_{source.config.split}.json"
    by_id = {i["id"]: camera_of(i) for i in json.loads(path.read_bytes())["images"]}
    cameras = [by_id[int(i)] for i in source.image_ids]
    intrinsics = np.stack([camera.intrinsics for camera in cameras])
    return intrinsics[:, (0, 1), (0, 1)], intrinsics[:, :2, 2], np.array([camera.distortion for camera in cameras])
