"""A dataset too large for memory: every joint angle is still held against its limits, and a spread of the poses is
judged in full for the report.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow.parquet as pq

from biomech.anatomy import SPINE_SLICE
from biomech.limits import load_limits
from biomech.plausibility import TOLERANCE, Evidence
from biomech.plausibility.violations import Violation, bounds_of, coordinate_violations, regional_violations
from biomech.rhythm import regional_angles
from synthgen.coco import TABLE
from synthgen.dataset import Dataset
from synthgen.plausibility_dataset import Material, limits_of, material_of, people_of, persons_of
from synthgen.table import ROW_GROUP, read_table

MOST = 50_000  # poses judged in full
PART = 16  # row groups read at a time by the rest


def is_large(dataset: Dataset) -> bool:
    """Whether the dataset has more poses than are judged in full."""
    return sum(split["annotations"] for split in dataset.info["counts"].values()) > MOST


def spread_material(dataset: Dataset, profile: str = "", most: int | None = None) -> Material:
    """Groups of rows from the whole length of the dataset, `most` poses (MOST) or fewer; the summary says how many."""
    count = _row_groups(dataset)
    chosen = np.unique(
        np.linspace(0, count - 1, max(1, min(count, (most or MOST) // ROW_GROUP))).round().astype(int)
    ).tolist()
    table = read_table(dataset.root / TABLE, chosen)
    lines = set(table["spec_line"].tolist())
    specs = {line: scene["spec"] for line, scene in enumerate(dataset.scenes()) if line in lines}
    found = material_of(dataset, table, specs, profile)
    whole = sum(split["annotations"] for split in dataset.info["counts"].values())
    said = {"judged in full": f"{len(table['subject'])} of {whole} poses; limits: all"}
    return dataclasses.replace(found, summary={**found.summary, **said})


def broken_limits(dataset: Dataset, profile: str = "") -> tuple[int, tuple[Violation, ...]]:
    """Joint angles beyond a hard limit in the whole dataset, counted as in a report, and the violations of the first
    part of the table that has any."""
    total = 0
    first: tuple[Violation, ...] = ()
    for table, specs in _parts(dataset):
        ill = [person.get("pathology") for person in persons_of(table, specs)]
        own, own_of = limits_of(people_of(table, specs), profile, ill)
        q = table["q"]
        bounds = bounds_of(load_limits(), Evidence(own_limits=own, own_limits_of=own_of), len(q))
        where = tuple(f"picture {image}" for image in table["image_id"].tolist())
        given = (tuple(table["activity"].tolist()), where, TOLERANCE)
        found = coordinate_violations(q, bounds, "hard", *given)
        found += regional_violations(regional_angles(q[:, SPINE_SLICE]), bounds, "hard", *given)
        total += sum(violation.count for violation in found)
        first = first or found
    return total, first


def _row_groups(dataset: Dataset) -> int:
    return pq.ParquetFile(dataset.root / TABLE).num_row_groups


def _parts(dataset: Dataset) -> Iterator[tuple[Mapping[str, np.ndarray], dict[int, dict]]]:
    """A few groups of rows at a time, and the recipes that they name; both are in the order of the pictures."""
    scenes = enumerate(dataset.scenes())
    kept: dict[int, dict] = {}
    count = _row_groups(dataset)
    for start in range(0, count, PART):
        table = read_table(dataset.root / TABLE, range(start, min(start + PART, count)))
        first, last = int(table["spec_line"].min()), int(table["spec_line"].max())
        kept = {line: spec for line, spec in kept.items() if line >= first}
        for line, scene in scenes:
            kept[line] = scene["spec"]
            if line >= last:
                break
        yield table, kept
