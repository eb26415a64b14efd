"""`synthgen bench`: what a picture costs here, and what the same picture costs other engines."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biomech.errors import ConfigError
from synthgen.cli_errors import Debug, Quiet, one_sentence, writable


def add_bench(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("bench")(bench)


def bench(
    peers: Annotated[
        bool, typer.Option("--peers", help="All engines that are installed, not bare OpenGL alone.")
    ] = False,
    engines: Annotated[str, typer.Option(metavar="NAME,...", help="Only these, for example moderngl,cycles.")] = "",
    size: Annotated[str, typer.Option(metavar="WxH", help="Picture size, px.")] = "640x480",
    rounds: Annotated[int, typer.Option(help="Pictures of each engine, 2 to 1000; slow ones draw a sixth.")] = 12,
    people: Annotated[int, typer.Option(help="In the scene that is drawn, 1 to 4.")] = 1,
    place: Annotated[str, typer.Option(help="Where they are: a backdrop's name.")] = "room",
    pictures: Annotated[int, typer.Option(help="Of the whole pipeline; 0 leaves it out.")] = 48,
    workers: Annotated[int | None, typer.Option(help="Held against one; default one per core.")] = None,
    devices: Annotated[bool, typer.Option("--devices", help="Only list what EGL can draw on here.")] = False,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the engines' pictures side by side (.jpg or .png).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another person.")] = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure speed as ratios within one run: stages, workers, bare OpenGL, and with --peers other renderers."""
    with one_sentence(debug):
        if devices:
            _list_devices()
            return
        chosen = _chosen(peers, engines)
        dimensions = _size(size)
        _within("--rounds", rounds, 2, 1000)
        _within("--people", people, 1, 4)
        _within("--pictures", pictures, 0, 100_000)
        if pictures:
            _within("--pictures", pictures, 8, 100_000)
        if workers is not None:
            _within("--workers", workers, 1, 1000)
        for file in (as_json, sheet):
            if file is not None:
                writable(file)
        _measure(chosen, dimensions, rounds, people, place, pictures, workers, as_json, sheet, seed, quiet, peers)


def _measure(chosen, size, rounds, people, place, pictures, workers, as_json, sheet, seed, quiet, notes) -> None:
    import cv2

    from synthgen.bench import drawing, stages, table
    from synthgen.bench.subject import PLACES, bench_config, draw_scenes, triangles
    from synthgen.pool import default_workers
    from synthgen.worker import child_environment

    if place not in PLACES:
        raise ConfigError(f"--place is '{place}'; choose one of {', '.join(PLACES)}")

    def tell(text: str) -> None:
        if not quiet:
            typer.echo(text, err=True)

    found = None
    rates, poses, what = [], None, ""
    with child_environment():
        tell("the scenes are made")
        scenes = draw_scenes(bench_config(size, rounds, people, place, seed))
    who = "a walking person" if people == 1 else f"{people} walking people"
    what = f"{who} in {place}, {size[0]}x{size[1]}: {triangles(scenes[0]):,} triangles in {len(scenes[0].parts)} parts"
    found = drawing.compare(chosen, scenes, rounds, tell)
    typer.echo("\n".join(table.drawing_lines(found, what, notes)))
    if pictures:
        counts = sorted({1, workers or default_workers()})
        config = stages.preset(pictures, size)
        for count in counts:
            tell(f"{pictures} pictures with {count} worker{'s' if count > 1 else ''}")
            rates.append(stages.pipeline_rate(config, count))
        poses = stages.kinematics_rate()
        typer.echo("\n".join(table.pipeline_lines(rates, poses)))
    if as_json is not None:
        text = json.dumps(table.plain(found, rates, poses, what), indent=1, sort_keys=True)
        as_json.parent.mkdir(parents=True, exist_ok=True)
        as_json.write_text(text + "\n", encoding="utf-8")
    if sheet is not None and found.shots:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheet), table.sheet(found)[..., ::-1])


def _list_devices() -> None:
    from scenes.devices import list_devices

    found = list_devices()
    for device in found:
        typer.echo(str(device))
    if not found:
        typer.echo("EGL lists no device here; install 'libegl1 libgl1-mesa-dri', or a graphics card's own driver")


def _chosen(peers: bool, names: str) -> list:
    """The engines asked for, ours first, which the ratios refer to."""
    from synthgen.bench.peer import PEERS

    known = {peer.key: peer for peer in PEERS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"--engines names '{name}'; known are {', '.join(known)}")
    if not wanted:
        wanted = list(known) if peers else ["raster", "normals", "moderngl"]
    return [peer for key, peer in known.items() if key in wanted or key == "raster"]


def _size(text: str) -> tuple[int, int]:
    from synthgen.cli_settings import size_settings

    width, height = (int(setting.split("=")[1]) for setting in size_settings(text))
    _within("the width in --size", width, 32, 4096)
    _within("the height in --size", height, 32, 4096)
    return width, height


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}; allowed: {low} to {high}")
