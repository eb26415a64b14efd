"""`synthgen export` for datasets: which of its two kinds of source was given, and the export with a progress bar."""

from collections.abc import Mapping
from pathlib import Path

import typer

from biomech.errors import ConfigError
from synthgen.exchange.export import FORMATS, SHARD_SIZE, export_dataset

MODEL_FORMATS = ("onnx",)


def is_dataset(
    source: Path, kind: str | None, model: Mapping[str, object | None], dataset: Mapping[str, object | None]
) -> bool:
    """Whether `source` is a dataset's folder; False for a file, which is taken for a model.

    Args:
        kind: the format asked for.
        model: options that only a model's export has; None where not given.
        dataset: options that only a dataset's export has; None where not given.

    Raises:
        ConfigError: nothing there, or a format or option of the other kind.
    """
    if kind is not None and kind not in (*MODEL_FORMATS, *FORMATS):
        raise ConfigError(
            f"--format is '{kind}'; allowed: {', '.join(MODEL_FORMATS)} for a model, {', '.join(FORMATS)} for a dataset"
        )
    if not source.exists():
        raise ConfigError(f"there is no {source}; give a model's .pt file or the folder that 'synthgen render' wrote")
    folder = source.is_dir()
    if folder and (kind is None or kind in MODEL_FORMATS):
        why = f"--format {kind} is for a model's .pt file" if kind else "a dataset needs --format"
        inside = sorted(source.glob("*.pt"))
        hint = f"; to export the model in it give {inside[0]}" if inside else ""
        raise ConfigError(f"{source} is a folder and {why}; allowed for a dataset: {', '.join(FORMATS)}{hint}")
    if not folder and kind in FORMATS:
        raise ConfigError(f"{source} is a file and --format {kind} is for a dataset's folder; a model goes to onnx")
    wrong = [name for name, value in (model if folder else dataset).items() if value is not None]
    if wrong:
        raise ConfigError(f"{wrong[0]} is an option for {'models' if folder else 'datasets'}; leave it out here")
    return folder


def export_folder(
    source: Path,
    kind: str,
    out: Path | None,
    shard_size: int | None,
    maps: bool,
    force: bool,
    quiet: bool,
    indices: list[int] | None = None,
    influences: int | None = None,
) -> None:
    """Export a dataset, count on stderr where somebody watches, and say what was written."""
    from tqdm import tqdm

    with tqdm(unit=" pictures", disable=True if quiet else None, leave=False) as bar:
        done = export_dataset(
            source,
            kind,
            out,
            force=force,
            shard_size=SHARD_SIZE if shard_size is None else shard_size,
            maps=maps,
            indices=indices or None,
            influences=influences,
            on_picture=lambda: bar.update(1),
        )
    if quiet:
        return
    counts = ", ".join(f"{name} {count}" for name, count in done.pictures.items())
    left = f" (left out, as it is empty: {', '.join(done.empty)})" if done.empty else ""
    typer.echo(f"{sum(done.pictures.values())} pictures ({counts}){left}: {done.path}")
