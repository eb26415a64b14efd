"""The part of a picture around a person, at the resolution training needs, and a store of such parts on disk.

Decoding whole photographs again in every epoch would keep a small machine busy with JPEG alone. A region covers the
padded box with room for shifts and rotations, and is never larger than the input needs, so that a person in a large
photograph costs as little as one in a small one. A region is a function of the record alone, stored or not: a store
that is full changes speed and nothing else.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from biomech.errors import DatasetError
from synthgen.spinepose import tars
from synthgen.spinepose.crop import crop_from_box
from synthgen.spinepose.sources import Source, read_image

log = logging.getLogger(__name__)

ROOM = 1.4  # region over padded box, per side
DENSITY = 1.2  # pixels of the region per input pixel, in a crop that is neither zoomed in nor out
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels around a person.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        region_from_image: (2, 3) picture px -> region px.
    """

    image: np.ndarray
    region_from_image: np.ndarray


def cut_region(reference: str, box: np.ndarray, input_size: tuple[int, int]) -> Region:
    """Decode a picture and cut out what the crops of one person can show.

    Large JPEGs are decoded at an eighth, a quarter or half of their size where that still resolves enough.

    Raises:
        DatasetError: the picture is missing or does not decode, or the box lies outside of it.
    """
    crop = crop_from_box(box, input_size)
    zoom = min(1.0, DENSITY * input_size[0] / float(crop.scale[0]))  # region px per picture px
    image, (kx, ky) = _decode(reference, zoom)
    height, width = image.shape[:2]
    half = crop.scale * ROOM / 2
    low = np.floor(np.maximum((crop.center - half) * (kx, ky), 0)).astype(int)
    high = np.ceil(np.minimum((crop.center + half) * (kx, ky), (width, height))).astype(int)
    if (high - low < 2).any():
        raise DatasetError(
            f"the box {np.round(box, 1).tolist()} lies outside the picture {reference} ({width} x {height})"
        )
    part = image[low[1] : high[1], low[0] : high[0]]
    rest = zoom / kx
    size = (high - low) if rest > 0.95 else np.maximum(2, np.round((high - low) * rest)).astype(int)
    if (size < high - low).any():
        part = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    # Pixel centres: picture -> decoded -> region are all scalings about the corner of the first pixel.
    ax, ay = np.array((kx, ky)) * size / (high - low)
    tx, ty = -low * size / (high - low) + 0.5 * np.array((ax, ay)) - 0.5
    return Region(np.ascontiguousarray(part), np.array([[ax, 0.0, tx], [0.0, ay, ty]]))


def _decode(reference: str, zoom: float) -> tuple[np.ndarray, tuple[float, float]]:
    if zoom > 0.5:
        return read_image(reference), (1.0, 1.0)
    data = tars.read_bytes(reference)
    try:
        if simplejpeg.is_jpeg(data):
            height, width = simplejpeg.decode_jpeg_header(data)[:2]
            need = int(np.ceil(height * zoom)), int(np.ceil(width * zoom))
            small = simplejpeg.decode_jpeg(data, "RGB", min_height=need[0], min_width=need[1], min_factor=1.0)
            return small, (small.shape[1] / width, small.shape[0] / height)
    except ValueError:
        pass
    return read_image(reference), (1.0, 1.0)


class RegionStore:
    """Regions of one source, kept in a file of raw pixels under a budget; what does not fit is cut afresh each time.

    Args:
        folder: where stores are kept; None for no store.
        budget: bytes this source may take.
    """

    def __init__(self, source: Source, input_size: tuple[int, int], folder: Path | None, budget: int) -> None:
        self.source, self.input_size, self.budget = source, input_size, budget
        self.stem = folder / f"{_slug(source.name)}-{_key(source, input_size)}" if folder else None
        self._pixels: np.memmap | None = None
        self._index: np.ndarray | None = None  # (stored, 3) offset, height, width
        self._maps: np.ndarray | None = None  # (stored, 2, 3)

    def build(self, threads: int = 2, progress: Callable[[int], None] | None = None) -> int:
        """Fill the store; returns how many records it holds. A finished store is left as it is.

        Raises:
            DatasetError: a picture does not decode.
        """
        if self.stem is None or self.budget <= 0:
            return 0
        if not self._files()[1].is_file():
            self._write(threads, progress)
        self.open()
        return 0 if self._index is None else len(self._index)

    def open(self) -> None:
        """Use what another process has built; nothing where there is none."""
        if self.stem is None or self._pixels is not None:
            return
        pixels, index = self._files()
        if index.is_file():
            with np.load(index, allow_pickle=False) as table:
                self._index, self._maps = table["index"], table["maps"]
            self._pixels = np.memmap(pixels, np.uint8, "r")

    def region(self, i: int) -> Region:
        """Region of record i, from the store or cut afresh: the same pixels either way."""
        if self._index is not None and i < len(self._index):
            assert self._pixels is not None and self._maps is not None
            offset, height, width = (int(v) for v in self._index[i])
            image = self._pixels[offset : offset + height * width * 3].reshape(height, width, 3)
            return Region(image, self._maps[i])
        return cut_region(self.source.images[i], self.source.boxes[i], self.input_size)

    def _files(self) -> tuple[Path, Path]:
        assert self.stem is not None
        return self.stem.with_suffix(".pixels"), self.stem.with_suffix(".npz")

    def _write(self, threads: int, progress: Callable[[int], None] | None) -> None:
        pixels, index = self._files()
        pixels.parent.mkdir(parents=True, exist_ok=True)
        temporary = pixels.with_suffix(f".{os.getpid()}.tmp")
        rows, maps, offset = [], [], 0
        log.info("storing the people of '%s' at training size in %s", self.source.name, pixels)
        with open(temporary, "wb") as out, ThreadPoolExecutor(max(1, threads)) as pool:
            step = 64  # keeps few pictures in memory
            for start in range(0, len(self.source), step):
                wanted = range(start, min(start + step, len(self.source)))
                for region in pool.map(self.region, wanted):
                    if offset + region.image.nbytes > self.budget:
                        break
                    out.write(region.image.tobytes())
                    rows.append((offset, *region.image.shape[:2]))
                    maps.append(region.region_from_image)
                    offset += region.image.nbytes
                if len(rows) < wanted[-1] + 1:
                    log.info("'%s': %d of %d people fit the store", self.source.name, len(rows), len(self.source))
                    break
                if progress:
                    progress(len(wanted))
        os.replace(temporary, pixels)
        table = index.with_suffix(f".{os.getpid()}.npz")
        if rows:
            np.savez(table, index=np.array(rows, np.int64), maps=np.array(maps))
            os.replace(table, index)

    def __getstate__(self) -> dict:
        """Worker processes map the file themselves."""
        return {**self.__dict__, "_pixels": None, "_index": None, "_maps": None}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.open()


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)[:40]


def _key(source: Source, input_size: tuple[int, int]) -> str:
    """Digest of all that decides the pixels, the pictures through their sizes and times."""
    stamps = []
    for path in sorted({reference.partition(tars.MARK)[0] for reference in source.images}):
        try:
            stat = Path(path).stat()
            stamps.append((stat.st_size, stat.st_mtime_ns))
        except OSError:
            raise DatasetError(f"source '{source.name}': the picture {path} is missing; check 'images'") from None
    facts = json.dumps([VERSION, ROOM, DENSITY, list(input_size), source.images, stamps])
    return hashlib.sha256(facts.encode() + np.ascontiguousarray(source.boxes).tobytes()).hexdigest()[:16]
