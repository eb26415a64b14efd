"""The commands below `synthgen assets`."""

from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Debug, Quiet, one_sentence

assets_app = typer.Typer(
    help="Bodies, clothes, skins and light: get them, list them, check them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@assets_app.command("install")
def assets_install(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK]...", help="Default: all of them.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Package file or folder, instead of fetching.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Install again what is there.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fetch, check and convert asset packs. Extras: the body needs synthgen[bake], blazepose needs synthgen[train]."""
    from tqdm import tqdm

    from synthgen.assets import cache_folder, install_packs

    with one_sentence(debug), tqdm(disable=quiet, leave=False, unit="item") as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description(what[:50])
            bar.total, bar.n = total or None, done
            bar.refresh()

        done = install_packs(names or (), source=source, progress=show, force=force)
        bar.close()
        for pack, fresh in done:
            if not quiet:
                typer.echo(f"{pack.name}: {'installed' if fresh else 'was there already'} ({pack.licence})")
        if not quiet:
            typer.echo(f"in {cache_folder()}")


@assets_app.command("list")
def assets_list(debug: Debug = False) -> None:
    """Show every pack, its licence and whether it is installed."""
    from synthgen.assets import cache_folder, list_packs

    with one_sentence(debug):
        for state in list_packs(training=True):
            mark = "installed" if state.installed else "missing  "
            pack = state.pack
            typer.echo(f"{mark}  {pack.name:<9} {pack.source:<24} ~{pack.megabytes} MB  {pack.licence}: {pack.gives}")
        typer.echo(f"in {cache_folder()}")


@assets_app.command("verify")
def assets_verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK]...", help="Default: all of them.")] = None,
    debug: Debug = False,
) -> None:
    """Compare every installed file with its recorded sha256; exit code 1 where one differs."""
    from synthgen.assets import verify_packs

    with one_sentence(debug):
        states = verify_packs(names or ())
        for state in states:
            found = (("altered", state.altered), ("missing", state.missing))
            damage = [f"{len(names)} {what} ({names[0]})" for what, names in found if names]
            verdict = "intact" if state.intact else ", ".join(damage) if state.installed else "not installed"
            typer.echo(f"{state.pack.name}: {verdict}")
        if not all(state.intact for state in states):
            raise typer.Exit(1)
