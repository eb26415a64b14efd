"""Textures of sports grounds, streets, trees and furniture; see scenes.patterns for what they share."""

import cv2
import numpy as np

from scenes.noise import SIZE, cells, noise, spots

PLACE_METRES = {
    "turf": 5.0, "tartan": 2.0, "acrylic": 3.0, "parquet": 2.4, "rubber": 2.0, "vinyl": 2.0, "foam": 1.0, "ply": 2.4,
    "steel": 1.2, "bark": 0.8, "leaves": 1.6, "treeline": 14.0, "hedge": 2.0, "net": 1.2, "fence": 1.0, "stucco": 3.0,
    "facade": 6.4, "shopfront": 8.0, "curtain": 1.2, "chart": 1.0, "lino": 2.0, "asphalt_worn": 4.0, "brick_old": 2.6,
    "stand": 4.0,
}  # fmt: skip

HOLED = ("leaves", "treeline", "net", "fence")
"""Patterns with an alpha channel."""


def _tinted(level: np.ndarray, color) -> np.ndarray:
    return level[..., None] * np.asarray(color, float)


def _turf(rng):
    """Mown grass: blades at every scale, dry patches, worn earth."""
    blades = 0.12 * noise(rng, 0.15, (0.7, 1.5)) + 0.10 * noise(rng, 0.6) + 0.03 * noise(rng, 1.3)
    level = np.clip(0.55 + blades, 0.1, 1.1)
    dry = np.clip(0.22 + 0.16 * noise(rng, 1.1) + 0.14 * noise(rng, 0.4), 0, 1)[..., None]
    worn = np.clip(noise(rng, 1.2) - 1.6, 0, 1)[..., None] * 0.7
    green = np.array([0.62, 0.92, 0.38]) * (1 - dry) + np.array([1.0, 0.98, 0.58]) * dry
    return level[..., None] * (green * (1 - worn) + np.array([0.98, 0.86, 0.66]) * worn)


def _tartan(rng):
    """Rubber granules of a running track."""
    return 0.62 + 0.11 * noise(rng, 0.05) + 0.06 * spots(rng, 1.2) + 0.03 * noise(rng, 1.4)


def _acrylic(rng):
    """Painted hard court: fine sand, ball marks, wear."""
    marks = np.clip(noise(rng, 0.9, (0.5, 1.0)) - 1.9, 0, 1)
    return 0.66 + 0.05 * noise(rng, 0.05) + 0.02 * noise(rng, 1.3) - 0.06 * marks


def _parquet(rng):
    """Maple strips of a sports hall."""
    level, inside = cells(rng, 32, 4, 0.5, 0.2)
    grain = noise(rng, 0.8, (0.1, 3.0))
    wood = 0.74 + 0.11 * (level - 0.5) + 0.03 * grain + 0.015 * noise(rng, 1.5)
    return _tinted(wood * (0.72 + 0.28 * inside), [1.06, 0.97, 0.80])


def _rubber(rng):
    """Black gym tiles with coloured flecks."""
    flecks = (noise(rng, 0.25) > rng.uniform(2.0, 2.8)).astype(float)
    soft = cv2.blur(flecks, (2, 2))[..., None]
    _, inside = cells(rng, 2, 2, 0.0, 0.6)
    base = (0.36 + 0.05 * noise(rng, 0.1) + 0.02 * noise(rng, 1.3)) * (0.75 + 0.25 * inside)
    return base[..., None] * (1 - soft) + soft * rng.uniform(0.45, 0.9, 3)


def _vinyl(rng):
    """Leathery skin of mats and couches."""
    return 0.68 + 0.035 * spots(rng, 1.5) + 0.012 * noise(rng, 0.2) + 0.02 * noise(rng, 1.5)


def _foam(rng):
    """Jigsaw mats."""
    return 0.66 + 0.05 * noise(rng, 0.0) + 0.03 * spots(rng, 2.0)


def _ply(rng):
    rings = np.sin(2 * np.pi * (5 * np.arange(SIZE)[:, None] / SIZE + 0.5 * noise(rng, 1.7, (0.4, 2.0))))
    return _tinted(0.70 + 0.05 * rings + 0.04 * noise(rng, 0.7, (0.15, 3.0)), [1.08, 0.96, 0.76])


def _steel(rng):
    rust = np.clip(noise(rng, 0.9) - 2.2, 0, 1)[..., None]
    level = 0.66 + 0.03 * noise(rng, 0.4, (3.0, 0.2)) + 0.02 * noise(rng, 1.3)
    return level[..., None] * (1 - 0.4 * rust) * (1 - rust * np.array([0.0, 0.3, 0.5]))


def _bark(rng):
    ridges = noise(rng, 0.6, (0.35, 1.6))
    return _tinted(0.52 + 0.14 * np.tanh(ridges) + 0.05 * noise(rng, 0.3), [1.05, 0.95, 0.85])


def _crown(rng, fine: float) -> tuple[np.ndarray, np.ndarray]:
    """Leafy height field and its shading: lit tops, dark gaps."""
    height = 0.6 * spots(rng, fine) + 0.5 * spots(rng, 2.5 * fine) + 0.5 * noise(rng, 1.1)
    light = cv2.Sobel(height, cv2.CV_64F, 0, 1, ksize=3)
    shade = 0.56 + 0.10 * height + 0.07 * light / light.std() + 0.04 * noise(rng, 0.2)
    hue = 0.5 + 0.35 * noise(rng, 0.9)
    green = np.array([0.68, 0.82, 0.48]) + np.clip(hue, 0, 1)[..., None] * np.array([0.16, 0.04, 0.02])
    return height, np.clip(shade, 0.14, 1.0)[..., None] * green * rng.uniform(0.8, 1.1)


def _leaves(rng):
    height, color = _crown(rng, 3.0)
    alpha = np.clip((height + 0.35) * 4 + 0.5, 0, 1)
    return np.dstack([color, alpha])


def _hedge(rng):
    return _crown(rng, 2.5)[1] * 0.9


def _treeline(rng):
    """A wood seen from afar: crowns above, trunks and dark below, a ragged edge against the sky."""
    x = np.arange(SIZE)
    top = np.full(SIZE, 0.5)
    color = np.zeros((SIZE, SIZE, 3))
    leaf = _crown(rng, 2.0)[1]
    y = np.arange(SIZE)[:, None] / SIZE  # 0 above
    for high in np.sort(rng.uniform(0.45, 0.95, 26))[::-1]:
        at, wide = rng.uniform(0, SIZE), rng.uniform(30, 75)
        away = np.abs((x - at + SIZE / 2) % SIZE - SIZE / 2) / wide
        crown = 1 - high * np.clip(1 - away**2, 0, 1) ** 0.35 * (1 + 0.06 * np.sin(away * 9 + at))
        tone = rng.uniform(0.8, 1.1) * np.array([rng.uniform(0.85, 1.15), 1.0, rng.uniform(0.8, 1.1)])
        under = np.flatnonzero(away < 1)
        row, column = np.nonzero(y > crown[under])
        column = under[column]
        deep = np.clip(1.1 - 0.6 * (y[row, 0] - crown[column]), 0.55, 1.05)[:, None]
        color[row, column] = leaf[row, column] * tone * deep
        top[under] = np.maximum(top[under], 1 - crown[under])
    ragged = top[None] + 0.012 * spots(rng, 2.5) + 0.01 * spots(rng, 6.0)
    bare = color.sum(-1, keepdims=True) == 0
    color = np.where(bare, leaf * 0.5, color)
    color = 0.85 * color + 0.15 * np.array([0.52, 0.58, 0.62])  # the air between
    alpha = (1 - y < ragged).astype(float)
    alpha[-4:] = 1.0
    return np.dstack([np.clip(color, 0.02, 1), alpha])


def _net(rng):
    """Knotted squares of ten to the tile."""
    pitch = SIZE / 10
    y, x = np.indices((SIZE, SIZE)) + 0.5
    cord = np.minimum(np.abs((x % pitch) - pitch / 2), np.abs((y % pitch) - pitch / 2))
    alpha = np.clip(2.6 - cord, 0, 1)
    return np.dstack([np.repeat((0.9 + 0.04 * noise(rng, 0.3))[..., None], 3, 2), alpha])


def _fence(rng):
    """Chain link: wires on both diagonals."""
    y, x = (np.indices((SIZE, SIZE)) + 0.5) / SIZE * 16
    wire = np.minimum(np.abs((x + y) % 1 - 0.5), np.abs((x - y) % 1 - 0.5)) * SIZE / 16 / np.sqrt(2)
    return np.dstack([np.repeat((0.7 + 0.06 * noise(rng, 0.4))[..., None], 3, 2), np.clip(2.0 - wire, 0, 1)])


def _stucco(rng):
    streaks = np.clip(noise(rng, 1.0, (0.15, 2.5)) - 0.8, 0, 2)
    return 0.70 + 0.03 * spots(rng, 1.5) + 0.02 * noise(rng, 0.3) + 0.02 * noise(rng, 1.5) - 0.035 * streaks


def _brick_old(rng):
    level, inside = cells(rng, 34, 11, 0.5, 1.0)
    base = np.array([[0.72, 0.46, 0.36], [0.62, 0.42, 0.36], [0.76, 0.66, 0.54]])[int(rng.integers(3))]
    warm = rng.uniform(-0.06, 0.06, (34, 11))
    shift = cv2.resize(warm, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)[..., None] * np.array([1.0, 0.4, -0.4])
    stone = (base + shift) * (0.72 + 0.5 * level + 0.08 * noise(rng, 0.4) + 0.05 * noise(rng, 1.4))[..., None]
    mortar = _tinted(0.66 + 0.05 * noise(rng, 0.3), [1.0, 0.97, 0.92])
    return mortar * (1 - inside[..., None]) + stone * inside[..., None]


def _window(rng, canvas, x, y, w, h, frame) -> None:
    """A framed pane with a reflected sky, perhaps a curtain, at (x, y) px from the upper left."""
    cv2.rectangle(canvas, (x - 5, y - 5), (x + w + 5, y + h + 5), tuple(frame), -1)
    cv2.rectangle(canvas, (x - 8, y + h + 4), (x + w + 8, y + h + 9), tuple(frame * 0.8), -1)
    dark, bright = rng.uniform(0.12, 0.3), rng.uniform(0.3, 0.62)
    ramp = np.linspace(bright, dark, h)[:, None] + 0.03 * rng.standard_normal((1, w)).cumsum(1) / np.sqrt(w)
    pane = np.clip(ramp, 0.05, 0.9)[..., None] * np.array([0.92, 1.0, 1.06])
    if rng.random() < 0.4:
        fold = 0.62 + 0.1 * np.sin(np.arange(w) / w * rng.uniform(20, 50))
        pane[:, : w // 3] = (fold[None, : w // 3] * rng.uniform(0.7, 1.0))[..., None]
        pane[:, -w // 3 :] = (fold[None, -w // 3 :] * rng.uniform(0.7, 1.0))[..., None]
    canvas[y : y + h, x : x + w] = pane
    cv2.line(canvas, (x + w // 2, y), (x + w // 2, y + h), tuple(frame), 3)
    if rng.random() < 0.6:
        cv2.line(canvas, (x, y + h // 3), (x + w, y + h // 3), tuple(frame), 3)


def _facade(rng):
    """Two storeys of three windows; a tile is as high as it is wide."""
    made = (_brick_old, _stucco, _stucco)[int(rng.integers(3))](rng)
    canvas = np.ascontiguousarray(
        made if made.ndim == 3 else _tinted(made, rng.uniform([0.85, 0.8, 0.7], [1.1, 1.05, 1.0]))
    )
    canvas[250:258] *= 0.86  # a string course between the storeys
    canvas[506:] *= 0.86
    frame = np.full(3, rng.choice([0.3, 0.85])) * rng.uniform(0.9, 1.0, 3)
    w, h = int(rng.integers(64, 100)), int(rng.integers(110, 150))
    for row in (0, 1):
        for column in range(3):
            _window(rng, canvas, 42 + column * 171 - (w - 86) // 2, 50 + 256 * row, w, h, frame)
    return canvas


def _shopfront(rng):
    """A ground floor: big panes, a door, a sign of coloured blocks; 4 m high at the tile's lower half."""
    canvas = np.ascontiguousarray(_tinted(_stucco(rng), rng.uniform(0.55, 1.0, 3)))
    for half in (0, 256):  # the upper half repeats the lower
        sign = rng.uniform(0.12, 0.75, 3)
        cv2.rectangle(canvas, (10, half + 14), (500, half + 52), tuple(sign), -1)
        for x in range(40, 440, int(rng.integers(28, 52))):
            cv2.rectangle(canvas, (x, half + 24), (x + int(rng.integers(10, 26)), half + 42), tuple(1 - 0.6 * sign), -1)
        for x, w in ((20, 190), (300, 190)):
            _window(rng, canvas, x, half + 70, w, 140, sign * 0.6)
            for _ in range(14):  # goods behind the glass
                at = rng.integers([x + 5, half + 120], [x + w - 30, half + 190])
                size = rng.integers(8, 26, 2)
                patch = canvas[at[1] : at[1] + size[1], at[0] : at[0] + size[0]]
                patch *= 0.5
                patch += 0.4 * rng.uniform(0.1, 0.9, 3)
        _window(rng, canvas, 225, half + 66, 60, 180, sign * 0.5)
    return canvas * (1 + 0.03 * noise(rng, 0.8))[..., None]


def _curtain(rng):
    return 0.7 + 0.03 * noise(rng, 0.1) + 0.03 * noise(rng, 0.5, (0.1, 2.0)) + 0.015 * noise(rng, 1.4)


def _chart(rng):
    """A medical chart: a title, vertebral columns, lines of text."""
    canvas = np.full((SIZE, SIZE, 3), 0.94) * rng.uniform([0.96, 0.96, 0.92], [1.0, 1.0, 1.0])
    ink, flesh = rng.uniform(0.1, 0.5, 3), np.array([0.85, 0.6, 0.5]) * rng.uniform(0.7, 1.05)
    cv2.rectangle(canvas, (30, 20), (480, 60), tuple(ink), -1)
    for x in (256, 120)[: int(rng.integers(1, 3))]:  # vertebral columns: no figure that reads as a person
        for k, y in enumerate(range(100, 440, 15)):
            bend = int(14 * np.sin(k / 22 * 2 * np.pi * rng.uniform(0.9, 1.1)))
            wide = 9 + k // 2
            cv2.ellipse(canvas, (x + bend, y), (wide, 6), 0, 0, 360, tuple(flesh), -1, cv2.LINE_AA)
            cv2.line(canvas, (x + bend - wide, y), (x + bend - 2 * wide, y + 5), tuple(flesh * 0.8), 4, cv2.LINE_AA)
    for y in range(90, 470, 14):
        cv2.line(canvas, (370, y), (370 + int(rng.integers(40, 110)), y), (0.35, 0.35, 0.4), 4)
    return canvas * (1 + 0.01 * noise(rng, 1.2))[..., None]


def _lino(rng):
    """Speckled clinic floor."""
    chips = 0.05 * spots(rng, 1.2) + 0.03 * noise(rng, 0.1) + 0.02 * noise(rng, 1.5)
    color = np.array([1.0, 1.0, 0.98]) + 0.02 * noise(rng, 0.4)[..., None] * np.array([1.0, 0.2, -1.0])
    return (0.7 + chips)[..., None] * color


def _asphalt_worn(rng):
    cracks = np.abs(noise(rng, 1.5)) < 0.012
    patches = np.clip(noise(rng, 1.7) - 1.0, 0, 0.6)
    grain = 0.10 * noise(rng, 0.08) + 0.05 * spots(rng, 1.2) + 0.02 * noise(rng, 1.3)
    return 0.58 + grain - 0.09 * patches - 0.16 * cv2.blur(cracks.astype(float), (2, 2))


def _stand(rng):
    """Rows of seats, a few taken by blurs of colour."""
    canvas = np.full((SIZE, SIZE, 3), 0.5) * (1 + 0.05 * noise(rng, 0.6))[..., None]
    color = rng.uniform(0.25, 0.85, 3)
    for row in range(8):
        y = row * 64
        canvas[y + 44 : y + 64] *= 0.6
        for seat in range(16):
            x = seat * 32
            cv2.rectangle(canvas, (x + 4, y + 14), (x + 27, y + 44), tuple(color * rng.uniform(0.85, 1.1)), -1)
    return np.clip(canvas * (1 + 0.04 * noise(rng, 0.2))[..., None], 0, 1)


PLACE_MAKERS = {
    "turf": _turf, "tartan": _tartan, "acrylic": _acrylic, "parquet": _parquet, "rubber": _rubber, "vinyl": _vinyl,
    "foam": _foam, "ply": _ply, "steel": _steel, "bark": _bark, "leaves": _leaves, "treeline": _treeline,
    "hedge": _hedge, "net": _net, "fence": _fence, "stucco": _stucco, "facade": _facade, "shopfront": _shopfront,
    "curtain": _curtain, "chart": _chart, "lino": _lino, "asphalt_worn": _asphalt_worn, "brick_old": _brick_old,
    "stand": _stand,
}  # fmt: skip
