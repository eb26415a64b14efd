"""Equirectangular environments: directions, sampling, spherical harmonics, the sun in them, the tone curve.

Convention (scenes.renderer.Light): row 0 is up (+y); the centre column looks along +x, the first and last columns meet
at -x, columns grow towards +z. Radiance is linear RGB in arbitrary units.
"""

import base64
import re
import tempfile
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from biomech.errors import AssetError
from scenes.guarded import open_arrays

HDRI_SHAPE = (256, 512, 3)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_COSINE_BANDS = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)  # Ramamoorthi and Hanrahan 2001, divided by pi


@lru_cache(maxsize=8)
def directions(height: int) -> np.ndarray:
    """(height, 2 height, 3) unit vectors of the pixel centres."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(2 * height) + 0.5) / height * np.pi - np.pi
    t, p = np.meshgrid(theta, phi, indexing="ij")
    found = np.stack([np.sin(t) * np.cos(p), np.cos(t), np.sin(t) * np.sin(p)], -1)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=8)
def solid_angles(height: int) -> np.ndarray:
    """(height, 1) steradians of a pixel of each row; they sum to 4 pi over the picture."""
    edge = np.cos(np.arange(height + 1) / height * np.pi)
    return ((edge[:-1] - edge[1:]) * np.pi / height)[:, None]


def sample(environment: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """(h, 2h, 3) float32, (H, W, 3) unit directions -> (H, W, 3) radiance, bilinear, wrapping around the horizon."""
    height = environment.shape[0]
    padded = np.concatenate([environment[:, -1:], environment, environment[:, :1]], 1)
    column = (np.arctan2(unit[..., 2], unit[..., 0]) / np.pi + 1.0) * height + 0.5
    row = np.arccos(np.clip(unit[..., 1], -1, 1)) / np.pi * height - 0.5
    return cv2.remap(
        padded.astype(np.float32),
        column.astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _harmonics(directions: np.ndarray) -> np.ndarray:
    """(..., 3) unit vectors -> (..., 9) real spherical harmonics to the second band, in the order of Light."""
    x, y, z = np.moveaxis(np.asarray(directions, np.float64), -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        -1,
    )


@lru_cache(maxsize=4)
def _basis(height: int) -> np.ndarray:
    """(h, 2h, 9) harmonics of an environment's pixels, weighted by their solid angle."""
    return _harmonics(directions(height)) * solid_angles(height)[..., None]


def irradiance_sh(environment: np.ndarray) -> np.ndarray:
    """(h, 2h, 3) radiance -> (9, 3) coefficients of what a white Lambert surface reflects, by normal."""
    basis = _basis(environment.shape[0])
    return basis.reshape(-1, 9).T @ environment.reshape(-1, 3).astype(np.float64) * _COSINE_BANDS[:, None]


def evaluate_sh(coefficients: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(9, 3) coefficients at (..., 3) unit normals -> (..., 3)."""
    return _harmonics(normals) @ coefficients


def split_sun(environment: np.ndarray, reach_deg: float = 12.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take the brightest region out of an environment.

    What exceeds three times the mean radiance within `reach_deg` of the brightest spot becomes the sun; the rest stays.

    Returns:
        environment without the sun (h, 2h, 3), direction of the sun (3,) unit, its irradiance at normal incidence (3,).
        The two parts hold the energy of the whole.
    """
    height = environment.shape[0]
    env = environment.astype(np.float64)
    weight = solid_angles(height)
    luminance = env @ LUMINANCE
    mean = float((luminance * weight).sum() / (4 * np.pi))
    ceiling = 3.0 * mean
    excess = np.maximum(luminance - ceiling, 0.0) * weight
    excess[height // 2 + 1 :] = 0.0  # bright floors and mirrors below the horizon are no suns
    if excess.sum() <= 0.0:
        return env, np.array([0.0, 1.0, 0.0]), np.zeros(3)
    rim = height // 4  # more than the blur reaches
    wide = np.concatenate([excess[:, -rim:], excess, excess[:, :rim]], 1)
    blurred = cv2.GaussianBlur(wide, (0, 0), height * 4.0 / 180.0)[:, rim:-rim]
    peak = directions(height).reshape(-1, 3)[int(blurred.argmax())]
    near = (directions(height) @ peak > np.cos(np.radians(reach_deg))) & (excess > 0)
    centre = (excess * near).ravel() @ directions(height).reshape(-1, 3)
    kept = np.where(near, ceiling / np.maximum(luminance, 1e-12), 1.0)[..., None] * env
    taken = weight[:, 0] @ (env - kept).sum(1)
    return kept, centre / np.linalg.norm(centre), taken


def develop(radiance: np.ndarray) -> np.ndarray:
    """(..., 3) linear, exposed -> uint8 sRGB by the same filmic curve as scenes/shaders/surface.frag."""
    x = np.maximum(radiance.astype(np.float32) - np.float32(0.004), 0)
    return np.round(255.0 * (x * (6.2 * x + 0.5)) / (x * (6.2 * x + 1.7) + 0.06)).astype(np.uint8)


def convert_hdri(path: Path) -> np.ndarray:
    """An .exr file, or a JavaScript module that holds one as base64 -> (256, 512, 3) float16 radiance.

    Raises:
        AssetError: no EXR inside, or a picture that is not RGB.
    """
    import OpenEXR

    data = Path(path).read_bytes()
    if not data.startswith(b"\x76\x2f\x31\x01"):
        found = re.search(rb"base64,([A-Za-z0-9+/=]+)", data)
        if found is None:
            raise AssetError(f"{path} holds no EXR picture; give an .exr file or a module with base64 EXR data")
        data = base64.b64decode(found.group(1))
    with tempfile.NamedTemporaryFile(suffix=".exr") as handle:
        handle.write(data)
        handle.flush()
        with OpenEXR.File(handle.name) as file:
            channels = file.channels()
            if "RGB" not in channels and "RGBA" not in channels:
                raise AssetError(f"{path} has channels {sorted(channels)}; RGB is needed")
            picture: np.ndarray = np.asarray((channels.get("RGB") or channels["RGBA"]).pixels[..., :3], np.float32)
    picture = np.nan_to_num(picture, posinf=6e4).clip(0, 6e4)
    if picture.shape != HDRI_SHAPE:
        picture = cv2.resize(picture, HDRI_SHAPE[1::-1], interpolation=cv2.INTER_AREA)
    return picture.astype(np.float16)


def load_environments(folder: Path) -> dict[str, np.ndarray]:
    """All <name>.npz of a folder -> name: (256, 512, 3) float16 radiance, sorted by name; empty if there are none."""
    found = {}
    for path in sorted(Path(folder).glob("*.npz")):
        try:
            with open_arrays(path) as file:
                radiance = file["radiance"]
        except (OSError, ValueError, KeyError) as error:
            raise AssetError(f"{path} cannot be read ({error}); run `synthgen assets install hdri --force`") from error
        if radiance.shape != HDRI_SHAPE:
            raise AssetError(f"{path} is no environment: it needs 'radiance' of shape {HDRI_SHAPE}; reinstall assets")
        found[path.stem] = radiance
    return found
