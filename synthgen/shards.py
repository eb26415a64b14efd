"""The plan of a dataset and the writing of one shard.

Pictures go straight to their final place; labels of a shard go to shards/NNNNN/. Every file is written to a temporary
name and moved, and a shard exists when its manifest exists, which is written last. A shard that was interrupted leaves
files of the right bytes or none, and is simply written again.
"""

import dataclasses
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import DatasetError
from scenes.guarded import open_arrays
from synthgen.clips import Still, still_of, take_files
from synthgen.config import Config
from synthgen.sample_types import Annotation, Sample
from synthgen.settings import canonical_json

SHARDS = "shards"
MANIFEST = "manifest.json"
DEPTH_SCALE = 1000.0  # depth maps hold whole millimetres
DEPTH_MAX = 65535  # mm; what lies farther is written as this


@dataclass(frozen=True, slots=True)
class Shard:
    """Samples start..stop-1."""

    number: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def plan(config: Config) -> tuple[Shard, ...]:
    """Cut the indices into shards: whole subjects each, smaller towards the end so that workers finish together.

    Depends on the config alone, never on the number of workers.
    """
    step = config.poses_per_subject
    largest = max(1, config.shard_size // step) * step
    shards: list[Shard] = []
    start = 0
    while start < config.poses:
        fair = (config.poses - start) // 8 // step * step  # guided self-scheduling for eight workers
        stop = min(config.poses, start + min(largest, max(step, fair)))
        shards.append(Shard(len(shards), start, stop))
        start = stop
    return tuple(shards)


def stem(config: Config, index: int) -> str:
    """File name of a sample without folder and ending, zero-padded so that names sort like numbers."""
    return f"{index:0{max(6, len(str(config.poses - 1)))}d}"


def sample_files(config: Config, split: str, index: int) -> dict[str, str]:
    """Kind ("images", "depth", "instances", "parts", "normals") -> path relative to the dataset folder."""
    name = stem(config, index)
    files = {"images": f"images/{split}/{name}.jpg"}
    if config.output.depth:
        files["depth"] = f"depth/{split}/{name}.png"
    if config.output.ids:
        files["instances"] = f"instances/{split}/{name}.png"
        files["parts"] = f"parts/{split}/{name}.png"
    if config.output.normals:
        files["normals"] = f"normals/{split}/{name}.png"
    return files


def shard_folder(root: Path, shard: Shard) -> Path:
    return root / SHARDS / f"{shard.number:05d}"


def is_finished(root: Path, shard: Shard) -> bool:
    return (shard_folder(root, shard) / MANIFEST).is_file()


def is_temporary(name: str) -> bool:
    """Whether a file is one that a killed run was writing: everything is written under such a name and moved."""
    return name.startswith(".") and name.endswith(".tmp")


def write_atomic(path: Path, data: bytes, durable: bool = True) -> str:
    """Write to a temporary name, then move into place. Returns the sha256 of the content.

    With `durable` the bytes are on the disk before the name is; a caller that writes many files may sync them later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return hashlib.sha256(data).hexdigest()


def sync(paths: Iterable[Path]) -> None:
    """Bring files, then the folders that name them, to the disk."""
    paths = list(paths)
    for path in [*paths, *sorted({p.parent for p in paths})]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_shard(
    root: Path,
    config: Config,
    shard: Shard,
    make: Callable[[int], Sample],
    subject_osim: Callable[[int], str] | None = None,
    on_sample: Callable[[dict[str, float]], None] | None = None,
) -> None:
    """Make and write every sample of a shard, its labels, and last its manifest.

    Args:
        make: index -> Sample.
        subject_osim: subject -> text of that person's OpenSim model, or None to write none.
        on_sample: called with the seconds per stage after the pictures of a sample are in place.
    """
    folder = shard_folder(root, shard)
    digests: dict[str, str] = {}
    records: list[dict] = []
    annotations: list[Annotation] = []
    subjects: list[int] = []
    stills: list[Still] = []
    for index in range(shard.start, shard.stop):
        sample = make(index)
        if sample.index != index:
            raise DatasetError(f"make_sample returned index {sample.index} where {index} was asked")
        begin = time.perf_counter()
        for name, data in encode(config, sample).items():
            digests[name] = write_atomic(root / name, data, durable=False)
        records.append(_record(config, sample, len(annotations)))
        _check_plain(records[-1], index)
        annotations += sample.annotations
        if config.take > 1:
            stills.append(still_of(sample))
        subjects += [a.subject for a in sample.annotations if a.subject not in subjects]
        if on_sample:
            on_sample({**sample.timings, "write": time.perf_counter() - begin})
    for name, data in take_files(config, stills).items():
        digests[name] = write_atomic(root / name, data, durable=False)
    if subject_osim is not None:
        for subject in sorted(subjects):
            name = f"subjects/{subject:06d}.osim"
            digests[name] = write_atomic(root / name, subject_osim(subject).encode(), durable=False)
    lines = "".join(canonical_json(r) + "\n" for r in records)
    own = {
        "records.jsonl": write_atomic(folder / "records.jsonl", lines.encode(), durable=False),
        "arrays.npz": write_atomic(folder / "arrays.npz", _arrays(annotations), durable=False),
    }
    sync([root / n for n in digests] + [folder / n for n in own])
    manifest = {
        "shard": shard.number,
        "start": shard.start,
        "stop": shard.stop,
        "files": digests,
        "own": own,
        "bytes": sum((root / name).stat().st_size for name in digests),
    }
    write_atomic(folder / MANIFEST, canonical_json(manifest).encode())
    sync([folder / MANIFEST])


def read_shard(root: Path, shard: Shard) -> tuple[dict, list[dict], dict[str, np.ndarray]]:
    """(manifest, one record per sample, arrays with one row per annotation) of a finished shard.

    Raises DatasetError where the shard's own files do not match its manifest.
    """
    folder = shard_folder(root, shard)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if (manifest["start"], manifest["stop"]) != (shard.start, shard.stop):
        raise DatasetError(f"{folder} holds samples {manifest['start']}..{manifest['stop'] - 1}, not those of the plan")
    content = {name: (folder / name).read_bytes() for name in manifest["own"]}
    for name, data in content.items():
        if hashlib.sha256(data).hexdigest() != manifest["own"][name]:
            raise DatasetError(f"{folder / name} was altered; run the same command again to make it anew")
    records = [json.loads(line) for line in content["records.jsonl"].splitlines()]
    with open_arrays(folder / "arrays.npz") as arrays:
        return manifest, records, {k: arrays[k] for k in arrays.files}


def encode(config: Config, sample: Sample) -> dict[str, bytes]:
    """Relative path -> file content of a sample's pictures."""
    import cv2
    import simplejpeg

    files = sample_files(config, sample.split, sample.index)
    rgb = np.ascontiguousarray(sample.rgb)
    if rgb.shape != (config.height, config.width, 3) or rgb.dtype != np.uint8:
        raise DatasetError(f"sample {sample.index}: got {rgb.shape} {rgb.dtype}, not uint8 of the configured size")
    out = {files["images"]: simplejpeg.encode_jpeg(rgb, quality=int(sample.jpeg_quality), colorsubsampling="420")}
    maps: dict[str, np.ndarray] = {"instances": sample.instance, "parts": sample.part}
    if "depth" in files:
        maps["depth"] = depth_to_millimetres(sample.depth)
    if "normals" in files:
        maps["normals"] = normals_to_colors(sample.normals)
    for kind, path in files.items():
        if kind != "images":
            # depth changes from pixel to pixel: general matches make it a third smaller, and sooner, than runs do
            strategy = cv2.IMWRITE_PNG_STRATEGY_DEFAULT if kind == "depth" else cv2.IMWRITE_PNG_STRATEGY_RLE
            done, data = cv2.imencode(".png", maps[kind], [cv2.IMWRITE_PNG_STRATEGY, strategy])
            if not done:
                raise DatasetError(f"sample {sample.index}: the {kind} map {maps[kind].shape} could not be encoded")
            out[path] = data.tobytes()
    return out


def depth_to_millimetres(depth: np.ndarray) -> np.ndarray:
    """(H, W) m, 0 where nothing was hit -> (H, W) uint16 mm. A hit nearer than half a millimetre is written as 1."""
    hit = np.isfinite(depth) & (depth > 0)
    scaled = np.where(hit, depth, 0.0)
    scaled *= DEPTH_SCALE
    np.clip(np.rint(scaled, out=scaled), 1, DEPTH_MAX, out=scaled)
    scaled *= hit
    return scaled.astype(np.uint16)


def normals_to_colors(normals: np.ndarray | None) -> np.ndarray:
    """(H, W, 3) unit normals in camera axes -> (H, W, 3) uint8 BGR as PNG stores it: 128 is 0, right is red, up green,
    towards the camera blue; black where nothing was hit."""
    if normals is None:
        raise DatasetError("the renderer gave no normals; render with output.normals on")
    shown = np.rint(normals[..., ::-1] * [-127.0, -127.0, 127.0] + 128.0).astype(np.uint8)
    return np.where((normals == 0).all(-1, keepdims=True), np.uint8(0), shown)


def _record(config: Config, sample: Sample, first_row: int) -> dict:
    """What COCO and the tables need of a sample besides its arrays, as plain JSON."""
    camera = sample.camera
    return {
        "index": sample.index,
        "subject": sample.subject,
        "split": sample.split,
        "files": sample_files(config, sample.split, sample.index),
        "intrinsics": np.asarray(camera.intrinsics, float).tolist(),
        "cam_from_world": np.asarray(camera.cam_from_world, float).tolist(),
        "distortion": [float(v) for v in camera.distortion],
        "take": [int(v) for v in sample.take],
        "objects": [{"id": int(i), "kind": kind} for i, kind in sample.objects],
        "spec": sample.spec,
        "first_row": first_row,
        "annotations": [
            {
                "instance_id": int(a.instance_id),
                "subject": int(a.subject),
                "bbox": [float(v) for v in a.bbox],
                "area": float(a.area),
                "segmentation": {
                    "size": [int(v) for v in a.segmentation["size"]],
                    "counts": _text(a.segmentation["counts"]),
                },
                "activity": a.activity,
                "phase": float(a.phase),
                "residuals": {k: float(a.residuals[k]) for k in sorted(a.residuals)},
                "condition": dataclasses.asdict(a.condition),
                "motion": a.motion,
                "frame": int(a.frame),
                "place": [float(v) for v in a.place],
                "crowd": [int(v) for v in a.crowd],
            }
            for a in sample.annotations
        ],
    }


def _check_plain(record: dict, index: int) -> None:
    try:
        canonical_json(record)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"sample {index}: its spec is not plain JSON data ({error})") from None


def _text(counts: str | bytes) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts


def _arrays(annotations: Sequence[Annotation]) -> bytes:
    names = ("keypoints", "keypoints_world", "keypoints_cam", "vertebrae_world", "q")
    buffer = io.BytesIO()
    # np.savez stamps every member with the zip epoch, so equal arrays give equal bytes.
    arrays = {n: np.array([np.asarray(getattr(a, n), float) for a in annotations]) for n in names}
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes every keyword for allow_pickle
    return buffer.getvalue()
