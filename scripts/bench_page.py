"""How quick the annotation page is on a large project: first paint, the next person, a drag's frames, a save.

Makes a project of many people over a few hundred drawn pictures, serves it, drives a headless Chromium through it and
prints figures. Nothing is asserted: figures depend on the machine.

    python scripts/bench_page.py --people 10000 --steps 40
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from annotation_page import TOKEN, browser_path, served

from synthgen.active import schema
from synthgen.active.records import pack
from synthgen.active.store import create_project

SIZE = (1080, 1920)  # height, width of a picture


def make_project(folder: Path, people: int):
    """`people` pictures with one person each; the files are hard links of a few hundred different ones."""
    rng, photos, different = np.random.default_rng(0), folder / "photos", min(people, 200)
    photos.mkdir()
    for i in range(people):
        path = photos / f"photo_{i:05d}.jpg"
        if i < different:
            coarse = rng.integers(0, 255, (36, 64, 3), np.uint8)
            cv2.imwrite(str(path), cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC))
        else:
            os.link(photos / f"photo_{i % different:05d}.jpg", path)
    project = create_project(folder / "project", photos, hold_out=0.0)
    with project.writing() as connection:
        rows, revisions, queue = [], [], []
        for i in range(1, people + 1):
            points = np.column_stack(
                [rng.uniform(700, 1100, 37), rng.uniform(150, 950, 37), np.full(37, 2.0), rng.uniform(0, 1, 37)]
            )
            rows.append(
                {
                    "id": i,
                    "image_id": i,
                    "x": 680.0,
                    "y": 130.0,
                    "w": 440.0,
                    "h": 840.0,
                    "origin": "detector",
                    "status": "queued",
                    "comment": "",
                }
            )
            for kind in ("model", "teacher"):
                revisions.append(
                    {
                        "person_id": i,
                        "kind": kind,
                        "author": kind,
                        "created": 0.0,
                        "comment": "",
                        "status": "proposed",
                        "points": pack(points),
                    }
                )
            queue.append(
                {
                    "person_id": i,
                    "rank": i,
                    "batch": 1,
                    "strategy": "uncertainty",
                    "score": 1.0,
                    "reasons": json.dumps(["spread of the left wrist"]),
                }
            )
        for table, values in ((schema.people, rows), (schema.revisions, revisions), (schema.queue, queue)):
            connection.execute(insert(table), values)
    return project


def middle(name: str, values: list[float], unit: str = "ms") -> None:
    print(f"{name}: median {np.median(values):.0f} {unit}, 95 % below {np.quantile(values, 0.95):.0f} ({len(values)}x)")


def measure(page, url: str, steps: int) -> None:
    paints, ready = [], []
    for _ in range(3):
        page.goto(f"{url}?token={TOKEN}")
        page.wait_for_selector("body[data-person]")
        ready.append(page.evaluate("performance.now()"))
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    middle("first paint", paints)
    middle("first person on the screen, ready to edit", ready)
    page.wait_for_timeout(1500)
    page.evaluate("performance.clearMeasures()")
    for _ in range(steps):
        before = page.get_attribute("body", "data-person")
        page.keyboard.press("n")
        page.wait_for_selector(f"body:not([data-person='{before}'])")
        page.wait_for_timeout(400)  # a quick annotator; the next ones are fetched meanwhile
    middle(
        "next person, key to shown", page.evaluate("performance.getEntriesByName('next person').map((m) => m.duration)")
    )
    frames = page.evaluate(
        """async () => {
            const times = []; let last = 0, run = true;
            const tick = (t) => { if (last) times.push(t - last); last = t; if (run) requestAnimationFrame(tick); };
            requestAnimationFrame(tick);
            const stage = document.getElementById('stage');
            for (let i = 0; i < 60; i++) {
                stage.dispatchEvent(new WheelEvent('wheel', 
                    { deltaY: i % 2 ? 60 : -60, bubbles: true, cancelable: true, clientX: 600, clientY: 400 }));
                await new Promise((done) => setTimeout(done, 16));
            }
            run = false;
            return times;
        }"""
    )
    middle("frame while zooming", frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    path = browser_path()
    if path is None:
        sys.exit("no Chromium on this system: install one (apt-get install chromium)")
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(make_project(Path(folder), options.people)) as project,
    ):
        print(f"{options.people} people in {options.people} pictures of {SIZE[1]} x {SIZE[0]}")
        with served(project) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            measure(page, server.url, options.steps)
            browser.close()


if __name__ == "__main__":
    main()
