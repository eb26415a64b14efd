"""FiftyOne: per split a COCODetectionDataset folder, labels.json and data/: boxes, outlines and keypoints."""

from pathlib import Path

from synthgen.exchange.coco_json import coco_writer
from synthgen.exchange.export import Job, write_about

GUIDE = """# FiftyOne

One folder per split, of the type COCODetectionDataset.

```python
import json

import fiftyone as fo

about = json.load(open("synthgen.json"))
dataset = fo.Dataset.from_dir(
    "{split}",
    dataset_type=fo.types.COCODetectionDataset,
    label_types=["detections", "segmentations", "keypoints"],
    include_id=True,
)
dataset.default_skeleton = fo.KeypointSkeleton(labels=about["keypoints"], edges=about["skeleton"])
```

`fo.Dataset` keeps its samples in a MongoDB that FiftyOne starts. Without one, the importer alone reads the folder:

```python
import fiftyone.utils.coco as fouc

importer = fouc.COCODetectionDatasetImporter("{split}", label_types=["keypoints"])
with importer:
    for path, metadata, label in importer:
        print(path, label.keypoints[0].points)  # shares of the picture; nan where unlabelled
```
"""
RENAMED = {"instance_id": "instance"}  # FiftyOne keeps the name `instance_id` for itself


def write(job: Job, place: Path) -> None:
    """Fill the folder `place` with SPLIT/labels.json and SPLIT/data/."""
    for split in job.splits:
        data = place / split.name / "data"
        data.mkdir(parents=True)
        path = place / split.name / "labels.json"
        with open(path, "wb") as file, coco_writer(split, file, place.parent, RENAMED) as add:
            for picture in job.pictures(split):
                (data / picture.name).write_bytes(picture.data)
                add(picture)
    write_about(job, "fiftyone", place, GUIDE.format(split=job.splits[0].name))
