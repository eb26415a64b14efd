"""What surrounds people: an environment, a room, a place, a studio sweep, a photograph; the floor lies at y = 0.

BackdropSpec holds every random choice as plain data; build_backdrop sizes it around all cameras and the people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from scenes import patterns
from scenes.environment import LUMINANCE
from scenes.grounds import falling, flat, gradient, ground_disc, ground_radiance, sweep
from scenes.light import LightConfig, LightSpec, draw_light, exposed_view, indoors, is_outdoor
from scenes.patterns import rgb
from scenes.photo import open_photo, photo_light, photo_mounts, photo_picture, shadow_ground
from scenes.places import BUILDERS, INDOOR, OUTDOOR, build_place
from scenes.renderer import Camera, Light, MeshPart
from scenes.rigs import RIGS
from scenes.room import build_room
from scenes.sky import environment_picture, sky_picture

KINDS = ("hdri", "room", "studio", "plain", *sorted(BUILDERS), "photo")
INDOORS = ("room", "studio", *INDOOR)
"""Kinds with walls, or a sweep: their light is evened out."""

VARIANTS = 8  # seeds per pattern, so that a worker's cache keeps them all
_TRIES = 40  # lights drawn for a kind before one is taken that does not fit
LAYOUTS = 12  # variants per kind of place; their colours change with every picture


@dataclass(frozen=True, slots=True)
class BackdropConfig:
    """Ranges backdrops are drawn from.

    Attributes:
        kinds: relative frequency of each kind; hdri only under a photographed or procedural outdoor or indoor light,
            places under the sky only under outdoor light, photo only where photos are given.
        room_margin_m: free space between people and the nearest wall, m.
        room_height_m: ceiling height, m; raised where camera or people need it.
        furniture: mean number of boxes along the walls of a room.
        saturation: of wall, floor and studio colours, 0 to 1.
        blur: defocus of environments, in degrees of view.
        sharp: share of environments shown without defocus and with synthetic fine detail.
        photos: folders or files of photographs to stand people in; they become `photo_sources`.
        photo_sources: what those photographs hold, name@digest each.
    """

    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "hdri": 0.2, "room": 0.18, "studio": 0.05, "plain": 0.03, "gym": 0.12, "clinic": 0.08, "court_hall": 0.08,
            "court": 0.08, "field": 0.1, "track": 0.08, "street": 0.1, "photo": 0.5,
        }
    )  # fmt: skip
    room_margin_m: tuple[float, float] = (0.7, 3.0)
    room_height_m: tuple[float, float] = (2.4, 3.6)
    furniture: float = 2.0
    saturation: tuple[float, float] = (0.0, 0.5)
    blur: tuple[float, float] = (0.2, 0.8)
    sharp: float = 0.5
    photos: tuple[str, ...] = field(default=(), metadata={"digest": False})
    photo_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackdropSpec:
    """One drawn backdrop; colours are sRGB.

    Attributes:
        kind: one of KINDS.
        floor: pattern underfoot.
        floor_seed: its variant.
        floor_color: tint of the floor.
        wall: pattern of the walls.
        wall_seed: its variant.
        wall_color: tint of walls, sweep or gradient.
        margin_m: free space around people in a room, m.
        height_m: ceiling height, m.
        yaw: of the room about y, rad.
        furniture: boxes along the walls.
        blur_deg: defocus of the environment.
        seed: of the remaining details.
        variant: which layout of a kind of place.
        shift: where in a place people stand, or which part of a photograph is seen, -1 to 1 each.
        detail: synthetic fine detail of an environment, 0 to 1.
        photo: the photograph, one of BackdropConfig.photo_sources, else "".
    """

    kind: str
    floor: str
    floor_seed: int
    floor_color: tuple[float, float, float]
    wall: str
    wall_seed: int
    wall_color: tuple[float, float, float]
    margin_m: float
    height_m: float
    yaw: float
    furniture: int
    blur_deg: float
    seed: int
    variant: int = 0
    shift: tuple[float, float] = (0.0, 0.0)
    detail: float = 0.0
    photo: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """`background` (H, W, 3) uint8 for uncovered pixels and the scenery to draw."""

    background: np.ndarray
    parts: tuple[MeshPart, ...]


def fits(kind: str, light: LightSpec) -> bool:
    """Whether a kind of backdrop can be true under a light: what lies under the sky wants daylight or floodlights."""
    if kind == "hdri":
        return light.kind not in RIGS or RIGS[light.kind].outdoor
    return kind not in OUTDOOR or is_outdoor(light)


def draw_surroundings(
    config: BackdropConfig, light_config: LightConfig, rng: np.random.Generator, names: tuple[str, ...] = ()
) -> tuple[LightSpec, BackdropSpec]:
    """A light and surroundings that fit each other; kinds of surroundings come as often as the config says.

    Args:
        names: installed environments.
    """
    kind = _choose(_wanted(config), rng)
    for _ in range(_TRIES):
        light = draw_light(light_config, rng, names)
        if fits(kind, light):
            break
    return light, draw_backdrop(replace(config, kinds={kind: 1.0}), rng, light)


def _wanted(config: BackdropConfig) -> dict[str, float]:
    """Weights of the kinds that can be had, in a fixed order; a gradient where there are none."""
    weights = {kind: config.kinds.get(kind, 0.0) for kind in KINDS}
    if not config.photo_sources:
        weights["photo"] = 0.0
    return weights if sum(weights.values()) > 0 else {**weights, "plain": 1.0}


def _choose(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    share = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(share), p=share / share.sum()))]


def draw_backdrop(config: BackdropConfig, rng: np.random.Generator, light: LightSpec) -> BackdropSpec:
    """Draw surroundings that can be true under a light already drawn."""
    wanted = _wanted(config)
    weights = {kind: weight * fits(kind, light) for kind, weight in wanted.items()}
    kind = _choose(weights if sum(weights.values()) > 0 else wanted, rng)
    outdoor = kind in ("hdri", "plain") and (is_outdoor(light) or kind == "plain")
    floors = patterns.GROUNDS if outdoor else patterns.FLOORS
    floor, wall = str(rng.choice(floors)), str(rng.choice(patterns.WALLS))
    saturation = float(rng.uniform(*config.saturation))
    sharp = rng.random() < config.sharp
    picked = int(rng.integers(max(len(config.photo_sources), 1)))
    return BackdropSpec(
        kind=kind,
        floor=floor,
        floor_seed=int(rng.integers(VARIANTS)),
        floor_color=_color(rng, saturation * 0.6, 0.45, 0.95),
        wall=wall,
        wall_seed=int(rng.integers(VARIANTS)),
        wall_color=_color(rng, saturation, 0.6, 1.0),
        margin_m=float(rng.uniform(*config.room_margin_m)),
        height_m=float(rng.uniform(*config.room_height_m)),
        yaw=float(rng.uniform(0, 2 * np.pi)),
        furniture=int(rng.poisson(config.furniture)),
        blur_deg=0.0 if sharp else float(rng.uniform(*config.blur)),
        seed=int(rng.integers(2**31)),
        variant=int(rng.integers(LAYOUTS)),
        shift=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
        detail=float(rng.uniform(0.4, 1.0)) if sharp else 0.0,
        photo=config.photo_sources[picked] if kind == "photo" else "",
    )


def _color(rng: np.random.Generator, saturation: float, low: float, high: float) -> tuple[float, float, float]:
    """Mostly warm whites, greys and beiges, sometimes a real colour of any hue."""
    value, hue, vivid = rng.uniform(low, high), rng.uniform(0, 1), rng.random() < 0.4
    if not vivid:
        hue, saturation = 0.02 + 0.13 * hue, 0.35 * saturation
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    color = value * (1 - saturation * (1 - wheel))
    return rgb(np.clip(color, 0.03, 1.0))


def build_backdrop(
    spec: BackdropSpec,
    cameras: Sequence[Camera],
    view: int,
    people: np.ndarray,
    light: Light,
    light_spec: LightSpec,
    environments: Mapping[str, np.ndarray],
) -> Backdrop:
    """Surroundings as one of the cameras sees them.

    Args:
        spec: what was drawn.
        cameras: every camera of the scene; rooms hold them all and nothing stands between them and people.
        view: which of them the background is for.
        people: (N, 3) m, points of everyone and everything in the scene.
        light: as `lit` gives it.
        light_spec: what it was built from.
        environments: the installed ones.
    """
    camera = cameras[view]
    eyes = np.stack([np.linalg.inv(c.cam_from_world)[:3, 3] for c in cameras])
    people = np.asarray(people, np.float64)
    if spec.kind in BUILDERS:
        parts = build_place(spec, eyes, people, light)
        if spec.kind in INDOOR:
            return Backdrop(np.zeros((camera.height, camera.width, 3), np.uint8), parts)
        return Backdrop(
            sky_picture(light_spec, light, camera, environments, spec.blur_deg, spec.detail, spec.seed), parts
        )
    if spec.kind == "room":
        return Backdrop(
            np.zeros((camera.height, camera.width, 3), np.uint8), build_room(spec, eyes, people, light)
        )  # fmt: skip
    if spec.kind == "studio":
        return Backdrop(flat(camera, light, spec.wall_color), (sweep(spec, camera, people),))
    if spec.kind == "photo":
        photo = open_photo(spec.photo)
        return Backdrop(photo_picture(photo, camera, spec.shift), (shadow_ground(photo, spec, camera, people, light),))
    if spec.kind == "hdri":
        exposed = exposed_view(light_spec, light, environments, 256)
        background, under = (
            environment_picture(exposed, camera, spec.blur_deg, spec.detail, spec.seed), ground_radiance(exposed)
        )  # fmt: skip
        albedo = np.clip(under / np.maximum(falling(light), 1e-3), 0.04, 0.6)
        albedo = 0.25 * albedo + 0.75 * (albedo @ LUMINANCE)
    else:
        background, under = gradient(spec, camera, light)
        albedo = np.clip(under / np.maximum(falling(light), 1e-3), 0.04, 0.7)
    return Backdrop(background, (ground_disc(spec, camera, people, albedo),))


def lit(spec: BackdropSpec, light: Light, light_spec: LightSpec, camera: Camera) -> Light:
    """The light as it falls in these surroundings: evened out by walls, or that of the photograph behind a camera."""
    if spec.kind == "photo":
        return photo_light(open_photo(spec.photo), light, camera)
    if spec.kind in INDOORS and spec.kind != "studio" and is_outdoor(light_spec):
        return indoors(light)
    return indoors(light, 1.2) if spec.kind in INDOORS and spec.kind != "studio" else light


def camera_hint(spec: BackdropSpec) -> dict[str, float] | None:
    """What a photograph asks of the camera: relative frequencies of camera mounts, for CameraConfig.mounts.

    A photograph taken at eye height shows its ground at a grazing angle; only cameras at about that height and with
    the horizon inside the photograph can share it. None where any camera will do.
    """
    return photo_mounts(open_photo(spec.photo)) if spec.kind == "photo" else None
