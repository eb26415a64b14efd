"""Peak memory and time of the merge for growing datasets: label shards without pictures, in a scratch folder.

    python scripts/bench_merge.py 10000 100000 1000000
    python scripts/bench_merge.py 1000000 --out /scratch     # about 9 kB of disk for each sample, deleted afterwards

Every size runs in a process of its own, whose high-water mark is printed. Labels are as large as real ones: one person
in a picture, a run-length mask, a scene recipe of some kilobytes, 24 vertebrae. A shard is written when the merge asks
for it and removed when it asks for the next, as the shards of a dataset at a URL come and go, so that only the merged
labels fill the disk; the seconds spent on making shards are not counted.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from biomech.anatomy import COORDINATES
from synthgen.config import Config, split_of, with_values
from synthgen.folder import identity
from synthgen.render import merge_shards, write_record
from synthgen.settings import canonical_json
from synthgen.shards import MANIFEST, Shard, plan, sample_files, shard_folder, write_atomic
from synthgen.worker import peak_memory

SPEC_BYTES = 4000  # of a scene recipe, measured on rendered datasets


def write_labels(root: Path, config: Config, shard: Shard, arrays: bytes) -> None:
    """A finished shard as the merge reads it; its pictures exist only by their names and made-up checksums."""
    records, files = [], {}
    for index in range(shard.start, shard.stop):
        subject = index // config.poses_per_subject
        split = split_of(config, subject)
        names = sample_files(config, split, index)
        files |= {name: hashlib.sha256(name.encode()).hexdigest() for name in names.values()}
        files[f"subjects/{subject:06d}.osim"] = hashlib.sha256(str(subject).encode()).hexdigest()
        records.append(record(index, subject, split, names, index - shard.start))
    folder = shard_folder(root, shard)
    lines = "".join(canonical_json(one) + "\n" for one in records).encode()
    own = {
        name: write_atomic(folder / name, data, durable=False)
        for name, data in (("records.jsonl", lines), ("arrays.npz", arrays))
    }
    manifest = {"shard": shard.number, "start": shard.start, "stop": shard.stop, "files": files, "own": own}
    write_atomic(folder / MANIFEST, canonical_json(manifest).encode(), durable=False)


def record(index: int, subject: int, split: str, names: dict[str, str], row: int) -> dict:
    """One sample's plain labels."""
    return {
        "index": index,
        "subject": subject,
        "split": split,
        "files": names,
        "intrinsics": np.eye(3).tolist(),
        "cam_from_world": np.eye(4).tolist(),
        "distortion": [0.0] * 5,
        "take": [index, 0, 0],
        "objects": [],
        "spec": {"recipe": hashlib.sha512(str(index).encode()).hexdigest() * (SPEC_BYTES // 128)},
        "first_row": row,
        "annotations": [
            {
                "instance_id": 1,
                "subject": subject,
                "bbox": [10.0, 20.0, 200.5, 300.25],
                "area": 30000.0,
                "segmentation": {"size": [480, 640], "counts": "0" * 600},
                "activity": "stand",
                "phase": 0.5,
                "residuals": {"limbs": 0.002, "spine": 0.001},
                "condition": {"profile": "adult", "pathology": "", "severity": None, "measured": None},
                "motion": "",
                "frame": -1,
                "place": [0.0, 0.0, 0.0],
                "crowd": [],
            }
        ],
    }


def some_arrays(count: int) -> bytes:
    """Arrays of `count` annotations; the same for every shard, since the merge does not care."""
    import io

    rng = np.random.default_rng(0)
    shapes = {"keypoints": (37, 3), "keypoints_world": (37, 3), "keypoints_cam": (37, 3), "vertebrae_world": (24, 4, 4)}
    arrays = {name: rng.uniform(1, 400, (count, *shape)) for name, shape in shapes.items()}
    arrays["keypoints"][..., 2] = 2
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, q=rng.normal(0, 0.1, (count, len(COORDINATES))))
    return buffer.getvalue()


class Shards:
    """The shards of a plan, each on the disk from the moment it is asked for until the next one is.

    Attributes:
        seconds: that it took to make and remove them.
    """

    def __init__(self, root: Path, config: Config) -> None:
        self.root, self.config, self.seconds = root, config, 0.0
        self.plan = plan(config)
        self.arrays = {count: some_arrays(count) for count in {len(shard) for shard in self.plan}}

    def __iter__(self) -> Iterator[Shard]:
        for shard in self.plan:
            begin = time.perf_counter()
            write_labels(self.root, self.config, shard, self.arrays[len(shard)])
            self.seconds += time.perf_counter() - begin
            yield shard
            begin = time.perf_counter()
            shutil.rmtree(shard_folder(self.root, shard))
            self.seconds += time.perf_counter() - begin


def measure(root: Path, poses: int) -> dict[str, float]:
    """Merge shards that are made on the way, and say what the merge took."""
    config = with_values(Config(), poses=poses)
    shards = Shards(root, config)
    before = peak_memory()
    begin = time.perf_counter()
    merged = merge_shards(root, config, shards, quiet=True)
    write_record(root, config, identity(config, ""), merged)
    seconds = time.perf_counter() - begin - shards.seconds
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return {"poses": poses, "seconds": seconds, "peak": peak_memory(), "before": before, "bytes": size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poses", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--out", type=Path, default=None, help="folder for the scratch files")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.here:
        print(f"{'samples':>9} {'merge s':>8} {'samples/s':>9} {'peak MB':>8} {'before MB':>9} {'labels GB':>9}")
    for poses in given.poses:
        if not given.here:
            command = [
                sys.executable,
                __file__,
                str(poses),
                "--here",
                *(["--out", str(given.out)] if given.out else []),
            ]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            print(
                f"{poses:9d} {found['seconds']:8.1f} {poses / found['seconds']:9.0f} {found['peak'] / 1e6:8.0f} "
                f"{found['before'] / 1e6:9.0f} {found['bytes'] / 1e9:9.2f}",
                flush=True,
            )
            continue
        with tempfile.TemporaryDirectory(dir=given.out) as folder:
            print(json.dumps(measure(Path(folder), poses)))


if __name__ == "__main__":
    main()
