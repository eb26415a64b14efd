"""What belongs to a whole take rather than to one picture: the movement of each person, the calibration of its cameras.

takes/NNNNNN_P.mot       joint angles of person P (instance id) of take NNNNNN, for his subjects/*.osim
takes/NNNNNN_P.trc       his 37 keypoints and the centres of his 24 vertebrae
takes/NNNNNN.toml        the cameras, in the form of OpenCV and Pose2Sim, in our world (y up)
takes/NNNNNN_pose2sim.toml  the same with z up, as Pose2Sim takes its world to be; its .trc files come out in ours

Both motion files are in the world of the pictures: OpenSim, given the .mot, finds the markers of the .trc.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, VERTEBRAE
from biomech.geometry import default_geometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.motion import mot_text
from biomech.trc import trc_text
from biomech.trunk import spine_angles
from scenes.calibration import calibration_toml
from scenes.props import placed
from scenes.renderer import Camera
from synthgen.config import Config
from synthgen.keypoints import spinetrack
from synthgen.sample_types import Annotation, Sample

TAKES = "takes"


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """What is kept of a picture until its take is complete."""

    take: tuple[int, int, int]
    camera: Camera
    annotations: tuple[Annotation, ...]


def still_of(sample: Sample) -> Still:
    """The part of a sample that take files are made of."""
    return Still(sample.take, sample.camera, sample.annotations)


def take_files(config: Config, stills: Sequence[Still]) -> dict[str, bytes]:
    """Relative path -> content of the files of all takes among the pictures; none for single pictures.

    A person is written for the frames in which some camera sees him.
    """
    files: dict[str, bytes] = {}
    if config.take == 1:
        return files
    for number in sorted({still.take[0] for still in stills}):
        own = [still for still in stills if still.take[0] == number]
        if config.capture.frames > 1:
            files |= _movements(config, number, own)
        if config.capture.views > 1:
            first = sorted((still.take[2], k) for k, still in enumerate(own) if still.take[1] == own[0].take[1])
            cameras = [own[k].camera for _, k in first]
            files[f"{TAKES}/{number:06d}.toml"] = calibration_toml(cameras).encode()
            files[f"{TAKES}/{number:06d}_pose2sim.toml"] = calibration_toml(cameras, up="z").encode()
    return files


def _movements(config: Config, number: int, stills: Sequence[Still]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    names = (*spinetrack().names, *VERTEBRAE)
    people = sorted({a.instance_id for still in stills for a in still.annotations if not a.crowd})
    for person in people:
        frames = {s.take[1]: a for s in stills for a in s.annotations if a.instance_id == person}
        times = np.array(sorted(frames)) / config.capture.fps
        labels = [frames[frame] for frame in sorted(frames)]
        points = [np.concatenate([a.keypoints_world, a.vertebrae_world[:, :3, 3]]) for a in labels]
        stem = f"{TAKES}/{number:06d}_{person}"
        q = np.stack([in_world(a.q, a.place) for a in labels])
        files[f"{stem}.mot"] = mot_text(times, COORDINATES, q, name=stem.split("/")[1]).encode()
        files[f"{stem}.trc"] = trc_text(times, names, np.stack(points), f"{stem.split('/')[1]}.trc").encode()
    return files


def in_world(q: np.ndarray, place: tuple[float, float, float]) -> np.ndarray:
    """(D,) the coordinates of a pose carried to a place: other pelvis coordinates, the same joints."""
    if place == (0.0, 0.0, 0.0):
        return q
    out = np.array(q)
    world = placed(*place)
    pelvis = forward_kinematics_numpy(default_geometry(), out[None], ("pelvis",))[0, 0, :3, :3]
    out[:3] = spine_angles(world[:3, :3] @ pelvis)
    out[3:6] = world[:3, :3] @ q[3:6] + world[:3, 3]
    return out
