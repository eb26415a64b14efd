"""What a finished dataset tells the plausibility report: its poses, its people and how well the bodies follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biomech.errors import ModelError
from synthgen.coco import file_digest
from synthgen.dataset import Dataset
from synthgen.published import model_summary
from synthgen.report_people import people_summary
from synthgen.specs import actor_in

if TYPE_CHECKING:
    from biomech.activities.pose import PoseBatch
    from biomech.limits import Limits
    from biomech.plausibility import Asked, Evidence, Person


Specs = Sequence[dict] | Mapping[int, dict]
"""Line of scenes.jsonl -> recipe."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything the report is made from.

    Attributes:
        poses: the poses to judge.
        limits: of people who have none of their own.
        evidence: what is known beside the angles.
        summary: plain data about the input, shown as a table.
        unread: one sentence per file that could not be read.
    """

    poses: PoseBatch
    limits: Limits
    evidence: Evidence
    summary: dict[str, Any]
    unread: tuple[str, ...] = ()


def dataset_material(dataset: Dataset, profile: str = "") -> Material:
    """The poses of a dataset; `profile` overrides what the dataset says of its people."""
    return material_of(dataset, dataset.table(), [scene["spec"] for scene in dataset.scenes()], profile)


def material_of(dataset: Dataset, table: Mapping[str, np.ndarray], specs: Specs, profile: str = "") -> Material:
    """The poses of some rows of a dataset's table.

    Args:
        specs: of all lines of scenes.jsonl that the rows name.
    """
    from biomech.limits import load_limits
    from biomech.plausibility import Evidence

    people = people_of(table, specs)
    own, own_of = limits_of(people, profile, [person.get("pathology") for person in persons_of(table, specs)])
    skeletons, skeleton_of = skeletons_of(dataset.root, people)
    evidence = Evidence(
        people=people,
        own_limits=own,
        own_limits_of=own_of,
        skeletons=skeletons,
        skeleton_of=skeleton_of,
        vertebrae=table["vertebrae_world"].astype(np.float64),
        residuals=_residuals(table["residuals"]),
        model_digest=_model_digests(dataset.root, table),
        where=tuple(
            f"picture {image}, subject {subject}"
            for image, subject in zip(table["image_id"].tolist(), table["subject"].tolist(), strict=True)
        ),
        asked=asked_of(table),
        seed=dataset.config.seed,
    )
    summary = summary_of(dataset, table) | people_summary(_each_once(table, specs))
    return Material(_batch(table, specs), load_limits(), evidence, summary)


def _model_digests(root: Path, table: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Of the models of the people in these rows, as far as they are there."""
    paths = (root / "subjects" / f"{subject:06d}.osim" for subject in sorted(set(table["subject"].tolist())))
    return tuple(file_digest(path) for path in paths if path.is_file())


def _batch(table: Mapping[str, np.ndarray], specs: Specs) -> PoseBatch:
    """The poses; each record of provenance names picture, subject and how the pose was drawn."""
    from biomech.activities.pose import PoseBatch

    columns = (table[name].tolist() for name in ("spec_line", "image_id", "subject", "phase"))
    provenance = tuple(
        {**(specs[line].get("pose") or {}), "image_id": image, "subject": subject, "phase": phase}
        for line, image, subject, phase in zip(*columns, strict=True)
    )
    names = tuple(table["coordinates"].tolist())
    return PoseBatch(table["q"], names, tuple(table["activity"].tolist()), provenance)


def people_of(table: Mapping[str, np.ndarray], specs: Specs) -> tuple[Person, ...]:
    """Who makes each pose, from the scene specs and, where there is one, the column `profile`."""
    from biomech.plausibility import Person

    named = table["profile"].tolist() if "profile" in table else [""] * len(table["subject"])
    found = []
    for person, subject, profile in zip(persons_of(table, specs), table["subject"].tolist(), named, strict=True):
        who = person.get("subject") or {}
        measures = {name: float(who[name]) for name in ("age", "stature", "bmi") if who.get(name)}
        found.append(Person(subject=int(subject), sex=str(who.get("sex", "")), profile=str(profile or ""), **measures))
    return tuple(found)


def persons_of(table: Mapping[str, np.ndarray], specs: Specs) -> list[dict]:
    """The recipe of each row's person."""
    rows = zip(table["spec_line"].tolist(), table["instance_id"].tolist(), strict=True)
    return [actor_in(specs[line], instance).get("person") or {} for line, instance in rows]


def _each_once(table: Mapping[str, np.ndarray], specs: Specs) -> list[dict]:
    """The recipe of each person of the dataset, in the order of their first pictures."""
    persons = zip(table["subject"].tolist(), persons_of(table, specs), strict=True)
    return list({subject: person for subject, person in reversed([*persons]) if person}.values())[::-1]


def limits_of(
    people: tuple[Person, ...], profile: str, pathologies: Sequence[Mapping | None] = ()
) -> tuple[tuple[Limits, ...], np.ndarray | None]:
    """Each person's own limits, and whose they are for each pose; none where nobody has a profile or a pathology.

    Args:
        profile: used for everyone where given, else what each person has.
        pathologies: kind, severity and side per pose, or None.

    Raises:
        ModelError: a profile or pathology is recorded or asked for that this version does not know.
    """
    from biomech.pathology import Pathology, changed_limits
    from biomech.profiles import limits_for

    sick = list(pathologies) or [None] * len(people)
    if not any(profile or person.profile for person in people) and not any(sick):
        return (), None
    rows: dict[tuple, int] = {}
    own: list[Limits] = []
    of = np.empty(len(people), dtype=int)
    for k, (person, ill) in enumerate(zip(people, sick, strict=True)):
        name = profile or person.profile or "adult"
        who = () if name == "adult" else (person.sex or "m", 30.0 if person.age is None else person.age)
        key = (name, *who, *(sorted(ill.items()) if ill else ()))
        if key not in rows:
            rows[key] = len(own)
            limits = limits_for(*(who or ("m", 30.0)), name)
            if ill:
                limits = changed_limits(Pathology(**ill), limits)
            own.append(dataclasses.replace(limits, profile=f"{name} with {ill['kind']}" if ill else name))
        of[k] = rows[key]
    return tuple(own), of


def asked_of(table: Mapping[str, np.ndarray]) -> tuple[Asked, ...]:
    """The pathology of each subject that has one: severity asked for, and as his skeleton shows it."""
    from biomech.pathology import unit_of
    from biomech.plausibility import Asked

    if "severity_measured" not in table:
        return ()
    columns = [table[name].tolist() for name in ("subject", "pathology", "severity", "severity_measured")]
    rows = {row[0]: row for row in zip(*columns, strict=True) if row[1] and np.isfinite(row[2:]).all()}
    return tuple(Asked(s, kind, unit_of(kind), asked, found) for s, kind, asked, found in rows.values())


def skeletons_of(root: Path, people: tuple[Person, ...]) -> tuple[tuple, np.ndarray | None]:
    """The geometry of each subject's model, and whose it is for each pose; none where a model cannot be read."""
    from biomech.osim_geometry import read_geometry

    subjects = list(dict.fromkeys(person.subject for person in people))
    by_subject = {person.subject: person for person in people}
    found = []
    for subject in subjects:
        person = by_subject[subject]
        if person.stature is None or person.age is None or person.sex not in ("m", "f"):
            return (), None
        try:
            text = (root / "subjects" / f"{subject:06d}.osim").read_text(encoding="utf-8")
            found.append(read_geometry(text, stature=person.stature, sex=person.sex, age=person.age))
        except (OSError, UnicodeDecodeError, ModelError):
            return (), None
    places = {subject: k for k, subject in enumerate(subjects)}
    return tuple(found), np.array([places[person.subject] for person in people])


def summary_of(dataset: Dataset, table: Mapping[str, np.ndarray] | None = None) -> dict:
    """What a reader of the report wants to know about the dataset itself, as plain data."""
    table = dataset.table() if table is None else table
    visibility = table["keypoints"][..., 2].astype(int)
    return {
        "folder": dataset.root.name,
        "digest": dataset.info["digest"],
        "config": dataset.info["config_digest"],
        "versions": dataset.info["versions"],
        "assets": dataset.config.assets,
        "seed": dataset.config.seed,
        "size, px": f"{dataset.config.width} x {dataset.config.height}",
        **model_summary(dataset.info),
        "splits": dataset.info["counts"],
        "keypoints": {w: int((visibility == v).sum()) for v, w in ((2, "seen"), (1, "hidden"), (0, "outside"))},
    }


def _residuals(rows: np.ndarray) -> dict[str, list[float]]:
    """Name -> one value per pose, NaN where a pose has none."""
    names = sorted({name for row in rows for name in row})
    return {name: [float(row.get(name, np.nan)) for row in rows] for name in names}
