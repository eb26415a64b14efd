"""`synthgen plausibility`: the report on a dataset, a motion file or a folder of them.

Exit codes: 0 no hard limit is broken, 1 one is, 2 the input is bad (also where one file of a folder could not be read).
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Debug, Quiet, one_sentence, say_violations, writable

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
        typer.Option(
            help="Page to write; default DATASET/report/plausibility.html, FOLDER/plausibility.html, or "
            "NAME.plausibility.html beside a file; here, where that folder is read-only."
        ),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Data to write; default beside the page.")] = None,
    profile: Annotated[str, typer.Option(help="Judge everyone by this profile; default each person's own.")] = "",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Hold every joint angle against published limits and norms; exit code 1 where a hard limit is broken."""
    from synthgen.review import judge, read_material

    with one_sentence(debug):
        page = _page(source, html)
        if source.exists():  # else that is said
            writable(page)
            writable(json_out or page.with_suffix(".json"))
        material = read_material(source, profile)
        verdict = judge(material, page, json_out)
        if not quiet:
            width = max(len(finding.title) for finding in verdict.findings)
            for finding in verdict.findings:
                typer.echo(f"{_MARKS[finding.status]}{finding.title:<{width}}  {finding.sentence}")
            typer.echo(str(verdict.report))
        for sentence in verdict.unread:
            typer.secho(f"error: not read: {sentence}", fg=typer.colors.RED, err=True)
        say_violations(verdict)
        if verdict.unread or verdict.hard_violations:
            raise typer.Exit(2 if verdict.unread else 1)


def _page(source: Path, html: Path | None) -> Path:
    """Where the page goes: as asked, else beside what is judged, else into the folder one works in."""
    from synthgen.folder import DATASET
    from synthgen.report import HTML
    from synthgen.review import REPORT

    if html is not None:
        return html / HTML if html.is_dir() or not html.suffix else html
    if (source / DATASET).is_file():
        return source / REPORT / HTML
    folder = source if source.is_dir() else source.parent
    # a folder without a single write bit is kept as it is, even by those whom permissions do not bind
    if folder.is_dir() and os.access(folder, os.W_OK) and folder.stat().st_mode & 0o222:
        return source / HTML if source.is_dir() else source.with_name(f"{source.stem}.{HTML}")
    return Path(f"{source.resolve().stem}.{HTML}")
