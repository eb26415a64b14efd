"""Sources: every scheme lands on the right points, what is missing is masked, and bad files say what is wrong."""

import io
import json
import tarfile

import numpy as np
import pytest
from people_on_disk import edit, write_set

from biomech.errors import ConfigError, DatasetError
from synthgen.keypoints import spinetrack
from synthgen.spinepose.keypoint_maps import build_map, load_map, map_names
from synthgen.spinepose.sources import SourceConfig, load_source, read_image

NAMES = spinetrack().names


@pytest.mark.parametrize("name", map_names())
def test_published_maps_are_sound_under_flips(name):
    m = load_map(name)
    target = m.target[m.target >= 0]
    assert len(set(target)) == len(target)
    assert set(spinetrack().flip[target]) == set(target)  # a flipped picture labels the same points
    sizes = {"spinetrack37": 37, "coco17": 17, "coco_wholebody": 23, "halpe26": 26, "halpe136": 136, "mpii": 16}
    assert len(m.points) == sizes.get(name, len(m.points))


def test_lift_puts_points_in_place_and_masks_the_rest():
    m = load_map("aic")
    triplets = np.column_stack([np.arange(14.0), np.arange(14.0) + 100, np.full(14, 2)])
    triplets[13, 2] = 0
    out = m.lift(triplets)
    assert out[NAMES.index("right_shoulder")].tolist() == [0, 100, 2]
    assert out[NAMES.index("left_ankle")].tolist() == [11, 111, 2]
    assert out[NAMES.index("neck")].tolist() == [0, 0, 0]  # unlabelled there
    assert (out[[26, 27, 28, 29, 30], 2] == 0).all()  # no such points in the scheme


def test_maps_refuse_what_would_mislabel():
    with pytest.raises(ConfigError, match="left_knee.*not.*right_knee|right_knee.*not.*left_knee"):
        build_map("mine", {"points": ["left_knee"]})
    with pytest.raises(ConfigError, match="two source points"):
        build_map("mine", {"points": ["nose", "nose"]})
    with pytest.raises(ConfigError, match="did you mean 'left_knee'"):
        build_map("mine", {"points": ["left_kne", "right_knee"]})
    with pytest.raises(ConfigError, match="unknown keypoint map 'coco18'.*coco17"):
        load_map("coco18")


def test_a_users_map(tmp_path):
    (tmp_path / "mine.yaml").write_text("points: [hip, ~, neck]\ntrust: {neck: 0.25}\n")
    m = load_map(str(tmp_path / "mine.yaml"))
    assert m.covered.sum() == 2 and m.trust[NAMES.index("neck")] == 0.25


def test_missing_keypoints_weigh_nothing(tmp_path):
    path = write_set(tmp_path, keypoints=17)
    source = load_source("coco", SourceConfig(str(path), map="coco17", kind="real"))
    assert len(source) == 12 and source.weights[:, :17].all() and not source.weights[:, 17:].any()
    assert (source.keypoints[:, 17:] == 0).all()


def test_mmpose_photographs():
    import os
    from pathlib import Path

    folder = Path(os.environ.get("SYNTHGEN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "photos"
    if not folder.is_dir():
        pytest.skip(f"no test photographs in {folder}")
    coco = load_source("coco", SourceConfig(str(folder / "person_keypoints_coco17.json"), map="coco17", kind="real"))
    halpe = load_source(
        "halpe", SourceConfig(str(folder / "person_keypoints_halpe136.json"), map="halpe136", kind="real")
    )
    assert len(coco) == len(halpe) == 12
    assert np.array_equal(coco.keypoints[:, :17], halpe.keypoints[:, :17])
    assert not halpe.weights[:, [18, 19]].any()  # Halpe's neck and hip are zeros with visibility 0 there


def test_wrong_k_nan_and_nobody(tmp_path):
    path = write_set(tmp_path / "a", keypoints=26)
    with pytest.raises(DatasetError, match="annotation 1 has 26 keypoints, the map 'coco17' has 17"):
        load_source("x", SourceConfig(str(path), map="coco17"))

    def spoil(data):
        data["annotations"][3]["keypoints"][4] = float("nan")

    with pytest.raises(DatasetError, match="annotation 4.*not a number"):
        load_source("x", SourceConfig(str(edit(path, spoil)), map="halpe26"))

    def hide(data):
        for a in data["annotations"]:
            a["keypoints"][2::3] = [0] * 26

    path = write_set(tmp_path / "b", keypoints=26)
    with pytest.raises(DatasetError, match="nobody.*12 no labelled keypoint"):
        load_source("x", SourceConfig(str(edit(path, hide)), map="halpe26"))
    with pytest.raises(DatasetError, match="cannot read"):
        load_source("x", SourceConfig(str(tmp_path / "no.json")))
    with pytest.raises(DatasetError, match="no 'annotations'"):
        load_source("x", SourceConfig())


def test_pictures_that_do_not_decode(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    with pytest.raises(DatasetError, match="does not decode"):
        read_image(str(tmp_path / "bad.jpg"))
    with pytest.raises(DatasetError, match="cannot read"):
        read_image(str(tmp_path / "none.jpg"))


def test_unlabelled_pictures_take_part(tmp_path):
    path = write_set(tmp_path, keypoints=17)
    source = load_source("photos", SourceConfig(str(path), map="none", kind="real"))
    assert len(source) == 12 and not source.weights.any()


def test_mpii_list_form(tmp_path):
    joints = [[float(i), 2.0 * i] for i in range(16)]
    entry = {"image": "a.jpg", "joints": joints, "joints_vis": [1] * 15 + [0], "center": [100, 90], "scale": 0.5}
    (tmp_path / "mpii.json").write_text(json.dumps([entry]))
    source = load_source("mpii", SourceConfig(str(tmp_path / "mpii.json"), map="mpii", kind="real"))
    assert source.boxes[0].tolist() == [50, 40, 100, 100]
    assert source.keypoints[0, NAMES.index("right_knee")].tolist() == [1, 2, 2]
    assert source.weights[0, NAMES.index("left_wrist")] == 0  # joints_vis 0
    assert source.weights[0, NAMES.index("neck")] == 0.5


def test_webdataset_shards_equal_the_folder(tmp_path):
    path = write_set(tmp_path, count=4)
    data = json.loads(path.read_text())
    with tarfile.open(tmp_path / "people-000.tar", "w") as tar:
        for image, annotation in zip(data["images"], data["annotations"], strict=True):
            sample = {"width": image["width"], "height": image["height"], "annotations": [annotation]}
            stem = image["file_name"].removesuffix(".jpg")
            for name, content in (
                (f"{stem}.jpg", (tmp_path / image["file_name"]).read_bytes()),
                (f"{stem}.json", json.dumps(sample).encode()),
            ):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    plain = load_source("p", SourceConfig(str(path)))
    packed = load_source("t", SourceConfig(str(tmp_path / "people-*.tar")))
    assert np.array_equal(plain.keypoints, packed.keypoints) and np.array_equal(plain.boxes, packed.boxes)
    for a, b in zip(plain.images, packed.images, strict=True):
        assert np.array_equal(read_image(a), read_image(b))
    with pytest.raises(DatasetError, match="no file matches"):
        load_source("t", SourceConfig(str(tmp_path / "none-*.tar")))
