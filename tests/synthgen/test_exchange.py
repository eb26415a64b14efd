"""Exports: what goes in comes out, in order and to the thousandth of a pixel, as each reader sees it."""

import json
import tarfile
import zipfile

import cv2
import fake_source
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from exported import SUB_PIXEL, flat, tree, truth

from synthgen.config import Config, with_values
from synthgen.exchange import mmpose, yolo
from synthgen.exchange.export import FORMATS, SCENES, SHARDED, WITH_MAPS, export_dataset
from synthgen.exchange.pictures import Picture
from synthgen.keypoints import spinetrack
from synthgen.render import render_dataset
from synthgen.settings import canonical_json
from synthgen.spinepose.sources import SourceConfig, load_source, read_image

OF_PICTURES = [kind for kind in FORMATS if kind not in SCENES]  # the others need real scenes: test_gltf.py
NAMES = list(spinetrack().names)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("exchange") / "set"
    config = with_values(Config(), poses=12, width=96, height=64, splits={"train": 0.5, "val": 0.5})
    render_dataset(config, root, workers=0, source=fake_source.SOURCE)
    for path in (root / "annotations").iterdir():
        path.write_text("\n".join(_with_hidden_points(line) for line in path.read_text().split("\n")))
    return root


def _with_hidden_points(line: str) -> str:
    """A line of a COCO file whose points are by turns seen, hidden and not labelled; the layout stays."""
    if '"keypoints":[' not in line or '"images":[' in line:
        return line
    annotation = json.loads(line.removesuffix(","))
    points = np.array(annotation["keypoints"]).reshape(-1, 3)
    points[annotation["id"] % 3 :: 3, 2] = np.minimum(points[annotation["id"] % 3 :: 3, 2], 1)
    points[(annotation["id"] + 1) % 3 :: 3] = 0
    annotation["keypoints"] = [v for x, y, seen in points.tolist() for v in (x, y, int(seen))]
    return canonical_json(annotation) + ("," if line.endswith(",") else "")


@pytest.fixture(scope="module")
def exported(dataset, tmp_path_factory):
    """Format -> export, shards of four pictures."""
    folder = tmp_path_factory.mktemp("exported")
    out = {}
    for kind in OF_PICTURES:
        size = {"shard_size": 4} if kind in SHARDED else {}
        out[kind] = export_dataset(dataset, kind, folder / kind, **size).path
    return out


@pytest.fixture(scope="module", params=["train", "val"])
def split(request, dataset):
    assert {0, 1, 2} == set(truth(dataset, request.param)[1][..., 2].ravel()), "the fixture must fill both splits"
    return request.param


@pytest.mark.parametrize("kind", OF_PICTURES)
def test_equal_datasets_give_equal_bytes(kind, dataset, exported, tmp_path):
    again = export_dataset(dataset, kind, tmp_path / "again", **({"shard_size": 4} if kind in SHARDED else {}))
    assert tree(again.path) == tree(exported[kind])
    assert not [p for p in tmp_path.iterdir() if p != again.path]


@pytest.mark.parametrize("kind", OF_PICTURES)
def test_every_export_says_what_it_is(kind, dataset, exported):
    if kind == "coco-zip":
        about = json.loads(zipfile.ZipFile(exported[kind]).read("synthgen.json"))
    else:
        about = json.loads((exported[kind] / "synthgen.json").read_text())
        assert "```python" in (exported[kind] / "README.md").read_text()
    assert about["kind"] == kind and about["keypoints"] == NAMES and about["flip"] == spinetrack().flip.tolist()
    assert about["dataset_digest"] == json.loads((dataset / "dataset.json").read_text())["digest"]
    assert sum(about["pictures"].values()) == 12


def test_the_trainer_reads_the_tars_as_it_reads_the_dataset(dataset, exported, split):
    packed = load_source("t", SourceConfig(str(exported["webdataset"] / f"{split}-*.tar")))
    plain = load_source("p", SourceConfig(str(dataset), split=split))
    assert np.array_equal(packed.keypoints, plain.keypoints) and np.array_equal(packed.boxes, plain.boxes)
    assert np.array_equal(packed.areas, plain.areas) and np.array_equal(packed.sizes, plain.sizes)
    for a, b in zip(packed.images, plain.images, strict=True):
        assert np.array_equal(read_image(a), read_image(b))


def test_tar_members_are_in_index_order_without_time_or_owner(dataset, exported, split):
    names = []
    for path in sorted(exported["webdataset"].glob(f"{split}-*.tar")):
        with tarfile.open(path, "r:") as tar:
            members = tar.getmembers()
        assert len(members) <= 8
        assert all((m.mtime, m.uid, m.gid, m.uname, m.mode) == (0, 0, 0, "", 0o644) for m in members)
        assert [m.name.split(".")[1] for m in members] == ["jpg", "json"] * (len(members) // 2)
        names += [m.name for m in members[::2]]
    assert names == truth(dataset, split)[0]


def test_webdataset_opens_the_tars(dataset, exported, split):
    webdataset = pytest.importorskip("webdataset", reason="pip install 'synthgen[exchange]'")
    shards = sorted(str(p) for p in exported["webdataset"].glob(f"{split}-*.tar"))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    names, points = truth(dataset, split)
    assert [f"{s['__key__']}.jpg" for s in samples] == names
    assert np.abs(flat([p for s in samples for p in s["json"]["annotations"]]) - points).max() < SUB_PIXEL
    assert all(s["jpg"].shape == (64, 96, 3) for s in samples)


def test_datasets_loads_the_folder_offline(dataset, exported, split, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="pip install 'synthgen[exchange]'")
    rows = datasets.load_dataset(str(exported["hf"]), split=split, cache_dir=str(tmp_path))
    names, points = truth(dataset, split)
    assert rows["file_name"][:] == names
    assert np.abs(flat([p for row in rows for p in row["people"]]) - points).max() < SUB_PIXEL
    assert rows[0]["image"].size == (96, 64)


def test_parquet_holds_pictures_people_and_depth(dataset, exported, split):
    files = sorted((exported["hf"] / "data").glob(f"{split}-*.parquet"))
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    names, points = truth(dataset, split)
    assert [row["file_name"] for row in rows] == names and all(pq.read_table(f).num_rows <= 4 for f in files)
    people = [person for row in rows for person in row["people"]]
    assert np.abs(flat(people) - points).max() < SUB_PIXEL
    for row in rows:
        assert row["image"]["bytes"] == (dataset / f"images/{split}/{row['file_name']}").read_bytes()
        camera = np.array(row["intrinsics"])
        for person in row["people"]:  # the points in space fall on the points in the picture
            on_film = np.array(person["keypoints_cam"]) @ camera.T
            seen = np.array(person["keypoints"])
            error = np.abs(on_film[:, :2] / on_film[:, 2:] - seen[:, :2])[seen[:, 2] > 0]
            assert error.max() < 0.01


def test_yolo_labels_are_the_same_points(dataset, exported, split):
    names, points = truth(dataset, split)
    rows = []
    for name in names:
        path = exported["yolo"] / f"labels/{split}/{name.replace('.jpg', '.txt')}"
        rows += [[float(word) for word in line.split()] for line in path.read_text().splitlines()]
        assert (exported["yolo"] / f"images/{split}/{name}").is_file()
    rows = np.array(rows)
    assert rows.shape == (len(points), 5 + 37 * 3) and rows.min() >= 0 and rows[:, 1:5].max() <= 1
    got = rows[:, 5:].reshape(-1, 37, 3) * [96, 64, 1]
    assert np.abs(got - points).max() < SUB_PIXEL


def test_yolo_description_flips_left_and_right(exported):
    data = yaml.safe_load((exported["yolo"] / "data.yaml").read_text())
    assert data["kpt_shape"] == [37, 3] and data["names"] == {0: "person"} and data["kpt_names"][0] == NAMES
    mirrored = [NAMES[i] for i in data["flip_idx"]]
    other = {"left": "right", "righ": "left"}
    assert mirrored == [n.replace(n[: n.index("_")], other[n[:4]], 1) if n[:4] in other else n for n in NAMES]
    assert (data["train"], data["val"]) == ("images/train", "images/val")
    assert yaml.safe_load(yolo.data_yaml(["test"]))["val"] == "images/test"


def test_yolo_leaves_out_what_lies_outside_the_picture():
    points = [[10.0, 10.0, 2]] * 36 + [[120.0, 10.0, 1]]
    person = {"bbox": [-10.0, 5.0, 30.0, 20.0], "keypoints": [v for p in points for v in p]}
    gone = {"bbox": [200.0, 5.0, 30.0, 20.0], "keypoints": [0] * 111}
    picture = Picture("train", {"width": 100, "height": 50, "file_name": "000001.jpg"}, [person, gone], b"", {})
    (line,) = yolo.label(picture).splitlines()
    words = line.split()
    assert [float(w) for w in words[:5]] == pytest.approx([0, 0.1, 0.3, 0.2, 0.4])  # the box is cut at the edge
    assert words[-3:] == ["0", "0", "0"] and words[-6:-3] == ["0.1000000", "0.2000000", "2"]


def test_mmpose_metainfo_is_the_schema():
    space: dict = {}
    exec(mmpose.metainfo(), space)
    info, schema = space["dataset_info"], spinetrack()
    keypoints = list(info["keypoint_info"].values())
    assert [k["name"] for k in keypoints] == NAMES and [k["id"] for k in keypoints] == list(range(37))
    swaps = [NAMES.index(k["swap"]) if k["swap"] else i for i, k in enumerate(keypoints)]
    assert swaps == schema.flip.tolist() and info["sigmas"] == schema.sigmas.tolist()
    links = [tuple(NAMES.index(n) for n in link["link"]) for link in info["skeleton_info"].values()]
    assert links == [(link.start, link.end) for link in schema.links] and len(info["joint_weights"]) == 37


@pytest.mark.parametrize("kind", ["coco-zip", "mmpose", "fiftyone"])
def test_coco_folders_open_with_pycocotools(kind, dataset, exported, split, tmp_path):
    from pycocotools.coco import COCO

    place, labels, images = exported[kind], f"annotations/person_keypoints_{split}.json", f"images/{split}"
    if kind == "coco-zip":
        with zipfile.ZipFile(place) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path)
        place = tmp_path
    if kind == "fiftyone":
        labels, images = f"{split}/labels.json", f"{split}/data"
    coco = COCO(str(place / labels))
    names, points = truth(dataset, split)
    loaded = coco.loadImgs(coco.getImgIds())
    assert [image["file_name"] for image in loaded] == names
    assert np.abs(flat(coco.loadAnns(coco.getAnnIds())) - points).max() < SUB_PIXEL
    assert coco.loadCats(1)[0]["keypoints"] == NAMES
    assert not [key for image in loaded for key in image if key.endswith("_file")]  # names of files not exported
    for image, name in zip(loaded, names, strict=True):
        data = (place / images / image["file_name"]).read_bytes()
        assert data == (dataset / f"images/{split}/{name}").read_bytes()
    annotation = coco.loadAnns(coco.getAnnIds())[0]
    given = json.loads((dataset / f"annotations/person_keypoints_{split}.json").read_text())["annotations"][0]
    given = {("instance" if kind == "fiftyone" and k == "instance_id" else k): v for k, v in given.items()}
    assert annotation == given
    assert coco.annToMask(annotation).sum() == annotation["area"]


def test_fiftyone_labels_avoid_its_reserved_names(exported, split):
    people = json.loads((exported["fiftyone"] / split / "labels.json").read_text())["annotations"]
    assert all("instance_id" not in person and person["instance"] == 1 for person in people)


def test_fiftyone_reads_the_folder_without_a_database(dataset, exported, split):
    fouc = pytest.importorskip("fiftyone.utils.coco", reason="pip install fiftyone to try its importer")
    importer = fouc.COCODetectionDatasetImporter(str(exported["fiftyone"] / split), label_types=["keypoints"])
    with importer:
        read = {path.rsplit("/", 1)[-1]: label for path, _, label in importer}
    names, points = truth(dataset, split)
    assert sorted(read) == names
    for name, expected in zip(names, points, strict=True):  # one person per picture in the fixture
        (person,) = read[name].keypoints
        seen = expected[:, 2] > 0
        assert np.abs(np.array(person.points)[seen] * [96, 64] - expected[seen, :2]).max() < SUB_PIXEL


@pytest.mark.parametrize("kind", WITH_MAPS)
def test_maps_travel_where_asked_for(kind, dataset, tmp_path):
    out = export_dataset(dataset, kind, tmp_path / "out", maps=True).path
    if kind == "webdataset":
        with tarfile.open(out / "val-000000.tar") as tar:
            first = tar.getmembers()[:5]
            assert [m.name.split(".", 1)[1] for m in first] == "jpg json depth.png instances.png parts.png".split()
            stem, data = first[0].name.split(".")[0], tar.extractfile(first[2]).read()
        assert len(load_source("t", SourceConfig(str(out / "val-*.tar")))) == len(truth(dataset, "val")[0])
    else:
        row = pq.read_table(next((out / "data").glob("val-*.parquet"))).to_pylist()[0]
        stem, data = row["file_name"].split(".")[0], row["depth"]["bytes"]
    assert data == (dataset / f"depth/val/{stem}.png").read_bytes()
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).dtype == np.uint16
