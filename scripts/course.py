"""How a run went, from the `course` in its run.json: pictures per second and memory at every thousand pictures.

    python scripts/course.py out/dataset                          # a table
    python scripts/course.py out/dataset --plot course.png        # and its curves

Memory is the highest so far of the largest worker.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--plot", type=Path, help="picture of the two curves (.png, .jpg, .svg)")
    asked = parser.parse_args()
    file = asked.dataset / "run.json"
    try:
        course = np.array(json.loads(file.read_text())["course"], float).reshape(-1, 3)
    except (OSError, KeyError, ValueError) as error:
        parser.error(f"{file} holds no course ({error}); it is written by synthgen render")
    if len(course) < 2:
        parser.error(f"{file}: a course begins with 2,000 pictures")
    before = np.vstack([np.zeros(3), course[:-1]])
    rate = (course[:, 0] - before[:, 0]) / (course[:, 1] - before[:, 1])
    print("| pictures | s | images/s | MB of the largest worker |\n|---|---|---|---|")
    for (pictures, seconds, memory), speed in zip(course, rate, strict=True):
        print(f"| {pictures:,.0f} | {seconds:,.0f} | {speed:.2f} | {memory / 1e6:,.0f} |")
    print(f"\nlast thousand at {rate[-1] / rate[0]:.2f} of the first one's rate")
    if asked.plot:
        draw(course, rate, asked.plot)


def draw(course: np.ndarray, rate: np.ndarray, file: Path) -> None:
    """Two panels over (N, 3) pictures, seconds, bytes and (N,) images/s."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(7, 4), sharex=True, layout="constrained")
    upper.plot(course[:, 0], rate)
    upper.set(ylabel="images/s", ylim=(0, 1.1 * rate.max()))
    lower.plot(course[:, 0], course[:, 2] / 1e6)
    lower.set(ylabel="MB, largest worker", xlabel="pictures", ylim=(0, 1.1e-6 * course[:, 2].max()))
    for axis in (upper, lower):
        axis.grid(alpha=0.3)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
