"""What a renderer is given and what it returns: plain arrays, no engine.

Shape legend: V render vertices, F faces, H image height, W image width.
World frame everywhere: x forward, y up, z right (OpenSim's axes), metres. Camera frame: OpenCV (x right, y down,
z forward).
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from biomech.errors import RenderError
from scenes.distortion import NONE, distort, undistort


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera, or one with a lens that bends.

    Attributes:
        intrinsics: (3, 3) px; pixel centres lie at half-integers (the top-left pixel covers [0, 1) x [0, 1)).
        cam_from_world: (4, 4) rigid, metres, OpenCV camera axes.
        width: image width, px.
        height: image height, px.
        distortion: (5,) OpenCV's k1 k2 p1 p2 k3; zeros for a pinhole. See scenes.distortion for its range.
    """

    intrinsics: np.ndarray
    cam_from_world: np.ndarray
    width: int
    height: int
    distortion: tuple[float, ...] = NONE

    def to_camera(self, points_world: np.ndarray) -> np.ndarray:
        """(..., 3) world points, m -> (..., 3) camera points, m."""
        return points_world @ self.cam_from_world[:3, :3].T + self.cam_from_world[:3, 3]

    def project(self, points_world: np.ndarray) -> np.ndarray:
        """(..., 3) world points, m -> (..., 2) px; nan behind the camera and past the lens's range."""
        p = self.to_camera(points_world)
        if any(self.distortion):
            with np.errstate(divide="ignore", invalid="ignore"):
                plane = distort(np.where(p[..., 2:] > 1e-6, p[..., :2] / p[..., 2:], np.nan), self.distortion)
            p = np.concatenate([plane, np.ones_like(plane[..., :1])], -1)
        p = p @ self.intrinsics.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(p[..., 2:] > 1e-6, p[..., :2] / p[..., 2:], np.nan)

    def unproject(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(..., 2) px and (...) depth along z, m -> (..., 3) world points, m; nan past the lens's range."""
        homogeneous = np.concatenate([pixels, np.ones_like(pixels[..., :1])], -1)
        in_cam = homogeneous @ np.linalg.inv(self.intrinsics).T
        if any(self.distortion):
            in_cam = np.concatenate([undistort(in_cam[..., :2], self.distortion), in_cam[..., 2:]], -1)
        in_cam = in_cam * depth[..., None]
        return (in_cam - self.cam_from_world[:3, 3]) @ self.cam_from_world[:3, :3]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """How a surface answers light. Colours are sRGB in [0, 1]; `texture` multiplies `color`.

    Attributes:
        color: (3,) sRGB factor.
        texture: (h, w, 3 or 4) uint8 sRGB (alpha as coverage), first row at v = 1, or None.
        roughness: 0 mirror .. 1 chalk.
        specular: Fresnel reflectance at normal incidence (skin and cloth 0.02-0.05).
        cutout: discard fragments whose texture alpha is below one half (hair, lashes).
        double_sided: shade back faces as if they faced the viewer.
        unlit: show `color * texture` without light (emissive panels, painted skies).
        fade: a ground that dissolves into the background: x, z of its centre, first and last radius, m; or None.
        detail: (h, w) uint8 relief that repeats over the surface (pores, weave, folds): 0 valley, 255 ridge; or None.
            Sizes that are powers of two tile fastest. Shared arrays are kept once on the card.
        detail_scale: repeats of `detail` per unit of u and of v.
        detail_depth: height from valley to ridge as a share of one repeat's width (pores .003, weave .03, folds .05).
        detail_gloss: how much valleys lose of shine and ridges win, 0 none .. 1 all; breaks up the shine of skin.
        subsurface: 0 none .. 1 wax: light bleeds past the terminator and into the edge of shadows, red furthest
            (skin .6, thin cloth and leaves .3).
        sheen: brightness of a fuzz seen along the surface, 0 none .. 1 velvet (cotton .15, fleece .5).
        shadow_catcher: an unseen ground that only darkens the background where it lies in shadow or near feet; its
            depth is drawn, its colour is not used.
    """

    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: np.ndarray | None = None
    roughness: float = 0.8
    specular: float = 0.03
    cutout: bool = False
    double_sided: bool = False
    unlit: bool = False
    fade: tuple[float, float, float, float] | None = None
    detail: np.ndarray | None = None
    detail_scale: tuple[float, float] = (1.0, 1.0)
    detail_depth: float = 0.05
    detail_gloss: float = 0.0
    subsurface: float = 0.0
    sheen: float = 0.0
    shadow_catcher: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MeshPart:
    """One draw call.

    `key` names the part for the renderer's cache: same key means same faces, uv, material and vertex count; only
    `vertices` and `normals` may change between frames.

    Attributes:
        key: unique and stable, for example "subject-000012/skin".
        vertices: (V, 3) float32 world, m.
        normals: (V, 3) float32 unit.
        faces: (F, 3) uint32.
        uv: (V, 2) float32 or None.
        part_id: (V,) uint8, constant over each face (the last vertex of a face decides); see scenes.rig.PARTS.
        instance_id: 0 scenery, 1.. people, 100.. seats, 200.. things held and standing.
        casts_shadow: scenery far away need not.
        shade: (V,) float32 baked openness to the sky, 1 open .. 0 closed, which dims ambient light (corners of rooms,
            the floor under a table); or None.
    """

    key: str
    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None
    material: Material
    part_id: np.ndarray
    instance_id: int = 0
    casts_shadow: bool = True
    shade: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Image-based light plus one sun.

    Attributes:
        key: names the environment for the renderer's cache.
        irradiance_sh: (9, 3) linear RGB, real spherical harmonics of the cosine-convolved environment divided by pi, so
            that albedo * sh(n) is the reflected radiance; order Y00, Y1-1, Y10, Y11, Y2-2, Y2-1, Y20, Y21, Y22 with
            (x, y, z) replaced by the world axes as they are.
        environment: (h, 2h, 3) float32 linear equirectangular radiance; row 0 is up (+y), column 0 and the last column
            meet at -x, the centre column looks along +x, columns grow towards +z.
        sun_direction: (3,) unit, from the scene towards the sun.
        sun_color: (3,) linear irradiance at normal incidence, so that a white matt surface facing the sun reflects
            sun_color / pi; zeros for no sun.
        exposure: multiplies radiance before the tone curve.
    """

    key: str
    irradiance_sh: np.ndarray
    environment: np.ndarray
    sun_direction: np.ndarray
    sun_color: np.ndarray
    exposure: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything a renderer needs for one picture. `background` (H, W, 3) uint8 fills pixels no part covers.

    `normals` asks for Frame.normals.
    """

    parts: tuple[MeshPart, ...]
    camera: Camera
    light: Light
    background: np.ndarray
    metadata: dict = field(default_factory=dict)
    normals: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A rendered picture with its exact companions, all sampled at pixel centres.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, antialiased.
        depth: (H, W) float32, m along the camera's z; 0 where nothing was hit.
        instance: (H, W) uint8, 0 scenery and background.
        part: (H, W) uint8, 0 where not a person.
        normals: (H, W, 3) float32 unit in camera axes (x right, y down, z forward), the surface's own (relief from
            Material.detail is not in them), facing the camera where the surface is double-sided; zeros where nothing
            was hit. None unless the scene asked.
    """

    rgb: np.ndarray
    depth: np.ndarray
    instance: np.ndarray
    part: np.ndarray
    normals: np.ndarray | None = None


class Renderer(Protocol):
    """Draws scenes; owns a graphics context."""

    def render(self, scene: Scene) -> Frame: ...

    def close(self) -> None: ...


def check_size(scene: Scene, width: int, height: int) -> None:
    """RenderError unless camera and background of a scene have the size, px, that a renderer was opened for."""
    camera = scene.camera
    if (camera.width, camera.height) != (width, height):
        raise RenderError(
            f"the camera is {camera.width}x{camera.height} px, the renderer {width}x{height}; make them equal"
        )
    if scene.background.shape != (height, width, 3):
        raise RenderError(f"background has shape {scene.background.shape}; it must be ({height}, {width}, 3) uint8")
