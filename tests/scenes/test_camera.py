"""Cameras see the people from everywhere, stand on the ground outside of them, and sensors are reproducible."""

import dataclasses

import numpy as np
import pytest

from scenes import camera

SIZE = (640, 480)


def person(rng) -> tuple[np.ndarray, np.ndarray]:
    points = rng.uniform([-0.3, 0, -0.3], [0.3, 1.75, 0.3], (300, 3))
    points = points @ np.linalg.qr(rng.normal(size=(3, 3)))[0].T if rng.random() < 0.3 else points
    points -= [0, points[:, 1].min(), 0]
    return points + rng.uniform([-5, 0, -5], [5, 0, 5]), points[:40] * 0.9


def draws(count=150, **changes):
    config = dataclasses.replace(camera.CameraConfig(), **changes)
    for seed in range(count):
        rng = np.random.default_rng(seed)
        points, _ = person(rng)
        yield camera.draw_camera(config, rng, points, points[:40], SIZE), points


def test_drawing_is_a_pure_function_of_the_generator():
    a, b = (list(draws(5)) for _ in range(2))
    assert [x[0] for x in a] == [x[0] for x in b]


def test_rotation_is_proper_and_project_unproject_is_the_identity():
    for spec, points in draws(20):
        built = camera.build_camera(spec)
        rotation = built.cam_from_world[:3, :3]
        assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
        depth = built.to_camera(points)[:, 2]
        seen = depth > 0.1
        assert np.allclose(built.unproject(built.project(points)[seen], depth[seen]), points[seen], atol=1e-9)


def test_never_below_the_floor_nor_inside_a_person():
    for spec, points in draws():
        eye = np.array(spec.eye)
        assert eye[1] >= 0.12
        assert np.linalg.norm(points - eye, axis=1).min() > 0.44


def test_whole_people_are_in_the_frame_and_fill_it_as_asked():
    share, inside = [], []
    for spec, points in draws(cropped=0.0):
        at = camera.build_camera(spec).project(points)
        share.append(np.ptp(at, axis=0) / SIZE)
        inside.append(((at > -1) & (at < np.array(SIZE) + 1)).all(1).mean())
    share = np.array(share)
    assert np.mean(np.array(inside) > 0.995) > 0.95
    fill = share.max(1)
    assert np.mean((fill > 0.35) & (fill < 1.0)) > 0.9
    assert np.ptp(fill) > 0.3


def test_the_configured_share_is_cropped():
    cut = sum(spec.crop != "none" for spec, _ in draws(cropped=0.4))
    assert 0.25 < cut / 150 < 0.55
    whole = {"edge": [], "upper": []}
    for spec, points in draws(60, cropped=1.0):
        at = camera.build_camera(spec).project(points)
        inside = ((at > 0) & (at < SIZE)).all(1).mean()
        assert inside > 0.2
        whole[spec.crop].append(inside == 1.0)
    assert np.mean(whole["edge"]) < 0.05 and np.mean(whole["upper"]) < 0.3


def test_azimuths_cover_the_circle_and_heights_follow_the_mount():
    turns = []
    for spec, points in draws():
        offset = np.array(spec.eye) - points.mean(0)
        turns.append(np.arctan2(offset[2], offset[0]))
        low, high = camera.HEIGHTS[spec.mount]
        assert low - 1e-6 <= spec.eye[1] <= high + 1e-6
    counts = np.histogram(turns, bins=6, range=(-np.pi, np.pi))[0]
    assert counts.min() > 8


def test_focal_lengths_stay_in_range():
    low, high = camera.CameraConfig().focal_mm
    for spec, _ in draws():
        assert low - 1e-6 <= spec.focal_px / SIZE[0] * 36 <= high + 1e-6


def picture(seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (120, 160, 3)).astype(np.uint8)


def test_developing_is_pure_and_leaves_its_input_alone():
    spec = camera.draw_sensor(camera.SensorConfig(), np.random.default_rng(3))
    original = picture()
    first = camera.develop(original, spec)
    assert np.array_equal(first, camera.develop(original, spec)) and np.array_equal(original, picture())
    assert first.dtype == np.uint8 and first.shape == original.shape
    other = dataclasses.replace(spec, seed=spec.seed + 1)
    assert not np.array_equal(first, camera.develop(original, other))


def neutral(**changes) -> camera.SensorSpec:
    plain = camera.SensorSpec(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (1.0, 1.0, 1.0), 1.0, 1.0, 90, 0)
    return dataclasses.replace(plain, **changes)


def test_a_neutral_sensor_changes_nothing_but_the_highlights():
    flat = picture().clip(0, 220)
    assert np.abs(camera.develop(flat, neutral()).astype(int) - flat).max() <= 1


def test_noise_has_the_strength_asked_for():
    grey = np.full((480, 640, 3), 128, np.uint8)
    noisy = camera.develop(grey, neutral(noise=0.02)).astype(float)
    assert noisy.std() == pytest.approx(0.02 * 255, rel=0.1) and abs(noisy.mean() - 128) < 0.3


def test_each_effect_acts_as_named():
    grey = np.full((120, 160, 3), 128, np.uint8)
    assert camera.develop(grey, neutral(exposure_ev=0.3)).mean() > 130
    warm = camera.develop(grey, neutral(gains=(1.05, 1.0, 0.95)))[0, 0].astype(int)
    assert warm[0] > warm[1] > warm[2]
    dark = camera.develop(grey, neutral(vignette=0.3))
    assert dark[0, 0, 0] < dark[60, 80, 0]
    wide = cv2_resize(picture())
    assert camera.develop(wide, neutral(blur_px=1.0)).std() < wide.std()
    assert camera.develop(wide, neutral(motion_px=4.0)).std() < wide.std()
    assert 1 <= camera.draw_sensor(camera.SensorConfig(), np.random.default_rng(0)).jpeg_quality <= 100


def cv2_resize(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.tile(image, (4, 4, 1)))
