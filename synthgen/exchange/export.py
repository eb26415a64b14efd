"""Turn a finished dataset into a format that others load: the list of formats and what is common to all.

Equal datasets give equal bytes: pictures in index order, members with fixed times and owners, no date anywhere.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biomech.errors import ConfigError, DatasetError
from synthgen import __version__, folder
from synthgen.dataset import Dataset, read_dataset
from synthgen.exchange.pictures import Picture, Split, picture_bytes, pictures, read_split
from synthgen.exchange.target import FORMAT, MARK, replacing
from synthgen.keypoints import spinetrack

# Name -> module of this package with `write(job, place)`. Lazy: only the one asked for is imported.
FORMATS = {
    "webdataset": "webdataset",
    "hf": "huggingface",
    "yolo": "yolo",
    "coco-zip": "coco_zip",
    "mmpose": "mmpose",
    "fiftyone": "fiftyone",
    "gltf": "gltf",
}
WITH_MAPS = ("webdataset", "hf")
SHARDED = ("webdataset", "hf")
SCENES = ("gltf",)  # made from the specs of chosen pictures, not from the pictures
INFLUENCES = 8
SCENE_BYTES = 20_000_000  # per picture, generous: textures are most of it
SHARD_SIZE = 1000
LABEL_BYTES = 12_000  # per picture, generous: labels in JSON with an outline


@dataclass(frozen=True, slots=True)
class Job:
    """What a format's writer works from.

    Attributes:
        dataset: to export.
        splits: those that hold pictures, in the config's order.
        shard_size: pictures per file, for the formats that pack them.
        maps: also depth and id maps, for the formats that can hold them.
        on_picture: called after each picture.
        indices: pictures to export, for the formats made from specs.
        influences: joints that may move a vertex, likewise.
    """

    dataset: Dataset
    splits: tuple[Split, ...]
    shard_size: int
    maps: bool
    on_picture: Callable[[], object]
    indices: tuple[int, ...] = ()
    influences: int = INFLUENCES

    def pictures(self, split: Split) -> Iterator[Picture]:
        for picture in pictures(self.dataset, split.name, self.maps):
            yield picture
            self.on_picture()

    def about(self, kind: str) -> dict[str, Any]:
        """Provenance and the keypoints' scheme; goes into every export under the name synthgen.json."""
        schema, info = spinetrack(), self.dataset.info
        return {
            "format": FORMAT,
            "kind": kind,
            "synthgen": __version__,
            "dataset_digest": info["digest"],
            "config_digest": info["config_digest"],
            "pictures": {split.name: split.images for split in self.splits},
            "keypoints": list(schema.names),
            "flip": schema.flip.tolist(),
            "sigmas": schema.sigmas.tolist(),
            "skeleton": [[link.start, link.end] for link in schema.links],
        }


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: where, and how many pictures per split."""

    path: Path
    pictures: dict[str, int]
    empty: tuple[str, ...]


def default_target(root: Path, kind: str) -> Path:
    """Beside the dataset, named after the format."""
    root = root.resolve()
    return root.with_name(f"{root.name}_coco.zip" if kind == "coco-zip" else f"{root.name}_{kind}")


def export_dataset(
    root: str | Path,
    kind: str,
    out: Path | None = None,
    *,
    force: bool = False,
    shard_size: int = SHARD_SIZE,
    maps: bool = False,
    indices: Sequence[int] | None = None,
    influences: int | None = None,
    on_picture: Callable[[], object] = lambda: None,
) -> Exported:
    """Write a dataset in another format. The result appears under its name when it is complete.

    Args:
        kind: one of FORMATS.
        out: folder to make (coco-zip: file); default beside the dataset.
        force: replace an earlier export.
        indices: pictures to export, default all; for gltf.
        influences: joints that may move a vertex, 4 or 8; for gltf.

    Raises:
        ConfigError: an unknown format, or an option that it has no use for.
        DatasetError: the dataset is unfinished, damaged or empty, the target is taken, or the disk too small.
    """
    if kind not in FORMATS:
        raise ConfigError(f"--format is '{kind}'; allowed for a dataset: {', '.join(FORMATS)}")
    if maps and kind not in WITH_MAPS:
        raise ConfigError(f"--maps is for {' and '.join(WITH_MAPS)}; {kind} has no place for depth and id maps")
    if shard_size != SHARD_SIZE and kind not in SHARDED:
        raise ConfigError(f"--shard-size is for {' and '.join(SHARDED)}; {kind} does not pack pictures")
    if not 1 <= shard_size <= 1_000_000:
        raise ConfigError(f"--shard-size is {shard_size}; allowed: 1 to 1000000")
    if kind not in SCENES and (indices is not None or influences is not None):
        raise ConfigError(f"--index and --influences are for {' and '.join(SCENES)}; {kind} takes the whole dataset")
    if influences not in (None, 4, 8):
        raise ConfigError(f"--influences is {influences}; allowed: 4 or 8 joints per vertex")
    dataset = read_dataset(root)
    chosen = _chosen(dataset, indices) if kind in SCENES else ()
    target = default_target(dataset.root, kind) if out is None else Path(out)
    found = [read_split(dataset, name) for name in dataset.splits]
    splits = tuple(split for split in found if split.images)
    if not splits:
        raise DatasetError(f"{dataset.root} holds no pictures, so there is nothing to export")
    writer = importlib.import_module(f"synthgen.exchange.{FORMATS[kind]}")
    with replacing(target, dataset.root, force) as place:
        count = sum(split.images for split in splits)
        if kind in SCENES:
            folder.check_room(place, SCENE_BYTES * len(chosen))
        else:
            size = picture_bytes(dataset, [split.name for split in splits], maps)
            folder.check_room(place, size + LABEL_BYTES * count)
        job = Job(dataset, splits, shard_size, maps, on_picture, chosen, influences or INFLUENCES)
        writer.write(job, place)
    counts = {"chosen": len(chosen)} if kind in SCENES else {split.name: split.images for split in splits}
    return Exported(target, counts, tuple(split.name for split in found if not split.images))


def _chosen(dataset: Dataset, indices: Sequence[int] | None) -> tuple[int, ...]:
    """The pictures asked for in order, all where none were named; ConfigError for one that there is not."""
    count = dataset.config.poses
    for index in indices or ():
        if not 0 <= index < count:
            raise ConfigError(f"--index {index}: {dataset.root} holds pictures 0 to {count - 1}")
    return tuple(sorted(set(indices))) if indices else tuple(range(count))


def write_about(job: Job, kind: str, place: Path, guide: str) -> None:
    """synthgen.json, and README.md with how to load the folder."""
    from synthgen.settings import canonical_json

    (place / MARK).write_text(canonical_json(job.about(kind)) + "\n", encoding="ascii")
    (place / "README.md").write_text(guide, encoding="utf-8")
