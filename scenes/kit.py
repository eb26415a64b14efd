"""Choosing garments made from the body's surface: what goes with what, in which colours and patterns."""

import colorsys
from dataclasses import replace
from typing import Protocol

import numpy as np

from scenes.atlas import Piece
from scenes.prints import Pattern, Rgb

NEUTRALS: tuple[Rgb, ...] = (
    (0.09, 0.09, 0.10), (0.90, 0.90, 0.88), (0.45, 0.46, 0.48), (0.72, 0.71, 0.69), (0.13, 0.17, 0.28),
    (0.25, 0.26, 0.28),
)  # fmt: skip
TROUSERS: tuple[Rgb, ...] = (
    (0.10, 0.10, 0.11), (0.30, 0.31, 0.33), (0.14, 0.18, 0.28), (0.55, 0.47, 0.36), (0.32, 0.33, 0.24),
    (0.36, 0.17, 0.17), (0.22, 0.29, 0.40), (0.62, 0.60, 0.56),
)  # fmt: skip
DENIM: tuple[Rgb, ...] = ((0.20, 0.29, 0.42), (0.36, 0.46, 0.58), (0.13, 0.17, 0.25), (0.15, 0.15, 0.17))
# Kinds of patterns with how often each is drawn where there is one.
_ON_TOPS = {
    "heather": 3, "stripes": 4, "upright": 2, "check": 3, "dots": 1, "gradient": 1, "sleeves": 2, "blocks": 4,
    "camouflage": 1, "batik": 1, "floral": 2, "chevron": 1, "print": 6, "number": 3,
}  # fmt: skip
_ON_BOTTOMS = {"heather": 5, "check": 2, "upright": 2, "camouflage": 2, "floral": 1, "dots": 1, "gradient": 1}
GROWN = 18.0
"""Age, years, under which nobody wears swimwear, goes bare-chested or shows the belly."""

_PERIODS = {"stripes": (0.012, 0.09), "upright": (0.008, 0.05), "check": (0.02, 0.09), "dots": (0.015, 0.05)}


class KitShares(Protocol):
    """What of scenes.wardrobe.WardrobeConfig matters here; read-only."""

    @property
    def loose_share(self) -> float: ...
    @property
    def bare_chest_share(self) -> float: ...
    @property
    def swim_share(self) -> float: ...
    @property
    def pattern_share(self) -> float: ...
    @property
    def sock_share(self) -> float: ...


def pick(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    """One of them, "" of none."""
    return names[int(rng.integers(len(names)))] if names else ""


def draw_color(rng: np.random.Generator) -> Rgb:
    """A cloth colour: one in three neutral, else any hue, mostly muted."""
    if rng.random() < 0.33:
        return NEUTRALS[int(rng.integers(len(NEUTRALS)))]
    return tuple(colorsys.hsv_to_rgb(rng.random(), 0.9 * rng.beta(2.0, 2.2), rng.uniform(0.2, 0.9)))  # type: ignore[return-value]


def draw_pattern(
    rng: np.random.Generator, share: float, on_top: bool, fabrics: tuple[str, ...], folds: tuple[float, float]
) -> Pattern:
    """What is on a cloth: with probability `share` a pattern, else one colour."""
    kinds = _ON_TOPS if on_top else _ON_BOTTOMS
    weights = np.array(list(kinds.values()), float)
    kind = list(kinds)[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    kind = kind if rng.random() < share else "plain"
    low, high = _PERIODS.get(kind, (0.02, 0.05))
    return Pattern(
        kind=kind,
        second=draw_color(rng),
        third=draw_color(rng),
        scale=float(low * (high / low) ** rng.random()),
        seed=int(rng.integers(1 << 16)),
        fabric=pick(rng, fabrics),
        folds=float(rng.uniform(*folds)),
    )


def _lower_color(rng: np.random.Generator) -> Rgb:
    return TROUSERS[int(rng.integers(len(TROUSERS)))] if rng.random() < 0.7 else draw_color(rng)


def draw_kit(shares: KitShares, rng: np.random.Generator, sex: str, age: float, minimal: bool) -> tuple[Piece, ...]:
    """Sports kit and swimwear, bottom and top; children and minimal sets are covered like everyone else."""
    grown = age >= GROWN
    tops: tuple[str, ...] = ("tank", "tee", "tee", "longsleeve", "capsleeve", "elbow", "muscle")
    bottoms: tuple[str, ...] = ("shorts", "shorts", "capri", "tights", "bermuda")
    if sex == "f" and grown:
        tops = (
            "racer", "racer", "tank", "openback", "tee", "crop", "longsleeve", "lowback", "halter", "scoop", "longcrop",
            "capsleeve",
        )  # fmt: skip
        bottoms = ("hotpants", "shorts", "capri", "tights", "highwaist")
    top, bottom = pick(rng, tops), pick(rng, bottoms)
    swims = rng.random() < shares.swim_share and grown
    if swims and sex == "f":
        top, bottom = pick(rng, ("openback", "lowback", "bikini", "racer")), "briefs"
    color, trim = draw_color(rng), draw_color(rng)
    lower = _lower_color(rng)
    if swims and sex == "m":
        bottom, lower = pick(rng, ("briefs", "shorts", "hotpants")), draw_color(rng)
    elif rng.random() < 0.3:
        lower = color
    fabrics = ("jersey", "nylon", "nylon")
    above = draw_pattern(rng, shares.pattern_share, True, fabrics, (0.05, 0.45))
    below = draw_pattern(rng, 0.5 * shares.pattern_share, False, fabrics, (0.05, 0.4))
    if bottom == "briefs" and sex == "f":
        lower, trim, below = color, color, above  # one piece of swimwear, or two that match
    loose_bottom = bottom in ("shorts", "capri", "bermuda") and rng.random() < shares.loose_share
    loose_top = top in ("tee", "tank", "longsleeve", "elbow", "muscle") and rng.random() < shares.loose_share
    if loose_top:
        above = replace(above, folds=0.3 + above.folds)
    if loose_bottom:
        below = replace(below, folds=0.3 + below.folds)
    bare = sex == "m" and grown and not minimal and (swims or rng.random() < shares.bare_chest_share)
    ease = rng.uniform([0.0, 0.006], [0.03, 0.04])
    pieces = [
        Piece(
            bottom, lower, trim if rng.random() < 0.5 else lower, loose_bottom, 0.009, bool(rng.random() < 0.4),
            float(ease[0]) * loose_bottom, False, below,
        )
    ]  # fmt: skip
    if not bare:
        edge = trim if rng.random() < 0.4 else color
        pieces.append(Piece(top, color, edge, loose_top, 0.012, False, float(ease[1]) * loose_top, False, above))
    socks = draw_socks(shares, rng, bottom)
    return tuple(pieces) + (() if swims else socks)


def draw_casual(shares: KitShares, rng: np.random.Generator, sex: str, age: float) -> tuple[Piece, ...]:
    """Everyday clothes that hang: shirts, hoodies, trousers, tracksuits, skirts and dresses."""
    color, lower = draw_color(rng), _lower_color(rng)
    top = draw_pattern(rng, shares.pattern_share, True, ("jersey", "jersey", "knit"), (0.3, 1.0))
    bottom = draw_pattern(rng, 0.4 * shares.pattern_share, False, ("jersey", "fleece"), (0.3, 1.0))
    chance = rng.random()
    if sex == "f" and chance < 0.45:
        return _skirted(shares, rng, age, color, lower, top, bottom, dress=chance < 0.22)
    warm = rng.random() < 0.35
    cuts = ("hoodie", "hoodie", "longsleeve", "turtleneck", "threequarter") if warm else (
        "tee", "tee", "elbow", "vneck", "longsleeve", "muscle", "threequarter", "tunic",
    )  # fmt: skip
    cut = pick(rng, cuts)
    fabric = pick(rng, ("fleece", "knit", "jersey")) if warm else top.fabric
    top_ease = float(rng.uniform(0.012, 0.045) if cut == "hoodie" else rng.uniform(0.0, 0.025))
    trim = draw_color(rng) if rng.random() < 0.35 else color
    drawn_in = cut == "hoodie" or (cut == "longsleeve" and rng.random() < 0.5)
    upper = Piece(cut, color, trim, True, 0.011, False, top_ease, drawn_in, replace(top, fabric=fabric))
    legs = pick(rng, ("trousers", "trousers", "trousers", "bermuda", "shorts", "capri"))
    kind = rng.random()
    ribbed = False
    if kind < 0.40:  # jeans
        lower = DENIM[int(rng.integers(len(DENIM)))]
        bottom = replace(bottom, kind="plain", fabric="denim")
    elif kind < 0.60:  # tracksuit
        fabric, ribbed = pick(rng, ("nylon", "fleece")), legs == "trousers"
        bottom = replace(bottom, kind="plain", fabric=fabric)
        if rng.random() < 0.6:
            lower = color
    ease = float(rng.uniform(0.0, 0.03))
    trouser = Piece(
        legs, lower, draw_color(rng) if ribbed else lower, True, 0.008, bool(kind > 0.4 and rng.random() < 0.4), ease,
        ribbed, bottom,
    )  # fmt: skip
    tucked = top_ease < 0.015 and rng.random() < 0.4 and cut != "tunic"
    pieces = (replace(upper, thickness=0.005), trouser) if tucked else (trouser, upper)
    return pieces + draw_socks(shares, rng, legs)


def _skirted(shares, rng, age, color, lower, top, bottom, dress: bool) -> tuple[Piece, ...]:
    grown = age >= GROWN
    cuts = ("tee", "capsleeve", "scoop", "vneck", "elbow", "longsleeve", "tank", "threequarter")
    cut = pick(rng, (*cuts, "lowback", "halter", "openback") if grown else cuts)
    length = pick(rng, ("mini", "skirt", "skirt", "midi") if grown else ("skirt", "midi"))
    flare = float(rng.uniform(0.02, 0.28))
    if dress:
        kinds = ("sleeves", "blocks", "gradient", "print", "number")
        top = replace(top, kind="plain") if top.kind in kinds else top
        lower, bottom = color, top
    elif rng.random() < 0.3:
        lower, bottom = DENIM[int(rng.integers(len(DENIM)))], replace(bottom, kind="plain", fabric="denim")
        flare = min(flare, 0.08)
    # A tight top tucked in, tight shorts below: whatever the pose, there is cloth.
    shorts = Piece("hotpants", tuple(0.5 * c for c in lower), tuple(0.5 * c for c in lower))
    skirt = Piece(length, lower, lower, True, 0.010, False, flare, False, bottom)
    upper = Piece(cut, color, color, False, 0.008, False, 0.0, False, replace(top, folds=0.5 * top.folds))
    return (shorts, upper, skirt, *draw_socks(shares, rng, "shorts"))


def draw_socks(shares: KitShares, rng: np.random.Generator, bottom: str) -> tuple[Piece, ...]:
    """Socks where they show."""
    draw, length = rng.random(), pick(rng, ("anklesocks", "crewsocks", "crewsocks", "kneesocks"))
    color, trim = (NEUTRALS[int(rng.integers(4))] if rng.random() < 0.7 else draw_color(rng)), draw_color(rng)
    pattern = draw_pattern(rng, 0.25, False, ("knit",), (0.1, 0.4))
    if bottom in ("tights", "highwaist", "trousers") or draw > shares.sock_share:
        return ()
    return (Piece(length, color, trim if draw < 0.5 * shares.sock_share else color, pattern=pattern),)


def draw_backpack(rng: np.random.Generator) -> Piece:
    """A bag; see scenes.backpack for what its sizes mean."""
    pattern = draw_pattern(rng, 0.3, False, ("nylon", "denim"), (0.2, 0.6))
    return Piece(
        "backpack", draw_color(rng), draw_color(rng), True, float(rng.uniform(0.62, 0.98)), bool(rng.random() < 0.5),
        float(rng.uniform(0.12, 0.24)), False, pattern,
    )  # fmt: skip


def draw_headwear(rng: np.random.Generator) -> Piece:
    """A beanie, a cap or a headband."""
    cut = pick(rng, ("cap", "cap", "beanie", "beanie", "headband"))
    pattern = draw_pattern(rng, 0.25, False, ("knit",) if cut == "beanie" else ("jersey", "denim"), (0.0, 0.3))
    return Piece(cut, draw_color(rng), draw_color(rng), True, 0.012, bool(rng.random() < 0.5), 0.0, False, pattern)
