"""One index of a dataset, from nothing but (config, assets, index): draw, pose, dress, render, label.

Every random choice of a sample lands in its SceneSpec; `build` turns a spec into arrays without drawing anything, so
a stored spec renders the same picture again.

Random streams: default_rng([seed, stream, number]) with a stream each for subjects, poses and scenes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from biomech.activities import MAX_DRAWS, Pose, draw_activity, sample_pose
from biomech.anatomy import BODIES, coordinate_index
from biomech.errors import AssetError, ModelError, RenderError
from biomech.kinematics import forward_kinematics
from biomech.model import SpineModel, build_model
from scenes.backdrop import BackdropSpec, build_backdrop, draw_backdrop
from scenes.body import BodyAsset, load_body
from scenes.camera import CameraSpec, SensorSpec, build_camera, develop, draw_camera, draw_sensor
from scenes.catalogue import Catalogue
from scenes.dress import dress
from scenes.environment import load_environments
from scenes.light import LightSpec, build_light, draw_light, indoors
from scenes.person import Person, make_person, mesh_parts, posed_vertices
from scenes.props import SeatSpec, build_box_seat, draw_seat
from scenes.raster import PyrenderRenderer
from scenes.renderer import Camera, Frame, MeshPart, Scene
from scenes.rig import DRIVERS, skin, skin_transforms
from scenes.subject import SubjectSpec, build_subject
from scenes.wardrobe import WardrobeSpec, draw_wardrobe
from synthgen.annotate import Anchors, anchor_keypoints, annotate, keypoints_world, landmarks, residuals
from synthgen.assets import PACKS, cache_folder, list_packs
from synthgen.config import Config, split_of
from synthgen.keypoints import spinetrack
from synthgen.people import draw_subject
from synthgen.sample_types import Annotation, Sample
from synthgen.settings import Reader, Rule, to_plain

SUBJECTS, POSES, SCENES = 1, 2, 3
"""Random streams."""

MAX_ACTIVITIES = 10
"""Activities tried before a sample gives up."""

MAX_SCENES = 8
"""Scenes drawn around a pose before a sample gives up."""

MIN_AREA = 0.01
"""Least share of the picture that the person's visible pixels cover."""

MIN_SEEN, MIN_INSIDE = 6, 15
"""Least number of keypoints in plain sight, and inside the picture at all."""


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Who a person is and what he wears; shared by all pictures of the subject."""

    subject: SubjectSpec
    wardrobe: WardrobeSpec


@dataclass(frozen=True, slots=True)
class PoseSpec:
    """What the person does.

    Attributes:
        q: rad and m, in the order of biomech.anatomy.COORDINATES, standing on the floor of the picture.
        finger_curl: flexion of each finger joint, rad.
        rejections: draws thrown away before this pose.
    """

    activity: str
    phase: float
    support: str
    q: tuple[float, ...]
    finger_curl: float
    rejections: int
    rejection_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Every choice behind one picture, as plain data."""

    person: PersonSpec
    pose: PoseSpec
    seat: SeatSpec | None
    light: LightSpec
    backdrop: BackdropSpec
    camera: CameraSpec
    sensor: SensorSpec


def scene_from_plain(data: dict) -> SceneSpec:
    """The inverse of `to_plain`: a spec as stored in scenes.jsonl."""
    return Reader(default=Rule(interval=False)).build(SceneSpec, data)


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """A subject ready for his pictures."""

    number: int
    spec: PersonSpec
    person: Person
    model: SpineModel
    anchors: Anchors


class Assets:
    """What a worker keeps open: the body, the wardrobe, the environments, one renderer, the current subject."""

    def __init__(self, folder: Path, config: Config) -> None:
        packs = usable_packs(folder, config.assets)
        self.body: BodyAsset = load_body(folder / "body")
        self.catalogue = Catalogue(packs.get("wardrobe"), self.body)
        self.environments = load_environments(packs["hdri"]) if "hdri" in packs else {}
        self._size = (config.width, config.height)
        self._renderer: PyrenderRenderer | None = None
        self._cast: tuple[Config, Cast] | None = None

    @property
    def renderer(self) -> PyrenderRenderer:
        """Opened at the first picture, so that posing alone needs no graphics."""
        if self._renderer is None:
            self._renderer = PyrenderRenderer(*self._size)
        return self._renderer

    def cast(self, config: Config, number: int) -> Cast:
        """Subject `number`; consecutive pictures of a subject share it."""
        if self._cast is None or self._cast[1].number != number or self._cast[0] != config:
            self._cast = None  # free the last one first
            self._cast = (config, make_cast(config, self, number))
        return self._cast[1]

    def close(self) -> None:
        """Release the graphics context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def usable_packs(folder: Path, wanted: str) -> dict[str, Path]:
    """Optional packs to draw from, name -> folder: "minimal" none, "auto" those installed, "full" all of them.

    Raises:
        AssetError: "full" is wanted and a pack is not installed.
    """
    optional = [pack for pack in PACKS if pack.name != "body"]
    if wanted == "minimal":
        return {}
    installed = {state.pack.name for state in list_packs(folder) if state.installed}
    missing = [pack.name for pack in optional if pack.name not in installed]
    if wanted == "full" and missing:
        raise AssetError(
            f"The asset packs {', '.join(missing)} are not installed in {folder}. "
            f"Install them with: synthgen assets install {' '.join(missing)}; or render with --assets minimal."
        )
    return {pack.name: folder / pack.folder for pack in optional if pack.name in installed}


def open_assets(config: Config) -> Assets:
    """Open the installed packs."""
    return Assets(cache_folder(), config)


def make_cast(config: Config, assets: Assets, number: int) -> Cast:
    """Draw and build subject `number` of a dataset."""
    rng = np.random.default_rng([config.seed, SUBJECTS, number])
    who = draw_subject(config.people, rng)
    ancestry = (who.african, who.asian, who.caucasian)
    wears = draw_wardrobe(config.wardrobe, assets.catalogue, rng, who.sex, who.age, ancestry)
    return cast_of(PersonSpec(who, wears), assets, number)


def cast_of(spec: PersonSpec, assets: Assets, number: int) -> Cast:
    """Build a person from his spec."""
    schema = spinetrack()
    subject = build_subject(assets.body, spec.subject)
    anchors = anchor_keypoints(subject, schema)
    marked = subject.geometry.landmarks + landmarks(anchors, schema, BODIES)
    subject = replace(subject, geometry=replace(subject.geometry, landmarks=marked))
    layers = dress(subject.vertices, subject.rig.weights, spec.wardrobe, assets.catalogue)
    person = make_person(f"subject-{number}", subject, layers)
    return Cast(number, spec, person, build_model(subject.geometry, name=f"subject_{number:06d}"), anchors)


def subject_osim(config: Config, assets: Assets, number: int) -> str:
    """OpenSim model text of a subject, with the keypoints as markers."""
    return assets.cast(config, number).model.xml


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A cast in a pose, standing on the floor."""

    q: np.ndarray
    world_from_body: np.ndarray
    transforms: np.ndarray
    vertices: np.ndarray
    keypoints: np.ndarray
    skin: np.ndarray


def put_in_pose(cast: Cast, q: np.ndarray, finger_curl: float) -> Posed:
    """Forward kinematics through OpenSim, then the skin."""
    subject = cast.person.subject
    frames = forward_kinematics(cast.model, q[None]).world_from_body[0]
    transforms = skin_transforms(subject.rig, frames, finger_curl)
    posed = posed_vertices(cast.person, transforms)
    wanted = np.unique(np.concatenate([cast.anchors.vertices[cast.anchors.vertices >= 0], cast.anchors.skin_vertices]))
    surface = np.zeros_like(subject.vertices)
    surface[wanted] = skin(subject.rig.weights[wanted], subject.vertices[wanted], transforms)
    return Posed(q, frames, transforms, posed, keypoints_world(cast.anchors, frames, surface), surface)


def lowered_to_floor(posed: Posed, clearance: float) -> np.ndarray:
    """The same coordinates moved up or down so that the lowest vertex is `clearance` m above the floor."""
    q = posed.q.copy()
    q[coordinate_index("pelvis_ty")] += clearance - posed.vertices[:, 1].min()
    return q


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


def pose_cast(config: Config, cast: Cast, index: int) -> tuple[PoseSpec, Posed]:
    """Draw the pose of a sample and stand it on the floor; also what `put_in_pose` makes of it."""
    rng = np.random.default_rng([config.seed, POSES, index])
    drawn = draw_pose(config, cast.model, rng)
    curl = float(np.clip(rng.normal(0.35, 0.15), 0.05, 0.9))
    posed = put_in_pose(cast, drawn.q, curl)
    posed = put_in_pose(cast, lowered_to_floor(posed, drawn.props.get("clearance", 0.0)), curl)
    spec = PoseSpec(
        activity=drawn.activity,
        phase=drawn.phase,
        support=drawn.support,
        q=tuple(float(v) for v in posed.q),
        finger_curl=curl,
        rejections=drawn.rejections,
        rejection_reasons=drawn.reasons,
    )
    return spec, posed


def draw_scene(
    config: Config, assets: Assets, cast: Cast, pose: PoseSpec, posed: Posed, rng: np.random.Generator
) -> SceneSpec:
    """Everything around a posed person."""
    light = draw_light(config.light, rng, tuple(assets.environments))
    backdrop = draw_backdrop(config.backdrop, rng, light)
    seat = draw_seat(rng) if pose.support == "seated" else None
    camera = draw_camera(config.camera, rng, posed.vertices, posed.keypoints, (config.width, config.height))
    return SceneSpec(cast.spec, pose, seat, light, backdrop, camera, draw_sensor(config.sensor, rng))


def seat_under(spec: SeatSpec, cast: Cast, posed: Posed) -> MeshPart:
    """A box whose top meets the drawn buttocks."""
    near = np.linalg.norm((posed.vertices - posed.world_from_body[0, :3, 3])[:, [0, 2]], axis=1) < 0.14
    dominant = np.asarray(cast.person.weights.argmax(1)).ravel()
    sitting = np.isin(dominant, [DRIVERS.index(n) for n in ("sacrum", "thigh_r", "thigh_l", "femur_r", "femur_l")])
    height = float(posed.vertices[near & sitting, 1].min()) + 0.004  # flesh flattens a little
    pelvis = posed.world_from_body[0]
    yaw = float(np.arctan2(-pelvis[2, 0], pelvis[0, 0]))
    return build_box_seat(spec, height, float(pelvis[0, 3]), float(pelvis[2, 3]), yaw)


def build(spec: SceneSpec, assets: Assets, cast: Cast, posed: Posed) -> Scene:
    """Arrays of a scene, from its spec alone (`posed` is what its pose gives)."""
    parts = mesh_parts(cast.person, posed.vertices, instance_id=1)
    seat = (seat_under(spec.seat, cast, posed),) if spec.seat is not None else ()
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
    clock = _Clock()
    cast = clock("subject", lambda: assets.cast(config, index // config.poses_per_subject))
    pose, posed = clock("pose", lambda: pose_cast(config, cast, index))
    for attempt in range(MAX_SCENES):
        rng = np.random.default_rng([config.seed, SCENES, index, attempt])
        spec = clock("draw", lambda rng=rng: draw_scene(config, assets, cast, pose, posed, rng))
        scene = clock("scene", lambda spec=spec: build(spec, assets, cast, posed))
        frame = clock("render", lambda scene=scene: assets.renderer.render(scene))
        label = clock("label", lambda: label_person(cast, pose, posed, scene.camera, frame))
        if label is not None and shows_enough(label, config):
            break
    else:
        raise RenderError(
            f"sample {index}: {MAX_SCENES} scenes in a row hide the person; check the camera and backdrop settings"
        )
    picture = clock("sensor", lambda: develop(frame.rgb, spec.sensor))
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
        timings=clock.seconds,
    )


def label_person(cast: Cast, pose: PoseSpec, posed: Posed, camera: Camera, frame: Frame) -> Annotation | None:
    """The label of the one person in the picture."""
    return annotate(
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
    )


def shows_enough(label: Annotation, config: Config) -> bool:
    """Whether a person could learn from the picture: some size, and enough points to see."""
    visible = label.keypoints[:, 2]
    large = label.area >= MIN_AREA * config.width * config.height
    return bool(large and (visible == 2).sum() >= MIN_SEEN and (visible > 0).sum() >= MIN_INSIDE)


class _Clock:
    """Seconds per named stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, work: Callable):
        start = time.perf_counter()
        result = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        return result
