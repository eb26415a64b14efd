"""What lights a scene: a photographed environment, or a procedural rig (scenes.rigs), plus one sun.

LightSpec holds every random choice as plain data; build_light turns it into arrays.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from biomech.errors import AssetError
from scenes.environment import LUMINANCE, evaluate_sh, irradiance_sh, split_sun
from scenes.renderer import Light
from scenes.rigs import COLUMNS, HEIGHT, RIGS, lamp, procedural

KINDS = ("hdri", *RIGS)
OUTDOORS = ("bridge", "city", "dawn", "esplanade", "forest", "night", "park", "sky", "sunrise", "sunset", "venice")


@dataclass(frozen=True, slots=True)
class LightConfig:
    """Ranges light is drawn from.

    Attributes:
        kinds: relative frequency of each kind: hdri (only where environments are installed), skies by time of day, a
            night under floodlights, a studio, and rooms lit by a window, by rows of tubes or by both.
        exposure_ev: exposure bias, stops.
        white_balance: share of the environment's colour cast that the camera removes, 0 to 1.
        sun_to_sky: largest ratio of sunlight to ambient light on a surface facing the sun.
        sun_elevation_deg: height of procedural suns over the horizon.
        key_to_fill: ratio of key to fill light in the studio.
        warmth: colour of procedural suns and lamps, -1 bluish to 1 orange.
    """

    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "hdri": 0.4, "sky": 0.1, "overcast": 0.08, "dawn": 0.05, "noon": 0.06, "dusk": 0.04, "night": 0.04,
            "studio": 0.07, "window": 0.06, "hall": 0.06, "mixed": 0.04,
        }
    )  # fmt: skip
    exposure_ev: tuple[float, float] = (-0.7, 0.6)
    white_balance: tuple[float, float] = (0.55, 0.97)
    sun_to_sky: tuple[float, float] = (1.0, 4.0)
    sun_elevation_deg: tuple[float, float] = (20.0, 75.0)
    key_to_fill: tuple[float, float] = (1.0, 3.5)
    warmth: tuple[float, float] = (-0.2, 0.6)


@dataclass(frozen=True, slots=True)
class LightSpec:
    """One drawn light.

    Attributes:
        kind: one of KINDS.
        name: environment of kind hdri, else "".
        yaw_columns: turn about y, in 1/512 of a turn.
        exposure_ev: exposure bias, stops.
        white_balance: share of the colour cast removed.
        sun_to_sky: cap of the ratio of sun to ambient light.
        sun_elevation_deg: of procedural suns and key lamps.
        warmth: colour of procedural suns and lamps.
        seed: of the procedural details.
    """

    kind: str
    name: str
    yaw_columns: int
    exposure_ev: float
    white_balance: float
    sun_to_sky: float
    sun_elevation_deg: float
    warmth: float
    seed: int


def draw_light(config: LightConfig, rng: np.random.Generator, names: tuple[str, ...] = ()) -> LightSpec:
    """Draw a light; `names` are the installed environments."""
    weights = {kind: config.kinds.get(kind, 0.0) for kind in KINDS}
    if not names:
        weights["hdri"] = 0.0
    total = sum(weights.values())
    share = [weights[kind] / total for kind in KINDS] if total > 0 else [0.0, 1.0, 0.0, 0.0]
    kind = KINDS[int(rng.choice(len(KINDS), p=share))]
    pick = int(rng.integers(max(len(names), 1)))
    ratio = config.key_to_fill if kind == "studio" else config.sun_to_sky
    rig = RIGS.get(kind, RIGS["sky"])
    return LightSpec(
        kind=kind,
        name=sorted(names)[pick] if kind == "hdri" else "",
        yaw_columns=int(rng.integers(COLUMNS)),
        exposure_ev=float(rng.uniform(*config.exposure_ev)),
        white_balance=float(rng.uniform(*config.white_balance)),
        sun_to_sky=float(rng.uniform(*(rig.ratio or ratio))),
        sun_elevation_deg=float(rng.uniform(*(rig.elevation_deg or config.sun_elevation_deg))),
        warmth=float(rng.uniform(*(rig.warmth or config.warmth))),
        seed=int(rng.integers(2**31)),
    )


def is_outdoor(spec: LightSpec) -> bool:
    """Whether the light belongs under the open sky."""
    return RIGS[spec.kind].outdoor if spec.kind in RIGS else spec.name in OUTDOORS


def balanced_environment(spec: LightSpec, environments: Mapping[str, np.ndarray], height: int) -> np.ndarray:
    """(height, 2 height, 3) radiance as the camera records it: turned and partly white balanced, not yet exposed.

    Raises:
        AssetError: the spec names an environment that is not installed.
    """
    if spec.kind == "hdri":
        if spec.name not in environments:
            have = ", ".join(sorted(environments)) or "none"
            raise AssetError(
                f"environment {spec.name!r} is not installed (have: {have}); run `synthgen assets install`"
            )
        stored = environments[spec.name]
        radiance: np.ndarray = np.roll(stored, spec.yaw_columns * stored.shape[1] // COLUMNS, 1).astype(np.float32)
    else:
        radiance = procedural(spec)
    if radiance.shape[0] != height:
        shrink = radiance.shape[0] > height
        method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
        radiance = cv2.resize(radiance, (2 * height, height), interpolation=method)
    return radiance * _gains(spec, radiance).astype(np.float32)


def _gains(spec: LightSpec, radiance: np.ndarray) -> np.ndarray:
    """Per-channel gains that pull the light falling on people towards grey; a blue sky may tint, never paint skin."""
    small = cv2.resize(radiance, (2 * HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA)
    white = irradiance_sh(split_sun(small)[0])[0]
    white = white / max(float(white @ LUMINANCE), 1e-9)
    gains = np.maximum(white, 1e-3) ** -spec.white_balance
    left = white * gains  # what remains of the cast: allow a little, blue less than warm
    left = left / (left @ LUMINANCE)
    allowed = np.clip(left, [0.93, 0.96, 0.80], [1.15, 1.05, 1.06])
    return gains * allowed / left


def build_light(spec: LightSpec, environments: Mapping[str, np.ndarray]) -> Light:
    """Turn a spec into SH irradiance, a reflection environment, a sun, and an exposure that suits skin."""
    radiance = balanced_environment(spec, environments, HEIGHT)
    ambient, direction, sun = split_sun(radiance)
    if spec.kind in RIGS and RIGS[spec.kind].lamp:
        direction, sun = lamp(spec)
        sun = sun * irradiance_sh(ambient)[0].mean() * 0.282095 * np.pi * spec.sun_to_sky
    direction, sun = _raised(direction), _believable(sun)
    sh = irradiance_sh(ambient)
    # half of the colour difference between directions goes: blue from one side would read as blue skin
    sh[1:] = 0.5 * sh[1:] + 0.5 * (sh[1:] @ LUMINANCE)[:, None] * (sh[0] / (sh[0] @ LUMINANCE))
    sky = float((sh[0] * 0.282095) @ LUMINANCE)
    sh = _filled(sh, sky)
    direct = float(sun @ LUMINANCE) / np.pi
    if direct > spec.sun_to_sky * sky:
        sun = sun * (spec.sun_to_sky * sky / direct)
        direct = spec.sun_to_sky * sky
    if direct < 0.05 * sky:
        sun, direct = np.zeros(3), 0.0
    # a white surface in average light, half of it facing the sun, lands just below full scale
    exposure = 0.62 / max(sky + 0.5 * direct, 1e-6) * 2.0**spec.exposure_ev
    environment = np.minimum(ambient, 20.0 * sky).astype(np.float32)
    key = hashlib.blake2b(environment.tobytes(), digest_size=12).hexdigest()
    return Light(key, sh, environment, direction, sun, exposure)


def indoors(light: Light, sun_to_sky: float = 0.6) -> Light:
    """The same light in a room: walls even it out, and the sun is what comes through windows; exposure makes up."""
    even = light.irradiance_sh.copy()
    even[1:] *= 0.55
    light = replace(light, irradiance_sh=even)
    sky = float((light.irradiance_sh[0] * 0.282095) @ LUMINANCE)
    direct = float(light.sun_color @ LUMINANCE) / np.pi
    if direct <= sun_to_sky * sky:
        return light
    factor = sun_to_sky * sky / direct
    gain = (sky + 0.5 * direct) / (sky + 0.5 * direct * factor)
    return replace(light, sun_color=light.sun_color * factor, exposure=light.exposure * gain)


def exposed_view(spec: LightSpec, light: Light, environments: Mapping[str, np.ndarray], height: int) -> np.ndarray:
    """(height, 2 height, 3) exposed radiance of the environment, for a camera that looks at it."""
    view = balanced_environment(spec, environments, height)
    view *= np.float32(light.exposure)
    return view


def _raised(direction: np.ndarray, least_deg: float = 14.0) -> np.ndarray:
    """The direction, no lower over the horizon than `least_deg`: shadows stay within a few body lengths."""
    lowest = np.sin(np.radians(least_deg))
    if direction[1] >= lowest:
        return direction
    flat = direction * [1, 0, 1]
    return np.array([0, lowest, 0]) + flat / max(np.linalg.norm(flat), 1e-9) * np.sqrt(1 - lowest**2)


def _filled(sh: np.ndarray, sky: float, least: float = 0.5) -> np.ndarray:
    """Evened out until upright surfaces facing away from the light keep `least` of the average, as with real bounce."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], -1)
    darkest = float((evaluate_sh(sh, ring) @ LUMINANCE).min())
    if darkest >= least * sky:
        return sh
    even = sh.copy()
    even[1:] *= (1.0 - least) * sky / (sky - darkest)
    return even


def _believable(sun: np.ndarray) -> np.ndarray:
    """The sun without colour errors of the photograph: whitish to orange, never blue or green."""
    luminance = float(sun @ LUMINANCE)
    if luminance <= 0:
        return np.zeros(3)
    tint = np.clip(sun / luminance, [1.0, 0.9, 0.55], [1.35, 1.03, 0.98])
    return tint / (tint @ LUMINANCE) * luminance
