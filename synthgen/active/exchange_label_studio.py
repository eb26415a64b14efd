"""Label Studio's JSON: predictions go in, annotations come out.

A person is a rectangle; its points are key points whose `parentID` is the rectangle. Coordinates are percent of the
picture. A hidden point carries a choice "hidden" of its own; what is not there is not labelled. `labelling_config`
writes the interface that such a project needs.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.active.exchange import Person, Picture, box_about, row_of
from synthgen.keypoints import spinetrack
from synthgen.shards import write_atomic

IMAGE, BOX, POINT, HIDDEN = "image", "person", "point", "visibility"
_WIDTH = 0.5  # of a drawn point, percent of the picture
_NUMBER = re.compile(r"^person-(\d+)$")


def labelling_config() -> str:
    """The labelling interface, XML."""
    # Label Studio's own exports to COCO and YOLO go by model_index.
    labels = "\n".join(f'    <Label value="{n}" model_index="{i}"/>' for i, n in enumerate(spinetrack().names))
    return (
        f'<View>\n  <Image name="{IMAGE}" value="$image" zoom="true"/>\n'
        f'  <RectangleLabels name="{BOX}" toName="{IMAGE}">\n    <Label value="person"/>\n  </RectangleLabels>\n'
        f'  <KeyPointLabels name="{POINT}" toName="{IMAGE}" strokeWidth="2">\n{labels}\n  </KeyPointLabels>\n'
        f'  <Choices name="{HIDDEN}" toName="{IMAGE}" perRegion="true" whenTagName="{POINT}">\n'
        '    <Choice value="hidden"/>\n  </Choices>\n</View>\n'
    )


def write(pictures: list[Picture], path: Path, final: bool, model: str) -> None:
    """Tasks with predictions, or with annotations where the labels are final; the interface beside, as
    NAME.label_config.xml."""
    tasks = []
    for picture in pictures:
        results = [r for n, person in enumerate(picture.people) for r in _results(picture, person, n)]
        scores = [float(p.points[:, 3].mean()) for p in picture.people]
        task: dict = {"data": {"image": picture.name}}
        if final:
            task["annotations"] = [{"result": results}]
        else:
            task["predictions"] = [{"model_version": model, "score": round(min(scores), 4), "result": results}]
        tasks.append(task)
    write_atomic(path, (json.dumps(tasks, indent=1, allow_nan=False) + "\n").encode())
    write_atomic(path.with_name(f"{path.stem}.label_config.xml"), labelling_config().encode())


def _results(picture: Picture, person: Person, place: int) -> list[dict]:
    name = f"person-{person.number}" if person.number is not None else f"somebody-{place}"
    size = {"original_width": picture.width, "original_height": picture.height, "image_rotation": 0}
    common: dict = {**size, "to_name": IMAGE}
    scale = 100 / np.array([picture.width, picture.height])
    x, y = person.box[:2] * scale
    width, height = person.box[2:] * scale
    value: dict = {"x": float(x), "y": float(y), "width": float(width), "height": float(height), "rotation": 0}
    value["rectanglelabels"] = ["person"]
    results: list[dict] = [common | {"id": name, "type": "rectanglelabels", "from_name": BOX, "value": value}]
    if person.comment:
        results[0]["meta"] = {"text": [person.comment]}
    for label, (px, py, seen, score) in zip(spinetrack().names, person.points, strict=True):
        if seen == 0:
            continue
        place_of: dict = {"x": float(px * scale[0]), "y": float(py * scale[1]), "width": _WIDTH}
        point: dict = {"id": f"{name}-{label}", "type": "keypointlabels", "from_name": POINT, "parentID": name}
        point |= {"value": place_of | {"keypointlabels": [label]}, "score": round(float(score), 4)}
        results.append(common | point)
        if seen == 1:
            choice = {"id": point["id"], "type": "choices", "from_name": HIDDEN}
            results.append(common | choice | {"value": place_of | {"choices": ["hidden"]}})
    return results


def read(path: Path) -> list[Picture]:
    """People of an export (JSON, not JSON-MIN): the last annotation of each task that was not cancelled.

    Raises:
        ProjectError: not such a file.
    """
    try:
        tasks = json.loads(path.read_bytes())
        if not isinstance(tasks, list):
            raise TypeError("the file is no list of tasks")
        return [picture for picture in map(_picture, tasks) if picture is not None]
    except OSError as error:
        raise ProjectError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(f"{path} is no JSON export of Label Studio ({type(error).__name__}: {error})") from None


def _picture(task: dict) -> Picture | None:
    given = [a for a in task.get("annotations") or task.get("completions") or [] if not a.get("was_cancelled")]
    if not given:
        return None
    results = given[-1]["result"]
    data = task["data"]
    name = str(data.get("image") or data.get("img") or next(v for v in data.values() if isinstance(v, str)))
    hidden = {r["id"] for r in results if r["type"] == "choices" and "hidden" in r["value"].get("choices", ())}
    size = next(((r["original_width"], r["original_height"]) for r in results if "original_width" in r), (0, 0))
    boxes = {r["id"]: r for r in results if r["type"] == "rectanglelabels"}
    groups: dict[str, np.ndarray] = {number: np.zeros((37, 4)) for number in boxes}
    for r in results:
        if r["type"] != "keypointlabels":
            continue
        row = row_of(str(r["value"]["keypointlabels"][0]))
        if row is None:
            continue
        parent = str(r.get("parentID") or r.get("parent_id") or "")
        points = groups.setdefault(parent, np.zeros((37, 4)))
        place = r["value"]["x"] * r["original_width"] / 100, r["value"]["y"] * r["original_height"] / 100
        points[row] = (*place, 1 if r["id"] in hidden or r["value"].get("hidden") else 2, 1.0)
    people = [_person(number, points, boxes.get(number)) for number, points in groups.items()]
    return Picture(_file(name), int(size[0]), int(size[1]), tuple(people))


def _person(name: str, points: np.ndarray, box: dict | None) -> Person:
    found = _NUMBER.match(name)
    number = int(found[1]) if found else None
    if box is None:
        return Person(points, box_about(points), number)
    value, size = box["value"], np.array([box["original_width"], box["original_height"]] * 2) / 100
    place = np.array([value["x"], value["y"], value["width"], value["height"]], float) * size
    comment = " ".join((box.get("meta") or {}).get("text") or [])
    return Person(points, place, number, comment)


def _file(name: str) -> str:
    """The file behind what a task calls its picture: local files are served as ?d=PATH, uploads with a prefix."""
    name = unquote(name)
    return name.partition("?d=")[2] or name
