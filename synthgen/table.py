"""kinematics.parquet: one row per person in a picture, with everything that does not fit into COCO.

Columns:
    image_id, annotation_id, subject, instance_id, split, activity, phase
    spec_line                   line of scenes.jsonl (from 0) that made the picture
    keypoints                   37 x (x px, y px, visibility), true projections also outside the picture
    keypoints_world             37 x 3 m, x forward, y up, z right
    keypoints_cam               37 x 3 m, x right, y down, z forward
    vertebrae_world, _cam       24 x 4 x 4, rows first: world_from_vertebra and cam_from_vertebra, L5 to C1
    residuals                   name -> m
    profile, pathology          whose limits and posture; kind of pathology, "" for none
    severity, severity_measured asked for, and as the vertebra frames show it at rest (deg, %, levels); null for none
    motion, motion_frame        imported motion that the pose was taken from, and its frame; "" and -1 for none
    take, frame, view           the take, the frame of its movement and the camera of the picture, each from 0
    place                       x m, z m, heading rad: world_from the frame that the joint angles are given in
    crowd                       whether the row stands for a crowd (the pose is that of its first member)
    one column per coordinate   joint angle, rad (pelvis_tx, _ty, _tz: m)
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from biomech.errors import DatasetError

ROW_GROUP = 1024
FLAT = {"keypoints": 111, "keypoints_world": 111, "keypoints_cam": 111, "vertebrae_world": 384, "vertebrae_cam": 384}


def table_schema(coordinates: Sequence[str], notes: Mapping[str, str] | None = None) -> pa.Schema:
    """Column names and types; the coordinate names are stored once more in the metadata, in model order.

    Args:
        notes: further metadata, such as the levels that a published model lacks.
    """
    fields = [
        pa.field("image_id", pa.int64()),
        pa.field("annotation_id", pa.int64()),
        pa.field("subject", pa.int64()),
        pa.field("instance_id", pa.int32()),
        pa.field("split", pa.string()),
        pa.field("activity", pa.string()),
        pa.field("phase", pa.float64()),
        pa.field("spec_line", pa.int64()),
        *(pa.field(name, pa.list_(pa.float32(), size)) for name, size in FLAT.items()),
        pa.field("residuals", pa.map_(pa.string(), pa.float64())),
        pa.field("profile", pa.string()),
        pa.field("pathology", pa.string()),
        pa.field("severity", pa.float64()),
        pa.field("severity_measured", pa.float64()),
        pa.field("motion", pa.string()),
        pa.field("motion_frame", pa.int64()),
        *(pa.field(name, pa.int64()) for name in ("take", "frame", "view")),
        pa.field("place", pa.list_(pa.float64(), 3)),
        pa.field("crowd", pa.bool_()),
        *(pa.field(name, pa.float64()) for name in coordinates),
    ]
    return pa.schema(fields, metadata={"coordinates": " ".join(coordinates), "units": "m, rad, px", **(notes or {})})


class TableWriter:
    """Streams rows into a Parquet file that appears under its name when complete."""

    def __init__(self, path: Path, coordinates: Sequence[str], notes: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self.coordinates = tuple(coordinates)
        self.schema = table_schema(coordinates, notes)
        self.writer = pq.ParquetWriter(self.temporary, self.schema, compression="zstd")
        self.waiting: list[pa.Table] = []

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self.writer.close()
        if kind is None:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)

    def add(self, records: Sequence[dict], arrays: dict[str, np.ndarray], first_row: int) -> None:
        """Add a shard: its records and its arrays (one row per annotation); `first_row` counts earlier annotations."""
        pairs = [(r, a) for r in records for a in r["annotations"]]
        if not pairs:
            return
        if arrays["q"].shape[1] != len(self.coordinates):
            raise ValueError(f"{arrays['q'].shape[1]} joint angles per pose, {len(self.coordinates)} coordinate names")
        cam = np.array([r["cam_from_world"] for r, _ in pairs])
        arrays = {**arrays, "vertebrae_cam": cam[:, None] @ arrays["vertebrae_world"]}
        columns: dict[str, object] = {
            "image_id": [r["index"] for r, _ in pairs],
            "annotation_id": [first_row + i + 1 for i in range(len(pairs))],
            "subject": [a["subject"] for _, a in pairs],
            "instance_id": [a["instance_id"] for _, a in pairs],
            "split": [r["split"] for r, _ in pairs],
            "activity": [a["activity"] for _, a in pairs],
            "phase": [a["phase"] for _, a in pairs],
            "spec_line": [r["index"] for r, _ in pairs],
            "residuals": [list(a["residuals"].items()) for _, a in pairs],
            "profile": [a["condition"]["profile"] for _, a in pairs],
            "pathology": [a["condition"]["pathology"] for _, a in pairs],
            "severity": pa.array([a["condition"]["severity"] for _, a in pairs], pa.float64()),
            "severity_measured": pa.array([a["condition"]["measured"] for _, a in pairs], pa.float64()),
            "motion": [a["motion"] for _, a in pairs],
            "motion_frame": [a["frame"] for _, a in pairs],
            **{name: [r["take"][i] for r, _ in pairs] for i, name in enumerate(("take", "frame", "view"))},
            "place": pa.array([a["place"] for _, a in pairs], pa.list_(pa.float64(), 3)),
            "crowd": [bool(a["crowd"]) for _, a in pairs],
        }
        for name, size in FLAT.items():
            flat = pa.array(arrays[name].reshape(-1).astype(np.float32))
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, size)
        columns |= {name: arrays["q"][:, i] for i, name in enumerate(self.coordinates)}
        self.waiting.append(pa.table({f.name: columns[f.name] for f in self.schema}, schema=self.schema))
        if sum(len(t) for t in self.waiting) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.concat_tables(self.waiting), row_group_size=ROW_GROUP)
            self.waiting = []


def read_table(path: Path, groups: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    """The table as arrays: (N,) per scalar column, (N, 37, 3) and (N, 24, 4, 4) for points and poses, q (N, D).

    The names of q's columns are returned as "coordinates" (D,), residuals as an object array of dicts.

    Args:
        groups: only these row groups, of ROW_GROUP rows or fewer each; default all.
    """
    try:
        whole = groups is None
        return _as_arrays(pq.read_table(path) if whole else pq.ParquetFile(path).read_row_groups(list(groups or ())))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        said = (str(error).splitlines() or [""])[0]
        raise DatasetError(f"{path} cannot be read as the table of a dataset ({said[:200]})") from None


def _as_arrays(table: pa.Table) -> dict[str, np.ndarray]:
    coordinates = (table.schema.metadata or {})[b"coordinates"].decode().split()
    out: dict[str, np.ndarray] = {}
    for name in table.column_names:
        if name in FLAT:
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            out[name] = flat.reshape(-1, 37, 3) if FLAT[name] == 111 else flat.reshape(-1, 24, 4, 4)
        elif name == "residuals":
            out[name] = np.array([dict(r) for r in table[name].to_pylist()] + [None], dtype=object)[:-1]
        elif name == "place":
            out[name] = np.array(table[name].to_pylist(), float).reshape(-1, 3)
        elif name not in coordinates:
            out[name] = np.asarray(table[name].to_numpy())
    columns = [table[c].to_numpy() for c in coordinates]
    out["q"] = np.stack(columns, 1) if columns else np.zeros((len(table), 0))
    out["coordinates"] = np.array(coordinates)
    return out
