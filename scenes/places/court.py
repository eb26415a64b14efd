"""Courts with exact lines: basketball, volleyball and badminton in a hall or outdoors, tennis outdoors."""

import numpy as np

from scenes.places.green import far_ground, fence, green_surfaces, mast, tree, wood_edge
from scenes.places.hall import hall_surfaces, shell
from scenes.places.layout import PATCH_Y, Place, Prop, pick, prop, surface, tone
from scenes.places.markings import lines, measures
from scenes.places.shapes import Piece, bars, box, ground, merged, moved, prism, sheet, standing, tube

_PAINTS = (
    (0.27, 0.45, 0.66),
    (0.26, 0.5, 0.36),
    (0.68, 0.36, 0.28),
    (0.5, 0.5, 0.52),
    (0.36, 0.5, 0.56),
    (0.6, 0.5, 0.36),
)


def build_hall(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A sports hall."""
    return _court(size, rng, indoor=True)


def build_outdoor(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A court in the open."""
    return _court(size, rng, indoor=False)


def _court(size: np.ndarray, rng: np.random.Generator, indoor: bool) -> Place:
    sport = str(
        rng.choice(["basketball", "volleyball", "badminton"] if indoor else ["basketball", "tennis", "volleyball"])
    )
    m = measures(sport)
    around = 2.5 if indoor else 4.0
    half = np.maximum(np.asarray(size[:2]) / 2, [m["length"] / 2 + around, m["width"] / 2 + around])
    ball = dict(zip(("court", "key"), (_paint(rng), _paint(rng)), strict=True))
    wooden = indoor and rng.random() < 0.6
    base = "parquet" if wooden else ("vinyl" if indoor else "acrylic")
    seed = pick(rng)
    surfaces = green_surfaces(rng) | {
        "floor": surface(
            base, seed, tone(rng, 0.85, 1.0, 0.05) if wooden else ball["court"], 0.4 if indoor else 0.85, 0.04
        ),
        "key": surface(base, seed, ball["key"], 0.4 if indoor else 0.85, 0.04),
        "paint": surface("acrylic", 2, _line_color(rng), 0.6, 0.03, metres=1.0),
        "second": surface("acrylic", 3, tone(rng, 0.4, 0.9, 0.9), 0.6, 0.03, metres=1.0),
        "white": surface("", 0, (0.93, 0.93, 0.92), 0.4, 0.05),
        "orange": surface("", 0, (0.85, 0.35, 0.12), 0.5, 0.05),
        "pad": surface("vinyl", seed, tone(rng, 0.25, 0.8, 0.7), 0.55, 0.04),
        "outer": surface("acrylic", pick(rng), _paint(rng), 0.85, 0.03),
    }
    pieces: list[tuple[str, Piece]] = [("paint", merged(lines(sport)))]
    if indoor and rng.random() < 0.6:  # halls serve several sports
        other = "badminton" if sport != "badminton" else "volleyball"
        second = merged(lines(other))
        pieces.append(("second", (second[0] - [0, 0.0005, 0], *second[1:])))
    if sport == "basketball" and rng.random() < 0.6:
        depth, wide = m["key_depth"], m["key_width"] / 2
        ends = [sorted((s * m["length"] / 2, s * (m["length"] / 2 - depth))) for s in (-1, 1)]
        pieces += [("key", ground((a, -wide), (b, wide), PATCH_Y)) for a, b in ends]
    props: list[Prop] = _gear(sport, m, rng)
    spot = np.array([float(rng.uniform(-0.4, 0.4)) * m["length"], float(rng.uniform(-0.3, 0.3)) * m["width"]])
    if sport in ("tennis", "volleyball", "badminton"):  # on one side of the net
        spot[0] = float(rng.choice([-1, 1])) * float(rng.uniform(0.2, 0.42)) * m["length"]
    if indoor:
        top = max(float(size[2]), float(rng.uniform(6.0, 8.5)))
        full = np.array([2 * half[0] + 0.8, top, 2 * half[1] + 0.8])
        surfaces |= hall_surfaces(rng, ("paint", "concrete", "brick", "panel", "plaster"))
        pieces += shell(full, rng, dado=float(rng.choice([0.0, 2.0, 2.6])), lamps="strips", windows=0.4)
        props += _benches(half, rng)
        return Place(half, spot, top, surfaces, tuple(pieces), tuple(props))
    low = np.array([m["length"] / 2 + 3.0, m["width"] / 2 + 2.0])
    if rng.random() < 0.6:
        pieces.append(("outer", ground(-half - 1.5, half + 1.5, 0.0006, 6.0)))
        pieces.append(("key" if sport == "tennis" else "floor", ground(-low + 3.0, low - 3.0, 0.0009, 6.0)))
    props += fence(half + 1.5, float(rng.uniform(2.5, 4.0)), 3.0)
    for _ in range(int(rng.integers(3, 8))):
        a = float(rng.uniform(0, 2 * np.pi))
        props.append(tree((half[0] + 9) * np.cos(a) * 1.3, (half[1] + 9) * np.sin(a) * 1.6, rng))
    props += [mast(s * (half[0] + 2), t * (half[1] + 2), 9.0) for s in (-1, 1) for t in (-1, 1) if rng.random() < 0.4]
    edge = half + float(rng.uniform(14, 35))
    pieces += [*wood_edge(edge, rng), far_ground("floor")]
    return Place(half, spot, np.inf, surfaces, tuple(pieces), tuple(props))


def _paint(rng: np.random.Generator) -> tuple[float, float, float]:
    r, g, b = np.clip(np.array(_PAINTS[int(rng.integers(len(_PAINTS)))]) * rng.uniform(0.9, 1.4), 0, 1)
    return float(r), float(g), float(b)


def _line_color(rng: np.random.Generator) -> tuple[float, float, float]:
    return (1.0, 1.0, 1.0) if rng.random() < 0.8 else tone(rng, 0.8, 1.0, 0.7)


def _gear(sport: str, m: dict[str, float], rng: np.random.Generator) -> list[Prop]:
    if sport == "basketball":
        return [_basket(s, m) for s in (-1, 1)]
    half = m["width"] / 2 + (0.914 if sport == "tennis" else 0.6)
    high = m["net"]
    low = high - m.get("net_depth", high)
    cloth = sheet(2 * half, high - low, 1)
    net = moved((cloth[0] + [0, low, 0], *cloth[1:]), 0, 0, np.pi / 2)
    tape = [box((0, high - 0.03, 0), (0.02, 0.06, 2 * half))]
    posts = bars([[(0, 0, s * half), (0, high + 0.06, s * half)] for s in (-1, 1)], 0.045, 10)
    return [prop(("white", merged(tape)), ("pole", posts), ("net", net), solid=False)]


def _basket(s: int, m: dict[str, float]) -> Prop:
    """Board, ring, net and a padded stand behind the end line."""
    end, board = s * m["length"] / 2, s * (m["length"] / 2 - m["board_inset"])
    low, high = m["board_base"], m["board_base"] + m["board_height"]
    pane = box((board, (low + high) / 2, 0), (0.03, high - low, m["board_width"]))
    frame = []
    for z0, z1, y0, y1 in ((-0.295, 0.295, low + 0.15, low + 0.6), (-0.9, 0.9, low, high)):
        face = board - s * 0.02
        ring = [(face, y0, z0), (face, y0, z1), (face, y1, z1), (face, y1, z0), (face, y0, z0)]
        frame.append(bars(list(zip(ring[:-1], ring[1:], strict=True)), 0.02, 4))
    x, y = s * (m["length"] / 2 - m["basket"]), m["rim_height"]
    a = np.linspace(0, 2 * np.pi, 25)
    r = m["rim_radius"] + 0.01
    rim = tube(np.stack([x + r * np.cos(a), 0 * a + y, r * np.sin(a)], 1), 0.01, 6, capped=False)
    arm = tube([(board, low + 0.3, 0), (end + s * 0.9, 2.4, 0)], 0.06, 8)
    post = prism([(end + s * 0.8, 0.0), (end + s * 1.9, 0.0), (end + s * 1.3, 2.5), (end + s * 0.9, 2.5)], 0.35)
    hang = np.linspace(0, 2 * np.pi, 13)
    top = np.stack([x + r * np.cos(hang), 0 * hang + y, r * np.sin(hang)], 1)
    base = np.stack([x + 0.6 * r * np.cos(hang), 0 * hang + y - 0.42, 0.6 * r * np.sin(hang)], 1)
    cloth = sheet(1.5, 0.42, 12)
    normal = np.tile(np.stack([np.cos(hang), 0 * hang, np.sin(hang)], 1), (2, 1))
    mesh = (np.vstack([base, top]), normal, cloth[2], cloth[3] * 1.3)
    return prop(
        ("white", pane), ("orange", merged([rim, *frame])), ("pole", arm), ("pad", post), ("net", mesh), solid=False
    )


def _benches(half: np.ndarray, rng: np.random.Generator) -> list[Prop]:
    """Long low benches along the walls."""
    found = []
    for _ in range(int(rng.integers(1, 6))):
        x, z = float(rng.uniform(-0.8, 0.8)) * half[0], float(rng.choice([-1, 1])) * (half[1] - 0.3)
        seat = standing(x, z, (3.0, 0.05, 0.24), 0.28)
        legs = [standing(x + k, z, (0.05, 0.28, 0.22)) for k in (-1.3, 0.0, 1.3)]
        found.append(prop(("plank", seat), ("pole", merged(legs))))
    return found
