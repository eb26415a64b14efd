"""WebDataset shards: plain tars of NNNNNN.jpg and NNNNNN.json, which webdataset and our own trainer read.

The JSON is COCO's entry of the picture plus `annotations`; see synthgen.spinepose.tars.
"""

import io
import tarfile
from itertools import count, islice
from pathlib import Path

from synthgen.exchange.export import Job, write_about
from synthgen.exchange.pictures import Picture
from synthgen.settings import canonical_json

GUIDE = """# Shards for webdataset

Each sample is `KEY.jpg` and `KEY.json`: the COCO entry of the picture plus `annotations`, one per person, with
`bbox` (px), `keypoints` (37 x (x, y, visibility), px) and `keypoints_cam` (37 x 3 m; x right, y down, z forward).{maps}
`synthgen.json` has the names, mirror images and sigmas of the keypoints.

```python
import webdataset

{lines}
```

synthgen's own trainer reads them as a source: `annotations: "train-*.tar"`.
"""
MAPS = """
Maps: `KEY.depth.png` (mm), `KEY.instances.png`, `KEY.parts.png` (ids; see the dataset's documentation)."""


def write(job: Job, place: Path) -> None:
    """Fill the folder `place` with SPLIT-NNNNNN.tar."""
    place.mkdir()
    lines = []
    for split in job.splits:
        stream, shards = job.pictures(split), 0
        for number in count():
            first = next(stream, None)
            if first is None:
                break
            with tarfile.open(place / f"{split.name}-{number:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                _add(tar, first)
                for picture in islice(stream, job.shard_size - 1):
                    _add(tar, picture)
            shards = number + 1
        which = "000000" if shards == 1 else f"{{000000..{shards - 1:06d}}}"
        call = f'webdataset.WebDataset("{split.name}-{which}.tar", shardshuffle=False)'
        lines.append(f'{split.name} = {call}.decode("pil")')
    write_about(job, "webdataset", place, GUIDE.format(lines="\n".join(lines), maps=MAPS if job.maps else ""))


def _add(tar: tarfile.TarFile, picture: Picture) -> None:
    label = canonical_json({**picture.image, "split": picture.split, "annotations": picture.people}).encode()
    _member(tar, picture.name, picture.data)
    _member(tar, f"{picture.stem}.json", label)
    for kind in sorted(picture.maps):
        _member(tar, f"{picture.stem}.{kind}.png", picture.maps[kind])


def _member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)  # time 0, owner 0, mode 0644
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
