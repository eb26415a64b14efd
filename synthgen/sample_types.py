"""What one index of a dataset is made of: plain, frozen records that cross process and file borders.

Shape legend: K keypoints (37), D model coordinates, H image height, W image width.
World frame: x forward, y up, z right, metres. Camera frame: OpenCV (x right, y down, z forward), metres.
"""

from dataclasses import dataclass, field

import numpy as np

from scenes.renderer import Camera


@dataclass(frozen=True, slots=True)
class Condition:
    """What is special about a person's joints and column.

    Attributes:
        profile: whose limits and posture, see biomech.profiles.
        pathology: kind of biomech.pathology, "" for none.
        severity: asked for, in the kind's unit (deg, %, levels); None without a pathology.
        measured: the same as read from the vertebra frames of his skeleton at rest.
    """

    profile: str = "adult"
    pathology: str = ""
    severity: float | None = None
    measured: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """Everything known about one person in one picture.

    Attributes:
        instance_id: value of this person's pixels in the instance map, 1..
        subject: which person of the dataset, 0..; all pictures of one subject share a split.
        keypoints: (K, 3) x px, y px, visibility (2 seen, 1 inside the picture but hidden, 0 outside). x and y are the
            true projections also where visibility is 0.
        keypoints_world: (K, 3) m.
        keypoints_cam: (K, 3) m.
        vertebrae_world: (24, 4, 4) world_from_vertebra, in the order of biomech.anatomy.VERTEBRAE.
        bbox: x, y, width, height of the visible pixels, px.
        area: visible pixels, px^2.
        segmentation: COCO run-length code, {"size": [H, W], "counts": str}.
        activity: name in biomech.activities.ACTIVITIES, or motion:<name> for a pose from an imported motion.
        phase: where in the activity, 0..1.
        q: (D,) rad and m, in the order of biomech.anatomy.COORDINATES.
        residuals: how far the body follows its bones, name -> m.
        condition: profile and pathology of the person.
        motion, frame: the imported motion and its frame that the pose was taken from; "" and -1 for none.
        place: x m, z m and heading rad of the frame that `q` is given in, in the world.
        crowd: instance ids of everyone under this label where it is a crowd's (COCO's iscrowd), () for one person.
    """

    instance_id: int
    subject: int
    keypoints: np.ndarray
    keypoints_world: np.ndarray
    keypoints_cam: np.ndarray
    vertebrae_world: np.ndarray
    bbox: tuple[float, float, float, float]
    area: float
    segmentation: dict
    activity: str
    phase: float
    q: np.ndarray
    residuals: dict[str, float]
    condition: Condition = Condition()
    motion: str = ""
    frame: int = -1
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    crowd: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture with its labels and the recipe that made it.

    Attributes:
        index: 0..poses-1.
        subject: the main person, 0..
        split: name of the split the subject belongs to.
        spec: every random choice as plain JSON data (str, int, float, bool, None, list, dict with str keys).
        rgb: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32, m along the camera's z; 0 where nothing was hit.
        instance: (H, W) uint8, 0 scenery and background, 1.. people, 100.. seats, 200.. things held and standing.
        part: (H, W) uint8, 0 where not a person.
        camera: the pinhole camera of this picture.
        annotations: one per labelled person.
        objects: instance id and kind of each thing with a pixel in the picture.
        take: which take, frame of its movement and view the picture is, each 0..
        normals: (H, W, 3) unit, in camera axes, 0 where nothing was hit; None unless asked for.
        jpeg_quality: 1..100, drawn with the sensor.
        timings: stage -> seconds. Never written into the dataset, only summed into run.json.
    """

    index: int
    subject: int
    split: str
    spec: dict
    rgb: np.ndarray
    depth: np.ndarray
    instance: np.ndarray
    part: np.ndarray
    camera: Camera
    annotations: tuple[Annotation, ...]
    objects: tuple[tuple[int, str], ...] = ()
    take: tuple[int, int, int] = (0, 0, 0)
    normals: np.ndarray | None = None
    jpeg_quality: int = 90
    timings: dict[str, float] = field(default_factory=dict)
