"""Hugging Face: Parquet files with the pictures inside, and a README.md that names the splits for `load_dataset`."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.exchange.export import Job, write_about
from synthgen.exchange.pictures import MAPS, Picture
from synthgen.settings import canonical_json

ROWS = 64  # pictures held at once, and per row group
GUIDE = """---
configs:
- config_name: default
  data_files:
{files}---
# Synthetic people with SpineTrack's 37 keypoints

```python
from datasets import load_dataset

dataset = load_dataset("PATH/OF/THIS/FOLDER", split="{split}")
```

A row is a picture: `image`, `image_id`, `file_name`, `width`, `height`, `subject`, `intrinsics`, `cam_from_world` and
`people`, a list with `bbox` (x, y, width, height, px), `keypoints` (37 x (x, y, visibility), px), `keypoints_cam`
(37 x 3 m; x right, y down, z forward), `segmentation` (COCO's RLE), `activity` and more.
`synthgen.json` has the names, mirror images and sigmas of the keypoints.
"""
PERSON = {
    "annotation_id": "int64",
    "instance_id": "int32",
    "subject": "int64",
    "activity": "string",
    "pathology": "string",
    "motion": "string",
    "area": "float64",
    "num_keypoints": "int32",
    "bbox": ["float32"],
    "keypoints": [["float32"]],
    "keypoints_cam": [["float32"]],
    "segmentation": {"size": ["int32"], "counts": "string"},
}
IMAGE = {"bytes": "binary", "path": "string"}
ROW = {
    "image": IMAGE,
    "image_id": "int64",
    "file_name": "string",
    "width": "int32",
    "height": "int32",
    "subject": "int64",
    "intrinsics": [["float64"]],
    "cam_from_world": [["float64"]],
    "people": [PERSON],
}


def write(job: Job, place: Path) -> None:
    """Fill the folder `place` with data/SPLIT-NNNNN-of-NNNNN.parquet and README.md."""
    (place / "data").mkdir(parents=True)
    columns = {**ROW, **(dict.fromkeys(MAPS, IMAGE) if job.maps else {})}
    schema = pa.schema([pa.field(name, _arrow(kind)) for name, kind in columns.items()])
    features = {"info": {"features": {name: _feature(kind) for name, kind in columns.items()}}}
    schema = schema.with_metadata({"huggingface": json.dumps(features)})
    files = ""
    for split in job.splits:
        stream, shards = job.pictures(split), -(-split.images // job.shard_size)
        for number in range(shards):
            path = place / "data" / f"{split.name}-{number:05d}-of-{shards:05d}.parquet"
            with pq.ParquetWriter(path, schema, compression="none") as file:  # pictures do not shrink
                for rows in _groups(islice(stream, job.shard_size)):
                    file.write_table(pa.Table.from_pylist(rows, schema))
        if next(stream, None) is not None:  # runs the stream's last checks, too
            raise AssertionError(f"more pictures than the {split.images} counted")
        files += f"  - split: {split.name}\n    path: data/{split.name}-*.parquet\n"
    write_about(job, "hf", place, GUIDE.format(files=files, split=job.splits[0].name))


def _groups(stream: Iterator[Picture]) -> Iterator[list[dict[str, Any]]]:
    while rows := [_row(picture) for picture in islice(stream, ROWS)]:
        yield rows


def _row(picture: Picture) -> dict[str, Any]:
    image = picture.image
    row = {name: image[name] for name in ROW if name in image}
    row |= {"image": {"bytes": picture.data, "path": picture.name}, "image_id": image["id"]}
    row |= {kind: {"bytes": data, "path": f"{picture.stem}.png"} for kind, data in picture.maps.items()}
    row["people"] = [_person(person) for person in picture.people]
    return row


def _person(person: dict[str, Any]) -> dict[str, Any]:
    flat, outline = person["keypoints"], person["segmentation"]
    return {
        **{name: person[name] for name in PERSON if name in person},
        "annotation_id": person["id"],
        "pathology": person.get("condition", {}).get("pathology", ""),
        "motion": str(person.get("motion", "")),
        "keypoints": [flat[i : i + 3] for i in range(0, len(flat), 3)],
        "segmentation": outline if isinstance(outline, dict) else {"size": [], "counts": canonical_json(outline)},
    }


def _arrow(kind: Any) -> pa.DataType:
    if isinstance(kind, str):
        return {"string": pa.string(), "binary": pa.binary()}.get(kind) or getattr(pa, kind)()
    if isinstance(kind, list):
        return pa.list_(_arrow(kind[0]))
    return pa.struct([pa.field(name, _arrow(inner)) for name, inner in kind.items()])


def _feature(kind: Any) -> Any:
    """The same as the features of `datasets`; lists in the old spelling, which every version reads."""
    if kind is IMAGE:
        return {"_type": "Image"}
    if isinstance(kind, str):
        return {"dtype": kind, "_type": "Value"}
    if isinstance(kind, list):
        inner = _feature(kind[0])
        return [inner] if isinstance(kind[0], dict) else {"feature": inner, "_type": "Sequence"}
    return {name: _feature(inner) for name, inner in kind.items()}
