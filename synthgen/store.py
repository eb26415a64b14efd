"""Where a dataset is written: a folder, or an fsspec URL such as s3://bucket/dataset.

At a URL a worker makes a shard in a scratch folder of its own and uploads the pictures, then the labels, and last the
manifest, whose presence means that the shard is finished, as in a folder.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from biomech.errors import ConfigError, DatasetError
from synthgen.folder import DATASET, PLAN
from synthgen.shards import MANIFEST, SHARDS, Shard, is_finished, shard_folder, write_atomic

# These show an object whole or not at all; elsewhere a manifest is written under another name and moved.
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "memory"}
LABELS = ("records.jsonl", "arrays.npz", MANIFEST)


class Store(Protocol):
    """A place that shards are written to."""

    place: str

    def read(self, name: str) -> bytes | None:
        """Content of a file; None where it is not there."""

    def put(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""

    def finished(self, shards: Sequence[Shard]) -> set[int]:
        """Numbers of those of `shards` that are finished."""

    def settled(self, shard: Shard) -> bool:
        """Whether nobody waits for the shard: it or the dataset is finished, or the place was started over."""

    def place_for(self, shard: Shard) -> contextlib.AbstractContextManager[Path]:
        """A folder for `synthgen.shards.write_shard`; what it writes is in the store once the block is left."""


def is_url(place: str | Path) -> bool:
    """Whether a place is an fsspec URL."""
    return "://" in str(place)


def store_at(place: str | Path) -> Store:
    """The store of a folder or a URL."""
    return Bucket(str(place)) if is_url(place) else Folder(Path(place))


class Folder:
    """A folder that every worker sees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = str(root)

    def read(self, name: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return (self.root / name).read_bytes()
        return None

    def put(self, name: str, data: bytes) -> None:
        write_atomic(self.root / name, data, durable=False)

    def finished(self, shards: Sequence[Shard]) -> set[int]:
        return {shard.number for shard in shards if is_finished(self.root, shard)}

    def settled(self, shard: Shard) -> bool:
        return is_finished(self.root, shard) or not (self.root / SHARDS / PLAN).is_file()

    def place_for(self, shard: Shard) -> contextlib.AbstractContextManager[Path]:
        return contextlib.nullcontext(self.root)


class Bucket:
    """An fsspec URL. Keys and endpoints come from where the file system's own library takes them, or from fsspec's
    settings (environment variables FSSPEC_S3_ENDPOINT_URL and the like)."""

    def __init__(self, url: str) -> None:
        self.place = url.rstrip("/")
        self.fs, self.base = _file_system(self.place)
        protocols = self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,)
        self.whole = bool(WHOLE & set(protocols))

    def path(self, name: str) -> str:
        """The file system's own name of a file of the dataset."""
        return f"{self.base}/{name}"

    def read(self, name: str) -> bytes | None:
        try:
            return self.fs.cat_file(self.path(name))
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        target = self.path(name)
        if not self.whole:
            self.fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            self.fs.pipe_file(f"{target}.part", data)
            self.fs.mv(f"{target}.part", target)
        else:
            self.fs.pipe_file(target, data)

    def upload(self, root: Path, names: Iterable[str]) -> None:
        """Copy files of a folder, many at a time."""
        names = list(names)
        if not names:
            return
        if not self.whole:
            for folder in sorted({self.path(name).rsplit("/", 1)[0] for name in names}):
                self.fs.makedirs(folder, exist_ok=True)
        self.fs.put([str(root / name) for name in names], [self.path(name) for name in names])

    def download(self, name: str, target: Path) -> None:
        """Fetch one file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.fs.cat_file(self.path(name)))

    def names(self) -> list[str]:
        """What stands at the top."""
        self.fs.invalidate_cache()
        try:
            return sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in self.fs.ls(self.base, detail=False))
        except FileNotFoundError:
            return []

    def remove(self, name: str = "") -> None:
        """Delete a file or everything below a folder."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm(self.path(name) if name else self.base, recursive=True)
        self.fs.invalidate_cache()

    def finished(self, shards: Sequence[Shard]) -> set[int]:
        self.fs.invalidate_cache()
        wanted = {f"{shard.number:05d}": shard.number for shard in shards}
        if len(wanted) <= 8:  # cheaper to ask for each than to list all
            return {k for name, k in wanted.items() if self.fs.exists(self.path(f"{SHARDS}/{name}/{MANIFEST}"))}
        found = (path.rsplit("/", 2)[-2] for path in self.fs.glob(self.path(f"{SHARDS}/*/{MANIFEST}")))
        return {wanted[name] for name in found if name in wanted}

    def settled(self, shard: Shard) -> bool:
        self.fs.invalidate_cache()
        if self.fs.exists(self.path(f"{SHARDS}/{shard.number:05d}/{MANIFEST}")):
            return True
        return not self.fs.exists(self.path(f"{SHARDS}/{PLAN}"))

    @contextlib.contextmanager
    def place_for(self, shard: Shard) -> Iterator[Path]:
        scratch = Path(tempfile.mkdtemp(prefix="synthgen-"))
        try:
            yield scratch
            own = shard_folder(scratch, shard).relative_to(scratch).as_posix()
            data = (scratch / own / MANIFEST).read_bytes()
            self.upload(scratch, json.loads(data)["files"])
            self.upload(scratch, [f"{own}/{name}" for name in LABELS if name != MANIFEST])
            self.put(f"{own}/{MANIFEST}", data)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _file_system(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise ConfigError(f"{url} needs the package fsspec; install it with: pip install 'synthgen[remote]'") from None
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise ConfigError(f"{url} needs another package ({error}); 'synthgen[remote]' has that of s3://") from None
    except ValueError as error:
        raise ConfigError(f"{url} is no place to write to ({error}); give a folder, s3://… or gs://…") from None


def recorded(store: Store) -> dict | None:
    """The identity a dataset was begun with; None where the place holds none of ours."""
    from synthgen.folder import FORMAT

    for name in (DATASET, f"{SHARDS}/{PLAN}"):
        try:
            data = json.loads(store.read(name) or b"null")
        except ValueError:
            continue
        if isinstance(data, dict) and data.get("format") == FORMAT:
            return data
    return None


def nothing_there(place: str) -> DatasetError:
    """The error for a place without a dataset."""
    return DatasetError(f"{place} holds no synthgen dataset; give the folder or URL that 'synthgen render' writes to")
