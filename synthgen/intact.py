"""Which shards of a dataset are finished and still what they were when they were written.

A run that resumes another reads everything it means to keep. A disk that lied, a copy that was cut off or a stray
editor then costs one shard, made again, instead of a dataset that is whole only by its names.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from synthgen.shards import MANIFEST, Shard, is_finished, shard_folder


def kept_shards(root: Path, shards: Sequence[Shard], on_shard: Callable[[int], object] | None = None) -> list[Shard]:
    """Those of `shards` that are finished and intact, in order.

    Of a finished one that is not, the manifest is deleted, so it counts as never written and is made again.

    Args:
        on_shard: called with the number of samples after each shard that was read.
    """
    finished = [shard for shard in shards if is_finished(root, shard)]
    kept = []
    # hashing lets other threads run, so several read at once
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as readers:
        for shard, why in zip(finished, readers.map(lambda s: fault(root, s), finished), strict=True):
            if why:
                (shard_folder(root, shard) / MANIFEST).unlink(missing_ok=True)
            else:
                kept.append(shard)
            if on_shard:
                on_shard(len(shard))
    return kept


def fault(root: Path, shard: Shard) -> str:
    """What is wrong with a finished shard in a few words; "" where it is as it was written."""
    folder = shard_folder(root, shard)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if [manifest["shard"], manifest["start"], manifest["stop"]] != [shard.number, shard.start, shard.stop]:
            return "its manifest is of other samples"
        wanted = [(root / name, digest) for name, digest in manifest["files"].items()]
        wanted += [(folder / name, digest) for name, digest in manifest["own"].items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "its manifest cannot be read"
    if not {"records.jsonl", "arrays.npz"} <= {path.name for path, _ in wanted}:
        return "its manifest names no labels"
    for path, digest in wanted:
        try:
            with open(path, "rb") as file:
                same = hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return f"{path.name} is missing"
        if not same:
            return f"{path.name} was altered"
    return ""
