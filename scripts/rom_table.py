"""Motion of each level over sampled poses against White & Panjabi and in-vivo values, as a Markdown table.

python scripts/rom_table.py [POSES] [--seed N] [--profile NAME] [--dataset FOLDER]

10,000 poses unless said otherwise; --dataset takes the poses of a finished dataset instead of drawing new ones.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from biomech.activities import draw_activity, sample_pose
from biomech.activities.pose import PoseBatch, batch_poses
from biomech.geometry import default_geometry
from biomech.limits import Limits, load_limits
from biomech.model import build_model
from biomech.plausibility import PlausibilityReport, assess
from biomech.plausibility.levels import Motion
from biomech.plausibility.published import Published

HEADER = ("level", "axis", "1 to 99 %", "min to max", "used", "White & Panjabi", "in vivo", "z", "beyond hard")


def sampled(count: int, seed: int = 0, limits: Limits | None = None) -> PoseBatch:
    """Poses of an average adult from the library of activities, by its own weights."""
    model = build_model(default_geometry(), limits)
    rng = np.random.default_rng(seed)
    poses = [sample_pose(model, draw_activity(None, rng), rng) for _ in range(count)]
    return batch_poses(poses, model.coordinates)


def rows(report: PlausibilityReport) -> Iterator[tuple[str, ...]]:
    """One row per level and axis, head first, then the regions."""
    for motion in (*reversed(report.levels), *reversed(report.regions)):
        yield _row(motion)


def _row(motion: Motion) -> tuple[str, ...]:
    book = motion.white_panjabi
    used = [c.measured for c in ((book,) if book else motion.norms) if c.measured is not None]
    scores = [f"{c.z:+.1f}" for c in motion.norms if c.z is not None]
    return (
        motion.name.replace("_", "-"),
        motion.axis,
        f"{motion.p1:.1f} to {motion.p99:.1f}",
        f"{motion.minimum:.1f} to {motion.maximum:.1f}",
        ", ".join(f"{value:.1f}" for value in used),
        _published(book.published) if book else "",
        "; ".join(_published(c.published) for c in motion.norms),
        ", ".join(scores),
        str(motion.beyond_hard),
    )


def _published(norm: Published) -> str:
    text = "" if norm.mean is None else f"{norm.mean:g}"
    text += f" ± {norm.sd:g}" if norm.sd else ""
    text += f" ({norm.lower:g} to {norm.upper:g})" if norm.lower is not None and norm.upper is not None else ""
    return f"{text} [{norm.confidence.split('_')[0]}]"


def table(report: PlausibilityReport) -> str:
    """The Markdown table."""
    lines = [HEADER, tuple("---" for _ in HEADER), *rows(report)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Draw, assess, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("poses", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="adult")
    parser.add_argument("--dataset")
    given = parser.parse_args()
    if given.dataset:
        from synthgen.review import read_material

        material = read_material(given.dataset)
        report = assess(material.poses, material.limits, material.evidence)
    else:
        limits = load_limits()
        if given.profile != "adult":
            from biomech.profiles import limits_for

            limits = limits_for("m", 30.0, given.profile)
        report = assess(sampled(given.poses, given.seed, limits), limits)
    print(table(report))
    print(f"\n{report.poses} poses, {report.hard_violations} angles beyond a hard limit; degrees")


if __name__ == "__main__":
    main()
