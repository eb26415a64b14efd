"""What indoor places share: walls, floor, ceiling with lamps, windows, doors, wall panels."""

from collections.abc import Sequence

import numpy as np

from scenes.places.layout import Surface, pick, surface, tone
from scenes.places.shapes import Numbers, Piece, box, merged
from scenes.room import panel

SIDES = ((0, -1), (0, 1), (2, -1), (2, 1))
"""The four walls: (axis they are normal to, sign)."""


def on_wall(axis: int, sign: int, size: Numbers, at: float, y: float, what: Numbers) -> Piece:
    """A box of (along the wall, height, depth) m against a wall, its middle `at` m along it and `y` m high."""
    center, full = np.zeros(3), np.zeros(3)
    center[axis], full[axis] = sign * (size[axis] - what[2]) / 2, what[2]
    center[2 - axis], full[2 - axis] = at, what[0]
    center[1], full[1] = y, what[1]
    return box(center, full)


def shell(
    size: Numbers, rng: np.random.Generator, dado: float = 0.0, lamps: str = "strips", windows: float = 0.5
) -> list[tuple[str, Piece]]:
    """Walls, ceiling and floor of a hall of `size` (x, height, z) m; surfaces wall, ceiling, floor, dado, lamp, pane.

    Args:
        dado: height of a panel along the foot of the walls, m; 0 for none.
        lamps: strips, panels or none.
        windows: chance that a wall has a band of windows.
    """
    full = np.asarray(size, float)
    pieces: list[tuple[str, Piece]] = []
    trim = [on_wall(axis, sign, full, 0.0, 0.05, (full[2 - axis], 0.1, 0.024)) for axis, sign in SIDES]
    if dado > 0:
        pieces += [("dado", on_wall(a, s, full, 0.0, dado / 2, (full[2 - a], dado, 0.012))) for a, s in SIDES]
        trim += [on_wall(a, s, full, 0.0, dado, (full[2 - a], 0.05, 0.03)) for a, s in SIDES]
    for axis, sign in SIDES:
        length = full[2 - axis]
        if rng.random() >= windows:
            if rng.random() < 0.5:  # a double door
                at = float(rng.uniform(-0.35, 0.35) * length)
                pieces += [("door", on_wall(axis, sign, full, at + k * 0.46, 1.05, (0.9, 2.1, 0.03))) for k in (-1, 1)]
                trim.append(on_wall(axis, sign, full, at, 1.08, (2.0, 2.16, 0.02)))
            continue
        high = float(rng.uniform(0.9, max(1.0, 0.45 * full[1])))
        y = min(full[1] - 0.3 - high / 2, float(rng.uniform(1.0, max(1.1, 0.55 * full[1]))) + high / 2)
        pitch = float(rng.uniform(1.2, 2.4))
        for k in range(max(int((length - 0.8) / pitch), 1)):
            at = (k + 0.5) * pitch - max(int((length - 0.8) / pitch), 1) * pitch / 2
            pieces.append(("pane", on_wall(axis, sign, full, at, y, (pitch - 0.14, high, 0.02))))
            trim += [on_wall(axis, sign, full, at + e * pitch / 2, y, (0.14, high, 0.05)) for e in (-1, 1)]
            trim.append(on_wall(axis, sign, full, at, y, (0.04, high, 0.04)))
        span = max(int((length - 0.8) / pitch), 1) * pitch + 0.14
        trim += [on_wall(axis, sign, full, 0.0, y + e * (high / 2 + 0.04), (span, 0.08, 0.06)) for e in (-1, 1)]
    if lamps != "none":
        wide = (1.4, 0.16) if lamps == "strips" else (0.6, 0.6)
        step = float(rng.uniform(2.0, 3.2))
        rows, columns = (max(1, int(full[k] / step)) for k in (0, 2))
        for i in range(min(rows, 10)):
            for k in range(min(columns, 10)):
                x, z = ((i + 0.5) / rows - 0.5) * full[0], ((k + 0.5) / columns - 0.5) * full[2]
                pieces.append(("lamp", box((x, full[1] - 0.03, z), (wide[0], 0.05, wide[1]))))
    pieces.append(("trim", merged(trim)))
    pieces += [("wall", panel(axis, sign, full)) for axis, sign in SIDES]
    pieces += [("ceiling", panel(1, 1, full)), ("floor", panel(1, -1, full, 1.0))]
    return pieces


def hall_surfaces(rng: np.random.Generator, walls: Sequence[str]) -> dict[str, Surface]:
    """Surfaces that `shell` asks for, but for the floor."""
    wall = str(rng.choice(list(walls)))
    color = tone(rng, 0.65, 1.0, 0.12)
    dado = "paint" if rng.random() < 0.5 else "ply"
    return {
        "wall": surface(wall, pick(rng), color, 0.9, 0.02),
        "dado": surface(dado, pick(rng), tone(rng, 0.4, 0.95, 0.4), 0.7, 0.03),
        "trim": surface("", 0, tone(rng, 0.35, 0.95, 0.1), 0.6),
        "door": surface("paint", pick(rng), tone(rng, 0.35, 0.95, 0.35), 0.6, 0.04),
        "ceiling": surface("plaster", pick(rng), tone(rng, 0.85, 1.0, 0.03), 0.95, 0.02),
        "lamp": surface("", 0, (1.0, 0.99, 0.96), unlit=True),
        "pane": surface("", 0, (0.86, 0.93, 0.98), unlit=True),
    }
