"""Points of the skin that are the same vertex in every body, because the hm08 topology is."""

import csv
from functools import cache
from importlib.resources import files


@cache
def skin_landmarks() -> dict[str, int]:
    """Name -> vertex of the base mesh (`data/skin_landmarks.csv`)."""
    text = (files("scenes") / "data" / "skin_landmarks.csv").read_text(encoding="utf-8")
    return {row["name"]: int(row["vertex"]) for row in csv.DictReader(text.splitlines())}
