"""What the camera adds moves nothing: each effect acts where it should, repeats to the byte, and is nothing at zero."""

import dataclasses

import numpy as np
import pytest

from scenes import camera, motion_blur, sensor
from scenes.depth_of_field import defocused
from scenes.motion_blur import motion_field, smeared
from scenes.renderer import Camera, Frame
from scenes.sensor import SensorConfig, SensorSpec, develop, draw_sensor
from scenes.video import compressed

H, W = 120, 160
SCALE = W / 640


def plain(**changes) -> SensorSpec:
    return dataclasses.replace(SensorSpec(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (1.0, 1.0, 1.0), 1.0, 1.0, 90, 0), **changes)


def picture(seed=0) -> np.ndarray:
    import cv2

    rough = np.random.default_rng(seed).integers(20, 200, (H // 4, W // 4, 3)).astype(np.uint8)
    return cv2.resize(rough, (W, H), interpolation=cv2.INTER_CUBIC).clip(10, 200)


def person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A white square on black, 2 m away before a wall at 6 m: rgb, depth, mask."""
    mask = np.zeros((H, W), bool)
    mask[40:80, 60:100] = True
    rgb = np.where(mask[..., None], np.uint8([200, 200, 200]), np.uint8([0, 0, 0]))
    return rgb, np.where(mask, 2.0, 6.0).astype(np.float32), mask


EFFECTS = [
    {"defocus_px": 12.0}, {"sharpen": 0.8}, {"banding": 0.1, "banding_rows": 0.3}, {"low": 2.5}, {"video_step": 20.0},
    {"noise": 0.04}, {"blur_px": 3.0, "motion_px": 5.0, "low": 1.7, "video_step": 12.0, "sharpen": 0.4, "noise": 0.01},
]  # fmt: skip


@pytest.mark.parametrize("changes", EFFECTS)
def test_effects_change_the_picture_and_repeat_to_the_byte(changes):
    rgb, (_, depth, mask) = picture(), person()
    before = rgb.copy()
    moved = np.where(mask[..., None], np.float32([6, -3]), np.float32(0))
    arguments = {"depth": depth, "motion": moved, "focus_m": 2.0}
    first = develop(rgb, plain(**changes), **arguments)
    assert np.array_equal(first, develop(rgb, plain(**changes), **arguments)) and np.array_equal(rgb, before)
    assert first.shape == rgb.shape and first.dtype == np.uint8
    assert not np.array_equal(first, develop(rgb, plain(), **arguments))


@pytest.mark.parametrize("size", [(H, W), (900, 1400)])  # smaller and larger than what is kept of noise
def test_noise_is_as_strong_as_asked_for_all_over_and_another_with_another_seed(size):
    grey = np.full((*size, 3), 128, np.uint8)
    noisy = [develop(grey, plain(noise=0.03, seed=seed)).astype(float) - 128 for seed in range(3)]
    for quarter in (noisy[0][: size[0] // 2, : size[1] // 2], noisy[0][size[0] // 2 :, size[1] // 2 :]):
        assert quarter.std() == pytest.approx(0.03 * 255, rel=0.05) and abs(quarter.mean()) < 0.3
    red, green = noisy[0][..., 0].ravel(), noisy[0][..., 1].ravel()
    assert 0.6 < np.corrcoef(red, green)[0, 1] < 0.9  # mostly luminance
    for other in noisy[1:]:
        assert abs(np.corrcoef(red, other[..., 0].ravel())[0, 1]) < 0.1
    beside = [np.corrcoef(noisy[0][:, x : x + 1, 0].ravel(), noisy[0][:, x + 1, 0])[0, 1] for x in range(size[1] - 1)]
    assert np.min(beside) > -0.2 and 0.1 < np.mean(beside) < 0.5  # a little soft


def test_zero_settings_leave_every_byte():
    rgb, (_, depth, _) = picture(), person()
    bare = develop(rgb, plain())
    assert np.abs(bare.astype(int) - rgb).max() <= 1  # the tone table rounds
    still = np.zeros((H, W, 2), np.float32)
    assert not np.array_equal(develop(rgb, plain(), motion=still + 9), bare)
    assert np.array_equal(develop(rgb, plain(), depth=depth, motion=still, focus_m=2.0), bare)
    # without a depth or a focus nothing can be out of focus
    assert np.array_equal(develop(rgb, plain(defocus_px=20.0), depth=depth), bare)
    assert np.array_equal(develop(rgb, plain(defocus_px=20.0), focus_m=2.0), bare)
    assert np.array_equal(defocused(rgb, np.full((H, W), 2.0, np.float32), 2.0, 30.0), rgb)


def test_drawn_shares_and_ranges_are_those_asked_for():
    config = SensorConfig(
        defocus_share=0.5, sharpen_share=0.2, banding_share=0.1, low_share=0.3, video_share=0.4, noisy_share=0.0
    )
    specs = [draw_sensor(config, np.random.default_rng(i)) for i in range(600)]
    for name, share, off in (("defocus_px", 0.5, 0), ("sharpen", 0.2, 0), ("low", 0.3, 1), ("video_step", 0.4, 0)):
        values = np.array([getattr(spec, name) for spec in specs])
        drawn = values[values != off]
        low, high = getattr(config, name)
        assert abs(len(drawn) / 600 - share) < 0.07 and low <= drawn.min() and drawn.max() <= high
    assert all(config.shutter_s[0] <= spec.shutter_s <= config.shutter_s[1] for spec in specs)
    assert all(spec.noise <= config.noise[1] for spec in specs)
    none = dataclasses.replace(
        config, defocus_share=0.0, sharpen_share=0.0, banding_share=0.0, low_share=0.0, video_share=0.0
    )
    for i in range(20):
        spec = draw_sensor(none, np.random.default_rng(i))
        assert (spec.defocus_px, spec.sharpen, spec.banding, spec.low, spec.video_step) == (0, 0, 0, 1, 0)


def test_focus_keeps_the_person_sharp_and_leaves_no_halo():
    rgb, depth, mask = person()
    rgb = np.where(mask[..., None], rgb, picture(1))
    soft = defocused(rgb, depth, 2.0, 16.0)
    assert np.array_equal(soft[mask], rgb[mask])
    away = ~mask
    away[34:86, 54:106] = False
    assert soft[away].std() < 0.8 * rgb[away].std()
    black, _, _ = person()
    assert defocused(black, depth, 2.0, 16.0)[~mask].max() == 0  # nothing of the white leaks out


def test_what_is_before_the_focus_spreads_over_what_is_behind():
    rgb, depth, mask = person()
    out = defocused(rgb, depth, 6.0, 6.0)  # the wall is in focus, the square far before it
    row = out[60, :, 0].astype(int)
    assert 20 < row[57] < 160 and 40 < row[62] < 190 and row[80] > 190 and row[40] == 0
    # the sun behind a thing out of focus is not dimmed by it: mean light stays
    assert out.mean() == pytest.approx(rgb.mean(), rel=0.05)


def test_the_blur_grows_with_the_distance_from_the_focus():
    rgb = picture(2)
    near, far = (defocused(rgb, np.full((H, W), z, np.float32), 2.0, 12.0) for z in (2.6, 8.0))
    assert rgb.std() > near.std() > far.std()
    infinity = defocused(rgb, np.zeros((H, W), np.float32), 2.0, 12.0)
    assert infinity.std() < far.std()


def test_smearing_is_centred_and_fades_on_both_sides():
    rgb, _, mask = person()
    out = smeared(rgb, np.where(mask[..., None], np.float32([12, 0]), np.float32(0)))
    row, column = out[60, :, 0].astype(float), np.arange(W) + 0.5
    assert (row * column).sum() / row.sum() == pytest.approx(80.0, abs=0.3)  # the label's place
    assert row.sum() == pytest.approx(rgb[60, :, 0].astype(float).sum(), rel=0.03)
    assert row[80] == 200 and 60 < row[60] < 140 and 60 < row[99] < 140 and row[52] == 0 and row[107] == 0
    assert (np.diff(row[50:80]) >= 0).all()
    assert np.array_equal(out[:38], rgb[:38])  # nothing moves up or down


def test_still_pictures_and_wild_motion_are_fine():
    rgb, _, mask = person()
    assert smeared(rgb, np.zeros((H, W, 2), np.float32)) is rgb
    assert smeared(rgb, np.full((H, W, 2), 0.2, np.float32)) is rgb
    wild = smeared(rgb, np.where(mask[..., None], np.float32([5000, 900]), np.float32(0)))
    assert wild.shape == rgb.shape and wild.max() <= 200
    assert smeared(rgb, np.full((H, W, 2), 30, np.float32)).shape == rgb.shape  # everything moves


def wall(turn=0.0) -> np.ndarray:
    """(V, 3) m of a square sheet at depth 3, turned about the optical axis."""
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 41), np.linspace(-0.5, 0.5, 41))
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([c * u - s * v, s * u + c * v, np.full_like(u, 3.0)], -1).reshape(-1, 3)


def frame_of(mask: np.ndarray, depth: float) -> Frame:
    z = np.where(mask, depth, 0).astype(np.float32)
    return Frame(np.zeros((H, W, 3), np.uint8), z, mask.astype(np.uint8), mask.astype(np.uint8))


CAMERA = Camera(np.array([[150.0, 0, 80], [0, 150, 60], [0, 0, 1]]), np.eye(4), W, H)


def test_the_field_is_the_projected_velocity():
    mask = np.zeros((H, W), bool)
    mask[36:84, 56:104] = True
    field = motion_field(frame_of(mask, 3.0), CAMERA, 1, wall(-0.05), wall(0.05))
    assert not field[~mask].any()
    v, u = np.mgrid[:H, :W] + 0.5
    inner = np.zeros_like(mask)
    inner[44:76, 64:96] = True
    expected = 2 * np.sin(0.05) * np.stack([-(v - 60), u - 80], -1)
    assert np.abs(field - expected)[inner].max() < 0.35
    again = motion_field(frame_of(mask, 3.0), CAMERA, 1, wall(-0.05), wall(0.05))
    assert np.array_equal(field, again) and field.dtype == np.float32


def test_hidden_vertices_and_absent_people_give_no_motion():
    mask = np.zeros((H, W), bool)
    mask[36:84, 56:104] = True
    fast = wall(0.0) + [0.5, 0, 0]
    assert not motion_field(frame_of(mask, 2.0), CAMERA, 1, wall(), fast).any()  # something nearer is drawn there
    assert not motion_field(frame_of(mask, 3.0), CAMERA, 2, wall(), fast).any()
    assert not motion_field(frame_of(mask, 3.0), CAMERA, 1, wall() - [0, 0, 9], wall() - [0, 0, 9]).any()
    assert not motion_field(frame_of(mask, 3.0), CAMERA, 1, wall(), wall()).any()


def test_sharpening_makes_halos_and_flat_stays_flat():
    rgb, _, _ = person()
    rgb = np.where(rgb > 0, np.uint8(160), np.uint8(80))
    out = develop(rgb, plain(sharpen=0.8))
    assert out[60, 60, 0] > 165 and out[60, 59, 0] < 75 and abs(int(out[60, 80, 0]) - 160) <= 1


def test_video_shows_blocks_and_loses_more_with_a_larger_step():
    rgb = picture(3)
    error = [np.abs(compressed(rgb, step).astype(float) - rgb).mean() for step in (1.0, 8.0, 32.0)]
    assert error[0] < error[1] < error[2]
    odd = rgb[:53, :77]
    assert compressed(odd, 16.0).shape == odd.shape
    flat = np.full((64, 64, 3), 120, np.uint8)
    assert np.abs(compressed(flat, 4.0).astype(int) - 120).max() <= 2
    ramp = np.repeat(np.linspace(0, 255, 160).astype(np.uint8)[None], 64, 0)[..., None].repeat(3, 2)
    assert np.abs(compressed(ramp, 6.0).astype(int) - ramp).mean() < 3


def test_banding_darkens_rows_alike_and_low_resolution_loses_detail_only():
    grey = np.full((H, W, 3), 128, np.uint8)
    rows = develop(grey, plain(banding=0.2, banding_rows=0.5))[..., 0].astype(int)
    assert np.ptp(rows, axis=1).max() == 0 and 15 < np.ptp(rows[:, 0]) < 30
    rgb, _, mask = person()
    low = develop(rgb, plain(low=3.0))[..., 0].astype(float)
    v, u = np.mgrid[:H, :W] + 0.5
    centre = (low * u).sum() / low.sum(), (low * v).sum() / low.sum()
    assert centre == pytest.approx((80.0, 60.0), abs=0.2)


def test_the_longest_way_sets_the_work():
    assert motion_blur._TAPS[0] <= motion_blur._TAPS[1] <= 64
    assert camera.develop is develop


def test_a_vignette_darkens_towards_every_corner_of_its_own_picture():
    for height, width in ((40, 90), (90, 40), (40, 90)):
        fall = sensor._falloff(height, width)
        assert fall.shape == (height, width) and 0.9 < fall[0, 0] <= 1.0 and fall.max() == pytest.approx(fall[0, 0])
        np.testing.assert_allclose(fall, fall[::-1], atol=1e-12)
        np.testing.assert_allclose(fall, fall[:, ::-1], atol=1e-12)
        assert (np.diff(fall[: height // 2], axis=0) < 0).all() and (np.diff(fall[:, : width // 2], axis=1) < 0).all()
        assert fall[height // 2, 0] == pytest.approx(0.5**1.5, abs=0.04) and fall[height // 2, width // 2] < 1e-3
        assert fall[0, width // 2] == pytest.approx(0.5**1.5, abs=0.04)
