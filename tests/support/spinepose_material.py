"""What the tests of prediction and export run on, or a skip that says what is missing."""

import os
from pathlib import Path

import pytest


def labelled_photos() -> Path:
    """Folder with photographs and person_keypoints_coco17.json."""
    folder = Path(os.environ.get("SYNTHGEN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "photos"
    if not (folder / "person_keypoints_coco17.json").is_file():
        pytest.skip(f"no labelled photographs in {folder}; set SYNTHGEN_TEST_DATA")
    return folder


def blazepose_detector():
    """The person detector of the installed blazepose pack."""
    pytest.importorskip("torch", reason="torch is not installed")
    from biomech.errors import AssetError
    from synthgen.spinepose.detect import Detector

    try:
        return Detector()
    except AssetError as error:
        pytest.skip(str(error))


def shipped_weights() -> Path:
    """The checkpoint that comes with the package."""
    from synthgen.spinepose.errors import CheckpointError
    from synthgen.spinepose.estimator import default_weights

    try:
        return default_weights()
    except CheckpointError as error:
        pytest.skip(str(error))
