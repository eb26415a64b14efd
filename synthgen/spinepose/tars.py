"""Pictures inside uncompressed tar files (WebDataset shards), read in any order through the members' offsets.

A picture in a tar is written "shard.tar::member.jpg"; everything else is a path.
"""

import glob
import json
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from biomech.errors import DatasetError

MARK = "::"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@lru_cache(maxsize=512)
def members(path: str) -> dict[str, tuple[int, int]]:
    """Member name -> (offset, size) in bytes. DatasetError where the file is no uncompressed tar."""
    try:
        with tarfile.open(path, "r:") as tar:
            return {m.name: (m.offset_data, m.size) for m in tar if m.isfile()}
    except (OSError, tarfile.TarError) as error:
        raise DatasetError(
            f"{path} is not an uncompressed tar file ({error}); WebDataset shards are plain .tar"
        ) from None


def read_bytes(reference: str) -> bytes:
    """The file behind a path or a "shard.tar::member". DatasetError where there is none."""
    shard, mark, member = reference.partition(MARK)
    try:
        if not mark:
            return Path(reference).read_bytes()
        offset, size = members(shard)[member]
        with open(shard, "rb") as file:
            file.seek(offset)
            return file.read(size)
    except KeyError:
        raise DatasetError(f"{shard} holds no member {member}") from None
    except OSError as error:
        raise DatasetError(f"cannot read the picture {reference}: {error.strerror}") from None


def shards_of(pattern: str) -> list[str]:
    """The tar files a path or glob pattern names, sorted."""
    return sorted(p for p in glob.glob(pattern) if p.endswith(".tar"))  # noqa: PTH207 - the pattern may be absolute


def coco_from_shards(shards: list[str]) -> dict[str, Any]:
    """WebDataset shards as COCO: per sample a picture and a .json with the COCO keys of its image and `annotations`.

    The JSON of a sample is {"width": .., "height": .., "annotations": [{"bbox": .., "keypoints": ..}, ..]}.
    """
    images: list[dict] = []
    annotations: list[dict] = []
    for shard in shards:
        names = members(shard)
        for name in sorted(names):
            stem, dot, ending = name.rpartition(".")
            if dot + ending.lower() not in PICTURES or f"{stem}.json" not in names:
                continue
            reference = f"{shard}{MARK}{stem}.json"
            try:
                sample = json.loads(read_bytes(reference))
                people = sample["annotations"]
            except (ValueError, KeyError, TypeError, RecursionError):
                raise DatasetError(f"{reference} must be JSON with the key 'annotations'") from None
            image_id = len(images)
            rest = {k: v for k, v in sample.items() if k != "annotations"}
            images.append({**rest, "id": image_id, "file_name": f"{shard}{MARK}{name}"})
            annotations += [{**a, "image_id": image_id, "id": len(annotations) + i + 1} for i, a in enumerate(people)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
