"""A small rendered dataset of real assets, made once per test run and shared by the tests that read stored scenes."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from synthgen.config import Config, with_values
from synthgen.render import render_dataset

POSES, WIDTH, HEIGHT = 6, 160, 120


@cache
def real_dataset() -> Path:
    """Six pictures of three people; removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="synthgen-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    values = {"poses": POSES, "width": WIDTH, "height": HEIGHT, "poses_per_subject": 2, "seed": 11}
    render_dataset(with_values(Config(), **values), folder / "set", workers=0)
    return folder / "set"
