"""How often skin shows through cloth: the share of garment pixels where the body lies in front.

    python scripts/measure_garments.py [SUBJECTS] [--poses N] [--set KEY=VALUE]

Draws people of all kinds, puts each into poses of every activity and into extreme bends, looks at them from two
sides and prints the share of defects by garment. What counts is defined in scenes.garment_defects.
"""

import argparse
from collections import defaultdict

import numpy as np
from measure_rig import EXTREMES, spine_pose

from biomech.activities import ACTIVITIES, sample_pose
from biomech.errors import ModelError
from biomech.kinematics import forward_kinematics
from scenes.garment_defects import camera_round, count_defects, under_cloth
from scenes.person import posed_vertices
from scenes.raster import PyrenderRenderer
from scenes.rig import skin_transforms
from synthgen.cast import Cast, open_assets
from synthgen.config import Config, load_config

SIZE = 256


def poses_of(cast: Cast, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Coordinates of `count` drawn activities and two extreme bends."""
    names = [str(n) for n in rng.choice(sorted(ACTIVITIES), count, replace=False)]
    found = {}
    for name in names:
        try:
            found[name] = sample_pose(cast.model, name, rng).q
        except ModelError:
            continue  # a body that cannot do this
    for name in rng.choice(sorted(EXTREMES), 2, replace=False):
        found[str(name)] = spine_pose(EXTREMES[str(name)])
    return found


def main(subjects: int, config: Config, per_subject: int) -> None:
    assets, renderer = open_assets(config), PyrenderRenderer(SIZE, SIZE)
    cloth: dict[str, int] = defaultdict(int)
    pierced: dict[str, int] = defaultdict(int)
    by_pose: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    worst: list[tuple[float, str]] = []
    for number in range(subjects):
        cast = assets.cast(config, number)
        rng = np.random.default_rng([17, number])
        covered = under_cloth(cast.person)
        for name, q in poses_of(cast, rng, per_subject).items():
            frames = forward_kinematics(cast.model, q[None]).world_from_body[0]
            vertices = posed_vertices(cast.person, skin_transforms(cast.person.subject.rig, frames))
            for yaw, pitch in zip(rng.uniform(0, 2 * np.pi) + np.array([0.0, np.pi]), (0.1, 0.5), strict=True):
                camera = camera_round(vertices, float(yaw), pitch, SIZE)
                for found in count_defects(renderer, cast.person, vertices, camera, covered):
                    cloth[found.garment] += found.cloth
                    pierced[found.garment] += found.pierced
                    by_pose[name][0] += found.cloth
                    by_pose[name][1] += found.pierced
                    if found.pierced > 12:
                        worst.append(
                            (found.pierced / found.cloth, f"{number} {found.garment} {name} {yaw:.2f} {pitch}")
                        )
    total, bad = sum(cloth.values()), sum(pierced.values())
    print(f"{subjects} subjects, {total} garment pixels, body in front of {bad}: {100 * bad / max(total, 1):.3f} %")
    for garment in sorted(cloth, key=lambda g: -pierced[g] / max(cloth[g], 1)):
        share = 100 * pierced[garment] / max(cloth[garment], 1)
        print(f"  {garment:28s} {cloth[garment]:9d} px  {share:.3f} %")
    print("by pose, the worst:")
    for name, (all_, through) in sorted(by_pose.items(), key=lambda kv: -kv[1][1] / max(kv[1][0], 1))[:8]:
        print(f"  {name:28s} {all_:9d} px  {100 * through / max(all_, 1):.3f} %")
    for share, text in sorted(worst, reverse=True)[:12]:
        print(f"  look at: {text} {100 * share:.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="?", type=int, default=40)
    parser.add_argument("--poses", type=int, default=4, help="activities for each subject, beside two extreme bends")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the dataset")
    given = parser.parse_args()
    main(given.subjects, load_config(None, given.set), given.poses)
