"""`synthgen plausibility`: the report on a dataset, a motion file or a folder of them.

Exit codes: 0 no hard limit is broken, 1 one is, 2 the input is bad (also where one file of a folder could not be read).
"""

from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Debug, Quiet, one_sentence

_MARKS = {"ok": "  ", "look": "! ", "broken": "X ", "none": "- "}


def add_plausibility(app: typer.Typer) -> None:
    """Hang the command on `app`."""
    app.command()(plausibility)


def plausibility(
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="Dataset folder, .mot, .sto, .trc, .c3d or .bvh, or a folder of them."),
    ],
    html: Annotated[
        Path | None,
        typer.Option(help="Page to write; default DATASET/report/plausibility.html, else NAME.plausibility.html here."),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Data to write; default beside the page.")] = None,
    profile: Annotated[str, typer.Option(help="Judge everyone by this profile; default each person's own.")] = "",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Hold every joint angle against published limits and norms; exit code 1 where a hard limit is broken."""
    from synthgen.report import HTML
    from synthgen.review import REPORT, judge, read_material

    with one_sentence(debug):
        material = read_material(source, profile)
        if html is not None:
            page = html / HTML if html.is_dir() or not html.suffix else html
        elif source.is_dir() and not material.evidence.clips:
            page = source / REPORT / HTML
        else:
            page = Path(f"{source.resolve().stem}.{HTML}")
        verdict = judge(material, page, json_out)
        if not quiet:
            width = max(len(finding.title) for finding in verdict.findings)
            for finding in verdict.findings:
                typer.echo(f"{_MARKS[finding.status]}{finding.title:<{width}}  {finding.sentence}")
            typer.echo(str(verdict.report))
        for sentence in verdict.unread:
            typer.secho(f"error: not read: {sentence}", fg=typer.colors.RED, err=True)
        if verdict.hard_violations:
            typer.secho(
                f"error: {verdict.hard_violations} joint angles break a hard limit ({verdict.first}); "
                f"see {verdict.report}",
                fg=typer.colors.RED,
                err=True,
            )
        if verdict.unread or verdict.hard_violations:
            raise typer.Exit(2 if verdict.unread else 1)
