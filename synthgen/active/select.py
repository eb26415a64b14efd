"""Who is worth a person's time: the doubtful first, none like another, and some drawn by lot for measuring.

The doubt of a person is the weighted mean of the ranks that the signals give among all candidates, so that no signal's
unit matters. From the doubtful, people are taken one after another: the next is the one whose doubt times distance to
everybody taken or corrected already is largest. Of the held-out pictures, people are drawn by lot whatever the
strategy: figures of chosen hard cases would say nothing of the rest. What is hardly a person comes when nobody else
is left.
"""

import json
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sqlalchemy import Connection, insert, select, update

from synthgen.active import schema
from synthgen.active.doubt import worst
from synthgen.active.errors import ProjectError
from synthgen.active.records import DONE
from synthgen.active.sources import HELD
from synthgen.active.store import Project
from synthgen.keypoints import SPINE_IDS

STRATEGIES = ("uncertainty", "random")
WEIGHTS = {"spread": 0.3, "flip": 0.3, "scale": 0.2, "teacher": 0.1, "unlikely": 0.1}
_SPINE = 2.0  # weight of a spine point among the others: the spine is what the model is for
_LOTS = "drawn by lot"
_THERE = 0.5  # probability of a person, below which somebody waits until all others are queued
_SAYS = {
    "spread": "the model is unsure of {} ({:.0%} of the person's size wide)",
    "flip": "the mirrored picture puts {} elsewhere, by {:.0%} of the person's size",
    "scale": "a closer or wider crop moves {} by {:.0%} of the person's size",
    "teacher": "the teacher puts {} elsewhere, by {:.0%} of the person's size",
}
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """People to choose from.

    Attributes:
        ids: (N,). figures: the signals of each. embeddings: (N, E). known: (M, E) of who is queued or corrected.
    """

    ids: np.ndarray
    figures: list[dict]
    embeddings: np.ndarray
    known: np.ndarray


def select_batch(
    project: Project, budget: int, strategy: str = "uncertainty", seed: int = 0, held_share: float = 0.2
) -> list[int]:
    """Queue people for correction.

    Args:
        budget: how many. strategy: uncertainty (with diversity) or random.
        seed: of the lots. held_share: of the budget, for people in held-out pictures, as far as there are any.

    Returns:
        ids, in the order of the queue.

    Raises:
        ProjectError: nobody is left, nothing was proposed, or the request does not fit.
    """
    if budget < 1 or not 0 <= held_share <= 1 or strategy not in STRATEGIES:
        raise ProjectError(
            f"budget {budget}, held-out share {held_share:g}, strategy '{strategy}'; allowed: 1 or more, 0 to 1, "
            f"{' or '.join(STRATEGIES)}"
        )
    with project.writing() as connection:
        held, train = _candidates(connection, True), _candidates(connection, False)
        if not len(held.ids) and not len(train.ids):
            raise ProjectError("nobody is left to select; run 'synthgen annotate propose', or add pictures with 'init'")
        last = connection.execute(
            select(schema.queue.c.rank, schema.queue.c.batch).order_by(schema.queue.c.rank.desc()).limit(1)
        ).first() or (0, 0)
        batch = max(connection.scalars(select(schema.queue.c.batch)).all(), default=0) + 1
        rng = np.random.default_rng([seed, batch])
        for_held = min(round(budget * held_share), len(held.ids))
        for_held = max(for_held, min(budget - len(train.ids), len(held.ids)))
        chosen = choose(train, min(budget - for_held, len(train.ids)), strategy, rng)
        lots = [(int(held.ids[i]), 0.0, (f"held out for measuring: {_LOTS}",)) for i in _lots(held, for_held, rng)]
        rows = _mixed(chosen, lots)
        for rank, (person, score, reasons) in enumerate(rows, last[0] + 1):
            said = "held" if reasons and reasons[0].startswith("held out") else strategy
            values = {"person_id": person, "rank": rank, "batch": batch, "strategy": said, "score": score}
            connection.execute(insert(schema.queue).values(values | {"reasons": json.dumps(reasons)}))
            connection.execute(update(schema.people).where(schema.people.c.id == person).values(status="queued"))
    return [person for person, _, _ in rows]


def choose(
    candidates: Candidates, count: int, strategy: str, rng: np.random.Generator
) -> list[tuple[int, float, tuple[str, ...]]]:
    """(person, doubt, reasons) of who is taken, in order."""
    if count < 1:
        return []
    if strategy == "random":
        return [(int(candidates.ids[i]), 0.0, (f"{_LOTS}, as the control",)) for i in _lots(candidates, count, rng)]
    ranks, total = doubts(candidates.figures)
    order, apart = spread_out(total, candidates.embeddings, candidates.known, count)
    return [
        (
            int(candidates.ids[i]),
            round(float(total[i]), 4),
            reasons(candidates.figures[i], {k: v[i] for k, v in ranks.items()}, a),
        )
        for i, a in zip(order, apart, strict=True)
    ]


def doubts(figures: list[dict]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rank 0..1 of each person by each signal, and (N,) their weighted mean, the doubt.

    A signal that says the same of everybody (no teacher, no odd spine) is left out.
    """
    weight = np.ones(37)
    weight[list(SPINE_IDS)] = _SPINE
    ranks, total, used = {}, np.zeros(len(figures)), 0.0
    for name, share in WEIGHTS.items():
        values = np.array([f[name] if np.isscalar(f[name]) else np.average(f[name], weights=weight) for f in figures])
        if np.ptp(values) <= 0:
            continue
        ranks[name] = (rankdata(values) - 1) / (len(values) - 1)
        total, used = total + share * ranks[name], used + share
    return ranks, total / used if used else np.full(len(figures), 0.5)


def spread_out(
    doubt: np.ndarray, embeddings: np.ndarray, known: np.ndarray, count: int
) -> tuple[list[int], list[float]]:
    """Rows to take, greedily by doubt times distance to the nearest taken one, and that distance over the median.

    The first ones count distance to `known` alone; where nobody is known, the most doubtful comes first.
    """
    nearest = np.full(len(doubt), np.inf)
    for place in known:
        nearest = np.minimum(nearest, np.linalg.norm(embeddings - place, axis=1))
    middle = np.median(embeddings, axis=0)
    unit = float(np.median(np.linalg.norm(embeddings - middle, axis=1))) or 1.0
    taken: list[int] = []
    apart: list[float] = []
    free = np.ones(len(doubt), bool)
    for _ in range(min(count, len(doubt))):
        merit = (doubt + 1e-3) * np.minimum(nearest / unit, 1.0)
        merit = np.where(free, merit, -1.0)
        best = int(merit.argmax())
        taken.append(best)
        apart.append(float(nearest[best] / unit))
        free[best] = False
        nearest = np.minimum(nearest, np.linalg.norm(embeddings - embeddings[best], axis=1))
    return taken, apart


def nobody(figures: dict) -> bool:
    """Whether what was detected is hardly a person."""
    return figures.get("there", 1.0) < _THERE


def reasons(figures: dict, ranks: dict[str, float], apart: float) -> tuple[str, ...]:
    """Sentences: the signals by which the person stands out most, with the points they stand on."""
    said: list[str] = ["perhaps nobody is there"] if nobody(figures) else []
    for name in sorted(ranks, key=lambda n: -WEIGHTS[n] * ranks[n]):
        if name == "unlikely":
            said += figures["said"][:1] if figures["unlikely"] > 0 else []
        elif ranks[name] >= 0.5:
            points = worst(np.array(figures[name]))
            said.append(_SAYS[name].format(" and ".join(p for p, _ in points), points[0][1]))
    if apart > 1.0 and np.isfinite(apart):
        said.append("unlike anybody selected so far")
    return tuple(said[:_MOST_REASONS]) or ("among the more doubtful of those left",)


def _lots(candidates: Candidates, count: int, rng: np.random.Generator) -> list[int]:
    return rng.permutation(len(candidates.ids))[:count].tolist()


def _mixed(one: list, two: list) -> list:
    """Both lists in their order, evenly mixed, so that stopping early leaves some of each."""
    places = [(i + 0.5) / len(part) for part in (one, two) for i in range(len(part))]
    return [row for _, row in sorted(zip(places, [*one, *two], strict=True), key=lambda pair: pair[0])]


def _candidates(connection: Connection, held: bool) -> Candidates:
    people, images, signals = schema.people.c, schema.images.c, schema.signals.c
    joined = schema.people.join(schema.images, images.id == people.image_id).join(
        schema.signals, signals.person_id == people.id
    )
    columns = select(people.id, people.status, signals.figures, signals.embedding).select_from(joined)
    rows = connection.execute(
        columns.where(images.split == HELD if held else images.split != HELD).order_by(people.id)
    ).all()
    free = [r for r in rows if r.status == "proposed"]
    # What is no person is what a model is most unsure of; it would fill the queue.
    free = [r for r in free if not nobody(json.loads(r.figures))] or free
    busy = [r for r in rows if r.status in (*DONE, "queued")]

    def stack(part) -> np.ndarray:
        found = [np.frombuffer(r.embedding, "<f4") for r in part]
        return np.stack(found).astype(float) if found else np.zeros((0, 1))

    return Candidates(
        np.array([r.id for r in free], int), [json.loads(r.figures) for r in free], stack(free), stack(busy)
    )
