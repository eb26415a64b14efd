"""Do the labelled vertebrae follow from people's own OpenSim models? OpenSim puts each into its labelled poses.

Pictures are posed by this project's own kinematics (biomech.activities.rig); this is the outside judge of a dataset.
"""

from collections.abc import Iterator

import numpy as np

from biomech.anatomy import VERTEBRAE, body_index
from biomech.errors import ModelError
from biomech.kinematics import replayed
from biomech.model import OpenSimHandle
from scenes.props import placed
from synthgen.dataset import Dataset

MOST = 50
"""People whose poses are replayed, spread evenly over the dataset; a model takes OpenSim about 30 ms to load."""

WITHIN = 1e-5
"""Largest difference, m and share of one, between matrices; the table's are of single precision."""


def replay(dataset: Dataset) -> Iterator[str]:
    """One sentence for each person whose labelled vertebrae lie where OpenSim does not put them."""
    table = dataset.table()
    people = np.unique(table["subject"])
    vertebrae = [body_index(name) for name in VERTEBRAE]
    for subject in people[np.unique(np.linspace(0, len(people) - 1, min(len(people), MOST)).round().astype(int))]:
        name = f"subjects/{subject:06d}.osim"
        rows = np.flatnonzero(table["subject"] == subject)
        try:
            handle = OpenSimHandle((dataset.root / name).read_text(encoding="utf-8"))
            frames = replayed(handle, table["q"][rows])[:, vertebrae]
        except (OSError, RuntimeError, ValueError, ModelError) as error:  # OpenSim's own are RuntimeErrors
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            yield f"{name} does not load in OpenSim as a model of this project ({first})"
            continue
        world = np.stack([placed(*place) for place in table["place"][rows]])[:, None] @ frames
        apart = np.abs(world - table["vertebrae_world"][rows]).max((1, 2, 3))
        worst = int(np.argmax(apart))
        if not apart[worst] <= WITHIN:
            yield (
                f"annotation {table['annotation_id'][rows[worst]]}: OpenSim puts the vertebrae of {name} "
                f"{1000 * apart[worst]:.2f} mm from their labels"
            )
