"""A user's photographs as backgrounds: read once, kept by what they hold, named in the config by that.

A config names a photograph as `name@<sha256 of its bytes>`, so a dataset depends on what it holds and on no path; the
bytes go to the cache that scenes.photo reads.
"""

import hashlib
from pathlib import Path

from biomech.errors import AssetError, ConfigError
from scenes.photo import decode, open_photo, photo_cache
from synthgen.config import Config, with_values
from synthgen.motions import distinct, plain_name
from synthgen.settings import to_plain
from synthgen.shards import write_atomic

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


def photo_files(place: str | Path) -> list[Path]:
    """The picture files of a folder and those below it, sorted; or the one file.

    Raises:
        AssetError: nothing there, or no picture in it.
    """
    path = Path(place).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise AssetError(f"--backgrounds is {path}, and there is no such file or folder; give a folder of photographs")
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise AssetError(f"{path} holds no picture; allowed: {', '.join(SUFFIXES)}")
    return found


def resolve_photos(config: Config) -> tuple[Config, list[str]]:
    """Copy the photographs a config names to the cache and put what they hold in their place.

    Returns:
        the config with `backdrop.photo_sources` filled and no paths, and one sentence per file that could not be used.

    Raises:
        AssetError: a folder holds none, or a photograph of the config is not in the cache.
    """
    if not config.backdrop.photos:
        for key in config.backdrop.photo_sources:
            open_photo(key)
        return config, []
    if not all(place.strip() for place in config.backdrop.photos):
        raise ConfigError("'backdrop.photos' holds an empty name; give folders or files, or an empty list for none")
    keys, failed = list(config.backdrop.photo_sources), []
    for path in [p for place in config.backdrop.photos for p in photo_files(place)]:
        data = path.read_bytes()
        if decode(data) is None:
            failed.append(f"{path.name} is no picture of at least 64 px a side")
            continue
        digest = hashlib.sha256(data).hexdigest()
        kept = photo_cache() / digest
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(kept, data)
        keys.append(f"{plain_name(path.stem)}@{digest}")
    if not keys:
        raise AssetError(f"none of the photographs can be used; the first: {failed[0]}")
    backdrop = {**to_plain(config.backdrop), "photos": [], "photo_sources": distinct(keys)}
    return with_values(config, backdrop=backdrop), failed
