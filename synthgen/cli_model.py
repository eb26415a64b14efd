"""The commands below `synthgen model`."""

import json
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from biomech.errors import ConfigError
from synthgen.cli_errors import Debug, one_sentence, writable

model_app = typer.Typer(
    help="OpenSim models: look into a published one, build our own in a person's size.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@model_app.command("inspect")
def model_inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.osim", help="A published OpenSim model.")],
    mapping: Annotated[
        str | None, typer.Option(help="YAML map of its bodies and coordinates, or a family; default: recognised.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
    seconds: Annotated[float, typer.Option(min=0, max=60, help="Spent on each speed; 0 measures none.")] = 0.4,
    debug: Debug = False,
) -> None:
    """Show which levels a model covers, their ranges and couplers, what is filled, and how fast it is."""
    from biomech.published import load_published
    from biomech.published_inspect import inspect_model

    with one_sentence(debug):
        found = inspect_model(load_published(file, mapping), seconds)
        if as_json:
            typer.echo(json.dumps(found.to_dict(), indent=1))
            return
        for line in inspection_lines(found):
            typer.echo(line)


@model_app.command("build")
def model_build(
    out: Annotated[Path, typer.Argument(metavar="OUT.osim", help="File to write.")],
    stature: Annotated[float, typer.Option(help="Body height, m.")] = 1.75,
    sex: Annotated[str, typer.Option(metavar="m|f", help="Sex, for mass and limits.")] = "m",
    age: Annotated[float, typer.Option(help="Age, years: joints stiffen, the back rounds.")] = 30.0,
    profile: Annotated[
        str, typer.Option(help="Whose limits: auto (his own age), adult, child, elder, athlete.")
    ] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    debug: Debug = False,
) -> None:
    """Write our model in a person's size and with his ranges, as an .osim that OpenSim 4.x opens."""
    from biomech.published_build import build_person
    from synthgen.shards import write_atomic

    with one_sentence(debug):
        if out.suffix != ".osim":
            raise ConfigError(f"the model would be written to {out}; give a name that ends in .osim")
        if out.exists() and not force:
            raise ConfigError(f"{out} is there already; give another name, or --force to replace it")
        writable(out)
        model = build_person(stature, sex, age, profile)
        write_atomic(out, model.xml.encode())
        typer.echo(
            f"{out}: {len(model.bodies)} bodies, {len(model.coordinates)} coordinates, {model.geometry.mass:.1f} kg, "
            f"sha256 {model.digest[:16]}"
        )


def inspection_lines(found) -> list[str]:
    """What `inspect` prints, for a biomech.published_inspect.Inspection."""
    lines = [
        f"{found.name}  ({found.family})",
        f"  file       {found.file}",
        f"  sha256     {found.digest}",
        f"  parts      {found.bodies} bodies, {found.coordinates} coordinates, {found.couplers} couplers",
        f"  signs      {found.axes_checked} level axes tried in OpenSim, within "
        f"{found.worst_disagreement_deg:.4f} deg of ours",
        "",
        f"  {'level':<16}{'FE':<32}{'LB':<32}AR",
    ]
    facts = list(found.levels)
    rows = [(facts[k].level, tuple(_cell(fact) for fact in facts[k : k + 3])) for k in range(0, len(facts), 3)]
    for cells, run in groupby(rows, key=lambda row: row[1]):
        names = [name for name, _ in run]
        where = names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"
        lines.append(f"  {where:<16}{''.join(f'{cell:<32}' for cell in cells)}".rstrip())
    if found.drivers:
        lines += ["", "  couplers (part of the sum, at the upright stance)"]
    for driver in found.drivers:
        parts = " ".join(f"{level} {part:.3f}" for level, part in driver.fractions.items())
        ends = "" if driver.low_deg is None else f" {driver.low_deg:.1f} to {driver.high_deg:.1f} deg in all;"
        lines.append(f"  {driver.coordinate} ({driver.axis}, {driver.motion}):{ends} {parts}")
    from synthgen.published import in_runs

    lines += ["", f"  filled     {in_runs(list(found.filled)) or 'nothing: every level is there'}"]
    speed = found.speed
    if speed.ours_batch:
        lines.append(
            f"  poses/s    {speed.ours_batch:,.0f} here (whole motions), {speed.ours_single:,.0f} here (one by one), "
            f"{speed.opensim:,.0f} OpenSim realizePosition, {speed.assemble:,.0f} OpenSim assemble"
        )
    return [*lines, *(f"  note       {note}" for note in found.notes)]


def _cell(fact) -> str:
    if fact.source == "lacking":
        return "filled"
    ends = "no limit" if fact.low_deg is None else f"{fact.low_deg:.1f}..{fact.high_deg:.1f}"
    return f"filled from {fact.coordinate}" if fact.source == "shared" else f"{fact.coordinate} {ends}"
