"""The bench's findings as lines of text and as plain data."""

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from synthgen.bench.drawing import Drawing, Row, bare_share
from synthgen.bench.peer import PEERS, Peer
from synthgen.bench.stages import Rate

WIDTH = 110


def drawing_lines(drawing: Drawing, what: str, notes: bool) -> list[str]:
    """The table of engines.

    Args:
        what: the scene in words.
        notes: add what each engine gives and how its picture differs.
    """
    measure = "processor time" if drawing.by_processor else "the clock"
    lines = [f"drawing {what}", f"  ratio: median of time over synthgen's in the same round, by {measure}"]
    head = f"  {'engine':24}{'ratio':>8}{'ms':>9}{'cpu ms':>9}{'frames':>8}{'IoU':>7}{'depth':>10}  version"
    lines.append(head)
    lines += [_line(row) for row in drawing.rows]
    share = bare_share(drawing)
    if share is not None:
        lines.append(f"  bare moderngl needs {share:.2f} of synthgen's time for the same triangles and pixels")
    if notes:
        lines.append("  how they differ")
        for peer in (peer for peer in PEERS if any(row.key == peer.key and row.drew for row in drawing.rows)):
            text = f"{peer.name}: gives picture, {peer.gives}; {peer.differs}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
    return lines


def _line(row: Row) -> str:
    if not row.drew:
        return f"  {row.name:24}{'-':>8}{'':43}  {row.version}"

    def shown(value: float | None, text: str) -> str:
        return "-" if value is None else format(value, text)

    depth = "-" if row.depth_mm is None else f"{row.depth_mm:.1f} mm"
    return (
        f"  {row.name:24}{shown(row.ratio, '.2f'):>8}{shown(row.wall_ms, '.0f'):>9}{shown(row.processor_ms, '.0f'):>9}"
        f"{row.pictures:>8}{shown(row.silhouette, '.3f'):>7}{depth:>10}  {row.version}"
    )


def pipeline_lines(rates: Sequence[Rate], poses_per_second: float) -> list[str]:
    """The stages of a picture, the rates, and how one helps the other."""
    first = rates[0]
    total = sum(first.stage_ms.values())
    lines = [f"a picture of the default preset, from posing to files ({first.pictures} pictures)"]
    lines += [f"  {name:10}{ms:8.1f} ms{ms / total:7.0%}" for name, ms in first.stage_ms.items()]
    lines.append(f"  {'together':10}{total:8.1f} ms")
    for rate in rates:
        times = "" if rate is first else f", {rate.per_second / first.per_second:.2f} times one"
        lines.append(
            f"  {rate.per_second:.2f} images/s with {rate.workers} worker{'s' if rate.workers > 1 else ''}{times}"
        )
    lines.append(f"  {poses_per_second:,.0f} poses/s of OpenSim's kinematics on one core, every body read")
    return lines


def plain(drawing: Drawing | None, rates: Sequence[Rate], poses_per_second: float | None, what: str) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "scene": what,
        "engines": [] if drawing is None else [dataclasses.asdict(row) for row in drawing.rows],
        "ratio_of": None if drawing is None else "processor" if drawing.by_processor else "clock",
        "bare_moderngl_share": None if drawing is None else bare_share(drawing),
        "pipeline": [dataclasses.asdict(rate) for rate in rates],
        "kinematics_poses_per_second": poses_per_second,
    }


def sheet(drawing: Drawing, peers: Sequence[Peer] = PEERS) -> np.ndarray:
    """(H, W, 3) uint8: the engines' pictures of the first scene side by side, at most four in a row, named."""
    shots = [(peer.name, drawing.shots[peer.key].rgb) for peer in peers if peer.key in drawing.shots]
    tiles = []
    for name, rgb in shots:
        tile = np.ascontiguousarray(rgb[..., :3], np.uint8).copy()
        cv2.putText(tile, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(tile)
    columns = min(4, max(len(tiles), 1))
    while len(tiles) % columns:
        tiles.append(np.zeros_like(tiles[0]))
    return np.vstack([np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)])
