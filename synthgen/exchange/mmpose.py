"""MMPose: a COCO folder and spinetrack.py, the metainfo that names points, mirror images, links, sigmas and weights."""

from pathlib import Path

from synthgen.exchange.coco_json import coco_writer
from synthgen.exchange.export import Job, write_about
from synthgen.keypoints import spinetrack

METAINFO = "spinetrack.py"
GUIDE = """# MMPose

```python
dataset = dict(
    type="CocoDataset",
    data_mode="topdown",
    data_root="PATH/OF/THIS/FOLDER",
    ann_file="annotations/person_keypoints_{split}.json",
    data_prefix=dict(img="images/{split}/"),
    metainfo=dict(from_file="PATH/OF/THIS/FOLDER/spinetrack.py"),
    pipeline=[],
)
```

Heads need `out_channels=37`; for CocoMetric, `ann_file` as above and the sigmas come from the metainfo.
"""


def write(job: Job, place: Path) -> None:
    """Fill the folder `place`."""
    (place / "annotations").mkdir(parents=True)
    for split in job.splits:
        images = place / "images" / split.name
        images.mkdir(parents=True)
        path = place / "annotations" / f"person_keypoints_{split.name}.json"
        with open(path, "wb") as file, coco_writer(split, file, place.parent) as add:
            for picture in job.pictures(split):
                (images / picture.name).write_bytes(picture.data)
                add(picture)
    (place / METAINFO).write_text(metainfo(), encoding="ascii")
    write_about(job, "mmpose", place, GUIDE.format(split=job.splits[0].name))


def metainfo() -> str:
    """The text of spinetrack.py: `dataset_info` as MMPose's configs/_base_/datasets have it."""
    schema = spinetrack()
    names = schema.names
    lines = [
        '"""SpineTrack\'s 37 keypoints for MMPose."""',
        "",
        "dataset_info = dict(",
        '    dataset_name="spinetrack",',
    ]
    lines += ["    paper_info=dict(", '        title="SpineTrack, as labelled by synthgen",', '        author="",']
    lines += ['        container="",', '        year="",', '        homepage="",', "    ),", "    keypoint_info={"]
    for k in schema.keypoints:
        entry = f'name="{k.name}", id={k.id}, color={list(k.color)}, type="{k.type}", swap="{k.swap}"'
        lines.append(f"        {k.id}: dict({entry}),")
    lines += ["    },", "    skeleton_info={"]
    for i, link in enumerate(schema.links):
        entry = f'link=("{names[link.start]}", "{names[link.end]}"), id={i}, color={list(link.color)}'
        lines.append(f"        {i}: dict({entry}),")
    lines += ["    },", f"    joint_weights={schema.weights.tolist()},", f"    sigmas={schema.sigmas.tolist()},", ")"]
    return "\n".join(lines) + "\n"
