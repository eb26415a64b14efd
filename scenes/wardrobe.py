"""Choosing what a subject wears and looks like: plain data, drawn from a generator."""

import colorsys
from dataclasses import dataclass

import numpy as np

from scenes.atlas import Piece
from scenes.catalogue import ANCESTRIES, Catalogue
from scenes.textures import Dye

Rgb = tuple[float, float, float]

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
_SKIN_TONES: dict[str, Rgb] = {
    "african": (0.36, 0.24, 0.17),
    "asian": (0.80, 0.62, 0.47),
    "caucasian": (0.84, 0.66, 0.55),
}
_LIGHT_EYES = ("blue", "bluegreen", "deepblue", "green", "grey", "ice", "lightblue")
_PLAIN_EYES: tuple[Rgb, ...] = ((0.26, 0.15, 0.08), (0.33, 0.21, 0.11), (0.30, 0.38, 0.46), (0.33, 0.38, 0.24))
_NEUTRALS: tuple[Rgb, ...] = (
    (0.09, 0.09, 0.10),
    (0.90, 0.90, 0.88),
    (0.45, 0.46, 0.48),
    (0.72, 0.71, 0.69),
    (0.13, 0.17, 0.28),
    (0.25, 0.26, 0.28),
)
_TROUSERS: tuple[Rgb, ...] = (
    (0.10, 0.10, 0.11),
    (0.30, 0.31, 0.33),
    (0.14, 0.18, 0.28),
    (0.55, 0.47, 0.36),
    (0.32, 0.33, 0.24),
    (0.36, 0.17, 0.17),
    (0.22, 0.29, 0.40),
    (0.62, 0.60, 0.56),
)
_LEATHER: tuple[Rgb, ...] = ((0.08, 0.08, 0.08), (0.30, 0.18, 0.10), (0.45, 0.30, 0.18), (0.55, 0.54, 0.52))


@dataclass(frozen=True, slots=True)
class WardrobeConfig:
    """Shares of what people wear, each in [0, 1].

    Attributes:
        tight_share: people in tight sports kit, which shows the back's shape; the rest wear whole outfits.
        loose_share: among kit pieces that can hang loose, those that do.
        bare_chest_share: among men in kit, those without a top.
        barefoot_share: bare feet with outfits; barefoot_kit_share: with kit.
        hat_share: people with a hat.
        bald_share: men over 30 without hair.
        dye_share: outfits recoloured.
        skin_tone_spread: standard deviation of the brightness of skin.
    """

    tight_share: float = 0.35
    loose_share: float = 0.35
    bare_chest_share: float = 0.2
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
        skin: picture name, "" for plain skin of `skin_color`; skin_gain multiplies the picture.
        eyes: picture name, "" for plain eyes of `eye_color`.
        brows, lashes, hair, hat, shoes, outfit: item names, "" for none; hair "cap" is hair made from the scalp.
        variant: which of the hat's pictures.
        pieces: garments made from the body's surface, inner first.
        top_dye, bottom_dye, shoe_dye: recolouring of outfit and shoes.
    """

    skin: str
    skin_color: Rgb
    skin_gain: Rgb
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
    skin, color, gain = _draw_skin(config, catalogue, rng, sex, age, kin, shares)
    hair, hair_color = _draw_hair(config, catalogue, rng, sex, age, kin)
    outfits = catalogue.names("clothes", sex)
    tight = not outfits or rng.random() < config.tight_share
    outfit = "" if tight else _pick(rng, outfits)
    pieces = _draw_kit(config, rng, sex, age, minimal=catalogue.minimal) if tight else ()
    top, bottom, shoe = _draw_dyes(config, rng)
    barefoot = rng.random() < (config.barefoot_kit_share if tight else config.barefoot_share)
    shoes = "" if barefoot else _pick(rng, catalogue.names("shoes", sex))
    hat = _pick(rng, catalogue.names("hats", sex)) if rng.random() < config.hat_share and not tight and age > 16 else ""
    if hat and hair:
        hair = _pick(rng, tuple(n for n in catalogue.names("hair", sex) if n in ("short04", "short03"))) or hair
    light = kin == "caucasian" and rng.random() < 0.55
    eyes = _pick(rng, tuple(n for n in catalogue.eyes if (n in _LIGHT_EYES) == light) or catalogue.eyes)
    plain = _PLAIN_EYES[int(rng.integers(2)) + (2 if light else 0)]
    lashes = _pick(rng, catalogue.names("eyelashes", sex))
    if sex == "m" and rng.random() < 0.8:
        lashes = ""  # the packs' lashes are made up
    return WardrobeSpec(
        skin=skin,
        skin_color=color,
        skin_gain=gain,
        eyes=eyes,
        eye_color=plain,
        brows=_pick(rng, catalogue.names("eyebrows", sex)),
        lashes=lashes,
        hair=hair,
        hair_color=hair_color,
        hat=hat,
        variant=_pick(rng, catalogue.pictures(hat)) if hat else "",
        outfit=outfit,
        shoes=shoes,
        pieces=pieces,
        top_dye=top,
        bottom_dye=bottom,
        shoe_dye=shoe,
    )


def _pick(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))] if names else ""


def _color(rng: np.random.Generator) -> Rgb:
    """A cloth colour: one in three neutral, else any hue, mostly muted."""
    if rng.random() < 0.33:
        return _NEUTRALS[int(rng.integers(len(_NEUTRALS)))]
    return tuple(colorsys.hsv_to_rgb(rng.random(), 0.8 * rng.beta(2.0, 2.5), rng.uniform(0.2, 0.85)))  # type: ignore[return-value]


def _draw_skin(config, catalogue, rng, sex, age, kin, shares) -> tuple[str, Rgb, Rgb]:
    band = "young" if age < 34 + rng.normal(0, 4) else "middleage" if age < 58 + rng.normal(0, 4) else "old"
    stem = f"{band}_{kin}_{'male' if sex == 'm' else 'female'}"
    skin = _pick(rng, tuple(n for n in catalogue.skins if n == stem or n.startswith(stem + "_")))
    tone = sum(share * np.asarray(_SKIN_TONES[name]) for share, name in zip(shares, ANCESTRIES, strict=True))
    brightness = float(np.clip(1.0 + rng.normal(0.0, config.skin_tone_spread), 0.75, 1.15))
    warmth = float(rng.normal(0.0, 0.02))
    gain = np.array([brightness * (1 + warmth), brightness, brightness * (1 - 1.5 * warmth)])
    # The packs hold three tones; a mixed person lies between them.
    own = np.asarray(_SKIN_TONES[kin])
    gain = gain * np.clip(tone / own, 0.6, 1.35) ** 0.5
    return skin, tuple(np.clip(tone * brightness, 0, 1).tolist()), tuple(gain.tolist())


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
    styles = catalogue.names("hair", sex)
    if kin == "african" and "afro01" in styles and rng.random() < 0.4:
        style = "afro01"
    else:
        style = _pick(rng, tuple(n for n in styles if n != "afro01")) or "cap"
    if sex == "m" and rng.random() < 0.15:
        style = "cap"  # a close crop
    return "" if bald else style, tuple(np.clip(color, 0.02, 0.95).tolist())


def _draw_kit(config, rng, sex, age, minimal) -> tuple[Piece, ...]:
    """Bottom and top made from the body's surface; children and minimal sets are covered like everyone else."""
    tops: tuple[str, ...]
    bottoms: tuple[str, ...]
    if sex == "f" and age >= 15:
        tops = ("racer", "tank", "openback", "tee", "crop", "longsleeve")
        bottoms = ("briefs", "shorts", "capri", "tights")
    else:
        tops = ("tank", "tee", "tee", "longsleeve")
        bottoms = ("shorts", "shorts", "capri", "tights")
    top, bottom = _pick(rng, tops), _pick(rng, bottoms)
    if bottom == "briefs" and top not in ("racer", "openback"):
        bottom = "shorts"
    color, trim = _color(rng), _color(rng)
    lower = _TROUSERS[int(rng.integers(len(_TROUSERS)))]
    if rng.random() < 0.3 and bottom == "shorts":
        lower = color
    if bottom == "briefs":
        lower = trim = color  # one piece of swimwear or matching underwear
    loose_bottom = bottom in ("shorts", "capri") and rng.random() < config.loose_share
    loose_top = top in ("tee", "tank", "longsleeve") and rng.random() < config.loose_share
    bare = sex == "m" and age >= 15 and not minimal and rng.random() < config.bare_chest_share
    pieces = [
        Piece(bottom, lower, trim if rng.random() < 0.5 else lower, loose_bottom, 0.009, bool(rng.random() < 0.4))
    ]
    if not bare:
        pieces.append(Piece(top, color, trim if rng.random() < 0.4 else color, loose_top, 0.013, False))
    return tuple(pieces)


def _draw_dyes(config, rng) -> tuple[Dye, Dye, Dye]:
    top = bottom = shoe = Dye()
    if rng.random() < config.dye_share:
        if rng.random() < 0.7:
            top = Dye(color=_color(rng), strength=float(rng.uniform(0.8, 1.0)))
        else:
            top = Dye(hue=float(rng.random()), saturation=float(rng.uniform(0.4, 1.1)))
    if rng.random() < config.dye_share * 0.7:
        bottom = Dye(color=_TROUSERS[int(rng.integers(len(_TROUSERS)))], strength=float(rng.uniform(0.8, 1.0)))
    if rng.random() < config.dye_share * 0.7:
        shoe = Dye(color=_LEATHER[int(rng.integers(len(_LEATHER)))], strength=float(rng.uniform(0.5, 0.9)))
    return top, bottom, shoe
