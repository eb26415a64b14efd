"""Cameras see the people from everywhere, stand on the ground outside of them, and sensors are reproducible."""

import dataclasses

import numpy as np
import pytest

from biomech.errors import ConfigError
from scenes import camera
from scenes.distortion import undistort
from scenes.framing import Framing, focal_that_fills, outline, standing
from scenes.lens import wide_pinhole

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
    config = camera.CameraConfig()
    for spec, _ in draws():
        low, high = config.broadcast_mm if spec.mount == "broadcast" else config.focal_mm
        assert low - 1e-6 <= spec.focal_px / SIZE[0] * 36 <= high + 1e-6


def test_views_prefer_front_and_sides_of_where_the_person_faces():
    config, rng = camera.CameraConfig(), np.random.default_rng(0)
    points, _ = person(np.random.default_rng(1))
    for heading in (0.0, 2.0):
        specs = [camera.draw_camera(config, rng, points, points[:40], SIZE, heading=heading) for _ in range(300)]
        middle = (points.min(0) + points.max(0)) / 2
        off = np.array([spec.eye for spec in specs]) - middle
        turn = np.angle(np.exp(1j * (np.arctan2(off[:, 2], off[:, 0]) - heading)))
        front, back = np.mean(np.abs(turn) < np.pi / 4), np.mean(np.abs(turn) > 3 * np.pi / 4)
        assert front == pytest.approx(0.34, abs=0.08) and back == pytest.approx(0.22, abs=0.08)
    only = dataclasses.replace(config, azimuth={"back": 1.0})
    spec = camera.draw_camera(only, rng, points, points[:40], SIZE)
    assert spec.eye[0] < points[:, 0].mean()


def test_broadcast_cameras_are_high_far_and_long():
    for spec, points in draws(12, mounts={"broadcast": 1.0}, cropped=0.0):
        assert 4.0 <= spec.eye[1] <= 10.0 and spec.focal_px / SIZE[0] * 36 >= 85
        assert np.linalg.norm(np.array(spec.eye) - points.mean(0)) > 10


def clip(rng) -> np.ndarray:
    """A walk of four metres as one cloud: the points of all its frames."""
    points, _ = person(rng)
    return np.concatenate([points + [step, 0, 0] for step in np.linspace(-2, 2, 9)])


def test_many_points_are_framed_as_few():
    rng = np.random.default_rng(2)
    body = rng.normal(size=(60_000, 3)) * [0.15, 0.4, 0.2] + [0, 1, 0]
    body[777] = [0.1, 2.6, 0.9]  # a raised hand of one point
    few = outline(body)
    assert len(few) < 3200 and np.array_equal(outline(few), few)
    assert (few == body[777]).all(1).any()
    assert np.abs(few.min(0) - body.min(0)).max() < 0.06 and np.abs(few.max(0) - body.max(0)).max() < 0.06


def test_whole_clips_fit_into_the_picture():
    config = dataclasses.replace(camera.CameraConfig(), cropped=0.0, distance_m=(1.2, 4.0), broadcast_m=(5.0, 8.0))
    for seed in range(40):
        rng = np.random.default_rng(seed)
        points = clip(rng)
        at = camera.build_camera(camera.draw_camera(config, rng, points, points, SIZE)).project(points)
        assert ((at > -12) & (at < np.array(SIZE) + 12)).all()  # a pincushion lens may push a foot over the edge


@pytest.mark.parametrize("views", [2, 3, 5, 8])
def test_a_rig_stands_all_around_and_every_camera_sees_everyone(views):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        points = clip(rng) if seed % 2 else person(rng)[0]
        specs = camera.draw_rig(camera.CameraConfig(), rng, points, points[:40], SIZE, views)
        assert len(specs) == views and {spec.crop for spec in specs} == {"none"}
        middle = (points.min(0) + points.max(0)) / 2
        off = np.array([spec.eye for spec in specs]) - middle
        turns = np.sort(np.arctan2(off[:, 2], off[:, 0]))
        gaps = np.diff(np.append(turns, turns[0] + 2 * np.pi))
        step = np.pi / 2 if views == 2 else 2 * np.pi / views
        assert gaps.min() > 0.65 * step
        assert gaps.max() < 1.35 * step or views == 2
        for spec in specs:
            at = camera.build_camera(spec).project(points)
            assert ((at > -12) & (at < np.array(SIZE) + 12)).all()


def test_a_rig_of_one_is_the_camera_and_none_is_refused():
    points, _ = person(np.random.default_rng(4))
    config = camera.CameraConfig()
    alone = camera.draw_camera(config, np.random.default_rng(9), points, points[:40], SIZE)
    assert camera.draw_rig(config, np.random.default_rng(9), points, points[:40], SIZE) == (alone,)
    four = [camera.draw_rig(config, np.random.default_rng(9), points, points[:40], SIZE, 4) for _ in range(2)]
    assert four[0] == four[1] and len(set(four[0])) == 4
    with pytest.raises(ConfigError, match="1 or more"):
        camera.draw_rig(config, np.random.default_rng(9), points, points[:40], SIZE, 0)


def test_lenses_bend_as_asked_and_never_fold():
    bent = dataclasses.replace(camera.DistortionConfig(), share=1.0, tangential=0.0)
    corners = np.array([[0, 0], [640, 0], [0, 480], [640, 480]], float)
    for spec, _ in draws(60, distortion=bent):
        built = camera.build_camera(spec)
        assert built.distortion == spec.distortion != (0, 0, 0, 0, 0)
        plane = undistort((corners - spec.principal_px) / spec.focal_px, spec.distortion)
        moved = np.linalg.norm((corners - spec.principal_px) / spec.focal_px, axis=1) / np.linalg.norm(plane, axis=1)
        low, high = bent.corner[spec.mount]
        less = min(1.0, 28 / (spec.focal_px / 640 * 36))  # of long lenses' barrel
        low, high = (bound * less if bound < 0 else bound for bound in (low, high))
        farthest = np.argmax(np.linalg.norm(corners - spec.principal_px, axis=1))
        assert low - 1e-9 <= moved[farthest] - 1 <= high + 1e-9
        wide_pinhole(built)  # raises where the lens folds back inside the picture
    strongest = dataclasses.replace(bent, corner=dict.fromkeys(camera.HEIGHTS, (-0.2, -0.2)))
    for spec, _ in draws(30, distortion=strongest):
        wide_pinhole(camera.build_camera(spec))
    share = np.mean([any(spec.distortion) for spec, _ in draws(150)])
    assert 0.1 < share < 0.35
    straight = dataclasses.replace(bent, share=0.0)
    assert not any(any(spec.distortion) for spec, _ in draws(20, distortion=straight))


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


def test_an_eye_steps_back_until_it_is_clear_of_everybody_and_no_farther():
    rng, moved = np.random.default_rng(7), 0
    for case in range(120):  # crowds, and a few points far from one another, among which no eye may stand either
        low, size = rng.uniform(-3.0, 0.0, 3) * [1, 0, 1], rng.uniform(0.2, 3.0 if case % 2 else 7.0, 3)
        points = low + rng.random((300 if case % 2 else 8, 3)) * size
        azimuth, height, distance = rng.uniform(-np.pi, np.pi), rng.uniform(0.0, 3.5), rng.uniform(0.3, 3.0)
        middle = (points.min(0) + points.max(0)) / 2
        direction = np.array([np.cos(azimuth), 0.0, np.sin(azimuth)])

        def clear(eye, points=points):
            level = (eye < points.min(0)) | (eye > points.max(0))
            beside = level[0] or level[2] or eye[1] > points[:, 1].max()
            return bool(beside) and np.linalg.norm(points - eye, axis=1).min() >= 0.45

        eye = standing(middle, azimuth, height, distance, points)
        drop = height - middle[1]
        first = middle + direction * np.sqrt(max(distance**2 - drop**2, (0.58 * drop) ** 2))
        steps = (eye - first) @ direction / 0.1
        assert clear(eye) and eye[1] == pytest.approx(max(height, 0.12))
        assert steps == pytest.approx(round(steps), abs=1e-6)
        assert not any(clear(eye - 0.1 * k * direction) for k in range(1, round(steps) + 1))
        moved += round(steps) > 0
    assert 10 < moved < 110


@pytest.mark.parametrize("shape", [(0.3, 1.8, 0.3), (3.0, 0.4, 0.3)])
def test_the_focal_length_fills_the_height_or_the_width_whichever_is_full_first(shape):
    points = (np.random.default_rng(3).random((200, 3)) - 0.5) * shape
    framing = Framing(np.array([0.2, 0.5, 6.0]), points, 0.0, np.array([80.0, 60.0]), (160, 120))
    for fill in (0.5, 1.2):
        across, upright = np.ptp(framing.plane(framing.middle) * focal_that_fills(framing, fill), axis=0)
        full = (across / (min(fill, 0.92) * 160), upright / (fill * 120))
        assert max(full) == pytest.approx(1.0) and np.argmax(full) == (0 if shape[0] > shape[1] else 1)
