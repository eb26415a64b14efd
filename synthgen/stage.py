"""From a stored scene to arrays: people posed in their places, their seats, the surroundings.

Nothing here draws a random number, so a spec read back from scenes.jsonl gives the picture it was stored with.
"""

from dataclasses import dataclass, replace

import numpy as np

from biomech.activities import Pose
from biomech.anatomy import BODIES
from scenes.backdrop import build_backdrop, lit
from scenes.camera import build_camera
from scenes.held import FIRST_ID, build_held
from scenes.light import build_light
from scenes.occluder import build_occluders
from scenes.person import mesh_parts
from scenes.props import SeatSpec, build_box_seat, placed
from scenes.renderer import MeshPart, Scene
from scenes.rig import DRIVERS
from scenes.seat_object import SEAT_ID, build_seat_object
from synthgen.cast import Assets, Cast, Posed
from synthgen.poses import pose_person
from synthgen.specs import ActorSpec, PoseSpec, SceneSpec

_SITTING = tuple(DRIVERS.index(name) for name in ("sacrum", "thigh_r", "thigh_l", "femur_r", "femur_l"))
"""Drivers of the skin that rests on a seat."""

_SUNK = 0.02
"""How far, m, the drawn buttocks sink below where the capsules of the pelvis touch a seat."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A person standing in the world.

    Attributes:
        local: posed in his own frame, which his joint angles refer to; posed: the same in the world.
        seat: what he sits on, in the world; () for nothing.
        parts: his drawn surfaces; held: what he holds, () where it does not fit into his hands.
    """

    spec: ActorSpec
    cast: Cast
    local: Posed
    posed: Posed
    seat: tuple[MeshPart, ...]
    parts: tuple[MeshPart, ...]
    held: tuple[MeshPart, ...]

    @property
    def points(self) -> np.ndarray:
        """(N, 3) m, everything of him, what he holds and his seat."""
        return np.concatenate([self.posed.vertices, *(part.vertices for part in (*self.seat, *self.held))])


def moved(posed: Posed, place: tuple[float, float, float]) -> Posed:
    """A posed person carried to his place; the place (0, 0, 0) changes no bit."""
    if place == (0.0, 0.0, 0.0):
        return posed
    world = placed(*place)
    turn, shift = world[:3, :3].T, world[:3, 3]
    return replace(
        posed,
        world_from_body=world @ posed.world_from_body,
        vertices=posed.vertices @ turn + shift,
        keypoints=posed.keypoints @ turn + shift,
        skin=posed.skin @ turn + shift,
    )


def seat_of(spec: SeatSpec, cast: Cast, pose: Pose | PoseSpec, posed: Posed, position: int = 0) -> tuple[MeshPart, ...]:
    """A seat whose top meets the drawn buttocks, or which stands where they have left it; of actor `position`."""
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
    at, own = (float(x), float(z), yaw), SEAT_ID + position
    key = f"seat@{position}" if position else "seat"
    if spec.kind:
        body = mesh_parts(cast.person, posed.vertices, own)
        return build_seat_object(spec.kind, height, spec.depth, spec.width, *at, spec.variant, own, key, body)
    return (build_box_seat(spec, height, *at, own, key),)


def put_on_stage(spec: ActorSpec, cast: Cast, local: Posed, position: int) -> Actor:
    """A posed person in his place, as actor `position` of a picture."""
    posed = moved(local, spec.place)
    seat = () if spec.seat is None else seat_of(spec.seat, cast, spec.pose, posed, position)
    # the renderer wants one name per part, and the same person may stand in a crowd twice
    person = cast.person if position == 0 else replace(cast.person, key=f"{cast.person.key}@{position}")
    parts = mesh_parts(person, posed.vertices, instance_id=position + 1)
    held: tuple[MeshPart, ...] = ()
    if spec.held is not None:
        hands = {side: posed.world_from_body[BODIES.index(f"hand_{side}")] for side in "rl"}
        stature = cast.person.subject.stature
        held = build_held(spec.held, hands, stature, FIRST_ID + position, f"actor-{position}", parts)
    return Actor(spec, cast, local, posed, seat, parts, held)


def stage(spec: SceneSpec, assets: Assets) -> tuple[Actor, ...]:
    """Everyone in a stored scene, built and posed anew."""
    actors = []
    for position, actor in enumerate(spec.actors):
        cast = assets.cast_of(actor.person, actor.number)
        local = pose_person(cast, actor.pose)
        actors.append(put_on_stage(actor, cast, local, position))
    return tuple(actors)


def build(spec: SceneSpec, assets: Assets, actors: tuple[Actor, ...], normals: bool = False) -> Scene:
    """Arrays of a scene, from its spec alone (`actors` is what its `stage` gives); `normals` asks for them as well."""
    things = build_occluders(spec.occluders, FIRST_ID + len(actors))
    people = tuple(part for actor in actors for part in actor.parts + actor.seat + actor.held)
    cameras = tuple(build_camera(camera) for camera in spec.cameras)
    light = lit(spec.backdrop, build_light(spec.light, assets.environments), spec.light, cameras[spec.view])
    around = [part.vertices for part in things]
    around += [_grid(spec.moves_within)] if spec.moves_within else [part.vertices for part in people]
    occupied = np.concatenate(around)
    backdrop = build_backdrop(spec.backdrop, cameras, spec.view, occupied, light, spec.light, assets.environments)
    return Scene(things + people + backdrop.parts, cameras[spec.view], light, backdrop.background, normals=normals)


def _grid(bounds: tuple[float, ...]) -> np.ndarray:
    """(27, 3) m, corners and middles of a box given as SceneSpec.moves_within."""
    along = np.linspace(bounds[:3], bounds[3:], 3).T
    return np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(-1, 3)
