"""From a stored scene to arrays: people posed in their places, their seats, the surroundings.

Nothing here draws a random number, so a spec read back from scenes.jsonl gives the picture it was stored with.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from biomech.activities import Pose
from biomech.anatomy import BODIES
from scenes.backdrop import build_backdrop, lit
from scenes.camera import build_camera
from scenes.extent import lattice
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

HOME = (0.0, 0.0, 0.0)
"""The place of whoever stands in his own frame."""

_SITTING = np.array([name in ("sacrum", "thigh_r", "thigh_l", "femur_r", "femur_l") for name in DRIVERS])
"""(D,) whether a driver's skin rests on a seat."""

_SUNK = 0.02
"""How far, m, the drawn buttocks sink below where the capsules of the pelvis touch a seat."""


@dataclass(frozen=True, eq=False)
class Actor:
    """A person standing in the world.

    Attributes:
        position: his place in the order of the picture's people, 0 for the one it is about.
        local: posed in his own frame, which his joint angles refer to; posed: the same in the world.
        seat: what he sits on, in the world; () for nothing.
        held: what he holds, in the world; () where it does not fit into his hands.
    """

    spec: ActorSpec
    cast: Cast
    position: int
    local: Posed
    posed: Posed
    seat: tuple[MeshPart, ...]
    held: tuple[MeshPart, ...]

    @cached_property
    def parts(self) -> tuple[MeshPart, ...]:
        """His drawn surfaces; the same objects to every view."""
        return surfaces_of(self.cast, self.posed, self.position)

    @property
    def points(self) -> np.ndarray:
        """(N, 3) m, everything of him, what he holds and his seat."""
        return np.concatenate([self.posed.vertices, *(part.vertices for part in (*self.seat, *self.held))])


def surfaces_of(cast: Cast, posed: Posed, position: int) -> tuple[MeshPart, ...]:
    """What is drawn of a posed person who is actor `position` of a picture."""
    # the renderer wants one name per part, and the same person may stand in a crowd twice
    person = cast.person if position == 0 else replace(cast.person, key=f"{cast.person.key}@{position}")
    return mesh_parts(person, posed.vertices, position + 1, posed.normals)


def carried(actor: Actor, spec: ActorSpec) -> Actor:
    """An actor who stands in his own frame, carried with all that he has to the place in `spec`, which differs in
    nothing else; HOME changes no bit."""
    if spec.place == HOME:
        return replace(actor, spec=spec)
    world, posed = placed(*spec.place), actor.local
    turn, shift = world[:3, :3].T, world[:3, 3]

    def move(points: np.ndarray) -> np.ndarray:
        return points @ turn.astype(points.dtype) + shift.astype(points.dtype)

    def move_part(part: MeshPart) -> MeshPart:
        return replace(part, vertices=move(part.vertices), normals=part.normals @ turn.astype(part.normals.dtype))

    standing = replace(
        posed,
        world_from_body=world @ posed.world_from_body,
        vertices=move(posed.vertices),
        normals=posed.normals @ turn.astype(posed.normals.dtype),
        keypoints=move(posed.keypoints),
        skin=move(posed.skin),
    )
    seat, held = (tuple(move_part(part) for part in parts) for parts in (actor.seat, actor.held))
    return Actor(spec, actor.cast, actor.position, actor.local, standing, seat, held)


def seat_of(spec: SeatSpec, cast: Cast, pose: Pose | PoseSpec, posed: Posed, position: int = 0) -> tuple[MeshPart, ...]:
    """A seat whose top meets the drawn buttocks, or which stands where they have left it; of actor `position`."""
    pelvis = posed.world_from_body[0]
    if pose.support == "seated":
        near = np.linalg.norm((posed.vertices - pelvis[:3, 3])[:, [0, 2]], axis=1) < 0.14
        sitting = _SITTING.take(cast.person.drivers)
        height = float(posed.vertices[near & sitting, 1].min()) + 0.004  # flesh flattens a little
    else:
        height = pose.props["seat_height"] - _SUNK
    yaw = float(np.arctan2(-pelvis[2, 0], pelvis[0, 0]))
    back = spec.depth / 2 - pose.props.get("seat_front", spec.depth / 2)
    x, z = pelvis[0, 3] - back * np.cos(yaw), pelvis[2, 3] + back * np.sin(yaw)
    at, own = (float(x), float(z), yaw), SEAT_ID + position
    key = f"seat@{position}" if position else "seat"
    if spec.kind:
        body = surfaces_of(cast, posed, position)
        return build_seat_object(spec.kind, height, spec.depth, spec.width, *at, spec.variant, own, key, body)
    return (build_box_seat(spec, height, *at, own, key),)


def put_on_stage(spec: ActorSpec, cast: Cast, local: Posed, position: int) -> Actor:
    """A posed person in his place, as actor `position` of a picture; seat and things are fitted in his own frame."""
    seat = () if spec.seat is None else seat_of(spec.seat, cast, spec.pose, local, position)
    actor = Actor(spec, cast, position, local, local, seat, ())
    if spec.held is not None:
        hands = {side: local.world_from_body[BODIES.index(f"hand_{side}")] for side in "rl"}
        stature = cast.person.subject.stature
        held = build_held(spec.held, hands, stature, FIRST_ID + position, f"actor-{position}", actor.parts)
        actor = replace(actor, held=held)
    return carried(actor, spec)


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
    solid = things if spec.moves_within else things + people
    around = [part.vertices for part in solid]
    if spec.moves_within:
        around.append(lattice(*np.reshape(spec.moves_within, (2, 3))))
    occupied = np.concatenate(around)
    backdrop = build_backdrop(spec.backdrop, cameras, spec.view, occupied, light, spec.light, assets.environments)
    return Scene(things + people + backdrop.parts, cameras[spec.view], light, backdrop.background, normals=normals)
