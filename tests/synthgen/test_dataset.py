"""Validation is clean on a good dataset and names what is wrong with a bad one; folders are guarded."""

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import fake_source
import numpy as np
import pytest

from biomech.errors import DatasetError
from synthgen import folder
from synthgen.checks import validate
from synthgen.coco import file_digest
from synthgen.config import Config, with_values
from synthgen.dataset import dataset_digest, dataset_files, read_dataset
from synthgen.inspect_sheet import inspect_dataset
from synthgen.listing import CHECKSUMS, Listing, listed
from synthgen.render import render_dataset
from synthgen.verify import verify


@pytest.fixture(scope="module")
def config():
    return with_values(Config(), poses=12, width=96, height=64, splits={"train": 0.5, "val": 0.5})


@pytest.fixture(scope="module")
def good(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("good")
    render_dataset(config, root, workers=0, source=fake_source.SOURCE)
    return root


@pytest.fixture
def copy(good, tmp_path):
    shutil.copytree(good, tmp_path / "copy")
    return tmp_path / "copy"


def seal(root: Path) -> None:
    """Make the digests agree with altered content, so that the deeper checks must find the damage."""
    listing = Listing(root)
    for name in dataset_files(root):
        listing.add(name, file_digest(root / name))
    record = json.loads((root / "dataset.json").read_text())
    _, record["digest"] = listing.finish()
    (root / "dataset.json").write_text(json.dumps(record))


def edit(root: Path, change, split: str = "train") -> None:
    path = root / f"annotations/person_keypoints_{split}.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    seal(root)


def test_a_good_dataset_is_clean(good, config):
    seen = []
    assert validate(good, seen.append) == []
    assert sum(seen) == config.poses
    assert read_dataset(good).config == config


def test_altered_missing_and_extra_files_are_named(copy):
    images = sorted(p.relative_to(copy).as_posix() for p in (copy / "images").rglob("*.jpg"))
    with open(copy / images[0], "ab") as file:
        file.write(b"x")
    (copy / images[1]).unlink()
    (copy / "images/train/extra.jpg").write_bytes(b"x")
    problems = "\n".join(validate(copy))
    assert f"{images[0]} was altered" in problems
    assert f"{images[1]} is missing" in problems
    assert "extra.jpg does not belong" in problems


def move_keypoint(data):
    a = data["annotations"][0]
    k = next(i for i in range(37) if a["keypoints"][3 * i + 2] == 2)
    a["keypoints"][3 * k] += 0.5


def shift_box(data):
    data["annotations"][0]["bbox"][0] += 30
    data["annotations"][0]["bbox"][2] = 3


def leave_picture(data):
    data["annotations"][0]["bbox"][2] = 1000


def grow_area(data):
    data["annotations"][0]["area"] += 7


def miscount(data):
    data["annotations"][0]["num_keypoints"] -= 1


def lose_image(data):
    data["images"].pop()


def orphan(data):
    data["annotations"][0]["image_id"] = 999


def swap_masks(data):
    first, second = data["annotations"][:2]
    for key in ("segmentation", "area"):
        first[key], second[key] = second[key], first[key]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (move_keypoint, "project 0.500 px from the 2D ones"),
        (shift_box, "the box does not hold the seen keypoint"),
        (leave_picture, "leaves the 96x64 picture"),
        (grow_area, "px of its mask"),
        (miscount, "num_keypoints is"),
        (lose_image, "not each of 0..11 once"),
        (orphan, "names image 999, which is not there"),
        (swap_masks, "mask and instance map differ"),
    ],
)
def test_wrong_labels_are_named(copy, change, message):
    edit(copy, change)
    assert message in "\n".join(validate(copy))


def test_unreadable_labels_are_named(copy):
    (copy / "annotations/person_keypoints_val.json").write_text("{")
    seal(copy)
    assert "pycocotools cannot load person_keypoints_val.json" in "\n".join(validate(copy))


def test_pictures_of_the_wrong_size_or_kind_are_named(copy):
    path = next((copy / "images").rglob("*.jpg"))
    cv2.imwrite(str(path), np.zeros((10, 10, 3), np.uint8))
    depth = next((copy / "depth").rglob("*.png"))
    cv2.imwrite(str(depth), np.zeros((64, 96), np.uint8))
    seal(copy)
    problems = "\n".join(validate(copy))
    assert f"{path.relative_to(copy)} does not decode to 96x64 uint8" in problems
    assert f"{depth.relative_to(copy)} does not decode to 96x64 uint16" in problems


@pytest.mark.parametrize(("shift", "words"), [(-500, "behind the surface"), (500, "behind the surface")])
def test_depth_that_disagrees_is_named(copy, shift, words):
    path = next((copy / "depth").rglob("*.png"))
    depth = cv2.imread(str(path), -1)
    cv2.imwrite(str(path), np.where(depth > 0, depth.astype(int) + shift, 0).astype(np.uint16))
    seal(copy)
    problems = validate(copy)
    assert any("is marked seen but lies" in p and words in p for p in problems)
    assert any("more of this kind" in p for p in problems)  # many keypoints, few sentences


def test_motion_with_a_missing_row_is_named(copy):
    lines = (copy / "poses.mot").read_text().splitlines()
    (copy / "poses.mot").write_text("\n".join(lines[:-1]) + "\n")
    seal(copy)
    assert "poses.mot has 11 poses for 12 annotations" in validate(copy)


def test_subject_in_two_splits_is_named(copy):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = copy / "kinematics.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("subject")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array([0] * len(table), pa.int64())), path)
    seal(copy)
    assert "subject 0 is in" in "\n".join(validate(copy))


def test_digest_sees_content_and_names_but_not_logs(copy):
    before = dataset_digest(copy)
    (copy / "logs").mkdir()
    (copy / "logs/error.log").write_text("x")
    inspect_dataset(copy, count=2)
    assert dataset_digest(copy) == before == read_dataset(copy).info["digest"]
    image = next((copy / "images").rglob("*.jpg"))
    image.rename(image.with_name("renamed.jpg"))
    assert dataset_digest(copy) != before


def test_checksums_are_what_sha256sum_reads(good):
    line = (good / CHECKSUMS).read_text().splitlines()[0]
    digest, _, name = line.partition("  ")
    assert len(digest) == 64 and (good / name).is_file()


def test_the_list_is_sorted_whatever_order_files_come_in(tmp_path):
    names = ["b/train/2", "b/train/3", "b/train-2/1", "config.yaml", "b/train/1", "a.txt", "subjects/7", "subjects/5"]
    listing = Listing(tmp_path)
    for name in [*names, "subjects/5", "b/train/3"]:
        listing.add(name, name.encode().hex().ljust(64, "0"))
    count, digest = listing.finish()
    found = list(listed(tmp_path))
    assert [name for name, _ in found] == sorted(names) and count == len(names)
    assert all(value == name.encode().hex().ljust(64, "0") for name, value in found)
    assert digest == hashlib.sha256((tmp_path / CHECKSUMS).read_bytes()).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == [CHECKSUMS]  # no side files left


@pytest.mark.parametrize("line", ["x  y", f"{'0' * 64}  ../away", f"{'0' * 64}  /etc/passwd", "\x00"])
def test_a_list_that_leads_out_of_the_folder_is_refused(tmp_path, line):
    (tmp_path / CHECKSUMS).write_text(f"{'0' * 64}  fine\n{line}\n")
    with pytest.raises(DatasetError, match="line 2: no checksum"):
        list(listed(tmp_path))


def test_verify_names_what_differs(copy):
    assert list(verify(copy)) == []
    pictures = sorted((copy / "images").rglob("*.jpg"))
    pictures[0].write_bytes(pictures[0].read_bytes() + b"x")
    pictures[1].unlink()
    (copy / "stray.txt").write_text("?")
    found = list(verify(copy))
    names = [p.relative_to(copy).as_posix() for p in pictures[:2]]
    assert found == [
        f"{names[0]} was altered (its sha256 differs)",
        f"{names[1]} is missing",
        "stray.txt does not belong to the dataset",
    ]


def test_contact_sheet(good, tmp_path):
    sheet = cv2.imread(str(inspect_dataset(good, tmp_path / "sheet.png", count=5)))
    single = cv2.imread(str(inspect_dataset(good, tmp_path / "one.png", count=1, split="val")))
    assert sheet.shape[0] > single.shape[0] and sheet.shape[1] > single.shape[1]
    assert single.std() > 10
    with pytest.raises(DatasetError, match="no split 'test'"):
        inspect_dataset(good, split="test")
    with pytest.raises(DatasetError, match="must end in"):
        inspect_dataset(good, tmp_path / "sheet.gif")


def test_reading_what_is_no_dataset(tmp_path, copy):
    with pytest.raises(DatasetError, match="there is no folder"):
        read_dataset(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no synthgen dataset"):
        read_dataset(tmp_path / "empty")
    (copy / "dataset.json").write_text('{"format": "other"}')
    with pytest.raises(DatasetError, match="cannot be read"):
        read_dataset(copy)


# --- the folder while it is made ------------------------------------------------------------------------------------


def test_another_config_is_refused_with_the_differing_keys(copy, config):
    before = dataset_digest(copy)
    other = with_values(config, seed=5, poses=13)
    with pytest.raises(DatasetError) as caught:
        render_dataset(other, copy, workers=0, source=fake_source.SOURCE)
    text = str(caught.value)
    assert "seed: 0 there, 5 now" in text and "poses: 12 there, 13 now" in text and "--fresh" in text
    assert "width" not in text and dataset_digest(copy) == before


def test_fresh_replaces_a_dataset(copy, config):
    other = with_values(config, poses=4)
    render_dataset(other, copy, workers=0, fresh=True, source=fake_source.SOURCE)
    assert validate(copy) == [] and len(list((copy / "images").rglob("*.jpg"))) == 4


def test_fresh_never_deletes_what_is_not_a_dataset(tmp_path, config):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="not empty and holds no synthgen dataset"):
        render_dataset(config, tmp_path, workers=0, fresh=True, source=fake_source.SOURCE)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_other_assets_or_versions_are_refused(tmp_path, config):
    wanted = folder.identity(config, "one")
    folder.claim(tmp_path, wanted, fresh=False)
    folder.claim(tmp_path, wanted, fresh=False)
    with pytest.raises(DatasetError, match="asset packs"):
        folder.claim(tmp_path, folder.identity(config, "two"), fresh=False)
    newer = {**wanted, "versions": {**wanted["versions"], "numpy": "99.0"}}
    with pytest.raises(DatasetError, match="version of numpy: .* there, 99.0 now"):
        folder.claim(tmp_path, newer, fresh=False)


def test_a_small_disk_is_noticed_before_the_start(tmp_path, config, monkeypatch):
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(DatasetError, match="are needed and the disk of .* has 10 bytes free"):
        render_dataset(config, tmp_path / "d", workers=0, source=fake_source.SOURCE)
    assert not (tmp_path / "d").exists()


def test_what_a_run_killed_at_once_left_does_not_block_the_next(tmp_path, config):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/.plan.json.123.tmp").write_text("{")
    (tmp_path / folder.LOCK).touch()
    folder.claim(tmp_path, folder.identity(config, ""), fresh=False)


def test_a_file_in_the_place_of_the_folder(tmp_path, config):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="choose another"):
        render_dataset(config, tmp_path / "file" / "d", workers=0, source=fake_source.SOURCE)


def test_estimate_is_on_the_safe_side(good, config):
    actual = sum(p.stat().st_size for p in good.rglob("*") if p.is_file())
    assert folder.estimate_bytes(config) > actual * 0.8


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (1500, "2 kB"), (2.5e6, "2.5 MB"), (3e9, "3.0 GB")])
def test_human_sizes(size, text):
    assert folder.human(size) == text
