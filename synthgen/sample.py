"""One index of a dataset, from nothing but (config, assets, index): draw, pose, dress, render, label.

Every random choice of a sample lands in its SceneSpec; `build` turns a spec into arrays without drawing anything, so
a stored spec renders the same picture again.

Random streams: default_rng([seed, stream, number, ...]) with a stream each for subjects, poses and scenes.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from biomech.activities import MAX_DRAWS, Pose, draw_activity, sample_pose
from biomech.errors import ModelError, RenderError
from biomech.model import SpineModel
from scenes.backdrop import build_backdrop, draw_backdrop
from scenes.camera import build_camera, develop, draw_camera, draw_sensor
from scenes.light import build_light, draw_light, indoors
from scenes.person import mesh_parts
from scenes.props import SeatSpec, build_box_seat, draw_seat
from scenes.renderer import Camera, Frame, MeshPart, Scene
from scenes.rig import DRIVERS
from synthgen.annotate import annotate, residuals
from synthgen.cast import Assets, Cast, Posed, lowered_to_floor, open_assets, put_in_pose
from synthgen.config import Config, split_of
from synthgen.keypoints import spinetrack
from synthgen.motion_poses import Pool, draw_motion
from synthgen.sample_types import Annotation, Sample
from synthgen.settings import to_plain
from synthgen.specs import PoseSpec, SceneSpec

__all__ = ["make_sample", "open_assets", "subject_osim"]

POSES, SCENES = 2, 3
"""Random streams of poses and scenes."""

MAX_ACTIVITIES = 10
"""Activities tried before a sample gives up."""

MAX_SCENES = 8
"""Scenes drawn around a pose before a sample gives up."""

MIN_AREA = 0.01
"""Least share of the picture that the person's visible pixels cover."""

MIN_SEEN, MIN_INSIDE = 6, 15
"""Least number of keypoints in plain sight, and inside the picture at all."""

_SITTING = tuple(DRIVERS.index(name) for name in ("sacrum", "thigh_r", "thigh_l", "femur_r", "femur_l"))
"""Drivers of the skin that rests on a seat."""

_SUNK = 0.02
"""How far, m, the drawn buttocks sink below where the capsules of the pelvis touch a seat."""


def subject_osim(config: Config, assets: Assets, number: int) -> str:
    """OpenSim model text of a subject, with the keypoints as markers."""
    return assets.cast(config, number).model.xml


def draw_pose(config: Config, model: SpineModel, rng: np.random.Generator) -> Pose:
    """A pose of a drawn activity; one that this body cannot do (a heavy person's deep squat) gives way to another."""
    failed: list[str] = []
    for _ in range(MAX_ACTIVITIES):
        name = draw_activity(config.activities.weights or None, rng)
        try:
            pose = sample_pose(model, name, rng)
        except ModelError as error:
            failed.append(f"{name}: {error}")
            continue
        reasons = tuple(f"gave up {text}" for text in failed) + pose.reasons
        return replace(pose, rejections=pose.rejections + len(failed) * MAX_DRAWS, reasons=reasons)
    raise ModelError(f"No pose in {MAX_ACTIVITIES} activities; the last failure was {failed[-1]}")


def pose_cast(
    config: Config, cast: Cast, index: int, motions: Mapping[str, Pool] | None = None
) -> tuple[PoseSpec, Posed]:
    """Draw the pose of a sample and stand it on the floor; also what `put_in_pose` makes of it.

    Args:
        motions: split -> frames of captured motion; a person takes poses from those of his own split.
    """
    rng = np.random.default_rng([config.seed, POSES, index])
    taken = draw_motion(config, (motions or {}).get(split_of(config, cast.number)), cast.model, index)
    drawn = draw_pose(config, cast.model, rng) if taken is None else taken.pose
    curl = float(np.clip(rng.normal(0.35, 0.15), 0.05, 0.9))
    posed = put_in_pose(cast, lowered_to_floor(cast, drawn.q, curl, drawn.props.get("clearance", 0.0)), curl)
    spec = PoseSpec(
        activity=drawn.activity,
        phase=drawn.phase,
        support=drawn.support,
        q=tuple(float(v) for v in posed.q),
        finger_curl=curl,
        rejections=drawn.rejections,
        rejection_reasons=drawn.reasons,
        motion="" if taken is None else taken.motion,
        frame=-1 if taken is None else taken.frame,
        mirrored=taken is not None and taken.mirrored,
        props={name: float(value) for name, value in drawn.props.items()},
    )
    return spec, posed


def draw_scene(
    config: Config, assets: Assets, cast: Cast, pose: PoseSpec, posed: Posed, rng: np.random.Generator
) -> SceneSpec:
    """Everything around a posed person."""
    light = draw_light(config.light, rng, tuple(assets.environments))
    backdrop = draw_backdrop(config.backdrop, rng, light)
    seat = draw_seat(rng) if "seat_height" in pose.props else None
    camera = draw_camera(config.camera, rng, posed.vertices, posed.keypoints, (config.width, config.height))
    return SceneSpec(cast.spec, pose, seat, light, backdrop, camera, draw_sensor(config.sensor, rng))


def seat_of(spec: SeatSpec, cast: Cast, pose: Pose | PoseSpec, posed: Posed) -> MeshPart:
    """A box whose top meets the drawn buttocks, or which stands where they have left it."""
    pelvis = posed.world_from_body[0]
    if pose.support == "seated":
        near = np.linalg.norm((posed.vertices - pelvis[:3, 3])[:, [0, 2]], axis=1) < 0.14
        sitting = np.isin(cast.person.drivers, _SITTING)
        height = float(posed.vertices[near & sitting, 1].min()) + 0.004  # flesh flattens a little
    else:
        height = pose.props["seat_height"] - _SUNK
    yaw = float(np.arctan2(-pelvis[2, 0], pelvis[0, 0]))
    back = spec.depth / 2 - pose.props.get("seat_front", spec.depth / 2)
    x, z = pelvis[0, 3] - back * np.cos(yaw), pelvis[2, 3] + back * np.sin(yaw)
    return build_box_seat(spec, height, float(x), float(z), yaw)


def build(spec: SceneSpec, assets: Assets, cast: Cast, posed: Posed) -> Scene:
    """Arrays of a scene, from its spec alone (`posed` is what its pose gives)."""
    parts = mesh_parts(cast.person, posed.vertices, instance_id=1)
    seat = (seat_of(spec.seat, cast, spec.pose, posed),) if spec.seat is not None else ()
    camera = build_camera(spec.camera)
    light = build_light(spec.light, assets.environments)
    if spec.backdrop.kind == "room":
        light = indoors(light)
    occupied = np.concatenate([posed.vertices] + [part.vertices for part in seat])
    backdrop = build_backdrop(spec.backdrop, camera, occupied, light, spec.light, assets.environments)
    return Scene(parts + seat + backdrop.parts, camera, light, backdrop.background)


def make_sample(config: Config, assets: Assets, index: int) -> Sample:
    """Sample `index` of the dataset that `config` describes.

    A picture that hides the person (furniture before the camera, a crop that missed) is drawn again.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "subject"):
        cast = assets.cast(config, index // config.poses_per_subject)
    with _timed(seconds, "pose"):
        pose, posed = pose_cast(config, cast, index, assets.motions)
    for attempt in range(MAX_SCENES):
        rng = np.random.default_rng([config.seed, SCENES, index, attempt])
        with _timed(seconds, "scene"):
            spec = draw_scene(config, assets, cast, pose, posed, rng)
            scene = build(spec, assets, cast, posed)
        with _timed(seconds, "render"):
            frame = assets.renderer.render(scene)
        with _timed(seconds, "label"):
            label = label_person(cast, pose, posed, scene.camera, frame)
        if label is not None and shows_enough(label, config):
            break
    else:
        raise RenderError(
            f"sample {index}: {MAX_SCENES} scenes in a row hide the person; check the camera and backdrop settings"
        )
    with _timed(seconds, "sensor"):
        picture = develop(frame.rgb, spec.sensor)
    return Sample(
        index=index,
        subject=cast.number,
        split=split_of(config, cast.number),
        spec=to_plain(spec),
        rgb=picture,
        depth=frame.depth,
        instance=frame.instance,
        part=frame.part,
        camera=scene.camera,
        annotations=(label,),
        jpeg_quality=spec.sensor.jpeg_quality,
        timings=seconds,
    )


def label_person(cast: Cast, pose: PoseSpec, posed: Posed, camera: Camera, frame: Frame) -> Annotation | None:
    """The label of the one person in the picture."""
    label = annotate(
        subject_id=cast.number,
        instance_id=1,
        bodies=spinetrack().bodies,
        anchors=cast.anchors,
        points=posed.keypoints,
        world_from_body=posed.world_from_body,
        camera=camera,
        frame=frame,
        activity=pose.activity,
        phase=pose.phase,
        q=posed.q,
        residuals=residuals(cast.person.subject, cast.anchors, posed.world_from_body, posed.skin, posed.keypoints),
        condition=cast.condition,
    )
    return label and replace(label, motion=pose.motion, frame=pose.frame)


def shows_enough(label: Annotation, config: Config) -> bool:
    """Whether a person could learn from the picture: some size, and enough points to see."""
    visible = label.keypoints[:, 2]
    large = label.area >= MIN_AREA * config.width * config.height
    return bool(large and (visible == 2).sum() >= MIN_SEEN and (visible > 0).sum() >= MIN_INSIDE)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the time of a block to its stage."""
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
