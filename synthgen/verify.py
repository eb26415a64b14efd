"""Does a dataset still hold the very bytes it was finished with? Hashes everything, looks at nothing else."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from biomech.errors import DatasetError
from synthgen.coco import file_digest
from synthgen.dataset import BESIDE, Dataset, read_dataset
from synthgen.listing import CHECKSUMS, checksum_line, files_of, listed


def verify(root: str | Path, on_progress: Callable[[int], object] | None = None) -> Iterator[str]:
    """One sentence per file that is missing, altered or does not belong; nothing where all is well.

    Args:
        on_progress: called with 1 per file.

    Raises:
        DatasetError: the folder holds no finished dataset.
    """
    yield from differences(read_dataset(root), on_progress or (lambda _: None))


def differences(dataset: Dataset, tell: Callable[[int], object]) -> Iterator[str]:
    """See `verify`; of an open dataset."""
    total, known = hashlib.sha256(), set()
    try:
        for name, digest in listed(dataset.root):
            total.update(checksum_line(name, digest).encode())
            known.add(hash(name))  # a number per file, not its name: lists of millions fit
            try:
                if not (dataset.root / name).is_file():  # a pipe or a device would never end
                    raise FileNotFoundError
                found = file_digest(dataset.root / name)
            except (OSError, ValueError):
                yield f"{name} is missing"
            else:
                if found != digest:
                    yield f"{name} was altered (its sha256 differs)"
            tell(1)
    except DatasetError as error:
        yield str(error)
        return
    if total.hexdigest() != dataset.info["digest"]:
        yield f"{CHECKSUMS} does not match the digest in dataset.json"
    yield from (f"{name} does not belong to the dataset" for name in sorted(_strangers(dataset.root, known)))


def _strangers(root: Path, known: set[int]) -> Iterator[str]:
    return (name for name in files_of(root, BESIDE) if hash(name) not in known)
