"""Entries of annotation files are of the kinds that COCO says, or the file is refused: they come from anywhere."""

from collections.abc import Callable
from typing import Any

from biomech.errors import DatasetError

LARGEST = 1e30  # of a number that still fits into single precision
LARGEST_ID = 2**63  # as arrays of whole numbers hold them


def is_number(value: Any) -> bool:
    """A plain number that is finite and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def is_id(value: Any) -> bool:
    """A whole number, also where it is written as 7.0."""
    return is_number(value) and value == int(value) and abs(value) < LARGEST_ID


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


_IMAGE: dict[str, tuple[bool, Callable[[Any], bool], str]] = {  # field -> must it be there, test, in words
    "id": (True, is_id, "a whole number"),
    "file_name": (True, _is_text, "a file name"),
    "width": (False, is_number, "a number"),
    "height": (False, is_number, "a number"),
}
_ANNOTATION: dict[str, tuple[bool, Callable[[Any], bool], str]] = {
    "id": (False, is_id, "a whole number"),
    "image_id": (False, is_id, "a whole number"),
    "area": (False, is_number, "a number"),
    "keypoints": (False, lambda value: isinstance(value, list), "a list"),
}


def check_entries(name: str, data: dict[str, Any]) -> None:
    """Look at the lists of a COCO file that source `name` reads.

    Raises:
        DatasetError: an entry is no object, lacks what it needs, or holds something of another kind.
    """
    for what, fields in (("images", _IMAGE), ("annotations", _ANNOTATION)):
        for number, entry in enumerate(data[what]):
            if not isinstance(entry, dict):
                raise _wrong(name, what, number, "is no object", "remove it")
            for field, (needed, test, words) in fields.items():
                value = entry.get(field)
                if not (test(value) if value is not None else not needed):
                    found = f"{value!r:.40}" if field in entry else "missing"
                    raise _wrong(name, what, number, f"has a '{field}' that is {found}", f"it must be {words}")
    for number, entry in enumerate(categories := data.get("categories") or []):
        names = entry.get("keypoints") or [] if isinstance(entry, dict) else None
        if not isinstance(categories, list) or not isinstance(names, list):
            raise _wrong(name, "categories", number, "is not understood", "give its keypoints as a list of names")


def _wrong(name: str, what: str, number: int, why: str, how: str) -> DatasetError:
    return DatasetError(f"source '{name}': number {number} of its {what} {why}; {how}")
