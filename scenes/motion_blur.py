"""What moves during the exposure smears along its way; the picture stays centred on the middle of the exposure.

`motion_field` says how far each pixel of a person moves, from vertices before and after; `smeared` blurs along such a
field. The moving layer is averaged along its way together with its cover, so silhouettes fade into what is behind them
on both sides; what they uncover is guessed from around them.

Shape legend: H image height, W image width, V vertices.
"""

import cv2
import numpy as np

from scenes.renderer import Camera, Frame

_ON_SURFACE = 0.03  # m between a vertex and the drawn surface at its pixel
_LEAST = 0.75  # px; less moves no pixel visibly
_MOST = 160.0  # px; longer ways are cut, a person is nothing but a streak by then
_TAPS = (5, 33)  # fewest and most samples along the way


def motion_field(frame: Frame, camera: Camera, instance_id: int, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(H, W, 2) float32 px that each pixel of an instance moves, right and down; 0 elsewhere.

    Args:
        before: (V, 3) m, world, the instance's vertices when the exposure begins.
        after: (V, 3) m when it ends; the frame shows the middle.
    """
    field = np.zeros((*frame.instance.shape, 2), np.float32)
    mask = frame.instance == instance_id
    if not mask.any():
        return field
    middle = (np.asarray(before, np.float64) + after) / 2
    at, depth = camera.project(middle), camera.to_camera(middle)[:, 2]
    way = camera.project(np.asarray(after, np.float64)) - camera.project(np.asarray(before, np.float64))
    good = np.isfinite(at).all(1) & np.isfinite(way).all(1)
    good[good] &= ((at[good] >= 0) & (at[good] < (camera.width, camera.height))).all(1)
    column, row = at[good].astype(np.int64).T
    shown = mask[row, column] & (np.abs(depth[good] - frame.depth[row, column]) < _ON_SURFACE)
    way = way[good][shown]
    if not len(way):
        return field
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    field[box] = _filled(way, row[shown] - rows[0], column[shown] - columns[0], mask[box])
    return field


def _filled(way: np.ndarray, row: np.ndarray, column: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(H, W, 2) the ways of scattered pixels spread over a mask; 0 outside."""
    flat = row * mask.shape[1] + column
    count = np.bincount(flat, minlength=mask.size).reshape(mask.shape)
    field = np.empty((*mask.shape, 2), np.float32)
    for axis in range(2):
        field[..., axis] = np.bincount(flat, way[:, axis], mask.size).reshape(mask.shape) / np.maximum(count, 1)
    filled = _nearest(field, count > 0)
    filled[~mask] = 0.0
    # vertices lie a few pixels apart: even out the patches around them, within the mask
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.0)
    even = cv2.GaussianBlur(filled, (0, 0), 2.0) / np.maximum(weight, 1e-4)[..., None]
    return np.where(mask[..., None], even, np.float32(0))


def smeared(rgb: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 blurred along an (H, W, 2) motion field, px; pixels out of reach keep their bytes."""
    length = np.hypot(motion[..., 0], motion[..., 1])
    longest = min(float(length.max(initial=0.0)), _MOST)
    if longest < _LEAST:
        return rgb
    moving = (length > 0).astype(np.uint8)
    reach = int(np.ceil(longest / 2)) + 1
    near = cv2.dilate(moving, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    out = rgb.copy()
    part = _smeared_box(rgb[box], motion[box], moving[box], longest)
    np.copyto(out[box], part, where=near[box].astype(bool)[..., None])
    return out


def _smeared_box(rgb: np.ndarray, motion: np.ndarray, moving: np.ndarray, longest: float) -> np.ndarray:
    way = _nearest(motion, moving > 0)
    way *= np.minimum(1.0, _MOST / np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-6))[..., None]
    layer = np.dstack([rgb, np.full(moving.shape, 255, np.uint8)])
    layer[moving == 0] = 0
    v, u = np.indices(moving.shape, np.float32)
    taps = int(np.clip(round(longest / 1.5) | 1, *_TAPS))
    total = np.zeros((*moving.shape, 4), np.float32)
    for t in (np.arange(taps, dtype=np.float32) + np.float32(0.5)) / np.float32(taps) - np.float32(0.5):
        x, y = u - t * way[..., 0], v - t * way[..., 1]
        total += cv2.remap(layer, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    total /= taps
    cover = total[..., 3:] / 255
    return np.round(total[..., :3] + (1 - cover) * _uncovered(rgb, moving)).clip(0, 255).astype(np.uint8)


def _uncovered(rgb: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32: the picture, with what is behind the moving layer guessed from the nearest pixels around."""
    still = cv2.dilate(moving, np.ones((3, 3), np.uint8)) == 0  # the silhouette's pixels are half the layer's
    if not still.any():
        return rgb.astype(np.float32)
    behind = _nearest(rgb, still)
    soft = cv2.blur(behind, (9, 9))
    return np.where(still[..., None], rgb, soft).astype(np.float32)


def _nearest(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W, C) with every unknown pixel as its nearest known one."""
    _, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros((int(label.max()) + 1, image.shape[2]), image.dtype)
    table[label[known]] = image[known]
    return table[label]
