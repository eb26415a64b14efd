"""Predictions as files: OpenPose-style JSON, one per picture, and COCO JSON, one for all."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synthgen.keypoints import coco_category
from synthgen.shards import write_atomic
from synthgen.spinepose.estimator import SEEN, Pose, box_of

_SURE = 0.5  # score above which a keypoint is written as seen (2); below SEEN it is written as absent (0)


def openpose(poses: list[Pose]) -> dict:
    """People of one picture in OpenPose's form: x, y, score of the 37 points in a row; person_id if tracked."""
    people = []
    for pose in poses:
        person: dict = {} if pose.track is None else {"person_id": [pose.track]}
        table = np.column_stack([pose.points, pose.scores])
        people.append(person | {"pose_keypoints_2d": np.round(table, 4).ravel().tolist()})
    return {"version": 1.0, "people": people}


def write_openpose(path: Path, poses: list[Pose]) -> None:
    """Write the OpenPose-style file of one picture."""
    write_atomic(path, json.dumps(openpose(poses)).encode(), durable=False)


@dataclass(slots=True, eq=False)
class CocoFile:
    """Predictions gathered as a COCO keypoint dataset, so that whatever reads labels reads predictions."""

    _images: list[dict] = field(default_factory=list)
    _annotations: list[dict] = field(default_factory=list)

    def add(self, name: str, shape: tuple[int, ...], poses: list[Pose]) -> None:
        """One more picture: its name, its (H, W, ...) and its people."""
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": name, "height": int(shape[0]), "width": int(shape[1])})
        for pose in poses:
            box = box_of(pose)
            visibility = np.where(pose.scores >= _SURE, 2, np.where(pose.scores >= SEEN, 1, 0))
            points = np.column_stack([np.where(visibility[:, None] > 0, pose.points, 0.0), visibility])
            entry = {
                "id": len(self._annotations) + 1,
                "image_id": number,
                "category_id": 1,
                "bbox": np.round(box, 2).tolist(),
                "area": round(float(box[2] * box[3]), 2),
                "iscrowd": 0,
                "num_keypoints": int((visibility > 0).sum()),
                "keypoints": np.round(points, 2).ravel().tolist(),
                "keypoint_scores": np.round(pose.scores, 4).tolist(),
                "score": round(pose.score, 4),
            }
            if pose.track is not None:
                entry["track_id"] = pose.track
            self._annotations.append(entry)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        content = {
            "info": {"description": "keypoints predicted by synthgen"},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [coco_category()],
        }
        write_atomic(path, json.dumps(content).encode())
