"""From a posed rig and its picture to labels.

Ground truth is the rig that was drawn: points on the skin are skinned vertices, points inside ride on their body.

Shape legend: K keypoints, N skeleton bodies, V base-mesh vertices, H image height, W image width.
"""

from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from biomech.anatomy import VERTEBRAE, body_index
from biomech.geometry import Landmark, invert
from scenes.body import BODY_VERTEX_COUNT
from scenes.expression import REST, pupils
from scenes.landmarks import skin_landmarks
from scenes.renderer import Camera, Frame
from scenes.subject import Subject
from synthgen.keypoints import KeypointSchema
from synthgen.sample_types import Annotation, Condition
from synthgen.visibility import visibility

HEALTHY = Condition()
REFERENCE_STATURE = 1.75
REFERENCE_GIRTH = 40.0
"""Mass over stature of a person of reference girth, kg/m: 70 kg at 1.75 m. Limbs and trunk thicken with its root."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Where each keypoint is fixed on one subject.

    Attributes:
        rows: (K,) index of the body each point rides on.
        locations: (K, 3) in that body's frame, m.
        vertices: (K,) base-mesh vertex of points on the skin, -1 for points inside.
        tissue_depths: (K,) m, scaled to the subject: on the skin by stature, inside by girth.
        skin_vertices: (24,) base-mesh vertex behind each spinous tip.
    """

    rows: np.ndarray
    locations: np.ndarray
    vertices: np.ndarray
    tissue_depths: np.ndarray
    skin_vertices: np.ndarray


def anchor_keypoints(subject: Subject, schema: KeypointSchema) -> Anchors:
    """Fix the schema's points on a subject: skin landmarks by vertex, the others by scaled offset."""
    scale = subject.stature / REFERENCE_STATURE
    rest = subject.skeleton.rest_world_from_body
    rows = np.array([body_index(body) for body in schema.bodies])
    origins = rest[[body_index(body) for body in schema.origins], :3, 3]
    from_rest = invert(rest[rows])
    locations = np.einsum("kij,kj->ki", from_rest[:, :3, :3], origins) + from_rest[:, :3, 3] + schema.offsets * scale
    straight = pupils(subject.vertices, REST)  # of eyes that look ahead, whatever the gaze: it rides on the skull
    vertices = np.array([skin_landmarks().get(name, -1) for name in schema.names])
    for k, name in enumerate(schema.names):
        if vertices[k] >= 0:
            point = subject.vertices[vertices[k]]
        elif name in ("left_eye", "right_eye"):
            point = straight[name.removesuffix("_eye")]
        else:
            continue
        locations[k] = from_rest[k, :3, :3] @ point + from_rest[k, :3, 3]
    girth = np.sqrt(subject.mass / subject.stature / REFERENCE_GIRTH)
    tissue = schema.tissue_depths * np.where(schema.on_skin, scale, girth)
    return Anchors(rows, locations, vertices, tissue, _skin_behind_tips(subject))


def _skin_behind_tips(subject: Subject) -> np.ndarray:
    midline = np.flatnonzero(np.abs(subject.vertices[:BODY_VERTEX_COUNT, 2]) < 2e-3)
    offsets = subject.vertices[midline][None] - subject.column.skin_midline[:, None]
    return midline[np.argmin(np.linalg.norm(offsets, axis=2), axis=1)]


def landmarks(anchors: Anchors, schema: KeypointSchema, bodies: tuple[str, ...]) -> tuple[Landmark, ...]:
    """The keypoints as markers of the subject's OpenSim model, named like the keypoints."""
    return tuple(
        Landmark(name, bodies[row], location)
        for name, row, location in zip(schema.names, anchors.rows, anchors.locations, strict=True)
    )


def keypoints_world(anchors: Anchors, world_from_body: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """(K, 3) m from posed bodies (N, 4, 4) and posed base-mesh vertices (V, 3)."""
    frames = world_from_body[anchors.rows]
    points = np.einsum("kij,kj->ki", frames[:, :3, :3], anchors.locations) + frames[:, :3, 3]
    on_skin = anchors.vertices >= 0
    points[on_skin] = skin[anchors.vertices[on_skin]]
    return points


def residuals(
    subject: Subject, anchors: Anchors, world_from_body: np.ndarray, skin: np.ndarray, points: np.ndarray
) -> dict[str, float]:
    """How far the drawn skin departs from its bones, m.

    `skin_mean`, `skin_worst`: posterior midline skin against the same point carried rigidly by its vertebra.
    `depth_least`, `depth_most`: from a vertebra's centre to the same skin.
    `marker_worst`: skin keypoints against the markers of the subject's OpenSim model.
    """
    rest = subject.skeleton.rest_world_from_body
    first = body_index(VERTEBRAE[0])
    rows = np.arange(first, first + len(VERTEBRAE))
    carried = world_from_body[rows] @ invert(rest[rows])
    start = subject.vertices[anchors.skin_vertices]
    expected = np.einsum("kij,kj->ki", carried[:, :3, :3], start) + carried[:, :3, 3]
    follow = np.linalg.norm(skin[anchors.skin_vertices] - expected, axis=1)[:-1]  # the skull covers C1
    depth = np.linalg.norm(skin[anchors.skin_vertices] - world_from_body[rows, :3, 3], axis=1)[:-1]
    frames = world_from_body[anchors.rows]
    markers = np.einsum("kij,kj->ki", frames[:, :3, :3], anchors.locations) + frames[:, :3, 3]
    return {
        "skin_mean": float(follow.mean()),
        "skin_worst": float(follow.max()),
        "depth_least": float(depth.min()),
        "depth_most": float(depth.max()),
        "marker_worst": float(np.linalg.norm(markers - points, axis=1).max()),
    }


def annotate(
    *,
    subject_id: int,
    instance_id: int,
    bodies: tuple[str, ...],
    anchors: Anchors,
    points: np.ndarray,
    world_from_body: np.ndarray,
    camera: Camera,
    frame: Frame,
    activity: str,
    phase: float,
    q: np.ndarray,
    residuals: dict[str, float],
    condition: Condition = HEALTHY,
    crowd: tuple[int, ...] = (),
) -> Annotation | None:
    """The label of one person, or None where no pixel of the person is in the picture.

    Args:
        crowd: instance ids that share the label, () for a person of his own.
    """
    mask = np.isin(frame.instance, crowd) if crowd else frame.instance == instance_id
    if not mask.any():
        return None
    in_camera = camera.to_camera(points)
    pixels = camera.project(points)
    seen = visibility(pixels, in_camera[:, 2], bodies, anchors.tissue_depths, camera, frame, instance_id)
    pixels = np.where(np.isfinite(pixels), pixels, 0.0)
    if crowd:  # no one's points
        seen = np.zeros_like(seen)
    encoded = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1))
    return Annotation(
        instance_id=instance_id,
        subject=subject_id,
        keypoints=np.concatenate([pixels, seen[:, None]], 1),
        keypoints_world=points,
        keypoints_cam=in_camera,
        vertebrae_world=world_from_body[[body_index(v) for v in VERTEBRAE]],
        bbox=box,
        area=float(mask.sum()),
        segmentation={"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode("ascii")},
        activity=activity,
        phase=phase,
        q=q,
        residuals=residuals,
        condition=condition,
        crowd=crowd,
    )
