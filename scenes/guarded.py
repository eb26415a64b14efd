"""Opening what somebody else packed: arrays without pickles, and nothing that unfolds to insane sizes.

A zip of a few kilobytes may announce gigabytes of zeros, and a picture of a hundred bytes a hundred thousand pixels
square. Both say so in their heads, which are read here before anything is unfolded.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

MOST_BYTES = 4 * 2**30  # of all arrays of a file together, unfolded
MOST_MEMBERS = 20_000
MOST_PIXELS = 2**28  # 268 megapixels: more than any camera, and under a gigabyte in colour


@contextmanager
def open_arrays(file: Path | IO[bytes], most: int = MOST_BYTES) -> Iterator[Any]:
    """An .npz, its arrays read when they are asked for, never unpickled.

    Raises:
        ValueError: no such file, cut off, or larger than `most` bytes when unfolded.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = [member.file_size for member in archive.infolist()]
        if len(sizes) > MOST_MEMBERS or sum(sizes) > most:
            raise ValueError(f"it unfolds to {sum(sizes):,} bytes in {len(sizes)} arrays; allowed: {most:,} bytes")
        if not isinstance(file, Path):
            file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, SyntaxError) as error:
        raise ValueError(f"it is damaged ({error})") from error


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height, px, that the head of a picture file announces; None where it is no picture."""
    from PIL import Image, UnidentifiedImageError

    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the question is how large, not whether
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, MemoryError, OverflowError):
        return None
    finally:
        Image.MAX_IMAGE_PIXELS = most


def is_bomb(data: bytes) -> bool:
    """Whether a picture file announces more pixels than are decoded here."""
    size = picture_size(data)
    return size is not None and size[0] * size[1] > MOST_PIXELS
