"""Annotation files of the wrong shape are refused in a sentence that names the entry."""

import numpy as np
import pytest
from people_on_disk import edit, write_set

from biomech.errors import DatasetError
from synthgen.spinepose.outlines import outline_of
from synthgen.spinepose.sources import SourceConfig, load_source

SPOILT = {
    "area": ("annotations", {"area": ""}, "number 1 of its annotations has a 'area' that is ''; it must be a number"),
    "area of another kind": ("annotations", {"area": {}}, "'area' that is {}"),
    "area beyond floats": ("annotations", {"area": 10**400}, "'area' that is 1000"),
    "id": ("annotations", {"id": "seven"}, "'id' that is 'seven'; it must be a whole number"),
    "picture": ("annotations", {"image_id": [1]}, r"'image_id' that is \[1\]"),
    "points": ("annotations", {"keypoints": "abc"}, "'keypoints' that is 'abc'; it must be a list"),
    "a point": ("annotations", {"keypoints": [["x"]] * 111}, "annotation 2 has keypoints that are no numbers"),
    "no name": ("images", {"file_name": None}, "number 1 of its images has a 'file_name' that is None"),
    "size": ("images", {"width": [3]}, "'width' that is"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_an_entry_of_another_kind_is_named(what, tmp_path):
    part, change, said = SPOILT[what]
    path = edit(write_set(tmp_path, 3), lambda data: data[part][1].update(change))
    with pytest.raises(DatasetError, match=f"source 'mine'.*{said}"):
        load_source("mine", SourceConfig(str(path)))


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
def test_an_entry_that_is_no_object_is_named(part, tmp_path):
    path = edit(write_set(tmp_path, 3), lambda data: data[part].__setitem__(0, 5))
    with pytest.raises(DatasetError, match=f"number 0 of its {part} is"):
        load_source("mine", SourceConfig(str(path)))


def test_a_picture_without_a_name_is_named(tmp_path):
    path = edit(write_set(tmp_path, 3), lambda data: data["images"][2].pop("file_name"))
    with pytest.raises(DatasetError, match="number 2 of its images has a 'file_name' that is missing"):
        load_source("mine", SourceConfig(str(path)))


@pytest.mark.parametrize("box", ["abcd", [1, 2, "3", 4], [1, 2, {}, 4], [0, 0, 10**400, 9], [0, 0, float("nan"), 9]])
def test_a_box_of_no_numbers_counts_as_none(box, tmp_path):
    path = edit(write_set(tmp_path, 3), lambda data: data["annotations"][0].update(bbox=box))
    assert load_source("mine", SourceConfig(str(path))).skipped == {"no box": 1}


@pytest.mark.parametrize(
    "segmentation",
    [
        [["x"] * 6],
        [5],
        {"size": [4, 4], "counts": 5},
        {"size": [4, 4], "counts": [0, 999]},
        {"size": [4, 4], "counts": [1, -4, 99]},
        {"size": [10**6, 10**6], "counts": [10**12]},
        {"size": "4x4", "counts": "04"},
        {"size": [4, 4]},
    ],
)
def test_a_silhouette_that_is_not_understood_is_none(segmentation):
    assert outline_of(segmentation) == ()


def test_silhouettes_that_are_understood():
    (polygon,) = outline_of([[0, 0, 4, 0, 4, 4]])
    assert polygon.tolist() == [[0, 0], [4, 0], [4, 4]]
    (box,) = outline_of({"size": [6, 6], "counts": [7, 4, 2, 4, 2, 4, 2, 4, 7]})
    assert box.min() == 1 and box.max() == 4 and box.dtype == np.float32
