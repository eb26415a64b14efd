"""Severity asked for and measured on vertebra frames, per pathology: python scripts/cobb_table.py [--bodies N].

Without --bodies on the default skeleton; with it on N drawn people as they sit in their bodies (needs the body asset).
"""

import argparse

import numpy as np

from biomech.curvature import neutral_column, with_rest
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.pathology import Pathology, kinds, measured, rest_change, severity_range, unit_of

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=0, metavar="N", help="drawn people instead of the default model")
    people = _people(parser.parse_args().bodies)
    print(f"{len(people)} skeletons; measured: mean over them; worst: largest |measured - asked|")
    print(
        f"{'pathology':<30}{'unit':>7}  " + "".join(f"{f'asked {s:.0%}':>18}" for s in STEPS) + "   worst  C7 moved, mm"
    )
    for kind in kinds():
        cells, errors, moves = [], [0.0], [0.0]
        for step in STEPS:
            mild, severe = severity_range(kind)
            value = mild + step * (severe - mild)
            value = float(round(value)) if kind.startswith("fused") else value
            found = []
            for k, skeleton in enumerate(people):
                side = ("right", "left")[k % 2] if kind.startswith("scoliosis") else ""
                pathology = Pathology(kind, value, side)
                bent = with_rest(skeleton, rest_change(pathology, skeleton))
                found.append(measured(pathology, bent, skeleton))
                moves.append(_moved(skeleton, bent))
            errors.append(float(np.abs(np.array(found) - value).max()))
            cells.append(f"{value:7.1f} {np.mean(found):9.2f}")
        print(f"{kind:<30}{unit_of(kind):>7}  " + "".join(f"{c:>18}" for c in cells), end="")
        print(f"{max(errors):8.3f}{1e3 * max(moves):8.1f}")


def _moved(before: SkeletonGeometry, after: SkeletonGeometry) -> float:
    """Horizontal distance by which C7 left its place over the hips, m."""
    change = neutral_column(after)[18, :3, 3] - neutral_column(before)[18, :3, 3]
    return float(np.hypot(change[0], change[2]))


def _people(count: int) -> list[SkeletonGeometry]:
    if not count:
        return [default_geometry(1.75, "m", 30), default_geometry(1.62, "f", 30)]
    from scenes.body import load_body
    from scenes.subject import build_subject
    from synthgen.assets import cache_folder
    from synthgen.config import PeopleConfig
    from synthgen.people import draw_subject

    body = load_body(cache_folder() / "body")
    config = PeopleConfig(age=(12.0, 80.0))
    drawn = [draw_subject(config, np.random.default_rng([0, n])) for n in range(count)]
    return [build_subject(body, who).geometry for who in drawn]


if __name__ == "__main__":
    main()
