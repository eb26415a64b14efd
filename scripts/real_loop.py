"""The whole annotation loop on real videos, corrected in the real page by a scripted annotator; two rounds.

    python scripts/real_loop.py OUT --generated DATASET [--budget 20] [--steps 150] [--rounds 2]

Videos: the first 60 frames of each of the four calibrated views of pose2sim's demo, every fourth frame in all four, and
the sports2d demo, sampled by motion; both packages BSD-3-Clause, fetched by pip into the cache folder. Each round runs
the commands of docs/annotate.md as a user would: propose, select, serve, (correct), merge, round; then status. Frames
60 to 99 of the four views are kept away from all of it: after each round the new model is measured on them like
multiview_check.py does, with the cameras as aligned for the first model.

No person corrects: scripts/scripted_annotator.py says where the better points come from. Needs a Chromium and
playwright. Writes OUT/lab (the project), OUT/shots (people before and after) and OUT/report.json. What exists in OUT is
gone on with, so that a run that was stopped loses no round.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from demo_videos import SPORTS2D, fetch
from multiview_check import View, aligned, fetch_demo, measure, read_views, seen_by_all
from playwright.sync_api import sync_playwright
from scripted_annotator import FEWEST, SAVED, Consensus, Hands, Steady
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from annotation_page import browser_path

from biomech.errors import SynthgenError
from synthgen.active import rounds, schema
from synthgen.active.store import Project, open_project
from synthgen.spinepose.detect import Detector
from synthgen.spinepose.estimator import Estimator, Pose, box_of
from synthgen.spinepose.predict import Options, VideoPredictor

SPORTS = "Sports2D/Demo/demo.mp4"
LEARNT = 60  # frames of each view that the project gets; the rest is for measuring
APART = 4  # frames
SHOTS = 6  # people per round that are photographed before and after
QUALITY = 95.0  # of the shortened videos' frames
NAME = "scripted"
SYNTHGEN = Path(sys.executable).with_name("synthgen")


def annotate(*words: object) -> str:
    """Run `synthgen annotate ..` as a user does; what it said."""
    command = [str(SYNTHGEN), "annotate", *map(str, words)]
    print("$ synthgen annotate", *words, flush=True)
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        raise SynthgenError(f"'annotate {words[0]}' ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def shortened(video: Path, out: Path) -> Path:
    """The first frames of a video, as one of its own."""
    out.parent.mkdir(parents=True, exist_ok=True)
    capture, writer = cv2.VideoCapture(str(video)), None
    for _ in range(LEARNT):
        _, image = capture.read()
        if writer is None:
            size = (image.shape[1], image.shape[0])
            writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"MJPG"), capture.get(cv2.CAP_PROP_FPS), size)
            writer.set(cv2.VIDEOWRITER_PROP_QUALITY, QUALITY)
        writer.write(image)
    writer.release()
    return out


def begin(lab: Path, views: list[View], demo: Path, sports: Path) -> None:
    """The project: both sources, each sampled as it suits."""
    if (lab / schema.FILE).is_file():
        return
    short = lab.parent / "views"
    for view in views:
        shortened(demo / "videos" / f"{view.name}.mp4", short / f"{view.name}.avi")
    annotate("init", lab, "--images", short, "--moved", 0, "--apart", APART)
    annotate("init", lab, "--images", sports, "--hold-out", 0)


def watch(video: Path, weights: Path | None, first: int = LEARNT) -> list[Pose | None]:
    """The largest person in every frame from the first on; None where lost."""
    capture, poses = cv2.VideoCapture(str(video)), []
    predictor = VideoPredictor(Estimator(weights, flip=True, threads=1), Detector(), Options(smooth=None))
    for number in range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT))):
        good, image = capture.read()
        if good and number >= first and number % 2 == 0:
            poses.append(max(predictor(image, number), key=lambda p: float(np.prod(box_of(p)[2:])), default=None))
    capture.release()
    return poses


def unseen(demo: Path, views: list[View], weights: Path | None, cameras: list[View] | None) -> tuple[dict, list[View]]:
    """Figures of a model on the frames nobody labelled, and the cameras that they were measured with."""
    tracks = [watch(demo / "videos" / f"{v.name}.mp4", weights) for v in views]
    cameras = cameras or aligned(views, tracks)
    found = measure(cameras, tracks)
    figures = {name: round(found[name], 5) for name in ("spine", "limbs", "whole")}
    figures |= {"frames": len(seen_by_all(tracks)), "variation": np.round(found["variation"], 3).tolist()}
    print(f"unseen frames: spine {figures['spine']}, limbs {figures['limbs']} of the person's height", flush=True)
    return figures, cameras


def waiting(project: Project) -> int:
    """How many people of the queue nobody has decided on."""
    with project.reading() as connection:
        table, people = schema.queue.c, schema.people.c
        joined = schema.queue.join(schema.people, people.id == table.person_id)
        return len(connection.execute(select(people.id).select_from(joined).where(people.status == "queued")).all())


def correct(lab: Path, sources: list, shots: Path) -> dict:
    """Serve the page, open it in a browser, and go through the queue; what was done."""
    command = [str(SYNTHGEN), "annotate", "serve", str(lab), "--port", "0", "--as", NAME]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    shots.mkdir(parents=True, exist_ok=True)
    try:
        address = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(120_000)
            complaints: list[str] = []
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
            page.wait_for_selector("body[data-person]")
            hands = Hands(page, open_project(lab))
            ways = through_the_queue(hands, sources, shots)
            browser.close()
        return {"people": ways, "actions": dict(sorted(hands.done.items())), "errors of the page": complaints}
    finally:
        server.terminate()
        server.wait(20)


def through_the_queue(hands: Hands, sources: list, shots: Path) -> dict[str, int]:
    """Correct, flag or skip everybody who waits; counts."""
    ways = {"corrected": 0, "flagged": 0, "skipped": 0}
    for turn in range(waiting(hands.project)):
        number, began = hands.person, time.monotonic()
        view = hands.project.person(number)
        target = next((t for source in sources if (t := source(view)) is not None), None)
        if target is None:
            key, way = "b", "skipped"
        elif np.isfinite(target).all(1).sum() < FEWEST:
            key, way = "x", "flagged"
        else:
            key, way = "Enter", "corrected"
            hands.correct(target, shots / f"person_{number}" if turn < SHOTS else None)
        hands.press(key, what=f"{key} (goes on)")
        hands.page.wait_for_selector(SAVED)
        ways[way] += 1
        print(f"person {number} {way} in {time.monotonic() - began:.1f} s", flush=True)
        if waiting(hands.project):
            hands.page.wait_for_selector(f"body[data-person]:not([data-person='{number}'])")
    return ways


def settings(steps: int) -> list[str]:
    """A short training: a head on a frozen trunk."""
    quick = (
        f"schedule.epochs=1 schedule.epoch_size={16 * steps} schedule.late_epochs=0 schedule.warmup_steps=20 ema=0.02"
    )
    return [*quick.split(), "run.threads=1", "evaluation.limit=100", "run.overlays=0", "run.tensorboard=false"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the project, the pictures and the report")
    parser.add_argument("--generated", type=Path, required=True, help="rendered set to train on beside")
    parser.add_argument("--budget", type=int, default=20, help="people per round")
    parser.add_argument("--steps", type=int, default=150, help="of training per round, 16 people each")
    parser.add_argument("--limit", type=int, default=1500, help="people of the rendered set")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lab, file = options.out / "lab", options.out / "report.json"
    try:
        demo, sports = fetch_demo(None), fetch(SPORTS2D, (SPORTS,)) / SPORTS
        views = read_views(next((demo / "calibration").glob("Calib*.txt")))
        report = json.loads(file.read_text()) if file.is_file() else {"unseen": [], "corrected": []}
        begin(lab, views, demo, sports)
        first, cameras = unseen(demo, views, None, None)
        report["unseen"] = report["unseen"] or [first]
        project = open_project(lab)
        for number in range(1 + len(rounds.rows(project)), options.rounds + 1):
            if len(report["corrected"]) < number:
                annotate("propose", lab, "--threads", 1)
                if not waiting(project):
                    annotate("select", lab, "--budget", options.budget, "--held", 0.3, "--seed", number)
                weights = Path(project.about(rounds.WEIGHTS)) if project.about(rounds.WEIGHTS) else None
                estimator = Estimator(weights, flip=True, threads=1)
                videos = [*sorted((options.out / "views").glob("*.avi")), sports]
                sources = [Consensus(project, views), *(Steady(project, v, estimator) for v in videos)]
                done = correct(lab, sources, options.out / "shots" / f"round_{number}")
                report["corrected"].append(done)
                file.write_text(json.dumps(report, indent=1))
            annotate("merge", lab)
            limit = f"data.sources.{rounds.GENERATED}.limit={options.limit}"
            annotate("round", lab, *settings(options.steps), limit, "--generated", options.generated)
            weights = Path(project.about(rounds.WEIGHTS) or "")
            report["unseen"].append(unseen(demo, views, weights, cameras)[0])
            file.write_text(json.dumps(report, indent=1))
        report["rounds"] = rounds.rows(project)
        file.write_text(json.dumps(report, indent=1))
        annotate("status", lab)
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for done in report["corrected"]:
        print(json.dumps(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
