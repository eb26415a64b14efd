"""Read a finished dataset, and say what exactly it consists of."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import DatasetError
from synthgen.coco import SCENES, TABLE, file_digest
from synthgen.config import Config, config_from_plain
from synthgen.folder import DATASET, LOCK, recorded_identity
from synthgen.shards import SHARDS
from synthgen.table import read_table

CHECKSUMS = "files.sha256"
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
        with open(self.root / SCENES, encoding="ascii") as lines:
            yield from (json.loads(line) for line in lines)


def read_dataset(root: str | Path) -> Dataset:
    """Open a finished dataset; DatasetError says what is wrong with the folder otherwise."""
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}; give the folder that 'synthgen render' wrote")
    try:
        info = json.loads((root / DATASET).read_bytes())
        if info["format"] != recorded_identity(root)["format"]:  # type: ignore[index]
            raise KeyError
        return Dataset(root, config_from_plain(info["config"]), info)
    except FileNotFoundError:
        if recorded_identity(root):
            raise DatasetError(f"{root} is not finished; run the command that began it once more") from None
        raise DatasetError(f"{root} holds no synthgen dataset (no {DATASET})") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{root / DATASET} cannot be read ({error or 'unknown format'})") from None


def dataset_files(root: Path) -> list[str]:
    """Relative paths of everything that makes up the dataset, sorted."""
    names = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    return sorted(n for n in names if n.split("/")[0] not in BESIDE)


def checksums(files: dict[str, str]) -> str:
    """Path -> sha256 as the text `sha256sum --check` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))


def files_digest(files: dict[str, str]) -> str:
    """One digest over relative paths and contents."""
    return hashlib.sha256(checksums(files).encode()).hexdigest()


def dataset_digest(root: str | Path) -> str:
    """One digest over the paths and contents found in a dataset folder now.

    Logs, reports, contact sheets and run.json stay out. Equal datasets have equal digests on one machine set-up.
    """
    root = Path(root)
    return files_digest({name: file_digest(root / name) for name in dataset_files(root)})
