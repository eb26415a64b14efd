"""The commands below `synthgen motion`."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Debug, Quiet, one_sentence, writable

motion_app = typer.Typer(
    help="Captured motion: import joint angles, markers and skeletons onto our model.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

HEADINGS = ("motion", "kind", "frames", "seconds", "RMS mm", "limited", "slide mm")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, and what is said below it."""

    cells: tuple[str, ...]
    notes: tuple[str, ...]


@motion_app.command("import")
def motion_import(
    source: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help=".mot .sto .trc .c3d .bvh, or a folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write NAME.mot and NAME.json to; default: cache.")] = None,
    model: Annotated[str, typer.Option(help="The .osim that the coordinates of .mot and .sto belong to.")] = "",
    mapping: Annotated[str, typer.Option(help="Joint map (.bvh), marker map or level map: a YAML file or name.")] = "",
    fps: Annotated[float, typer.Option(min=0, help="Frames/s at most; 0 keeps the source's rate.")] = 60.0,
    lowpass: Annotated[float, typer.Option(min=0, help="Zero-lag low-pass, Hz; 0 for none.")] = 6.0,
    stature: Annotated[float, typer.Option(min=0, help="Body height of a .bvh, m; 0 reads it off the file.")] = 0.0,
    static: Annotated[str, typer.Option(help=".trc or .c3d of the person standing, to scale by.")] = "",
    up: Annotated[str, typer.Option(help="Axis that points up: auto, x, y, z, -x, -y, -z.")] = "auto",
    unit: Annotated[str, typer.Option(help="Unit of markers, where the file is wrong: mm, cm, m, in.")] = "",
    angles: Annotated[str, typer.Option(help="Of .mot and .sto: auto, degrees, radians.")] = "auto",
    feet: Annotated[bool, typer.Option("--feet/--no-feet", help="Hold standing feet, put it on the floor.")] = True,
    residuals: Annotated[bool, typer.Option("--residuals", help="Print the RMS of every marker or joint.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Import again what is in the cache.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Import motion and print what became of it. A folder goes on past a bad file; exit code 1 where there was one."""
    from biomech.errors import ConfigError, SynthgenError
    from biomech.motion_import import ImportOptions, motion_files
    from synthgen.motions import cached, motion_cache

    with one_sentence(debug):
        if model and not Path(model).is_file():
            raise ConfigError(f"--model is {model}, and there is no such file; give the path of an .osim")
        if out is not None:
            writable(out / "NAME.mot")
        options = ImportOptions(
            fps=fps, lowpass=lowpass, hold_feet=feet, stature=stature, up=up, unit=unit, angles=angles,
            mapping="" if model else mapping, source_model=model, source_mapping=mapping if model else "",
            static=static,
        )  # fmt: skip
        rows, failed = [], []
        files = motion_files(source)
        for path in files:
            try:
                clip = cached(path, options, force=force)
            except SynthgenError as error:
                said = str(error) if path.name in str(error) else f"{path.name}: {error}"
                if source.is_file():
                    raise type(error)(said) from error
                failed.append(said)
                continue
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                for suffix in (".mot", ".json"):
                    stored = motion_cache() / f"{clip.key.partition('@')[2].partition(':')[0]}{suffix}"
                    shutil.copyfile(stored, out / f"{path.stem}{suffix}")
            rows.append(describe(path.name, clip.record, residuals))
        if not quiet:
            for line in table([row.cells for row in rows]) if rows else []:
                typer.echo(line)
            for row in rows:
                for note in row.notes:
                    typer.echo(f"{row.cells[0]}: {note}")
            if rows:
                typer.echo(f"in {out or motion_cache()}")
        for sentence in failed:
            typer.secho(f"not imported: {sentence}", fg=typer.colors.RED, err=True)
        if failed:
            raise typer.Exit(1)


def describe(name: str, record: dict, residuals: bool = False) -> Row:
    """The line of a motion from its provenance."""
    rms = record["rms_mm"]
    cells = (
        name,
        record["kind"],
        str(record["frames"]),
        f"{record['seconds']:.2f}",
        "-" if rms is None else f"{rms:.1f}",
        f"{record['clamped_share']:.2%}",
        f"{record['slide_mm'][0]:.1f} -> {record['slide_mm'][1]:.1f}",
    )
    notes = list(record["notes"])
    frames = max(record["frames"], 1)
    often = sorted(
        ((count / frames, key) for key, count in record["clamped_frames"].items() if count > 0.2 * frames), reverse=True
    )
    if often:
        shown = ", ".join(f"{key} {share:.0%}" for share, key in often[:5])
        notes.append(f"at its limit in many frames: {shown}" + (" ..." if len(often) > 5 else ""))
    if residuals:
        worst = sorted(record["rms_by_target_mm"].items(), key=lambda item: -item[1])
        notes += [f"{value:6.1f} mm  {target}" for target, value in worst]
    return Row(cells, tuple(notes))


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines with aligned columns; names to the left, figures to the right."""
    lines = [HEADINGS, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEADINGS))]
    return [
        "  ".join(
            c.ljust(w) if k < 2 else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
