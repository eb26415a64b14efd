"""YOLO-pose: images/SPLIT, labels/SPLIT/*.txt with shares of the picture, and data.yaml with flip indices."""

from pathlib import Path

from synthgen.exchange.export import Job, write_about
from synthgen.exchange.pictures import Picture
from synthgen.keypoints import spinetrack

GUIDE = """# YOLO-pose

`labels/SPLIT/NNNNNN.txt` has a line per person: class 0, box centre x, y, width, height, then 37 x (x, y, visibility),
as shares of the picture's width and height. Unlabelled points, and points outside the picture, are 0 0 0.

```python
from ultralytics import YOLO

YOLO("yolo11n-pose.pt").train(data="data.yaml", imgsz=640)
```
"""
DECIMALS = 7  # 0.001 px in a picture 8192 wide


def write(job: Job, place: Path) -> None:
    """Fill the folder `place`."""
    for split in job.splits:
        images, labels = place / "images" / split.name, place / "labels" / split.name
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for picture in job.pictures(split):
            (images / picture.name).write_bytes(picture.data)
            (labels / f"{picture.stem}.txt").write_text(label(picture), encoding="ascii")
    (place / "data.yaml").write_text(data_yaml([split.name for split in job.splits]), encoding="ascii")
    write_about(job, "yolo", place, GUIDE)


def label(picture: Picture) -> str:
    """The lines of one picture: 5 + 37 x 3 numbers per person; boxes cut at the picture's edge."""
    width, height = picture.image["width"], picture.image["height"]
    lines = []
    for person in picture.people:
        x, y, w, h = person["bbox"]
        x0, x1 = (min(max(v, 0.0), width) / width for v in (x, x + w))
        y0, y1 = (min(max(v, 0.0), height) / height for v in (y, y + h))
        if x1 <= x0 or y1 <= y0:
            continue  # nothing of the person is in the picture
        words = ["0", *(_share(v) for v in ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0))]
        flat = person["keypoints"]
        for px, py, seen in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            inside = seen > 0 and 0 <= px <= width and 0 <= py <= height
            words += [_share(px / width), _share(py / height), str(int(seen))] if inside else ["0", "0", "0"]
        lines.append(" ".join(words) + "\n")
    return "".join(lines)


def _share(value: float) -> str:
    return f"{value:.{DECIMALS}f}"


def data_yaml(splits: list[str]) -> str:
    """The description that ultralytics reads; no `path`, so that the folder can be moved.

    It must name a training and a validation part: where the dataset lacks one, the first part stands in.
    """
    schema = spinetrack()
    lines = ["# SpineTrack's 37 keypoints; paths are relative to this file"]
    for part in dict.fromkeys(("train", "val", *splits)):
        note = "" if part in splits else "  # the dataset has no such part; this one stands in"
        lines.append(f"{part}: images/{part if part in splits else splits[0]}{note}")
    lines += ["names:", "  0: person", f"kpt_shape: [{len(schema.names)}, 3]"]
    lines += [f"flip_idx: [{', '.join(map(str, schema.flip.tolist()))}]"]
    lines += ["kpt_names:", f"  0: [{', '.join(schema.names)}]"]
    return "\n".join(lines) + "\n"
