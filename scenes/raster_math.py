"""Matrices and small images the rasteriser needs, in plain numpy: no graphics context."""

from functools import cache

import cv2
import numpy as np

from scenes.extent import bounds
from scenes.renderer import Scene

NEAREST = 0.05
SHADOW_TEXEL = 0.003
"""Finest grain of the sun's shadows, m."""

_SHADOW_RIM = 4  # texels around the casters that stay lit
_SH_BASIS = np.array([0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
_LEVEL = np.arange(256) / 255.0
_LINEAR = np.where(_LEVEL <= 0.04045, _LEVEL / 12.92, ((_LEVEL + 0.055) / 1.055) ** 2.4)
_SQRT_LINEAR = np.round(np.sqrt(_LINEAR) * 255.0).astype(np.uint8)  # decoded by one multiplication in the shader
_CONTACT_LAYERS = ((0.03, 0.020, 0.55), (0.12, 0.05, 0.45), (0.45, 0.16, 0.40))  # height m, blur m, strength


def clip_from_world(scene: Scene) -> tuple[np.ndarray, float, float]:
    """(4, 4) projection with row 0 of the picture at clip y = -1, and the near and far planes in metres.

    Near and far hug the scene: what a float depth buffer resolves at z is about z^2 / near * 6e-8.
    """
    camera = scene.camera
    row = camera.cam_from_world[2]
    near, far = np.inf, 0.0
    for part in scene.parts:
        z = part.vertices @ row[:3].astype(np.float32) + np.float32(row[3])
        near, far = min(near, float(z.min())), max(far, float(z.max()))
    near = max(near * 0.99, NEAREST)
    far = max(far * 1.01 + 0.01, near + 1.0)
    k = camera.intrinsics
    clip = np.zeros((4, 4))
    clip[0, :3] = 2.0 / camera.width * k[0] - k[2]
    clip[1, :3] = 2.0 / camera.height * k[1] - k[2]
    clip[2, 2:] = (far + near) / (far - near), -2.0 * far * near / (far - near)
    clip[3, :3] = k[2]
    return clip @ camera.cam_from_world, near, far


def linear_depth(buffer: np.ndarray, near: float, far: float) -> np.ndarray:
    """(H, W) depth buffer in [0, 1] -> metres along z, 0 where nothing was drawn."""
    depth = np.float32(far * near) / (np.float32(far) - buffer * np.float32(far - near))
    depth[buffer == 1.0] = 0.0
    return depth


def shadow_frame(
    casters: list[np.ndarray], sun_direction: np.ndarray, size: int
) -> tuple[np.ndarray, float, tuple[int, int]]:
    """Orthographic light camera that just holds the casters.

    Returns:
        (4, 4) clip_from_world, the width of a texel in m, and the texels used across and down, at most `size` each:
        no more of them than the picture can show.
    """
    forward = -np.asarray(sun_direction, np.float64)
    side = np.cross(forward, [0.0, 1.0, 0.0] if abs(forward[1]) < 0.99 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(side, forward), forward])
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for vertices in casters:
        least, most = bounds(vertices @ axes.T.astype(np.float32))
        low, high = np.minimum(low, least), np.maximum(high, most)
    texel = max(float((high - low)[:2].max()) / (size - 2 * _SHADOW_RIM), SHADOW_TEXEL)
    low, high = low - [0, 0, 0.05], high + [0, 0, 0.05]
    used = np.ceil((high - low)[:2] / texel).astype(int) + 2 * _SHADOW_RIM
    middle, half = (high + low) / 2, (high - low) / 2
    half[:2] = used * texel / 2
    matrix = np.eye(4)
    matrix[:3, :3] = axes / half[:, None]
    matrix[:3, 3] = -middle / half
    return matrix, texel, (int(used[0]), int(used[1]))


def sh_uniforms(irradiance_sh: np.ndarray) -> np.ndarray:
    """(9, 3) coefficients times their basis constants, in the order the shader sums them."""
    return np.asarray(irradiance_sh, np.float64) * _SH_BASIS[:, None]


def contact_map(bodies: list[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray | None]:
    """How much of the sky the ground loses to what stands on it: (size, size) uint8 over z, x and its frame.

    The frame is (x0, z0, 1 / width, 1 / width). Vertices near the ground are splatted in layers by height; the higher
    the layer, the wider and fainter its shadow. None for the frame when nothing comes near the ground.
    """
    low = [v[v[:, 1] < _CONTACT_LAYERS[-1][0]] for v in bodies]
    points = np.concatenate(low) if low else np.empty((0, 3))
    if len(points) == 0:
        return np.zeros((size, size), np.uint8), None
    first, last = points[:, [0, 2]].min(0) - 0.5, points[:, [0, 2]].max(0) + 0.5
    width = max(float((last - first).max()), 0.01 * size)
    origin = (first + last) / 2 - width / 2
    cell = width / size
    column, line = ((points[:, [0, 2]] - origin) / cell).astype(np.int64).T
    flat = line * size + column
    open_sky = np.ones((size, size), np.float32)
    for height, blur, strength in _CONTACT_LAYERS:
        touched = np.zeros(size * size, np.float32)
        touched[flat[points[:, 1] < height]] = 1.0
        spread = cv2.GaussianBlur(touched.reshape(size, size), (0, 0), max(blur / cell, 0.8))
        open_sky *= 1.0 - strength * np.minimum(spread * 3.0, 1.0)
    image = np.round((1.0 - open_sky) * 255.0).astype(np.uint8)
    image[[0, -1]] = image[:, [0, -1]] = 0
    return image, np.array([origin[0], origin[1], 1 / width, 1 / width])


def mip_levels(texture: np.ndarray) -> list[np.ndarray]:
    """(h, w, 3 or 4) uint8 sRGB, first row at v = 1 -> RGBA levels in square-root linear light, last row first.

    Made here because the driver's own filter is slow in software and bleeds the colour of transparent texels, which
    would give hair a rim: colour is averaged by coverage, and where nothing covers, coarser levels fill in.
    """
    if texture.strides[2] == 0:  # its channels are one
        greys = [cv2.LUT(np.ascontiguousarray(texture[::-1, :, 0]), _SQRT_LINEAR)]
        while max(greys[-1].shape) > 1:
            greys.append(_halved(greys[-1]))
        return [cv2.cvtColor(grey, cv2.COLOR_GRAY2RGBA) for grey in greys]
    rows = cv2.flip(np.ascontiguousarray(texture), 0)
    if texture.shape[2] == 3:
        cv2.LUT(rows, _SQRT_LINEAR, rows)
        levels: list[np.ndarray] = [cv2.cvtColor(rows, cv2.COLOR_RGB2RGBA)]
        while max(levels[-1].shape[:2]) > 1:
            levels.append(_halved(levels[-1]))
        return levels
    color: np.ndarray = cv2.LUT(cv2.cvtColor(rows, cv2.COLOR_RGBA2RGB), _SQRT_LINEAR)
    alpha = cv2.extractChannel(rows, 3)
    levels = [_with_alpha(cv2.cvtColor(color, cv2.COLOR_RGB2RGBA), alpha)]
    weight: np.ndarray = alpha.astype(np.float32) / np.float32(255.0)
    # the largest product is made in integers, whose rounding is far below a level
    weighted: np.ndarray = cv2.multiply(color, cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_16U)
    scale = np.float32(1.0 / 255.0)
    while max(levels[-1].shape[:2]) > 1:
        weighted, weight = _halved(weighted) * scale, _halved(weight)
        scale = np.float32(1.0)
        color = weighted / np.maximum(weight, 1e-4)[..., None]
        levels.append(cv2.convertScaleAbs(cv2.merge([color, weight * 255.0])))
    for fine, coarse in zip(levels[-2::-1], levels[:0:-1], strict=True):
        alpha = cv2.extractChannel(fine, 3)
        filler = _with_alpha(cv2.resize(coarse, fine.shape[1::-1], interpolation=cv2.INTER_LINEAR), alpha)
        cv2.copyTo(filler, (alpha < 16).view(np.uint8), fine)
    return levels


def _with_alpha(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The image, of four channels, with its last overwritten in place."""
    return cv2.insertChannel(alpha, image.reshape(*alpha.shape, 4), 3)


def _halved(image: np.ndarray) -> np.ndarray:
    """Half as wide and high, at least one pixel; resize drops axes of length one."""
    width, height = (max(side // 2, 1) for side in image.shape[1::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return small.reshape(height, width, *image.shape[2:])


def relief_levels(height: np.ndarray) -> tuple[list[np.ndarray], float]:
    """(h, w) uint8 tiling relief -> RGBA levels and a gain.

    Red and green hold the slopes along u and v (128 flat) for a relief one repeat deep, divided by the gain; blue the
    height; alpha is full. Slopes average out in coarser levels, so that far relief vanishes rather than sparkles.
    """
    relief = np.ascontiguousarray(height[::-1]).astype(np.float32) / 255.0  # rows grow with v, as in mip_levels
    rows, columns = relief.shape
    along = (np.roll(relief, -1, 1) - np.roll(relief, 1, 1)) * (columns / 2)
    across = (np.roll(relief, -1, 0) - np.roll(relief, 1, 0)) * (rows / 2)
    gain = max(float(np.percentile(np.abs(along), 99.5)), float(np.percentile(np.abs(across), 99.5)), 1e-3)
    slopes = [np.clip(slope / gain, -1, 1) * 127 + 128 for slope in (along, across)]
    finest = np.dstack([*slopes, relief * 255, np.full_like(relief, 255)])
    levels = [np.rint(finest).astype(np.uint8)]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(_halved(levels[-1]))
    return levels, gain


_GLOSS_LEVELS = 3
GLOSSY = 0.5
"""Smoother surfaces look their reflection up, rougher ones take it from the irradiance."""


def _directions(height: int) -> np.ndarray:
    """(h, 2h, 3) unit vectors through the middles of an environment's texels."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(2 * height) + 0.5) / height * np.pi - np.pi
    t, p = np.meshgrid(theta, phi, indexing="ij")
    return np.stack([np.sin(t) * np.cos(p), np.cos(t), np.sin(t) * np.sin(p)], -1)


@cache
def _lobe(level: int) -> np.ndarray:
    """(33, rows, 32) complex64, what turns the waves along each row of a 32x64 environment into those of its blur.

    A lobe looks the same from every column, so that blurring along the rows is a product of waves.
    """
    source, first = _directions(32), _directions(64 >> level)[:, 0]
    alpha = (GLOSSY * level / (_GLOSS_LEVELS - 1)) ** 2
    exponent = 2.0 / alpha**2 - 1.0
    lobe = np.clip(first @ source.reshape(-1, 3).T, 0, None) ** (exponent * 0.25 + 0.75)
    lobe *= np.sqrt(1 - source[..., 1].ravel() ** 2)
    lobe /= lobe.sum(1, keepdims=True)
    waves = np.fft.rfft(lobe.reshape(-1, 32, 64)).conj()
    return np.ascontiguousarray(waves.transpose(2, 0, 1), np.complex64)


def environment_levels(environment: np.ndarray) -> list[np.ndarray]:
    """(h, 2h, 3) radiance -> levels 64x128 .. 16x32; level 4 r holds the reflection of a surface of roughness r."""
    clamped = np.minimum(np.asarray(environment, np.float32), 30.0)
    sharp = cv2.resize(clamped, (128, 64), interpolation=cv2.INTER_AREA)
    small = cv2.resize(sharp, (64, 32), interpolation=cv2.INTER_AREA)
    waves = np.fft.rfft(small, axis=1).astype(np.complex64).transpose(1, 0, 2)  # (33, 32, 3)
    levels = [sharp]
    for level in range(1, _GLOSS_LEVELS):
        blurred = np.fft.irfft((_lobe(level) @ waves).transpose(1, 0, 2), 64, axis=1)
        levels.append(np.ascontiguousarray(blurred[:, :: 1 << (level - 1)], np.float32))
    return levels
