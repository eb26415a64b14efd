"""A take: people who share an instant or a movement, drawn once for all the pictures that show it."""

from dataclasses import dataclass, field, replace

import numpy as np

from biomech.errors import ModelError
from scenes.held import HeldSpec
from scenes.props import draw_seat
from scenes.seat_object import draw_seat_object
from synthgen.cast import Assets
from synthgen.config import Config
from synthgen.crowd import draw_presences, room_for
from synthgen.poses import pose_person, take_poses
from synthgen.specs import ActorSpec, PoseSpec
from synthgen.stage import HOME, Actor, carried, put_on_stage

SEATS = 4
"""Random stream of seats: default_rng([seed, SEATS, take, companion])."""

_FURNITURE = 0.75  # share of seats that are chairs, benches and the like; the others are plain boxes and stools
_FRAMED = 5  # frames of a movement, evenly taken, that cameras are framed on and companions keep clear of
_KEPT = 12  # posed people kept; more than the framed frames of two
_THIN = 12  # every so many-th vertex decides where people have room


def take_of(config: Config, index: int) -> tuple[int, int, int]:
    """(take, frame, view) of a sample: all views of a frame follow one another, then comes the next frame."""
    take, rest = divmod(index, config.take)
    frame, view = divmod(rest, config.capture.views)
    return take, frame, view


@dataclass(slots=True, eq=False)
class Take:
    """Everyone in a take.

    Attributes:
        players: one person's part each, frame by frame; who he is, what he wears and where he stands stays the same.
    """

    players: list[list[ActorSpec]]
    _actors: dict[tuple[int, int], Actor] = field(default_factory=dict)

    @property
    def framed(self) -> list[int]:
        """Frames that stand for the whole movement."""
        count = len(self.players[0])
        return sorted({round(f) for f in np.linspace(0, count - 1, min(count, _FRAMED))})

    def actor(self, assets: Assets, player: int, frame: int) -> Actor:
        """A person posed in his place."""
        spec, key = self.players[player][frame], (player, frame)
        kept = self._actors.get(key)
        if kept is not None and kept.spec is spec:
            return kept
        self._actors.pop(key, None)
        while len(self._actors) >= max(_KEPT, len(self.players)):
            self._actors.pop(next(iter(self._actors)))
        if kept is not None and kept.spec.pose is spec.pose and kept.spec.place == HOME:  # he has found his place
            self._actors[key] = carried(kept, spec)
        else:
            cast = assets.cast_of(spec.person, spec.number)
            self._actors[key] = put_on_stage(spec, cast, pose_person(cast, spec.pose), player)
        return self._actors[key]

    def actors(self, assets: Assets, frame: int) -> tuple[Actor, ...]:
        """Everyone at a frame, the person the pictures are about first."""
        return tuple(self.actor(assets, player, frame) for player in range(len(self.players)))

    def points(self, assets: Assets, player: int) -> np.ndarray:
        """(N, 3) m, a sample of a person's surface over the movement."""
        return np.concatenate([self.actor(assets, player, frame).points[::_THIN] for frame in self.framed])


def draw_take(config: Config, assets: Assets, number: int) -> Take:
    """Draw everyone in take `number`. A body that finds no pose beside the main person stays away."""
    subject = number * config.take // config.poses_per_subject
    played = take_poses(config, assets.cast(config, subject), number, assets.motions)
    take = Take([_part(config, assets, subject, *played, number, 0)])
    around = take.points(assets, 0)
    for presence in draw_presences(config, subject, number):
        companion = len(take.players)
        try:
            played = take_poses(config, assets.cast(config, presence.number), number, companion=companion)
        except ModelError:
            continue
        take.players.append(_part(config, assets, presence.number, *played, number, companion, presence.crowd))
        place = room_for(presence, take.points(assets, companion), around)
        if place is None:
            take.players.pop()
            for frame in take.framed:
                take._actors.pop((companion, frame), None)
            continue
        take.players[-1] = [replace(actor, place=place) for actor in take.players[-1]]
        around = np.concatenate([around, take.points(assets, companion)])
    return take


def _part(
    config: Config,
    assets: Assets,
    number: int,
    poses: tuple[PoseSpec, ...],
    held: HeldSpec | None,
    take: int,
    companion: int,
    crowd: bool = False,
) -> list[ActorSpec]:
    """One person's part in a take."""
    person = assets.cast(config, number).spec
    rng = np.random.default_rng([config.seed, SEATS, take, companion])
    seat = None
    if "seat_height" in poses[0].props:
        seat = draw_seat(rng)
        kind, variant = draw_seat_object(rng, poses[0].props["seat_height"])
        if rng.random() < _FURNITURE:
            seat = replace(seat, kind=kind, variant=variant)
    return [ActorSpec(number, person, pose, seat, held, crowd=crowd) for pose in poses]
