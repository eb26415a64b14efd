"""One zip in SpineTrack's own layout: annotations/person_keypoints_SPLIT.json and images/SPLIT/NNNNNN.jpg.

Members are stored, not compressed: pictures do not shrink, and the bytes do not hang on a version of zlib.
"""

import shutil
import tempfile
import zipfile
from pathlib import Path

from synthgen.exchange.coco_json import coco_writer
from synthgen.exchange.export import Job
from synthgen.exchange.target import MARK
from synthgen.settings import canonical_json


def write(job: Job, place: Path) -> None:
    """Write the file `place`."""
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(_member(MARK), canonical_json(job.about("coco-zip")) + "\n")
        for split in job.splits:
            with tempfile.TemporaryFile(dir=place.parent) as labels:  # one member at a time can be open
                with coco_writer(split, labels, place.parent) as add:
                    for picture in job.pictures(split):
                        archive.writestr(_member(f"images/{split.name}/{picture.name}"), picture.data)
                        add(picture)
                labels.seek(0)
                name = f"annotations/person_keypoints_{split.name}.json"
                with archive.open(_member(name), "w", force_zip64=True) as member:
                    shutil.copyfileobj(labels, member)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)  # 1980-01-01, stored
    info.create_system, info.external_attr = 3, 0o100644 << 16
    return info
