"""`synthgen strip`: an activity's phases in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Debug, one_sentence


def add_strip(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("strip")(strip)


def strip(
    activity: Annotated[str, typer.Argument(metavar="ACTIVITY", help="For example golf; a wrong name lists them all.")],
    frames: Annotated[int, typer.Option(help="Pictures side by side, 1 to 32.")] = 8,
    out: Annotated[Path, typer.Option(help="File to write (.jpg or .png).")] = Path("strip.jpg"),
    subject: Annotated[int, typer.Option(min=0, help="Whose: number of the subject.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people and other ways of moving.")] = 0,
    view: Annotated[float, typer.Option(help="Camera, deg: 0 in front of the person, 90 on the right.")] = 60.0,
    height: Annotated[int, typer.Option(help="Of the strip, px.")] = 420,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; repeatable.")] = None,
    debug: Debug = False,
) -> None:
    """Draw one person through the phases of an activity, side by side."""
    from synthgen.config import load_config
    from synthgen.strip import PLAIN, draw_strip, write_strip

    with one_sentence(debug):
        config = load_config(None, [*PLAIN, f"seed={seed}", *(sets or [])])
        picture = draw_strip(activity, frames, config=config, subject=subject, view_deg=view, height=height)
        typer.echo(str(write_strip(out, picture)))
