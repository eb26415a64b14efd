"""Feed damaged input to everything that reads files from elsewhere, and print how it went.

    python scripts/fuzz.py                       # 2,000 examples per kind of input
    python scripts/fuzz.py --examples 300 --only coco --seed 1

accepted and refused (in one of the project's own errors) are fine; a traceback, a crash or a hang is not, and exits 1.
The first example of each finding is kept in the folder given with --keep.
"""

import argparse
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from cage import Cage
from fuzz_cases import CASES, Case, mutated


def fuzz(case: Case, examples: int, number: int = 0) -> Cage:
    """Try so many examples of a case; the same number gives the same examples."""
    cage = Cage(case.work)

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(case.seeds))
    def each(example: bytes) -> None:
        cage.try_(example)

    try:
        each()
    finally:
        cage.close()
    return cage


def main() -> None:
    """Print a row per kind of input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    bad = 0
    print("| input | examples | accepted | refused | tracebacks | crashes | hangs | seconds |", flush=True)
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, make in CASES.items():
        if chosen.only not in name:
            continue
        case = make()
        begin = time.monotonic()
        cage = fuzz(case, chosen.examples, chosen.seed)
        n = cage.counts
        figures = [n.total(), n["accepted"], n["refused"], n["traceback"], n["crash"], n["hang"]]
        print(f"| {case.name} | {' | '.join(map(str, figures))} | {time.monotonic() - begin:.0f} |", flush=True)
        for number, (finding, example) in enumerate(cage.findings.items()):
            bad += 1
            print(f"  {finding}", file=sys.stderr, flush=True)
            if chosen.keep:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                (chosen.keep / f"{case.name}-{number}").write_bytes(example)
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
