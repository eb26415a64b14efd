"""The commands `synthgen predict` and `synthgen export`: read options, call the library.

Errors leave as SynthgenError; the caller's command line turns them into one sentence.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def predict(
    source: Annotated[str, typer.Argument(metavar="PHOTO|VIDEO|FOLDER|webcam", help="What to look at.")],
    out: Annotated[Path, typer.Option(help="Folder for overlays and JSON files.")] = Path("out/predict"),
    weights: Annotated[Path | None, typer.Option(help=".pt or .onnx file; default: the one shipped.")] = None,
    box: Annotated[list[str] | None, typer.Option(metavar="X,Y,W,H", help="A person's box, px; repeatable.")] = None,
    boxes: Annotated[Path | None, typer.Option(help="JSON file of boxes per picture (COCO, or name to boxes).")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored picture: slower, steadier.")] = False,
    smooth: Annotated[bool, typer.Option("--smooth/--no-smooth", help="One-euro filter on videos.")] = True,
    overlay: Annotated[bool, typer.Option("--overlay/--no-overlay", help="Draw on pictures and videos.")] = True,
    json: Annotated[bool, typer.Option("--json/--no-json", help="Write OpenPose-style and COCO JSON.")] = True,
    spine_only: Annotated[bool, typer.Option("--spine-only", help="Draw only the nine points of the column.")] = False,
    min_person: Annotated[float, typer.Option(help="Least score of a person found, 0 to 1.")] = 0.3,
    min_point: Annotated[float, typer.Option(help="Least score of a keypoint that is drawn, 0 to 1.")] = 0.5,
    detector_score: Annotated[float, typer.Option(help="Least score of the person detector.")] = 0.5,
    every: Annotated[int, typer.Option(help="Video frames between two looks for newcomers.")] = 20,
    frames: Annotated[int | None, typer.Option(help="Use only so many frames of a video or camera.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the model; default: the library's.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Find people and their 37 keypoints, with the spine, in pictures and videos."""
    import numpy as np

    from biomech.errors import ConfigError
    from synthgen.spinepose.detect import Detector
    from synthgen.spinepose.estimator import Estimator
    from synthgen.spinepose.given import parse_box, read_boxes
    from synthgen.spinepose.predict import Options
    from synthgen.spinepose.predict import predict as run
    from synthgen.spinepose.smooth import OneEuro

    if box and boxes:
        raise ConfigError("give boxes by --box or by --boxes, not both")
    options = Options(
        person=min_person,
        shown=min_point,
        spine_only=spine_only,
        smooth=OneEuro() if smooth else None,
        every=every,
        limit=frames,
        overlay=overlay,
        json=json,
    )
    given = np.stack([parse_box(b) for b in box]) if box else read_boxes(boxes) if boxes else None
    estimator = Estimator(weights, flip, threads)
    detector = Detector(threshold=detector_score) if given is None else None

    def progress(name: str, done: int) -> None:
        if not quiet and done % 50 == 0:
            typer.echo(f"{name}: {done} frames", err=True)

    summary = run(source, out, estimator, detector, options, given, progress)
    if not quiet:
        rate = summary.frames / max(summary.seconds, 1e-9)
        what = "picture" if summary.frames == 1 else "pictures or frames"
        typer.echo(f"{summary.frames} {what}, {summary.people} people, {rate:.1f} per second: {summary.out}")


@app.command()
def export(
    source: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT|DATASET", help=".pt file of a trained model, or a rendered dataset.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Of a model: onnx (default). Of a dataset: webdataset, hf, yolo, coco-zip, mmpose, fiftyone or gltf.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File or folder to write; default: beside what is given.")] = None,
    channels: Annotated[
        str | None,
        typer.Option(metavar="native|package|both", help="Model: fed RGB, or BGR as packages do; default both."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="fp32|fp16|int8|all", help="Model: of the file; default fp32.")
    ] = None,
    calibrate: Annotated[Path | None, typer.Option(help="Model: photographs of people; int8 needs them.")] = None,
    crops: Annotated[int | None, typer.Option(help="Model: how many people to calibrate on; default 64.")] = None,
    shard_size: Annotated[
        int | None, typer.Option(help="Dataset, webdataset and hf: pictures per file; default 1000.")
    ] = None,
    maps: Annotated[bool, typer.Option("--maps", help="Dataset, webdataset and hf: also depth and id maps.")] = False,
    index: Annotated[
        list[int] | None, typer.Option(help="Dataset, gltf: a picture to export, counted from 0; repeatable.")
    ] = None,
    influences: Annotated[
        int | None, typer.Option(metavar="4|8", help="Dataset, gltf: joints that may move a vertex; default 8.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Dataset: replace an earlier export.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No table, no progress.")] = False,
) -> None:
    """Export a trained model to ONNX, or a rendered dataset to a format that other programs load."""
    from synthgen.exchange.command import export_folder, is_dataset

    model = {"--channels": channels, "--precision": precision, "--calibrate": calibrate, "--crops": crops}
    packed: dict[str, object | None] = {
        "--shard-size": shard_size,
        "--maps": maps or None,
        "--force": force or None,
        "--index": index or None,
        "--influences": influences,
    }
    if is_dataset(source, format, model, packed):
        export_folder(source, str(format), out, shard_size, maps, force, quiet, index, influences)
        return
    from synthgen.spinepose.export import CHANNELS, PRECISIONS
    from synthgen.spinepose.export_table import calibration_crops, export_all, table

    kinds = CHANNELS if channels in (None, "both") else (str(channels),)
    wanted = PRECISIONS if precision == "all" else (precision or "fp32",)
    pictures = calibration_crops(calibrate, source, 64 if crops is None else crops) if calibrate is not None else None
    rows = export_all(source, out, kinds, wanted, pictures)
    if not quiet:
        typer.echo(table(rows))
