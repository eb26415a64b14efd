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


def blazepose_package() -> Path:
    """BlazePose's own network files: what $SYNTHGEN_BLAZEPOSE_PACKAGE names, else what the set-up keeps."""
    import keep_blazepose

    named = os.environ.get("SYNTHGEN_BLAZEPOSE_PACKAGE")
    folder = Path(named) if named else keep_blazepose.kept_folder()
    if not all((folder / name).is_file() for name in keep_blazepose.FILES):
        pytest.skip(
            f"{folder} does not hold BlazePose's own files; run scripts/keep_blazepose.py, or set "
            "SYNTHGEN_BLAZEPOSE_PACKAGE to the unpacked npm package @mediapipe/pose"
        )
    return folder


def shipped_weights() -> Path:
    """The checkpoint that comes with the package."""
    from synthgen.spinepose.errors import CheckpointError
    from synthgen.spinepose.estimator import default_weights

    try:
        return default_weights()
    except CheckpointError as error:
        pytest.skip(str(error))
