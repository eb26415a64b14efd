"""Read a finished dataset, and say what exactly it consists of."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError, DatasetError
from synthgen.coco import SCENES, TABLE, file_digest
from synthgen.config import Config, config_from_plain
from synthgen.folder import DATASET, LOCK, recorded_identity
from synthgen.listing import CHECKSUMS, checksum_line, files_of
from synthgen.shards import SHARDS
from synthgen.table import read_table

# Not part of a dataset's identity: what a run measured, and what can be made again from the data.
BESIDE = ("run.json", "logs", "report", "inspect", DATASET, CHECKSUMS, LOCK, SHARDS)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A finished dataset.

    Attributes:
        root: its folder.
        config: the resolved config that made it.
        info: dataset.json: format, config, digests, versions, counts.
    """

    root: Path
    config: Config
    info: dict

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.config.splits)

    def table(self) -> dict[str, np.ndarray]:
        """kinematics.parquet as arrays; see synthgen.table."""
        return read_table(self.root / TABLE)

    def scenes(self) -> Iterator[dict]:
        """The scene spec of each sample, in index order."""
        number = 0
        try:
            with open(self.root / SCENES, encoding="ascii") as lines:
                for number, line in enumerate(lines, start=1):  # noqa: B007 - the error names it
                    scene = json.loads(line)
                    if not isinstance(scene, dict) or "index" not in scene or "spec" not in scene:
                        raise ValueError("no scene")
                    yield scene
        except (OSError, ValueError, RecursionError) as error:
            raise DatasetError(f"{self.root / SCENES}, after line {number}: cannot be read ({error})") from None


def read_dataset(root: str | Path) -> Dataset:
    """Open a finished dataset; DatasetError says what is wrong with the folder otherwise."""
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}; give the folder that 'synthgen render' wrote")
    try:
        info = json.loads((root / DATASET).read_bytes())
        if info["format"] != recorded_identity(root)["format"]:  # type: ignore[index]
            raise KeyError
        if not isinstance(info["digest"], str) or not isinstance(info["files"], int):
            raise TypeError("its digest and its number of files")
        return Dataset(root, config_from_plain(info["config"]), info)
    except FileNotFoundError:
        if recorded_identity(root):
            raise DatasetError(f"{root} is not finished; run the command that began it once more") from None
        raise DatasetError(f"{root} holds no synthgen dataset (no {DATASET})") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ConfigError) as error:
        raise DatasetError(f"{root / DATASET} cannot be read ({error or 'unknown format'})") from None


def dataset_files(root: Path) -> list[str]:
    """Relative paths of everything that makes up the dataset, sorted."""
    return sorted(files_of(root, BESIDE))


def dataset_digest(root: str | Path) -> str:
    """One digest over the paths and contents found in a dataset folder now.

    Logs, reports, contact sheets and run.json stay out. Equal datasets have equal digests on one machine set-up.
    """
    root = Path(root)
    total = hashlib.sha256()
    for name in dataset_files(root):
        total.update(checksum_line(name, file_digest(root / name)).encode())
    return total.hexdigest()
