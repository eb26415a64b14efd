"""Edges: coverage of slanted lines comes out near the truth, and nothing but pixels beside an edge changes."""

import numpy as np
import pytest

from scenes.raster_edges import antialias

SIDE = 64


def half_plane(angle: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """(SIDE, SIDE) whether each pixel's centre lies beyond a line, and the share of each pixel that does."""
    fine = (np.arange(SIDE * 16) + 0.5) / 16 - SIDE / 2
    beyond = fine * np.cos(angle) + fine[:, None] * np.sin(angle) > offset
    centre = np.arange(SIDE) + 0.5 - SIDE / 2
    return (
        centre * np.cos(angle) + centre[:, None] * np.sin(angle) > offset,
        beyond.reshape(SIDE, 16, SIDE, 16).mean((1, 3)),
    )


@pytest.mark.parametrize("degrees", [3, 11, 27, 45, 63, 80, 122, 200, 290])
def test_a_slanted_edge_gets_nearly_the_true_coverage(degrees):
    inside, truth = half_plane(np.radians(degrees), 0.3)
    rgb = np.where(inside[..., None], 255, 0).astype(np.uint8).repeat(3, -1)
    smooth = antialias(rgb, inside.astype(np.uint8) + 1, np.full((SIDE, SIDE), 2.0, np.float32))
    inner = np.s_[8:-8, 8:-8]
    before = np.abs(rgb[inner][..., 0] / 255.0 - truth[inner])
    after = np.abs(smooth[inner][..., 0] / 255.0 - truth[inner])
    assert after.sum() < 0.5 * before.sum()
    assert after.max() <= before.max() and abs(smooth[inner].mean() - 255 * truth[inner].mean()) < 1.5


def test_both_sides_of_an_edge_trade_the_same_light():
    inside, _ = half_plane(np.radians(20), 0.0)
    rgb = np.where(inside[..., None], 200, 60).astype(np.uint8).repeat(3, -1)
    smooth = antialias(rgb, inside.astype(np.uint8), np.ones((SIDE, SIDE), np.float32))
    assert abs(smooth[8:-8, 8:-8].mean() - rgb[8:-8, 8:-8].mean()) < 0.3


def test_what_is_painted_on_one_surface_stays_as_it_is():
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    rows = np.arange(SIDE, dtype=np.float32)[:, None]
    slanted = 1.0 / (0.1 + 0.01 * rows + 0 * rows.T)  # a plane: inverse depth grows evenly
    assert np.array_equal(antialias(rgb, np.ones((SIDE, SIDE), np.uint8), slanted), rgb)
    assert np.array_equal(antialias(rgb, np.zeros((SIDE, SIDE), np.uint8), 0 * slanted), rgb)


def test_a_step_in_depth_touches_the_pixels_on_its_two_sides_alone():
    """Where the picture is too even for a fold to be looked for."""
    grey = 100 + 10 * np.random.default_rng(1).integers(0, 2, (SIDE, SIDE, 1)).astype(np.uint8)
    rgb = grey.repeat(3, -1)
    first = np.where(np.arange(SIDE) + np.arange(SIDE)[:, None] // 8 < 36, 2.0, 3.0).astype(np.float32)
    for depth in (first, np.ascontiguousarray(first.T)):
        beside = np.zeros((SIDE, SIDE), bool)
        for axis in (0, 1):
            parted = np.diff(depth, axis=axis) != 0
            beside |= np.pad(parted, [(0, 1) if k == axis else (0, 0) for k in (0, 1)])
            beside |= np.pad(parted, [(1, 0) if k == axis else (0, 0) for k in (0, 1)])
        changed = (antialias(rgb, np.ones((SIDE, SIDE), np.uint8), depth) != rgb).any(-1)
        assert changed.any() and not changed[~beside].any()


def test_an_arm_before_its_own_chest_is_smoothed_by_depth():
    inside, truth = half_plane(np.radians(27), 0.0)
    rgb = np.where(inside[..., None], 255, 0).astype(np.uint8).repeat(3, -1)
    depth = np.where(inside, 2.0, 2.3).astype(np.float32)
    smooth = antialias(rgb, np.ones((SIDE, SIDE), np.uint8), depth)
    inner = np.s_[8:-8, 8:-8]
    error = [np.abs(image[inner][..., 0] / 255.0 - truth[inner]).sum() for image in (smooth, rgb)]
    assert error[0] < 0.45 * error[1]


def test_a_fold_between_two_walls_is_smoothed():
    inside, _ = half_plane(np.radians(20), 0.0)
    rgb = np.where(inside[..., None], 190, 120).astype(np.uint8).repeat(3, -1)
    v, u = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    away = u * np.cos(np.radians(20)) + v * np.sin(np.radians(20))
    depth = (1.0 / (0.3 + 0.002 * np.abs(away))).astype(np.float32)
    smooth = antialias(rgb, np.ones((SIDE, SIDE), np.uint8), depth)
    assert ((smooth != rgb).any(-1)).sum() > SIDE / 2


def test_runs_do_not_reach_round_the_border():
    """An edge that leaves at the right, a row above one that enters at the left, is another edge."""

    def smoothed(*corners) -> np.ndarray:
        surface = np.ones((SIDE, SIDE), np.uint8)
        for corner in corners:
            surface[corner] = 2
        rgb = np.where(surface[..., None] == 2, 255, 0).astype(np.uint8).repeat(3, -1)
        smooth = antialias(rgb, surface, np.ones((SIDE, SIDE), np.float32))
        assert (smooth != rgb).any()
        return smooth

    left, right = np.s_[21:, :10], np.s_[20:, 50:]
    both = smoothed(left, right)
    assert np.array_equal(both[:, :32], smoothed(left)[:, :32])
    assert np.array_equal(both[:, 32:], smoothed(right)[:, 32:])
