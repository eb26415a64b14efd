"""Eyeballs: spheres laid into the base mesh's own eyes, looking straight ahead."""

from functools import cache

import numpy as np
import scipy.sparse

from scenes.layers import Layer
from scenes.renderer import Material

LEFT_EYE = slice(14598, 14670)
RIGHT_EYE = slice(14670, 14742)
EYES = {"left": LEFT_EYE, "right": RIGHT_EYE}
"""Base-mesh vertices of each eyeball, in the order of the drawn layer's halves."""

_RINGS, _SPOKES = 14, 20
PICTURE_REACH = np.radians(72.0)  # angle from the gaze at which the eye picture's inscribed circle lies
IRIS_ANGLE = np.radians(29.0)


@cache
def _unit_eye() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sphere looking along +x: vertices (V, 3), faces (F, 3), uv (V, 2); rings crowd towards the pupil."""
    tilt = np.pi * np.linspace(0.0, 1.0, _RINGS + 1)[1:] ** 1.4
    spoke = 2.0 * np.pi * np.arange(_SPOKES) / _SPOKES
    circle = np.stack([np.zeros(_SPOKES), np.cos(spoke), np.sin(spoke)], 1)
    rings = np.cos(tilt)[:, None, None] * np.array([1.0, 0.0, 0.0]) + np.sin(tilt)[:, None, None] * circle
    vertices = np.concatenate([[[1.0, 0.0, 0.0]], rings.reshape(-1, 3)])
    radius = 0.5 * np.minimum(tilt / PICTURE_REACH, 0.97)[:, None, None]
    uv = np.concatenate([[[0.5, 0.5]], (0.5 + radius * np.stack([circle[:, 2], circle[:, 1]], 1)).reshape(-1, 2)])
    faces = []
    for j in range(_SPOKES):
        k = (j + 1) % _SPOKES
        faces.append((0, 1 + j, 1 + k))
        for i in range(_RINGS - 1):
            a, b = 1 + i * _SPOKES + j, 1 + i * _SPOKES + k
            faces += [(a, a + _SPOKES, b + _SPOKES), (a, b + _SPOKES, b)]
    return vertices, np.asarray(faces, np.int32), uv.astype(np.float32)


def eyeball(rest_vertices: np.ndarray, side: str) -> tuple[np.ndarray, float]:
    """Centre (3,) m and radius, m, of the drawn eyeball on the "left" or "right"."""
    centre = eye_centre(rest_vertices, side)
    return centre, float(np.median(np.linalg.norm(rest_vertices[EYES[side]] - centre, axis=1)))


def eye_centre(rest_vertices: np.ndarray, side: str) -> np.ndarray:
    """(3,) m, of the drawn eyeball on the "left" or "right"."""
    shell = rest_vertices[EYES[side]]
    return 0.5 * (shell.max(0) + shell.min(0))


def eye_layer(rest_vertices: np.ndarray, weights: scipy.sparse.csr_matrix, picture: np.ndarray) -> Layer:
    """Both eyes as one layer.

    Args:
        rest_vertices: (19158, 3) m; weights: (19158, B).
        picture: (h, w, 3) the eyeball seen from the front.
    """
    unit, faces, uv = _unit_eye()
    places, shares = [], []
    for side in EYES:
        centre, radius = eyeball(rest_vertices, side)
        places.append(centre + unit * radius)
        shares.append(np.repeat(np.asarray(weights[EYES[side]].mean(axis=0)), len(unit), axis=0))
    welded = np.concatenate([faces, faces + len(unit)])
    return Layer(
        key="eye",
        kind="eye",
        vertices=np.concatenate(places),
        weights=scipy.sparse.csr_matrix(np.concatenate(shares)),
        faces=welded.astype(np.uint32),
        render_to_welded=np.arange(2 * len(unit), dtype=np.int32),
        uv=np.concatenate([uv, uv]),
        smooth_faces=welded,
        material=Material(texture=picture, roughness=0.15, specular=0.04),
    )


def plain_eye(color: tuple[float, float, float], size: int = 128) -> np.ndarray:
    """(size, size, 3) eyeball for bodies without a pack: white, iris with radial streaks, pupil."""
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    angle = np.hypot(x, y) * PICTURE_REACH
    around = np.arctan2(y, x)
    rim = np.clip(angle / PICTURE_REACH, 0, 1)[..., None]
    white = np.array([0.90, 0.87, 0.84]) - 0.10 * rim * np.array([0.2, 1, 1])
    streak = 0.85 + 0.15 * np.sin(around * 23.0) * np.sin(around * 7.0 + 1.0)
    iris = np.asarray(color) * (streak * (1.15 - 0.5 * angle / IRIS_ANGLE))[..., None]
    edge = np.clip((IRIS_ANGLE - angle) / 0.04 + 0.5, 0, 1)[..., None]
    pupil = np.clip((IRIS_ANGLE * 0.36 - angle) / 0.03 + 0.5, 0, 1)[..., None]
    picture = (white * (1 - edge) + iris * edge) * (1 - pupil) + 0.02 * pupil
    return np.clip(picture * 255.0 + 0.5, 0, 255).astype(np.uint8)
