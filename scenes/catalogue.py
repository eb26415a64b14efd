"""What there is to wear: an index of the installed packs, with items and pictures read when first used."""

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from scipy.spatial import cKDTree

from biomech.errors import AssetError
from scenes.atlas import BodyAtlas
from scenes.cuts import find_marks
from scenes.fabric import Coordinates, coordinates
from scenes.items import Item, fit, load_item
from scenes.layers import BodyTopology
from scenes.prints import Rgb
from scenes.textures import TextureCache, bleed, rasterise, read_image
from scenes.tones import mean_tone

ANCESTRIES = ("african", "asian", "caucasian")
AGE_BANDS = ("young", "middleage", "old")


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One row of the whitelist (scenes/data/makehuman_items.csv).

    Attributes:
        name, category: of the item; folder: its folder in the npm package.
        sex: "m", "f" or "any".
        covers: words among top, bottom, legs, feet, head: what it dresses.
        scale_on, scale: what its offsets grow with, and (forward, up, right) m of that on the body it was modelled on.
        prints: boxes (left, top, right, bottom) of trademark prints in its picture, fractions.
        licence, evidence: and where the licence is stated.
    """

    name: str
    category: str
    folder: str
    sex: str
    covers: tuple[str, ...]
    scale_on: str
    scale: tuple[float, float, float]
    prints: tuple[tuple[float, float, float, float], ...]
    licence: str
    evidence: str


@lru_cache(maxsize=1)
def whitelist() -> tuple[ItemRecord, ...]:
    """Every item that may be installed, in table order."""
    text = resources.files("scenes").joinpath("data/makehuman_items.csv").read_text()
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        ItemRecord(
            name=row["name"],
            category=row["category"],
            folder=row["folder"],
            sex=row["sex"],
            covers=tuple(row["covers"].split()),
            scale_on=row["scale_on"],
            scale=tuple(float(v) for v in row["scale_m"].split()),  # type: ignore[arg-type]
            prints=tuple(tuple(float(v) for v in box.split()) for box in row["prints"].split(";") if box),  # type: ignore[misc]
            licence=row["licence"],
            evidence=row["evidence"],
        )
        for row in rows
    )


class Catalogue:
    """The wardrobe of one worker: index, loaded items, dyed pictures.

    Args:
        folder: the `makehuman` folder of the asset cache, or None for the minimal set: clothes, skin, eyes and
            hair made from the body alone.
        topology: the body the items are worn on.
        texture_budget: bytes of pictures kept.
    """

    def __init__(self, folder: Path | None, topology: BodyTopology, texture_budget: int = 64 << 20) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.topology = topology
        self.atlas = BodyAtlas(topology)
        self.textures = TextureCache(texture_budget)
        self._items: dict[str, Item] = {}
        self._regions: dict[str, np.ndarray] = {}
        self._cloth: dict[str, tuple[Coordinates, np.ndarray]] = {}
        self._tones: dict[str, Rgb] = {}
        index: dict = {"items": {}, "skins": [], "eyes": []}
        if self.folder is not None:
            try:
                index = json.loads((self.folder / "catalogue.json").read_text())
            except (OSError, ValueError) as error:
                raise AssetError(
                    f"No wardrobe in {self.folder} ({error}). Install it with `synthgen assets install wardrobe`, "
                    "or render with --assets minimal."
                ) from error
        self._index: dict[str, dict] = index["items"]
        self.skins: tuple[str, ...] = tuple(sorted(index["skins"]))
        self.eyes: tuple[str, ...] = tuple(sorted(index["eyes"]))

    @property
    def minimal(self) -> bool:
        """True when nothing is installed."""
        return not self._index

    def names(self, category: str, sex: str | None = None, covers: str | None = None) -> tuple[str, ...]:
        """Installed items of a category, sorted, for one sex ("m" or "f") and covering a place."""
        return tuple(
            sorted(
                name
                for name, entry in self._index.items()
                if entry["category"] == category
                and (sex is None or entry["sex"] in (sex, "any"))
                and (covers is None or covers in entry["covers"])
            )
        )

    def covers(self, name: str) -> tuple[str, ...]:
        """What an item dresses."""
        return tuple(self._entry(name)["covers"])

    def pictures(self, name: str) -> tuple[str, ...]:
        """The variants of an item's picture."""
        return tuple(self._entry(name)["pictures"])

    def item(self, name: str) -> Item:
        """The item `name`, read once."""
        if name not in self._items:
            self._items[name] = load_item(self._path(name) / "item.npz")
        return self._items[name]

    def picture(self, name: str, variant: str | None = None, channels: int = 3) -> np.ndarray:
        """An item's picture, from the cache or the disk."""
        variant = variant or self.pictures(name)[0]
        return self.textures.get((name, variant, channels), lambda: read_image(self._path(name) / variant, channels))

    def regions(self, name: str) -> np.ndarray:
        """(h, w) uint8: 1 upper garment, 2 lower garment, 0 the rest of an item's picture."""
        if name not in self._regions:
            size = self.picture(name, channels=3).shape[0]
            self._regions[name] = texture_regions(self.item(name), self.topology.template, size)
        return self._regions[name]

    def cloth_at(self, name: str) -> tuple[Coordinates, np.ndarray]:
        """Garment coordinates of the texels of an item's picture that have a place, and which do, (h, w) bool."""
        if name not in self._cloth:
            item = self.item(name)
            places = fit(item, self.topology.template)[item.render_to_welded]
            places, covered = rasterise(item.uv, item.faces, places, self.picture(name, channels=3).shape[0])
            places, near = bleed(places, covered, 4.0)
            self._cloth[name] = coordinates(self.atlas.marks, places[near]), near
        return self._cloth[name]

    def skin_tone(self, name: str) -> Rgb:
        """Mean sRGB of a skin picture on the trunk."""
        if name not in self._tones:
            self._tones[name] = mean_tone(self.skin(name), self.atlas.trunk_texels)
        return self._tones[name]

    def cutout(self, name: str) -> bool:
        """Whether the item's picture has holes that matter."""
        return bool(self._entry(name)["cutout"])

    def skin(self, name: str) -> np.ndarray:
        """(h, w, 3) skin picture."""
        return self.textures.get(("skin", name), lambda: read_image(self._root() / "skins" / f"{name}.png"))

    def eye(self, name: str) -> np.ndarray:
        """(h, w, 3) eye picture: the eyeball seen from the front, see scenes.face."""
        return self.textures.get(("eye", name), lambda: read_image(self._root() / "eyes" / f"{name}.png"))

    def _root(self) -> Path:
        if self.folder is None:
            raise AssetError("this wardrobe is minimal: it has no installed items")
        return self.folder

    def _entry(self, name: str) -> dict:
        if name not in self._index:
            raise AssetError(f"no item {name!r} is installed; there are: {', '.join(sorted(self._index)) or 'none'}")
        return self._index[name]

    def _path(self, name: str) -> Path:
        return self._root() / self._entry(name)["category"] / name


def texture_regions(item: Item, template: np.ndarray, size: int) -> np.ndarray:
    """(size, size) uint8: 1 upper garment, 2 lower garment, 0 neither. A texture island belongs to one of them."""
    count = len(item.render_to_welded)
    edges = np.concatenate([item.faces[:, [0, 1]], item.faces[:, [1, 2]]]).astype(np.int64)
    links = scipy.sparse.coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count))
    _, island = scipy.sparse.csgraph.connected_components(links, directed=False)
    places = fit(item, template)[item.render_to_welded]
    members = np.bincount(island)
    height = np.bincount(island, places[:, 1] - find_marks(template).hip[1]) / members
    # Trousers reach from the waist down, so their island lies below the hips on average; a shirt above them.
    label = np.where(height < 0.06, 2, 1)[island]
    # Pockets and buttons are islands of their own: they go with the cloth they sit on.
    small = (members < 0.04 * count)[island]
    if small.any() and not small.all():
        beside = cKDTree(places[~small]).query(places[small], k=5)[1]
        votes = np.bincount(island[small], (label[~small][beside] == 2).mean(1), len(members)) / members
        label[small] = np.where(votes[island[small]] > 0.5, 2, 1)
    label = label.astype(np.float32)
    values, covered = rasterise(item.uv, item.faces, label[:, None], size)
    return np.round(bleed(values, covered, 4.0)[0][..., 0]).astype(np.uint8)
