"""files.sha256: every file of a dataset with its digest, in the form `sha256sum --check` reads.

Written and read as a stream, so that millions of files cost no memory: pictures arrive in the order of their names, one
side file per folder, and the folders are joined in order at the end.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from biomech.errors import DatasetError
from synthgen.shards import is_temporary

CHECKSUMS = "files.sha256"


def checksum_line(name: str, digest: str) -> str:
    """One line of the list."""
    return f"{digest}  {name}\n"


class Listing:
    """Collects names and digests; `finish` writes the list.

    Files of a folder must come in ascending order of their names, each once; a name that comes out of order or again
    (people who are in several shards) is kept in memory instead.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        self._sides: dict[str, tuple[Path, list[str]]] = {}  # folder with its slash -> side file, lines not yet there
        self._last: dict[str, str] = {}
        self._loose: dict[str, str] = {}

    def add(self, name: str, digest: str) -> None:
        """Take one file; the same file again changes nothing."""
        folder = name[: name.rfind("/") + 1]
        if not folder or name <= self._last.get(folder, ""):
            self._loose[name] = digest
            return
        self._last[folder] = name
        if folder not in self._sides:
            path = self.root / f".{CHECKSUMS}.{len(self._sides)}.{os.getpid()}.tmp"
            path.write_bytes(b"")
            self._sides[folder] = (path, [])
        path, lines = self._sides[folder]
        lines.append(checksum_line(name, digest))
        self.count += 1
        if len(lines) >= 1000:
            self._flush(path, lines)

    @staticmethod
    def _flush(path: Path, lines: list[str]) -> None:
        with open(path, "a", encoding="utf-8", newline="\n") as side:
            side.writelines(lines)
        lines.clear()

    def finish(self) -> tuple[int, str]:
        """Write the list; returns the number of files and one digest over all of it."""
        by_folder: dict[str, dict[str, str]] = {}
        for name, digest in self._loose.items():
            by_folder.setdefault(name[: name.rfind("/") + 1], {})[name] = digest
        alone = by_folder.pop("", {})  # at the top: each stands where its own name falls among the folders
        temporary = self.root / f".{CHECKSUMS}.{os.getpid()}.tmp"
        total = hashlib.sha256()
        count = 0
        with open(temporary, "wb") as out:
            for key in sorted({*self._sides, *by_folder, *alone}):
                if key in alone:
                    lines: Iterator[bytes] = iter([checksum_line(key, alone[key]).encode()])
                elif key in by_folder:
                    lines = self._joined(key, by_folder[key])
                else:
                    lines = self._side_lines(key)
                for line in lines:
                    out.write(line)
                    total.update(line)
                    count += 1
            out.flush()
            os.fsync(out.fileno())
        for path, _ in self._sides.values():
            path.unlink()
        os.replace(temporary, self.root / CHECKSUMS)
        return count, total.hexdigest()

    def _side_lines(self, folder: str) -> Iterator[bytes]:
        path, lines = self._sides[folder]
        self._flush(path, lines)
        with open(path, "rb") as side:
            yield from side

    def _joined(self, folder: str, loose: dict[str, str]) -> Iterator[bytes]:
        """A folder some of whose names came out of order: few enough to sort."""
        named = dict(loose)
        if folder in self._sides:
            named |= {name: digest for digest, name in map(_parsed, self._side_lines(folder))}
        return (checksum_line(name, named[name]).encode() for name in sorted(named))


def _parsed(line: bytes) -> tuple[str, str]:
    digest, _, name = line.decode("utf-8").rstrip("\n").partition("  ")
    return digest, name


def listed(root: Path) -> Iterator[tuple[str, str]]:
    """(name, sha256) of every file that the list of a dataset names.

    Raises:
        DatasetError: there is no list, a line is damaged, or a name leads out of the folder.
    """
    try:
        lines = open(root / CHECKSUMS, "rb")
    except OSError as error:
        raise DatasetError(f"cannot read {root / CHECKSUMS}: {error.strerror}") from None
    with lines:
        for number, line in enumerate(lines, start=1):
            try:
                digest, name = _parsed(line)
            except UnicodeDecodeError:
                digest, name = "", ""
            parts = name.split("/")
            if len(digest) != 64 or not name or name.startswith("/") or ".." in parts or "\\" in name:
                raise DatasetError(f"{root / CHECKSUMS}, line {number}: no checksum of a file of the dataset")
            yield name, digest


def files_of(root: Path, beside: tuple[str, ...]) -> Iterator[str]:
    """Relative paths of the files in a folder, in no order.

    Less those at the top that are named in `beside`, or that a run killed after the record was still writing.
    """
    with os.scandir(root) as entries:
        tops = [entry.name for entry in entries if entry.name not in beside and not is_temporary(entry.name)]
    for top in tops:
        path = root / top
        if path.is_dir():
            for folder, _, names in os.walk(path):
                inside = Path(folder).relative_to(root).as_posix()
                yield from (f"{inside}/{name}" for name in names)
        else:
            yield top
