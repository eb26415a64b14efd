"""How much of the spine's volume the activity library fills: python scripts/measure_coverage.py [POSES].

Draws poses by the library's default weights and prints the share of the cubes of flexion x bending x rotation that
hold a pose, per region and from the middle outwards (biomech.coverage).
"""

import sys

import numpy as np

from biomech.activities import draw_activity, sample_pose
from biomech.anatomy import SPINE_SLICE
from biomech.coverage import coverage, summary
from biomech.model import build_model, default_geometry


def main(count: int) -> None:
    """Draw `count` poses of an average man and print the table."""
    model = build_model(default_geometry(1.75, "m"))
    spines, drawn, refused = [], {}, 0
    for k in range(count):
        rng = np.random.default_rng([0, k])
        name = draw_activity(None, rng)
        pose = sample_pose(model, name, rng)
        spines.append(pose.q[SPINE_SLICE])
        drawn[name] = drawn.get(name, 0) + 1
        refused += pose.rejections
    print(summary(coverage(np.array(spines))))
    print(f"{count} poses of {len(drawn)} activities, {refused} draws refused ({refused / (refused + count):.1%})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
