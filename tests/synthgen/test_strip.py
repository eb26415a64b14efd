"""`synthgen strip`: one person, one way of moving, one camera; and what it refuses."""

import numpy as np
import pytest
from typer.testing import CliRunner

from biomech.errors import ConfigError, ModelError
from synthgen.cli import app
from synthgen.strip import MAX_FRAMES, draw_strip, framing, phases_of, write_strip


def test_phases_run_from_the_beginning_to_before_the_end():
    assert phases_of(1) == (0.0,)
    assert phases_of(5)[0] == 0.0 and phases_of(5)[-1] < 1.0 and np.allclose(np.diff(phases_of(5)), 0.24975)
    for frames in (0, -1, MAX_FRAMES + 1):
        with pytest.raises(ConfigError, match="allowed: 1 to 32"):
            phases_of(frames)


@pytest.mark.parametrize("view", [0.0, 90.0, 217.0])
def test_the_camera_has_room_for_every_pose(view):
    from scenes.camera import build_camera

    rng = np.random.default_rng(1)
    clouds = [rng.uniform((-1, 0, -0.4), (1, 1.7, 0.4), (500, 3)), rng.uniform((-0.3, 0, -1), (0.3, 2.1, 1), (500, 3))]
    camera = build_camera(framing(clouds, view, 200))
    for cloud in clouds:
        seen = camera.project(cloud[::7])
        assert (seen > 0).all() and (seen < (camera.width, camera.height)).all()
    front, right = camera.to_camera(np.array([[0.0, 1.0, 0.0], [0.1, 1.0, 0.0]]))
    if view == 90.0:  # from his right he looks to the right of the picture
        assert right[0] > front[0]


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"Unknown activity 'flying'.*golf"):
        draw_strip("flying")
    with pytest.raises(ModelError, match=r"'stand' is a posture.*golf"):
        draw_strip("stand")
    with pytest.raises(ConfigError, match="96 to 2048"):
        draw_strip("golf", 2, height=50)
    with pytest.raises(ConfigError, match=r"\.jpg or \.png"):
        write_strip(tmp_path / "strip.gif", np.zeros((4, 4, 3), np.uint8))
    outcome = CliRunner().invoke(app, ["strip", "golf", "--frames", "99", "--out", str(tmp_path / "s.png")])
    assert outcome.exit_code == 2 and "--frames is 99" in outcome.output and not list(tmp_path.iterdir())


def test_a_strip_shows_movement(assets, tmp_path):
    out = tmp_path / "strip.png"
    arguments = ["strip", "lift_floor", "--frames", "2", "--height", "96", "--set", "assets=minimal", "--out", str(out)]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    import cv2

    picture = cv2.imread(str(out))
    half = picture.shape[1] // 2
    assert picture.shape[0] == 96 and half > 10
    first, second = picture[:, :half].astype(int), picture[:, half : 2 * half].astype(int)
    assert np.abs(first - second).mean() > 1.0  # bent down, then upright
    assert first.std() > 5
