"""One index of a dataset, from nothing but (config, assets, index): draw, pose, dress, render, label.

Every random choice of a sample lands in its SceneSpec; `synthgen.stage` turns a spec into arrays without drawing
anything, so a stored spec renders the same picture again.

Consecutive indices share a take: one instant seen by several cameras, or the frames of one movement. All that a take
shares is drawn from [seed, stream, take], so its pictures agree without knowing of one another.

Random streams: default_rng([seed, stream, number, ...]) with a stream each for subjects, poses, companions and scenes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from biomech.errors import RenderError
from scenes.backdrop import INDOORS, camera_hint, draw_surroundings
from scenes.camera import build_camera, develop, draw_rig, draw_sensor
from scenes.light import is_outdoor
from scenes.motion_blur import motion_field
from scenes.occluder import draw_occluders
from scenes.props import placed
from scenes.renderer import Camera, Frame
from scenes.seat_object import SEAT_ID
from synthgen.annotate import annotate, residuals
from synthgen.cast import Assets, open_assets
from synthgen.config import Config, split_of
from synthgen.keypoints import spinetrack
from synthgen.poses import way_moved
from synthgen.sample_types import Annotation, Sample
from synthgen.settings import to_plain
from synthgen.specs import SceneSpec
from synthgen.stage import Actor, build
from synthgen.takes import Take, draw_take, take_of

__all__ = ["make_sample", "open_assets", "subject_osim"]

SCENES = 3
"""Random stream of scenes: default_rng([seed, SCENES, take, attempt])."""

MAX_SCENES = 8
"""Scenes drawn around people before a sample gives up."""

MIN_AREA = 0.01
"""Least share of the picture that the main person's visible pixels cover."""

MIN_SEEN, MIN_INSIDE = 6, 15
"""Least number of keypoints in plain sight, and inside the picture at all."""


def subject_osim(config: Config, assets: Assets, number: int) -> str:
    """OpenSim model text of a subject, with the keypoints as markers."""
    return assets.cast(config, number).model.xml


def draw_scene(config: Config, assets: Assets, take: Take, frame: int, rng: np.random.Generator) -> SceneSpec:
    """Everything around the people of a take, as one of its frames shows it; the view is the first."""
    light, backdrop = draw_surroundings(config.backdrop, config.light, rng, tuple(assets.environments))
    everyone = rng.random() < config.crowd.everyone
    shown = [i for i, part in enumerate(take.players) if i == 0 or (everyone and not part[0].crowd)]
    cast = [take.actor(assets, player, framed) for player in shown for framed in take.framed]
    points = np.concatenate([actor.points for actor in cast])
    keypoints = np.concatenate([actor.posed.keypoints for actor in cast])
    size = (config.width, config.height)
    mounts = camera_hint(backdrop)
    framing = config.camera if mounts is None else replace(config.camera, mounts=mounts)
    cameras = draw_rig(framing, rng, points, keypoints, size, config.capture.views)
    seen = [take.points(assets, player) for player in shown]
    hidden = [take.points(assets, player) for player in range(len(take.players)) if player not in shown]
    eyes = [np.array([camera.eye]) for camera in cameras[1:]]
    eye, target = np.array(cameras[0].eye), np.array(cameras[0].target)
    outdoor = None if backdrop.photo else backdrop.kind not in INDOORS and is_outdoor(light)
    first = build_camera(cameras[0])
    things = draw_occluders(config.objects, rng, seen, eye, target, hidden + eyes, first, outdoor)
    sensor = draw_sensor(config.sensor, rng)
    people = tuple(part[frame] for part in take.players)
    within = _bounds(seen + hidden) if len(take.players[0]) > 1 else ()
    return SceneSpec(people, things, light, backdrop, cameras, 0, replace(sensor, seed=sensor.seed + frame), within)


def _bounds(surfaces: Sequence[np.ndarray]) -> tuple[float, ...]:
    """(6,) m, least and greatest x, y, z of (N, 3) points."""
    points = np.concatenate(surfaces)
    return tuple(np.concatenate([points.min(0), points.max(0)]).tolist())


def make_sample(config: Config, assets: Assets, index: int) -> Sample:
    """Sample `index` of the dataset that `config` describes.

    A picture that hides the main person (furniture before the camera, a crop that missed) is drawn again; the pictures
    of a take agree on the first scene that shows him to every view in the middle of the movement.
    """
    seconds: dict[str, float] = {}
    number, frame, view = take_of(config, index)
    with _timed(seconds, "people"):
        take = assets.remember("take", (config, number), lambda: draw_take(config, assets, number))
        actors = take.actors(assets, frame)
    settled = None
    if config.take > 1:
        settled = assets.remember("scene", (config, number), lambda: _settle(config, assets, take, number))
    for attempt in range(MAX_SCENES) if settled is None else [settled]:
        with _timed(seconds, "scene"):
            spec = replace(_scene(config, assets, take, number, frame, attempt), view=view)
            scene = build(spec, assets, actors, config.output.normals)
        with _timed(seconds, "render"):
            picture = assets.renderer.render(scene)
        with _timed(seconds, "label"):
            labels = label_people(actors, scene.camera, picture)
        if settled is not None or shows_enough(labels, config):
            break
    else:
        raise RenderError(
            f"sample {index}: {MAX_SCENES} scenes in a row hide the person; check the camera and backdrop settings"
        )
    with _timed(seconds, "sensor"):
        rgb = photographed(spec, actors, scene.camera, picture)
    subject = spec.actors[0].number
    return Sample(
        index=index,
        subject=subject,
        split=split_of(config, subject),
        spec=to_plain(spec),
        rgb=rgb,
        depth=picture.depth,
        instance=picture.instance,
        part=picture.part,
        normals=picture.normals,
        camera=scene.camera,
        annotations=labels,
        objects=tuple((i, spec.kind_of(i)) for i in _ids(picture) if i >= SEAT_ID),
        take=(number, frame, view),
        jpeg_quality=spec.sensor.jpeg_quality,
        timings=seconds,
    )


def _ids(picture: Frame) -> list[int]:
    """Instance ids in a picture, in order."""
    return np.flatnonzero(np.bincount(picture.instance.ravel())).tolist()


def _scene(config: Config, assets: Assets, take: Take, number: int, frame: int, attempt: int) -> SceneSpec:
    return draw_scene(config, assets, take, frame, np.random.default_rng([config.seed, SCENES, number, attempt]))


def _settle(config: Config, assets: Assets, take: Take, number: int) -> int:
    """The first attempt at a scene whose every view shows enough of the main person in the middle of a take."""
    frame = config.capture.frames // 2
    actors = take.actors(assets, frame)
    for attempt in range(MAX_SCENES):
        spec = _scene(config, assets, take, number, frame, attempt)
        for view in range(config.capture.views):
            scene = build(replace(spec, view=view), assets, actors)
            if not shows_enough(label_people(actors, scene.camera, assets.renderer.render(scene)), config):
                break
        else:
            return attempt
    raise RenderError(
        f"take {number}: {MAX_SCENES} scenes in a row hide the person from a camera; "
        "check the camera and backdrop settings, or ask for fewer views"
    )


def photographed(spec: SceneSpec, actors: tuple[Actor, ...], camera: Camera, frame: Frame) -> np.ndarray:
    """(H, W, 3) uint8: what the sensor makes of a picture; who moves smears about where his label says he is."""
    motion = None
    for position, actor in enumerate(actors):
        way = way_moved(actor.cast, actor.spec.pose, actor.local, spec.sensor.shutter_s)
        if way is not None:
            way = way @ placed(*actor.spec.place)[:3, :3].T / 2
            vertices = actor.posed.vertices
            field = motion_field(frame, camera, position + 1, vertices - way, vertices + way)
            motion = field if motion is None else motion + field
    main = frame.depth[frame.instance == 1]
    focus = float(np.median(main)) if len(main) else None
    return develop(frame.rgb, spec.sensor, depth=frame.depth, motion=motion, focus_m=focus)


def label_people(actors: tuple[Actor, ...], camera: Camera, frame: Frame) -> tuple[Annotation, ...]:
    """A label for everyone with a pixel in the picture; the crowd in the background has one together."""
    labels = [_label(actor, i + 1, camera, frame) for i, actor in enumerate(actors) if not actor.spec.crowd]
    crowd = [i + 1 for i, actor in enumerate(actors) if actor.spec.crowd]
    together = _label(actors[crowd[0] - 1], crowd[0], camera, frame, tuple(crowd)) if crowd else None
    return tuple(label for label in (*labels, together) if label is not None)


def _label(
    actor: Actor, instance_id: int, camera: Camera, frame: Frame, crowd: tuple[int, ...] = ()
) -> Annotation | None:
    cast, pose, posed = actor.cast, actor.spec.pose, actor.posed
    label = annotate(
        subject_id=cast.number,
        instance_id=instance_id,
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
        crowd=crowd,
    )
    return label and replace(label, motion=pose.motion, frame=pose.frame, place=actor.spec.place)


def shows_enough(labels: tuple[Annotation, ...], config: Config) -> bool:
    """Whether the main person could be learnt from: some size, and enough points to see."""
    if not labels or labels[0].instance_id != 1:
        return False
    visible = labels[0].keypoints[:, 2]
    large = labels[0].area >= MIN_AREA * config.width * config.height
    return bool(large and (visible == 2).sum() >= MIN_SEEN and (visible > 0).sum() >= MIN_INSIDE)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the time of a block to its stage."""
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
