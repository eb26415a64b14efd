"""Choosing what a subject wears and looks like: plain data, drawn from a generator."""

from dataclasses import dataclass

import numpy as np

from scenes.atlas import Piece
from scenes.catalogue import ANCESTRIES, Catalogue
from scenes.kit import (
    DENIM,
    GROWN,
    TROUSERS,
    draw_backpack,
    draw_casual,
    draw_color,
    draw_headwear,
    draw_kit,
    draw_pattern,
    pick,
)
from scenes.prints import Pattern, Rgb
from scenes.textures import Dye
from scenes.tones import draw_tone, lab_of

HAIR_COLORS: dict[str, Rgb] = {
    "black": (0.055, 0.048, 0.045),
    "darkbrown": (0.150, 0.098, 0.070),
    "brown": (0.260, 0.170, 0.110),
    "lightbrown": (0.400, 0.285, 0.185),
    "blond": (0.640, 0.510, 0.330),
    "red": (0.400, 0.185, 0.095),
}
# Share of each colour, in the order of HAIR_COLORS, by ancestry.
_HAIR_SHARES = {
    "african": (0.80, 0.18, 0.02, 0.0, 0.0, 0.0),
    "asian": (0.72, 0.24, 0.04, 0.0, 0.0, 0.0),
    "caucasian": (0.08, 0.26, 0.28, 0.18, 0.14, 0.06),
}
_GREY: Rgb = (0.56, 0.55, 0.53)
_WHITE: Rgb = (0.80, 0.79, 0.77)
_LIGHT_EYES = ("blue", "bluegreen", "deepblue", "green", "grey", "ice", "lightblue")
_PLAIN_EYES: tuple[Rgb, ...] = ((0.26, 0.15, 0.08), (0.33, 0.21, 0.11), (0.30, 0.38, 0.46), (0.33, 0.38, 0.24))
_LEATHER: tuple[Rgb, ...] = ((0.08, 0.08, 0.08), (0.30, 0.18, 0.10), (0.45, 0.30, 0.18), (0.55, 0.54, 0.52))
LONG_HAIR = {"long01": 5, "Braid01": 2, "bob01": 1, "bob02": 1}
"""Styles that hide the neck, or lie on it, and how often each is drawn among them."""
_UNDER_HEADWEAR = {
    "afro01": "cap", "ponytail01": "long01", "Braid01": "long01", "bob01": "long01", "bob02": "long01",
    "short01": "cap", "short02": "cap", "short03": "cap", "short04": "cap",
}  # fmt: skip
"""Hair that a beanie or a cap would cut badly, and what is worn under it instead."""


@dataclass(frozen=True, slots=True)
class WardrobeConfig:
    """Shares of what people wear, each in [0, 1].

    Attributes:
        tight_share: people in sports kit and swimwear, mostly tight, which shows the back's shape.
        pack_share: of the others, those in a whole outfit of the installed packs; the rest wear everyday clothes made
            from the body's surface.
        loose_share: among kit pieces that can hang loose, those that do.
        bare_chest_share: among men in kit, those without a top.
        swim_share: among grown people in kit, those in swimwear.
        pattern_share: garments with a pattern or print.
        sock_share: bare legs with socks.
        backpack_share, headwear_share: people with a backpack; with a beanie, a cap or a headband.
        long_hair_share: women whose hair hides the neck; men a tenth as often.
        barefoot_share: bare feet with outfits; barefoot_kit_share: with kit.
        hat_share: people with a hat.
        bald_share: men over 30 without hair.
        dye_share: outfits recoloured.
        skin_tone_spread: standard deviation of the lightness of skin beside what origin gives, as a share of its range.
    """

    tight_share: float = 0.35
    pack_share: float = 0.4
    loose_share: float = 0.35
    bare_chest_share: float = 0.2
    swim_share: float = 0.15
    pattern_share: float = 0.6
    sock_share: float = 0.35
    backpack_share: float = 0.04
    headwear_share: float = 0.08
    long_hair_share: float = 0.45
    barefoot_share: float = 0.06
    barefoot_kit_share: float = 0.45
    hat_share: float = 0.03
    bald_share: float = 0.12
    dye_share: float = 0.75
    skin_tone_spread: float = 0.06


@dataclass(frozen=True, slots=True)
class WardrobeSpec:
    """What one subject wears and looks like; plain data, enough to dress the same subject again.

    Attributes:
        skin: picture name, "" for plain skin; skin_color: its mean sRGB either way.
        skin_roughness, skin_specular: from oily to dry, see scenes.renderer.Material.
        eyes: picture name, "" for plain eyes of `eye_color`.
        brows, lashes, hair, hat, shoes, outfit: item names, "" for none; hair "cap" is hair made from the scalp.
        variant: which of the hat's pictures.
        pieces: garments made from the body's surface, inner first.
        top_dye, bottom_dye, shoe_dye: recolouring of outfit and shoes; top_pattern, bottom_pattern: and what is on it.
    """

    skin: str
    skin_color: Rgb
    eyes: str
    eye_color: Rgb
    brows: str
    lashes: str
    hair: str
    hair_color: Rgb
    hat: str
    variant: str
    outfit: str
    shoes: str
    pieces: tuple[Piece, ...]
    top_dye: Dye
    bottom_dye: Dye
    shoe_dye: Dye
    top_pattern: Pattern = Pattern()
    bottom_pattern: Pattern = Pattern()
    skin_roughness: float = 0.55
    skin_specular: float = 0.03


def draw_wardrobe(
    config: WardrobeConfig,
    catalogue: Catalogue,
    rng: np.random.Generator,
    sex: str,
    age: float,
    ancestry: tuple[float, float, float],
) -> WardrobeSpec:
    """Draw clothes, hair and skin to match a person.

    Args:
        sex: "m" or "f".
        age: years.
        ancestry: shares (african, asian, caucasian); need not sum to one.
    """
    shares = np.asarray(ancestry, float)
    shares = shares / shares.sum() if shares.sum() > 0 else np.full(3, 1 / 3)
    kin = ANCESTRIES[int(rng.choice(3, p=shares))]
    tone = draw_tone(rng, dict(zip(ANCESTRIES, shares, strict=True)), config.skin_tone_spread)
    skin = _draw_skin(catalogue, rng, sex, age, _like(kin, tone, shares))
    hair, hair_color = _draw_hair(config, catalogue, rng, sex, age, kin)
    outfits = catalogue.names("clothes", sex)
    tight = rng.random() < config.tight_share
    packed = bool(outfits) and rng.random() < config.pack_share and not tight
    outfit = pick(rng, outfits) if packed else ""
    pieces: tuple[Piece, ...] = ()
    if tight:
        pieces = draw_kit(config, rng, sex, age, catalogue.minimal)
    elif not packed:
        pieces = draw_casual(config, rng, sex, age)
    top, bottom, shoe = _draw_dyes(config, rng)
    patterns = (
        draw_pattern(rng, config.pattern_share, True, ("jersey",), (0, 0)),
        draw_pattern(rng, 0.4 * config.pattern_share, False, ("jersey",), (0, 0)),
    )
    barefoot = rng.random() < (config.barefoot_kit_share if tight else config.barefoot_share)
    shoes = "" if barefoot else pick(rng, catalogue.names("shoes", sex))
    hat, worn = _draw_headwear(config, catalogue, rng, sex, age, tight)
    pieces += worn
    if hat and hair:
        hair = pick(rng, tuple(n for n in catalogue.names("hair", sex) if n in ("short04", "short03"))) or hair
    if worn and worn[0].cut != "headband":
        hair = _UNDER_HEADWEAR.get(hair, hair)
    if rng.random() < config.backpack_share:
        pieces += (draw_backpack(rng),)
    light = kin == "caucasian" and rng.random() < 0.55
    eyes = pick(rng, tuple(n for n in catalogue.eyes if (n in _LIGHT_EYES) == light) or catalogue.eyes)
    plain = _PLAIN_EYES[int(rng.integers(2)) + (2 if light else 0)]
    lashes = pick(rng, catalogue.names("eyelashes", sex))
    if (sex == "m" and rng.random() < 0.8) or age < GROWN:
        lashes = ""  # the packs' lashes are made up
    oily = float(rng.beta(2.0, 2.0))
    return WardrobeSpec(
        skin=skin,
        skin_color=tone,
        eyes=eyes,
        eye_color=plain,
        brows=pick(rng, catalogue.names("eyebrows", sex)),
        lashes=lashes,
        hair=hair,
        hair_color=hair_color,
        hat=hat,
        variant=pick(rng, catalogue.pictures(hat)) if hat else "",
        outfit=outfit,
        shoes=shoes,
        pieces=pieces,
        top_dye=top,
        bottom_dye=bottom,
        shoe_dye=shoe,
        top_pattern=patterns[0],
        bottom_pattern=patterns[1],
        skin_roughness=0.72 - 0.32 * oily,
        skin_specular=0.024 + 0.022 * oily,
    )


def _draw_headwear(config, catalogue, rng, sex, age, tight) -> tuple[str, tuple[Piece, ...]]:
    """A hat of the packs, or headwear made from the scalp."""
    draw, made, hat = rng.random(), draw_headwear(rng), pick(rng, catalogue.names("hats", sex))
    if hat and draw < config.hat_share and not tight and age > 16:
        return hat, ()
    return "", (made,) if config.hat_share <= draw < config.hat_share + config.headwear_share else ()


def _like(kin: str, tone: Rgb, shares: np.ndarray) -> str:
    """Whose skin picture: a dark one made light, or the reverse, would burn out palms and face."""
    lightness = lab_of(tone)[0]
    if kin == "african" and lightness > 50.0 and shares[0] < 0.9:
        return "caucasian" if shares[2] > shares[1] else "asian"
    return "african" if lightness < 42.0 else kin


def _draw_skin(catalogue, rng, sex, age, kin) -> str:
    band = "young" if age < 34 + rng.normal(0, 4) else "middleage" if age < 58 + rng.normal(0, 4) else "old"
    stem = f"{band}_{kin}_{'male' if sex == 'm' else 'female'}"
    return pick(rng, tuple(n for n in catalogue.skins if n == stem or n.startswith(stem + "_")))


def _draw_hair(config, catalogue, rng, sex, age, kin) -> tuple[str, Rgb]:
    names = list(HAIR_COLORS)
    color = np.asarray(HAIR_COLORS[names[int(rng.choice(len(names), p=_HAIR_SHARES[kin]))]])
    greying = float(np.clip((age - 38.0 + rng.normal(0.0, 9.0)) / 30.0, 0.0, 1.0))
    if sex == "f" and rng.random() < 0.45:
        greying = 0.0  # dyed
    grey = np.asarray(_GREY if rng.random() < 0.6 else _WHITE)
    color = color + greying * (grey - color)
    color = color * rng.uniform(0.85, 1.15)
    bald = sex == "m" and age > 30 and rng.random() < config.bald_share
    styles = tuple(n for n in catalogue.names("hair", sex) if n not in LONG_HAIR)
    long = {n: share for n, share in LONG_HAIR.items() if n in catalogue.names("hair", "f")}
    hides_neck = rng.random() < config.long_hair_share * (1.0 if sex == "f" else 0.1)
    if kin == "african" and "afro01" in styles and rng.random() < 0.4:
        style = "afro01"
    elif hides_neck and long:
        share = np.array(list(long.values()), float)
        style = list(long)[int(rng.choice(len(long), p=share / share.sum()))]
        bald = False
    else:
        style = pick(rng, tuple(n for n in styles if n != "afro01")) or "cap"
    if sex == "m" and style not in long and rng.random() < 0.15:
        style = "cap"  # a close crop
    return "" if bald else style, tuple(np.clip(color, 0.02, 0.95).tolist())


def _draw_dyes(config, rng) -> tuple[Dye, Dye, Dye]:
    top = bottom = shoe = Dye()
    if rng.random() < config.dye_share:
        if rng.random() < 0.7:
            top = Dye(color=draw_color(rng), strength=float(rng.uniform(0.8, 1.0)))
        else:
            top = Dye(hue=float(rng.random()), saturation=float(rng.uniform(0.4, 1.1)))
    if rng.random() < config.dye_share * 0.7:
        bottom = Dye(
            color=(*TROUSERS, *DENIM)[int(rng.integers(len(TROUSERS) + len(DENIM)))],
            strength=float(rng.uniform(0.8, 1.0)),
        )
    if rng.random() < config.dye_share * 0.7:
        shoe = Dye(color=_LEATHER[int(rng.integers(len(_LEATHER)))], strength=float(rng.uniform(0.5, 0.9)))
    return top, bottom, shoe
