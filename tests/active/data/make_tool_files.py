"""Write the files that test_exchange.py reads with the libraries of other tools; run by hand, each in its own venv.

    python make_tool_files.py datumaro        # pip install datumaro (1.13): what CVAT calls COCO Keypoints 1.0
    python make_tool_files.py label-studio    # pip install label-studio-sdk (2.1): its converter from its JSON to COCO

tool_tasks.json (Label Studio's JSON) is written by synthgen's own export first; see `tasks` below.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
WIDTH, HEIGHT = 300, 200


def people() -> np.ndarray:
    """(2, 37, 3) two people side by side; a point hidden and one absent in each."""
    rng = np.random.default_rng(11)
    places = rng.uniform((10, 10), (130, 190), (2, 37, 2)).round(2)
    places[1, :, 0] += 150
    points = np.concatenate([places, np.full((2, 37, 1), 2.0)], -1)
    points[0, 5, 2], points[0, 20, 2] = 1, 0
    points[1, 30, 2], points[1, 8, 2] = 1, 0
    points[points[..., 2] == 0] = 0
    return points


def names() -> list[str]:
    return json.loads((HERE / "tool_names.json").read_text())


def tasks() -> None:
    """With synthgen: the names, the people, and one of them as Label Studio's JSON."""
    from synthgen.active.exchange import Person, Picture
    from synthgen.active.exchange_label_studio import write
    from synthgen.keypoints import spinetrack

    (HERE / "tool_names.json").write_text(json.dumps(spinetrack().names) + "\n")
    np.save(HERE / "tool_people.npy", people())
    points = np.column_stack([people()[0], np.ones(37)])
    write([Picture("tool_photo.png", WIDTH, HEIGHT, (Person(points, np.array([5.0, 5.0, 130.0, 190.0]), 1),))],
          HERE / "tool_tasks.json", True, "none")  # fmt: skip


def datumaro() -> None:
    import datumaro as dm
    from datumaro.components.annotation import Points

    item = dm.DatasetItem(
        "tool_photo", media=dm.Image.from_numpy(np.zeros((HEIGHT, WIDTH, 3), np.uint8), ext=".png"), subset="default"
    )
    for number, person in enumerate(people(), 1):
        seen = [Points.Visibility(int(v)) for v in person[:, 2]]
        item.annotations.append(dm.Points(person[:, :2].reshape(-1).tolist(), seen, label=0, id=number, group=number))
        low, size = person[person[:, 2] > 0, :2].min(0), np.ptp(person[person[:, 2] > 0, :2], axis=0)
        item.annotations.append(dm.Bbox(*low.tolist(), *size.tolist(), label=0, id=number, group=number))
    categories = {
        dm.AnnotationType.label: dm.LabelCategories.from_iterable(["person"]),
        dm.AnnotationType.points: dm.PointsCategories.from_iterable([(0, names(), [])]),
    }
    out = HERE / "made"
    dm.Dataset.from_iterable([item], categories=categories).export(str(out), "coco_person_keypoints", save_media=False)
    shutil.move(out / "annotations" / "person_keypoints_default.json", HERE / "datumaro_coco.json")
    shutil.rmtree(out)


def label_studio() -> None:
    from label_studio_sdk.converter import Converter

    config = (HERE / "tool_tasks.label_config.xml").read_text()
    tasks = json.loads((HERE / "tool_tasks.json").read_text())
    for number, task in enumerate(tasks, 1):  # as its server numbers them
        task["id"] = number
        for place, annotation in enumerate(task["annotations"], 1):
            annotation |= {"id": place, "completed_by": {"email": "a@b"}, "was_cancelled": False}
    served = HERE / "served.json"
    served.write_text(json.dumps(tasks))
    out = HERE / "made"
    Converter(config, str(HERE), download_resources=False).convert_to_coco(str(served), str(out), is_dir=False)
    shutil.move(out / "result.json", HERE / "label_studio_coco.json")
    shutil.rmtree(out)
    served.unlink()


if __name__ == "__main__":
    {"tasks": tasks, "datumaro": datumaro, "label-studio": label_studio}[sys.argv[1]]()
