"""`synthgen render --specs`: stored scenes drawn again, with a progress bar."""

from pathlib import Path

import typer

from biomech.errors import ConfigError


def render_specs(
    specs: Path | None, index: list[int], out: Path, config: Path | None, overrides: list[str], quiet: bool
) -> None:
    """Draw the scenes of a file into `out` and say how many there were."""
    from tqdm import tqdm

    from synthgen.redraw import config_beside, redraw

    if specs is None:
        raise ConfigError("--index is for stored scenes; give them with --specs DATASET/scenes.jsonl")
    if not specs.is_file():
        raise ConfigError(f"there is no file {specs}; give --specs DATASET/scenes.jsonl")
    with tqdm(desc="draw", unit="img", disable=quiet, leave=False) as bar:
        count = redraw(specs, out, config_beside(specs, config, overrides), index, lambda: bar.update(1))
    if not quiet:
        typer.echo(f"{count} stored scenes drawn: {out}")
