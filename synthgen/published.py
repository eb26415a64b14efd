"""The published model a dataset moves by: opened once per process, recorded in dataset.json, named in the report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomech.anatomy import LEVELS
from biomech.errors import ConfigError
from biomech.limits import Limits

if TYPE_CHECKING:
    from biomech.published import PublishedModel
    from synthgen.config import ModelConfig


def open_model(config: ModelConfig) -> PublishedModel | None:
    """The model a config names; None for our own.

    Raises:
        ConfigError: a map without a model.
        ModelError: the file or its map cannot be used.
    """
    if not config.file:
        if config.mapping:
            raise ConfigError(f"'model.mapping' is {config.mapping!r} without a model; give 'model.file' too")
        return None
    from biomech.published import load_published

    return load_published(config.file, config.mapping or None)


def moving_like(model: PublishedModel | None, limits: Limits) -> Limits:
    """A person's limits, narrowed to a published model's ranges and with its rhythm."""
    if model is None:
        return limits
    from biomech.published_rhythm import laid_over

    return laid_over(limits, model)


def model_record(config: ModelConfig) -> dict[str, Any]:
    """What dataset.json says of the model, under "model"; nothing where it is our own."""
    model = open_model(config)
    if model is None:
        return {}
    from biomech.published_rhythm import reach

    found = reach(model)
    ranged = (found.levels == found.levels).all(axis=-1)
    record: dict[str, Any] = {
        "name": model.name,
        "file": Path(config.file).name,
        "digest": model.digest,
        "family": model.mapping.name,
        "filled": list(model.filled_levels),
        "filled_axes": [f"{LEVELS[i]}_{axis}" for i, axis in _part_filled(model)],
        "own_rhythm": [level for level, own in zip(LEVELS, ranged, strict=True) if own.any()],
    }
    if Path(config.mapping).is_file():
        record["mapping_digest"] = hashlib.sha256(Path(config.mapping).read_bytes()).hexdigest()
    return {"model": record}


def plan_lines(config: ModelConfig) -> list[tuple[str, str]]:
    """What a dry run says of the model; also finds out whether it can be used."""
    model = open_model(config)
    return (
        [] if model is None else [("model", f"{model.name}, filled {in_runs(list(model.filled_levels)) or 'nothing'}")]
    )


def table_notes(config: ModelConfig) -> dict[str, str]:
    """Metadata of the kinematics table: levels whose angles the model does not have, filled by our rhythm."""
    record = model_record(config).get("model")
    return {"model": record["name"], "filled_levels": " ".join(record["filled"])} if record else {}


def _part_filled(model: PublishedModel) -> list[tuple[int, str]]:
    """Axes that are filled at levels which have others of their own."""
    return [
        (i, axis)
        for i, axes in enumerate(model.own)
        if axes.any()
        for axis, own in zip(("FE", "LB", "AR"), axes, strict=True)
        if not own
    ]


def model_summary(info: Mapping[str, Any]) -> dict[str, str]:
    """The lines of the report's table on a dataset made with a published model; none where it was our own."""
    record = info.get("model")
    if not record:
        return {}
    return {
        "spine moves like": f"{record['name']} ({record['family']}; {record['file']}, sha256 {record['digest'][:16]})",
        "levels with its own rhythm and ranges": in_runs(record["own_rhythm"]) or "none: it sets no limits, ours serve",
        "levels it lacks, filled by our rhythm": in_runs([*record["filled"]]) or "none",
    }


def in_runs(levels: list[str]) -> str:
    """Level names, neighbours joined: "L5_S1 to T12_L1, C0_C1"."""
    places = sorted(LEVELS.index(level) for level in levels)
    runs: list[list[int]] = []
    for k in places:
        if runs and k == runs[-1][-1] + 1:
            runs[-1].append(k)
        else:
            runs.append([k])
    return ", ".join(LEVELS[r[0]] if len(r) == 1 else f"{LEVELS[r[0]]} to {LEVELS[r[-1]]}" for r in runs)
