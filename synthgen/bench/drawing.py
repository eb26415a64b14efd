"""The same scenes through every engine, frame by frame in turn; ratios of the same round, and their medians."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from scenes.devices import is_software
from scenes.renderer import Scene
from synthgen.bench.host import Cost, EngineFailed, Host
from synthgen.bench.peer import Peer, Shot

SLOW = 2.0
"""Processor seconds of a first picture from which on an engine draws only every SPARE-th round."""

SPARE = 6


@dataclass(frozen=True, slots=True)
class Row:
    """What was found about one engine; None where it was not.

    Attributes:
        version: what it says of itself, or why it did not draw.
        pictures: how many were timed.
        wall_ms, processor_ms: median of a picture, ms.
        ratio: median of its time over ours in the same round.
        silhouette: intersection over union of the people's pixels with ours.
        depth_mm: median distance of its depth from ours within both silhouettes, mm.
    """

    key: str
    name: str
    version: str
    drew: bool = False
    pictures: int = 0
    wall_ms: float | None = None
    processor_ms: float | None = None
    ratio: float | None = None
    silhouette: float | None = None
    depth_mm: float | None = None


@dataclass(slots=True, eq=False)
class _Seat:
    """An engine at work."""

    peer: Peer
    host: Host | None = None
    failed: str = ""
    every: int = 1
    costs: dict[int, Cost] = field(default_factory=dict)
    shot: Shot | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The table and each engine's picture of the first scene.

    Attributes:
        by_processor: whether ratios are of processor time; on a graphics card they are of the clock.
    """

    rows: tuple[Row, ...]
    shots: dict[str, Shot]
    by_processor: bool


def compare(
    peers: Sequence[Peer], scenes: tuple[Scene, ...], rounds: int, tell: Callable[[str], object] = lambda _: None
) -> Drawing:
    """Draw `rounds` scenes with every engine that is here.

    Args:
        peers: the first is the yardstick of the ratios.
        tell: hears what is going on.
    """
    size = (scenes[0].camera.width, scenes[0].camera.height)
    seats = [_Seat(peer, failed=peer.why_not()) for peer in peers]
    try:
        for seat in seats:
            if not seat.failed:
                tell(f"{seat.peer.name} starts")
                _try(seat, partial(_start, seat, size, scenes))
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}")
            for seat in seats:
                if seat.host is not None and number % seat.every == 0:
                    _try(seat, partial(_draw, seat, number % len(scenes), number))
        for seat in seats:
            if seat.host is not None:
                tell(f"{seat.peer.name} shows its picture")
                _try(seat, partial(_show, seat))
        by_processor = not seats[0].host or is_software(seats[0].host.description)
        rows = tuple(_row(seat, seats[0], by_processor) for seat in seats)
    finally:
        for seat in seats:
            if seat.host is not None:
                seat.host.close()
    return Drawing(rows, {seat.peer.key: seat.shot for seat in seats if seat.shot is not None}, by_processor)


def _try(seat: _Seat, work: Callable[[], None]) -> None:
    try:
        work()
    except EngineFailed as error:
        seat.failed = f"failed: {error}"
        if seat.host is not None:
            seat.host.close()
            seat.host = None


def _start(seat: _Seat, size: tuple[int, int], scenes: tuple[Scene, ...]) -> None:
    """Open the engine and let it draw what is not counted: programs are compiled and textures uploaded."""
    seat.host = Host(seat.peer, size, scenes)
    if seat.host.draw(0).processor < SLOW:
        seat.host.draw(1 % len(scenes))
    elif seat.host.draw(0).processor >= SLOW:
        seat.every = SPARE


def _draw(seat: _Seat, scene: int, number: int) -> None:
    assert seat.host is not None
    seat.costs[number] = seat.host.draw(scene)


def _show(seat: _Seat) -> None:
    assert seat.host is not None
    seat.shot = seat.host.check(0)


def _row(seat: _Seat, first: _Seat, by_processor: bool) -> Row:
    peer, host = seat.peer, seat.host
    row = Row(peer.key, peer.name, seat.failed if host is None else host.description)
    if host is None or not seat.costs:
        return row

    def seconds(cost: Cost) -> float:
        return cost.processor if by_processor else cost.wall

    costs = list(seat.costs.values())
    ratios = [seconds(seat.costs[k]) / seconds(first.costs[k]) for k in seat.costs if k in first.costs]
    return replace(
        row,
        drew=True,
        pictures=len(costs),
        wall_ms=1e3 * float(np.median([cost.wall for cost in costs])),
        processor_ms=1e3 * float(np.median([cost.processor for cost in costs])),
        ratio=float(np.median(ratios)) if ratios else None,
        silhouette=_overlap(seat.shot, first.shot),
        depth_mm=_depth_apart(seat.shot, first.shot),
    )


def _overlap(shot: Shot | None, first: Shot | None) -> float | None:
    """Intersection over union of two silhouettes."""
    if shot is None or first is None or shot.people is None or first.people is None:
        return None
    return float((shot.people & first.people).sum() / max((shot.people | first.people).sum(), 1))


def _depth_apart(shot: Shot | None, first: Shot | None) -> float | None:
    """Median distance of two depth maps on the people of both, mm."""
    if shot is None or first is None or shot.depth is None or first.depth is None:
        return None
    if shot.people is None or first.people is None:
        return None
    both = shot.people & first.people & (shot.depth > 0) & (first.depth > 0)
    return 1e3 * float(np.median(np.abs(shot.depth[both] - first.depth[both]))) if both.any() else None


def bare_share(drawing: Drawing) -> float | None:
    """Time that bare moderngl needs as a share of ours; None where one of them did not draw."""
    return next((row.ratio for row in drawing.rows if row.key == "moderngl" and row.drew), None)
