"""Batches of augmented people for training, and plain crops for evaluation.

A batch depends on (seed, step) alone: the number of workers changes the speed and not one byte. B batch, K keypoints,
H and W input size in px.
"""

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from synthgen.keypoints import spinetrack
from synthgen.spinepose.augment import AugmentConfig, View, change_look, draw_view, look, see
from synthgen.spinepose.companion import Person, add_companion, silhouette
from synthgen.spinepose.crop import Crop, affine, crop_from_box, transform, warp
from synthgen.spinepose.mixture import Mixture
from synthgen.spinepose.regions import RegionStore
from synthgen.spinepose.sources import Source, read_image


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the model learns from in one step.

    Attributes:
        step: number of the step.
        images: (B, 3, H, W) uint8 RGB.
        clean: the same crops before light, blur and occluders, for the teacher; None where there is no teacher.
        keypoints: (B, K, 2) input px, 0 where unlabelled.
        weights: (B, K) training weights, 0 where unlabelled or outside.
        person: (B,) size of the person in the crop: longer side of the box, input px.
        people: (source, record) of each row.
    """

    step: int
    images: Tensor
    clean: Tensor | None
    keypoints: Tensor
    weights: Tensor
    person: Tensor
    people: tuple[tuple[int, int], ...]

    def to(self, device: torch.device) -> "Batch":
        moved = {
            f.name: getattr(self, f.name).to(device, non_blocking=True)
            for f in dataclasses.fields(self)
            if isinstance(getattr(self, f.name), Tensor)
        }
        return dataclasses.replace(self, **moved)


class BatchMaker(torch.utils.data.Dataset):
    """Step number -> batch; the places `rank::world` of the whole batch, so that the batch does not depend on `world`.

    Args:
        stages: (first step, augmentation), in order.
        clean: also return the crops without changes of look.
        views: different crops of one person, 0 for no end of them.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        stores: Sequence[RegionStore],
        mixture: Mixture,
        input_size: tuple[int, int],
        stages: Sequence[tuple[int, AugmentConfig]],
        clean: bool = False,
        views: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.sources, self.stores, self.mixture, self.input_size = tuple(sources), tuple(stores), mixture, input_size
        self.stages, self.clean, self.views = tuple(stages), clean, views
        self.rank, self.world = rank, world
        self.trust = spinetrack().weights.astype(np.float32)
        # (source, record) of everybody who can be cut out
        self.lenders = [(s, r) for s, data in enumerate(self.sources) for r, o in enumerate(data.outlines) if o]

    def stage(self, step: int) -> AugmentConfig:
        """The augmentation of a step."""
        return [config for first, config in self.stages if first <= step][-1]

    def __getitem__(self, step: int) -> Batch:
        cv2.setNumThreads(1)  # workers are processes or threads already
        people = self.mixture.draw(step)
        config = self.stage(step)
        mine = range(self.rank, len(people), self.world)
        rows = [self._row(*people[place], self.mixture.rng(step, place), config) for place in mine]
        images, clean, points, weights, person = (np.stack(column) for column in zip(*rows, strict=True))
        return Batch(
            step,
            _channels_first(images),
            _channels_first(clean) if self.clean else None,
            torch.from_numpy(points),
            torch.from_numpy(weights),
            torch.from_numpy(person),
            tuple(people[place] for place in mine),
        )

    def _row(self, source: int, record: int, rng: np.random.Generator, config: AugmentConfig) -> tuple:
        data = self.sources[source]
        box, keypoints = data.boxes[record], data.keypoints[record]
        where = self.mixture.view_rng(source, record, int(rng.integers(self.views))) if self.views else rng
        view = draw_view(box, keypoints, self.input_size, config, where)
        clean = see(self.stores[source].region(record), view, self.input_size)
        points, weights = look(keypoints, data.weights[record], view, self.input_size)

        def donor(rng: np.random.Generator) -> np.ndarray:
            return self.stores[source].region(int(rng.integers(len(data)))).image

        image = change_look(self._accompanied(clean, source, record, view, rng, config), config, rng, donor)
        person = np.float32(max(box[2:]) * self.input_size[0] / view.crop.scale[0])
        return image, clean if self.clean else np.uint8(0), points, weights * self.trust, person

    def _accompanied(
        self, image: np.ndarray, source: int, record: int, view: View, rng: np.random.Generator, config: AugmentConfig
    ) -> np.ndarray:
        """The crop, with somebody else in it in a share of the cases."""
        if rng.random() >= config.companion or not self.lenders:
            return image
        s, r = self.lenders[int(rng.integers(len(self.lenders)))]
        other = Person(self.stores[s].region(r), self.sources[s].boxes[r], self.sources[s].outlines[r])
        outline = self.sources[source].outlines[record]
        own = silhouette(outline, view, self.input_size) if outline else None
        return add_companion(image, own, other, self.input_size, rng)


def batches(maker: BatchMaker, first: int, end: int, workers: int) -> Generator[Batch, None, None]:
    """The batches of steps first..end-1, in order, made ahead: by `workers` processes, or by one thread where 0.

    Close it where it is not used up: processes and thread end with it.
    """
    if workers > 0:
        loader = torch.utils.data.DataLoader(
            maker,
            batch_size=None,
            sampler=range(first, end),
            num_workers=workers,
            prefetch_factor=2,
            multiprocessing_context="spawn" if torch.cuda.is_initialized() else None,
        )
        yield from loader
        return
    yield from _ahead(maker, first, end)


def _ahead(maker: BatchMaker, first: int, end: int) -> Generator[Batch, None, None]:
    ready: queue.Queue = queue.Queue(maxsize=3)
    stop = threading.Event()

    def put(item: Batch | BaseException) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for step in range(first, end):
                if not put(maker[step]):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            put(error)

    thread = threading.Thread(target=work, daemon=True, name="batches")
    thread.start()
    try:
        for _ in range(first, end):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def build_stores(
    sources: Sequence[Source],
    input_size: tuple[int, int],
    folder: Path | None,
    budget: int,
    threads: int = 2,
    progress: Callable[[str, int, int], None] | None = None,
    build: bool = True,
) -> list[RegionStore]:
    """A store per source, sharing the budget (bytes) in proportion to their people.

    Args:
        progress: called with (source, done, total).
        build: False for processes that only use what another has built.
    """
    total = sum(len(s) for s in sources)
    stores = []
    for source in sources:
        store = RegionStore(source, input_size, folder, budget * len(source) // max(1, total))
        done = 0

        def step(count: int, source: Source = source) -> None:
            nonlocal done
            done += count
            if progress:
                progress(source.name, done, len(source))

        if build:
            store.build(threads, step)
        else:
            store.open()
        stores.append(store)
    return stores


@dataclass(frozen=True, slots=True, eq=False)
class PlainCrop:
    """A person as the finished model will see one: the box's crop, nothing random.

    Attributes:
        image: (H, W, 3) uint8 RGB. crop: where it lies in the picture.
        points: (K, 2) input px of the labels. weights: (K,) 0 where unlabelled; points outside the crop keep theirs.
    """

    image: np.ndarray
    crop: Crop
    points: np.ndarray
    weights: np.ndarray


def plain_crop(source: Source, record: int, input_size: tuple[int, int], image: np.ndarray | None = None) -> PlainCrop:
    """The crop of one record; `image` spares decoding its picture again."""
    picture = read_image(source.images[record]) if image is None else image
    crop = crop_from_box(source.boxes[record], input_size)
    points = transform(affine(crop, input_size), source.keypoints[record, :, :2])
    weights = source.weights[record]
    return PlainCrop(warp(picture, crop, input_size), crop, np.where(weights[:, None] > 0, points, 0.0), weights)


def measure(maker: BatchMaker, steps: int = 20, workers: int = 0) -> float:
    """Pictures per second of the loader alone, after one batch to warm up."""
    stream = batches(maker, 0, steps + 1, workers)
    next(stream)
    start, count = time.perf_counter(), 0
    for batch in stream:
        count += len(batch.images)
    return count / (time.perf_counter() - start)


def _channels_first(images: np.ndarray) -> Tensor:
    """(B, H, W, 3) -> (B, 3, H, W), channels last in memory as the model wants it."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)
