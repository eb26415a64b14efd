"""A COCO keypoint file written while the pictures stream by, with what stock COCO programs expect."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from synthgen.exchange.pictures import Picture, Split
from synthgen.settings import canonical_json

OURS = ("keypoints_cam",)  # in the table of the dataset; no COCO program asks for it


@contextmanager
def coco_writer(
    split: Split, file: IO[bytes], beside: Path, renamed: Mapping[str, str] | None = None
) -> Iterator[Callable[[Picture], None]]:
    """A function that adds a picture; people wait in a nameless file, as they come after all pictures.

    Args:
        beside: folder for that file.
        renamed: keys of an annotation -> what the reader can take instead.
    """
    new = renamed or {}
    counts = [0, 0]

    def put(where: IO[bytes], which: int, item: dict) -> None:
        where.write(((",\n" if counts[which] else "\n") + canonical_json(item)).encode("ascii"))
        counts[which] += 1

    with tempfile.TemporaryFile(dir=beside) as side:

        def add(picture: Picture) -> None:
            put(file, 0, picture.image)
            for person in picture.people:
                put(side, 1, {new.get(k, k): v for k, v in person.items() if k not in OURS})

        file.write((canonical_json(split.header)[:-1] + ',"images":[').encode("ascii"))
        yield add
        file.write(b'\n],"annotations":[')
        side.seek(0, os.SEEK_SET)
        shutil.copyfileobj(side, file)
        file.write(b"\n]}\n")
