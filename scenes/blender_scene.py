"""A Scene as the arrays and plain data that scenes/blender_worker.py reads: axes, lens, light and looks translated."""

import json
from typing import Any

import cv2
import numpy as np

from biomech.errors import RenderError
from scenes.environment import develop, directions, evaluate_sh, irradiance_sh
from scenes.renderer import Camera, Light, Material, MeshPart, Scene

BLENDER_FROM_WORLD = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # x forward, y left, z up
_GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])
_BANDS = np.array([1.0] + [1.5] * 3 + [4.0] * 5)[:, None]  # radiance whose cosine convolution over pi is one
_SUN_ANGLE = np.radians(1.5)  # the rasteriser's penumbra; the real sun's is 0.5


def scene_arrays(scene: Scene, settings: dict[str, Any]) -> dict[str, np.ndarray]:
    """Everything the worker needs under the names it reads; `settings` are samples, denoise, device and threads.

    Raises:
        RenderError: a skewed camera, or a cutout without a texture.
    """
    arrays: dict[str, np.ndarray] = {}
    pictures: dict[int, str] = {}
    parts = [_part(part, i, arrays, pictures, scene.light.exposure) for i, part in enumerate(scene.parts)]
    arrays["environment"] = environment_of(scene.light)
    arrays["background"] = undeveloped(scene.background / 255.0, scene.light.exposure).astype(np.float32)
    meta = {
        **settings,
        "width": scene.camera.width,
        "height": scene.camera.height,
        "camera": camera_plain(scene.camera),
        "sun": _sun(scene.light),
        "parts": parts,
        "plate": has_plate(scene),
        "normals": scene.normals,
    }
    arrays["meta"] = np.array(json.dumps(meta))
    return arrays


def camera_plain(camera: Camera) -> dict[str, Any]:
    """Blender's lens: focal length in picture widths, shifts in widths, aspect of a pixel, placement.

    Our pixels cover [0, 1), Blender's film the whole picture: the principal point is measured from the film's middle.
    """
    k = camera.intrinsics
    if abs(k[0, 1]) > 1e-9 or k[0, 0] <= 0 or k[1, 1] <= 0:
        raise RenderError(f"Blender has no skewed or mirrored cameras; got intrinsics {np.asarray(k).tolist()}")
    ratio = float(k[0, 0] / k[1, 1])  # height of a pixel in its widths
    shift = (0.5 - k[0, 2] / camera.width, (k[1, 2] - camera.height / 2) * ratio / camera.width)
    world = BLENDER_FROM_WORLD @ np.linalg.inv(camera.cam_from_world) @ _GL_FROM_CV
    return {
        "focal": float(k[0, 0] / camera.width),
        "shift": [float(v) for v in shift],
        "aspect": [1.0, ratio] if ratio >= 1 else [1.0 / ratio, 1.0],
        "world": world.tolist(),
    }


def environment_of(light: Light) -> np.ndarray:
    """(h, 2h, 3) float32 radiance that falls on surfaces as the light's harmonics say.

    Blender's equirectangular pictures lie as ours do: row 0 up, the middle along x, columns growing to the right.
    """
    radiance = np.asarray(light.environment, np.float64)
    missing = (np.asarray(light.irradiance_sh, float) - irradiance_sh(radiance)) * _BANDS
    return np.maximum(radiance + evaluate_sh(missing, directions(radiance.shape[0])), 0.0).astype(np.float32)


def _sun(light: Light) -> dict[str, Any] | None:
    peak = float(np.max(light.sun_color))
    if peak <= 0:
        return None
    return {
        "energy": peak,
        "color": (np.asarray(light.sun_color) / peak).tolist(),
        "direction": (BLENDER_FROM_WORLD[:3, :3] @ light.sun_direction).tolist(),
        "angle": _SUN_ANGLE,
    }


def _part(
    part: MeshPart, number: int, arrays: dict[str, np.ndarray], pictures: dict[int, str], exposure: float
) -> dict[str, Any]:
    look, turn = part.material, BLENDER_FROM_WORLD[:3, :3].T
    arrays[f"points{number}"] = (part.vertices @ turn).astype(np.float32)
    arrays[f"normals{number}"] = (part.normals @ turn).astype(np.float32)
    arrays[f"faces{number}"] = part.faces.astype(np.int32)
    arrays[f"parts{number}"] = part.part_id[part.faces[:, 2]].astype(np.uint8)  # the last vertex of a face decides
    if part.uv is not None:
        arrays[f"uv{number}"] = part.uv.astype(np.float32)
    if look.cutout and look.texture is None:
        raise RenderError(f"part {part.key!r} is cut out by a texture it does not have; give one with alpha")
    color, texture = _linear(look.color), look.texture
    if look.unlit:
        color, texture = _glow(look, exposure)
    return {
        "name": part.key,
        "instance": part.instance_id,
        "color": np.asarray(color, float).tolist(),
        "texture": _stored(texture, arrays, pictures),
        "detail": _stored(look.detail, arrays, pictures),
        "detail_scale": list(look.detail_scale),
        "detail_height": _relief_height(part),
        "roughness": look.roughness,
        "specular": look.specular,
        "subsurface": look.subsurface,
        "sheen": look.sheen,
        "cutout": look.cutout,
        "double_sided": look.double_sided,
        "unlit": look.unlit,
        "fade": None if look.fade is None else [look.fade[0], -look.fade[1], look.fade[2], look.fade[3]],
        "casts_shadow": part.casts_shadow,
        "shadow_catcher": look.shadow_catcher,
    }


def _stored(picture: np.ndarray | None, arrays: dict[str, np.ndarray], pictures: dict[int, str]) -> str | None:
    """Name under which a picture travels; one shared by several parts travels once."""
    if picture is None:
        return None
    if id(picture) not in pictures:
        pictures[id(picture)] = f"picture{len(pictures)}"
        arrays[pictures[id(picture)]] = picture
    return pictures[id(picture)]


def _linear(color: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    c = np.asarray(color, np.float64)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _encoded(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def undeveloped(shown: np.ndarray, exposure: float) -> np.ndarray:
    """sRGB in [0, 1] -> radiance that the tone curve turns into it."""
    radiance = np.geomspace(1e-4, 40.0, 4096)
    levels = develop(np.repeat(radiance[:, None], 3, 1))[:, 0].astype(float)
    first = np.r_[True, np.diff(levels) > 0]
    return np.interp(shown * 255.0, levels[first], radiance[first]) / exposure


def _glow(look: Material, exposure: float) -> tuple[np.ndarray, np.ndarray | None]:
    """Light that an unlit surface must give off so that the tone curve ends at the colour it is to show."""
    if look.texture is None:
        return undeveloped(np.asarray(look.color, float), exposure), None
    texel = look.texture.astype(np.float64) / 255.0
    shown = _encoded(np.clip(_linear(texel[..., :3]) * _linear(look.color), 0, 1))
    texel[..., :3] = undeveloped(shown, exposure)
    return np.ones(3), texel.astype(np.float32)


def _relief_height(part: MeshPart) -> float:
    """Metres from valley to ridge of a material's relief: a share of one repeat's width on this surface."""
    look = part.material
    if look.detail is None or part.uv is None:
        return 0.0
    corners, flat = part.vertices[part.faces], part.uv[part.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    spread = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    return float(look.detail_depth * np.sqrt(area / max(spread, 1e-12)) / max(np.mean(look.detail_scale), 1e-9))


def has_plate(scene: Scene) -> bool:
    """Whether Blender draws the background itself; an unseen ground's shadows are laid over it afterwards instead."""
    return not any(part.material.shadow_catcher for part in scene.parts)


def shown(light: np.ndarray, covered: np.ndarray, scene: Scene) -> np.ndarray:
    """(H, W, 4) premultiplied linear light and what surfaces cover -> (H, W, 3) uint8, the background kept to the byte.

    Args:
        covered: (H, W) bool, at pixel centres.
    """
    exposure, background = scene.light.exposure, scene.background
    if has_plate(scene):
        picture = develop(np.maximum(light[..., :3], 0.0) * exposure)
        near = cv2.dilate(covered.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        return np.where(near[..., None], picture, background)
    alpha = np.clip(light[..., 3:], 0.0, 1.0)
    color = develop(np.maximum(light[..., :3] / np.maximum(alpha, 1e-4), 0.0) * exposure).astype(np.float32)
    return cv2.convertScaleAbs(color * alpha + background.astype(np.float32) * (1.0 - alpha))
