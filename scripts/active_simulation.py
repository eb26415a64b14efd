"""Does choosing whom to correct pay? A simulated annotator on generated people with a shift, uncertainty against lots.

    python scripts/active_simulation.py DATASET [--out FOLDER] [--rounds 4] [--budget 40] [--seeds 3]

A model that has learnt upright people in good pictures meets all activities, half of them in dark pictures of low
resolution. Round by round some of them are corrected and learnt; the rest of the world is a test set of other
subjects with the same shift. The annotator gives the true points with human noise: per point the spread that OKS
allows it (sigma times the root of the area), and now and then left and right exchanged.

Cheap on purpose: the trunk is BlazePose's (the installed pack; it has never seen generated people), frozen, its
features reduced to 96 numbers per cell of 8 px of a small crop and kept; only a small head learns. What it shows is
which pictures are worth correcting, not what the shipped model reaches. Doubt and diversity are those of
`synthgen annotate select`, without a teacher.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from biomech.errors import SynthgenError
from synthgen.active.doubt import ZOOMS
from synthgen.active.prior import load_prior
from synthgen.active.select import doubts, spread_out
from synthgen.keypoints import spinetrack
from synthgen.spinepose.average_precision import Detections, average_precision
from synthgen.spinepose.crop import Crop, affine, crop_from_box, to_image, transform, warp
from synthgen.spinepose.heatmap import ContextBlock
from synthgen.spinepose.metrics import accuracy
from synthgen.spinepose.model import build_model
from synthgen.spinepose.sources import Source, SourceConfig, load_source, read_image

SIZE, CELL = (96, 128), 8  # input W, H; px of a cell
GRID = (SIZE[1] // CELL, SIZE[0] // CELL)
CHANNELS, BATCH = 96, 16
UPRIGHT = {"stand", "walk", "reach", "twist", "side_bend", "extend"}  # what the first model has seen
DARK, COARSE = 0.3, 7  # factor on the light, factor on the resolution
SWAPPED = 0.01  # share of people whose sides the annotator exchanges
STRATEGIES = ("uncertainty", "random")
WIDTH = 1.0  # of the taught Gaussian, cells


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """People with cached features.

    Attributes:
        source: of the rows. rows: (N,) in it. subjects: (N,). shifted: (N,) dark and coarse. first: (N,) whom the first
            model learns from; upright, in good pictures, other subjects than the rest.
        views: (3, N, C, h, w) float16: plain, mirrored, wider crop. points: (N, 37, 2) input px, and weights (N, 37).
    """

    source: Source
    rows: np.ndarray
    subjects: np.ndarray
    shifted: np.ndarray
    first: np.ndarray
    views: np.ndarray
    points: np.ndarray
    weights: np.ndarray


def degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture dark, coarse and noisy; (H, W, 3) uint8."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // COARSE), max(1, height // COARSE)), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32) * DARK
    return np.clip(coarse + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


@torch.inference_mode()
def features(trunk: nn.Module, crops: np.ndarray) -> np.ndarray:
    """(B, C, h, w) of the trunk at stride 8, four finer cells in each, from crops (B, H, W, 3) uint8 RGB."""
    fine, middle, coarse = trunk(torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255)
    parts = [nn.functional.pixel_unshuffle(fine, 2)]
    parts += [nn.functional.interpolate(x, size=GRID, mode="bilinear", align_corners=False) for x in (middle, coarse)]
    return torch.cat(parts, 1).numpy()


def prepare(dataset: Path, count: int, first: int, arch: str, out: Path) -> World:
    """Choose people, look at each three times, keep what was seen in `out`."""
    source = load_source("world", SourceConfig(str(dataset)))
    data = json.loads((dataset / "annotations" / "person_keypoints_train.json").read_bytes())
    known = {a["id"]: (a["activity"], a["subject"]) for a in data["annotations"]}
    rng = np.random.default_rng(1)
    activities, subjects = (np.array(v) for v in zip(*(known[int(i)] for i in source.annotation_ids), strict=True))
    of_first = np.isin(subjects, rng.permutation(np.unique(subjects))[::3])
    lists = [np.flatnonzero(of_first & np.isin(activities, sorted(UPRIGHT))), np.flatnonzero(~of_first)]
    rows = np.concatenate([rng.permutation(lists[0])[:first], rng.permutation(lists[1])[: count - first]])
    is_first = np.arange(len(rows)) < min(first, len(lists[0]))
    shifted = ~is_first & (rng.random(len(rows)) < 0.5)
    cache = out / f"features_{arch}_{count}_{first}_{source.digest[:8]}.npz"
    if cache.is_file():
        views = np.load(cache)["views"]
    else:
        trunk = build_model(arch, input_size=SIZE).trunk.eval()
        views, basis = np.zeros((3, len(rows), CHANNELS, *GRID), np.float16), None
        for start in range(0, len(rows), 32):
            part = rows[start : start + 32]
            raw = [features(trunk, crops) for crops in _crops(source, part, shifted[start : start + 32])]
            if basis is None:
                basis = _basis(raw[0])
            for view, value in enumerate(raw):
                views[view, start : start + len(part)] = _reduced(value, *basis)
            print(f"looked at {start + len(part)} of {len(rows)} people", flush=True)
        np.savez(cache, views=views)
    points = np.stack(
        [transform(affine(crop_from_box(source.boxes[r], SIZE), SIZE), source.keypoints[r, :, :2]) for r in rows]
    )
    weights = (source.keypoints[rows, :, 2] > 0).astype(np.float32)
    return World(source, rows, subjects[rows], shifted, is_first, views, points, weights)


def _crops(source: Source, rows: np.ndarray, shifted: np.ndarray) -> list[np.ndarray]:
    plain, wider = [], []
    for row, dark in zip(rows, shifted, strict=True):
        image = read_image(source.images[row])
        if dark:
            image = degrade(image, np.random.default_rng([2, int(row)]))
        crop = crop_from_box(source.boxes[row], SIZE)
        plain.append(warp(image, crop, SIZE))
        wider.append(warp(image, Crop(crop.center, crop.scale * ZOOMS[1], crop.rotation), SIZE))
    straight = np.stack(plain)
    return [straight, np.ascontiguousarray(straight[:, :, ::-1]), np.stack(wider)]


def _basis(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, directions and scale that keep most of the features' variance in CHANNELS numbers."""
    flat = raw.transpose(0, 2, 3, 1).reshape(-1, raw.shape[1])
    spread = flat.std(0) + 1e-3
    normal = (flat - flat.mean(0)) / spread
    _, vectors = np.linalg.eigh(normal.T @ normal / len(normal))
    directions = vectors[:, ::-1][:, :CHANNELS] / spread[:, None]
    return flat.mean(0), directions, ((flat - flat.mean(0)) @ directions).std(0)


def _reduced(raw: np.ndarray, mean: np.ndarray, directions: np.ndarray, scale: np.ndarray) -> np.ndarray:
    cells = (raw.transpose(0, 2, 3, 1) - mean) @ directions / scale
    return cells.transpose(0, 3, 1, 2).astype(np.float16)


class Head(nn.Sequential):
    """(B, C, h, w) features to (B, 37, h, w) logits."""

    def __init__(self) -> None:
        first, last = nn.Conv2d(CHANNELS, 64, 1), nn.Conv2d(64, 37, 1)
        super().__init__(first, nn.ReLU(), ContextBlock(64), ContextBlock(64), last)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.contiguous(memory_format=torch.channels_last))


def learn(head: Head, world: World, who: np.ndarray, labels: np.ndarray, steps: int, rng: np.random.Generator) -> None:
    """Train on people `who`, with labels (N, 37, 2) input px; mirrored half of the time."""
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps, pct_start=0.15)
    flip = np.array(spinetrack().flip)
    head.train()
    for _ in range(steps):
        picked = rng.choice(who, BATCH)
        mirrored = rng.random(len(picked)) < 0.5
        images = world.views[mirrored.astype(int), picked]
        points = labels[picked].copy()
        weights = world.weights[picked].copy()
        points[mirrored] = points[mirrored][:, flip]
        points[mirrored, :, 0] = SIZE[0] - 1 - points[mirrored, :, 0]
        weights[mirrored] = weights[mirrored][:, flip]
        inside = ((points >= 0) & (points <= np.array(SIZE) - 1)).all(-1)
        target = torch.from_numpy(_bells(points))
        logits = head(torch.from_numpy(images).float()).flatten(2)
        loss = -(target * logits.log_softmax(-1)).sum(-1)
        mask = torch.from_numpy((weights * inside).astype(np.float32))
        optimiser.zero_grad()
        ((loss * mask).sum() / mask.sum().clamp(min=1)).backward()
        optimiser.step()
        schedule.step()


def _bells(points: np.ndarray) -> np.ndarray:
    """(B, 37, h * w) taught distributions."""
    place = (points + 0.5) / CELL - 0.5
    x = np.exp(-((np.arange(GRID[1]) - place[..., :1]) ** 2) / (2 * WIDTH**2))
    y = np.exp(-((np.arange(GRID[0]) - place[..., 1:]) ** 2) / (2 * WIDTH**2))
    both = (y[..., :, None] * x[..., None, :]).reshape(*points.shape[:2], -1)
    return (both / np.maximum(both.sum(-1, keepdims=True), 1e-12)).astype(np.float32)


@torch.inference_mode()
def answers(head: Head, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (N, 37, 2) input px, scores (N, 37) and widths (N, 37) px of distributions, from features (N, C, h, w)."""
    head.eval()
    share = [
        head(torch.from_numpy(part).float()).flatten(2).softmax(-1)
        for part in np.array_split(views, max(1, len(views) // 64))
    ]
    mass = torch.cat(share).reshape(-1, 37, *GRID).numpy().astype(float)
    peak = mass.reshape(*mass.shape[:2], -1).argmax(-1)
    spot = np.stack([peak % GRID[1], peak // GRID[1]], -1)
    near = np.ones_like(mass)
    points, width = [], np.zeros(mass.shape[:2])
    for axis, other in ((0, 2), (1, 3)):
        cells = np.arange(mass.shape[3 - axis])
        window = np.abs(cells - spot[..., axis, None]) <= 2
        near = near * (window[:, :, None, :] if axis == 0 else window[:, :, :, None])
        marginal = mass.sum(other)
        mean = (marginal * cells).sum(-1, keepdims=True)
        width += (marginal * (cells - mean) ** 2).sum(-1)
    local = mass * near
    total = local.sum((2, 3))
    for axis, other in ((0, 2), (1, 3)):
        cells = np.arange(mass.shape[3 - axis])
        points.append((local.sum(other) * cells).sum(-1) / total)
    place = (np.stack(points, -1) + 0.5) * CELL - 0.5
    return place, np.clip(total, 0, 1), np.sqrt(width) * CELL


def test(head: Head, world: World, who: np.ndarray) -> dict[str, float]:
    """AP of the spine and of all points, and the mean spine error over the person's size."""
    points, scores, _ = answers(head, world.views[0, who])
    rows = world.rows[who]
    placed = np.stack(
        [to_image(p, crop_from_box(world.source.boxes[r], SIZE), SIZE) for p, r in zip(points, rows, strict=True)]
    )
    found = Detections(world.source.image_ids[rows], placed, scores, np.ones(len(rows)))
    figures = {f"{s}_ap": average_precision(world.source, found, s, rows)["AP"] or 0.0 for s in ("spine", "all")}
    return figures | {"spine_error": accuracy(placed, world.source, rows)["spine"]}


def pick(head: Head, world: World, free: np.ndarray, known: np.ndarray, count: int, strategy: str, rng) -> np.ndarray:
    """Who of `free` is corrected next."""
    if strategy == "random":
        return rng.permutation(free)[:count]
    prior, flip = load_prior(), np.array(spinetrack().flip)
    plain, scores, width = answers(head, world.views[0, free])
    mirrored, _, _ = answers(head, world.views[1, free])
    mirrored = mirrored[:, flip]
    mirrored[..., 0] = SIZE[0] - 1 - mirrored[..., 0]
    wider, _, _ = answers(head, world.views[2, free])
    middle = np.array(SIZE) / 2
    wider = (wider - middle) * ZOOMS[1] + middle
    size = SIZE[1] / 1.25
    figures = [
        {
            "spread": width[i] / size,
            "flip": np.linalg.norm(plain[i] - mirrored[i], axis=-1) / size,
            "scale": np.linalg.norm(plain[i] - wider[i], axis=-1) / size,
            "teacher": np.zeros(37),
            "unlikely": prior.unlikely(np.column_stack([plain[i], np.full(37, 2)]))[0],
        }
        for i in range(len(free))
    ]
    _, doubt = doubts(figures)
    taken, _ = spread_out(doubt, embed(world, free, plain), embed(world, known, world.points[known]), count)
    return free[taken]


def embed(world: World, who: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, E) mean features and the pose."""
    pooled = world.views[0, who].astype(np.float32).mean((2, 3)) / np.sqrt(CHANNELS) * 4
    pose = (points / SIZE - 0.5).reshape(len(who), 74) / np.sqrt(74) * 8
    return np.concatenate([pooled, np.clip(pose, -8, 8)], 1)


def corrected(world: World, rng: np.random.Generator) -> np.ndarray:
    """(N, 37, 2) what the annotator says: the truth with human noise."""
    zoom = np.array([SIZE[1] / crop_from_box(world.source.boxes[r], SIZE).scale[1] for r in world.rows])
    allowed = spinetrack().sigmas * np.sqrt(world.source.areas[world.rows])[:, None] * zoom[:, None]
    said = world.points + rng.normal(size=world.points.shape) * allowed[..., None] / np.sqrt(2)
    swapped = rng.random(len(said)) < SWAPPED
    said[swapped] = said[swapped][:, np.array(spinetrack().flip)]
    return said


def simulate(world: World, seed: int, options) -> list[dict]:
    """Every round of every strategy with one seed: the same first model, pool and test people for all."""
    rng = np.random.default_rng([3, seed])
    numbers = np.unique(world.subjects[~world.first])
    in_pool = np.isin(world.subjects, rng.permutation(numbers)[: int(0.6 * len(numbers))])
    first = np.flatnonzero(world.first)
    pool, held = np.flatnonzero(~world.first & in_pool), np.flatnonzero(~world.first & ~in_pool)
    said = corrected(world, rng)
    said[first] = world.points[first]  # generated people have true labels
    torch.manual_seed(seed)
    start = Head()
    learn(start, world, first, said, options.steps * 2, np.random.default_rng([4, seed]))
    rows = []
    for strategy in STRATEGIES:
        head = Head()
        head.load_state_dict(start.state_dict())
        chosen = np.zeros(0, int)
        lots = np.random.default_rng([5, seed])
        for number in range(options.rounds + 1):
            figures = test(head, world, held)
            shift = float(world.shifted[chosen].mean()) if len(chosen) else None
            rows.append({"seed": seed, "strategy": strategy, "round": number, "corrected": len(chosen), **figures})
            rows[-1] |= {"shifted": shift, "pool": len(pool), "test": len(held), "first": len(first)}
            print(
                f"seed {seed} {strategy:11s} {len(chosen):4d} corrected: spine AP {figures['spine_ap']:.3f}", flush=True
            )
            if number == options.rounds:
                break
            free = np.setdiff1d(pool, chosen)
            chosen = np.concatenate([chosen, pick(head, world, free, chosen, options.budget, strategy, lots)])
            head = Head()
            head.load_state_dict(start.state_dict())
            # Half of what is seen is corrected people, as `data.body_share` gives real sources their part.
            both = np.concatenate(
                [np.resize(first, max(len(first), len(chosen))), np.resize(chosen, max(len(first), len(chosen)))]
            )
            learn(head, world, both, said, options.steps, np.random.default_rng([6, seed, number]))
    return rows


def table(rows: list[dict]) -> list[str]:
    """Means over the seeds as text, and the paired difference."""
    lines = ["corrected  uncertainty        random             difference (paired)   shifted among chosen"]
    for count in sorted({r["corrected"] for r in rows}):
        by = {s: [r for r in rows if r["corrected"] == count and r["strategy"] == s] for s in STRATEGIES}
        one, two = (np.array([r["spine_ap"] for r in by[s]]) for s in STRATEGIES)
        shares = [np.mean([r["shifted"] for r in by[s]]) if count else float("nan") for s in STRATEGIES]
        gap = one - two
        lines.append(
            f"{count:9d}  {one.mean():.3f} (sd {one.std():.3f})   {two.mean():.3f} (sd {two.std():.3f})   "
            f"{gap.mean():+.3f} ({', '.join(f'{g:+.3f}' for g in gap)})   {shares[0]:.2f} / {shares[1]:.2f}"
        )
    return lines


def plot(rows: list[dict], path: Path) -> None:
    """Spine AP against corrected people: means as lines, seeds as dots."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for strategy, colour, mark in (("uncertainty", "#0072B2", "o"), ("random", "#D55E00", "s")):
        mine = [r for r in rows if r["strategy"] == strategy]
        counts = sorted({r["corrected"] for r in mine})
        means = [np.mean([r["spine_ap"] for r in mine if r["corrected"] == c]) for c in counts]
        label = "uncertainty and diversity" if strategy == "uncertainty" else "drawn by lot"
        axes.plot(counts, means, color=colour, marker=mark, label=label)
        axes.plot([r["corrected"] for r in mine], [r["spine_ap"] for r in mine], mark, color=colour, alpha=0.35, ms=4)
    seeds = len({r["seed"] for r in rows})
    axes.set(
        xlabel="corrected people", ylabel="spine AP on shifted people", title=f"Simulated annotator, {seeds} seeds"
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="rendered set; its split 'train' is used")
    parser.add_argument("--out", type=Path, default=Path("out/active_simulation"))
    parser.add_argument("--people", type=int, default=540)
    parser.add_argument("--first", type=int, default=120, help="people the first model learns from")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--budget", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150, help="of training per round")
    parser.add_argument("--trunk", default="blaze-lite")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        world = prepare(options.dataset, options.people, options.first, options.trunk, options.out)
        looked = time.monotonic() - started
        rows = [row for seed in range(options.seeds) for row in simulate(world, seed, options)]
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    about = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
    about["dataset"] = options.dataset.name
    (options.out / "rounds.json").write_text(json.dumps({"settings": about, "rows": rows}, indent=1))
    plot(rows, options.out / "efficiency.png")
    print("\n".join(table(rows)))
    print(
        f"features {looked:.0f} s, rounds {time.monotonic() - started - looked:.0f} s; {options.out / 'efficiency.png'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
