"""The report in ten sentences: one finding per group, with a status a reader and a machine can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomech.limits import REGION_AXES

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport

OK, LOOK, BROKEN, NONE = "ok", "look", "broken", "none"
"""Fine; worth a look; a hard limit is broken; does not apply."""

GROUPS = (
    ("limits", "Limits"),
    ("levels", "Motion per level"),
    ("regions", "Regions and posture"),
    ("rhythm", "Spinal rhythm"),
    ("coupling", "Coupled motion"),
    ("continuity", "Continuity along the column"),
    ("time", "Motion in time"),
    ("fit", "Fit of the body"),
    ("coverage", "Coverage"),
    ("provenance", "Provenance"),
)
"""Anchor on the page and title of each group, in order."""

_STRETCHED = 1.1  # of the motion that people of an age reach: that is a median, so some go beyond it
_MANY = 2000  # poses from which on a set can be expected to fill half of the volume
_SHARE_ERROR = 0.1  # of a region's motion; beyond this a level does visibly more or less than published


@dataclass(frozen=True, slots=True)
class Finding:
    """What one group found."""

    group: str  # anchor of GROUPS
    title: str
    status: str  # ok, look, broken or none
    sentence: str


def findings(report: PlausibilityReport) -> tuple[Finding, ...]:
    """One finding per group, in the order of GROUPS."""
    sayings = (
        _limits(report), _levels(report), _regions(report), _rhythm(report), _coupling(report), _continuity(report),
        _time(report), _fit(report), _coverage(report), _provenance(report),
    )  # fmt: skip
    return tuple(Finding(*group, *saying) for group, saying in zip(GROUPS, sayings, strict=True))


def _limits(r: PlausibilityReport) -> tuple[str, str]:
    broken = (*r.hard, *r.regional_hard)
    typical = f"{r.typical_share:.1%} of all angles lie beyond typical"
    if not broken:
        return OK, f"no hard limit is broken in {r.poses:,} poses; {typical}"
    worst = broken[0]
    return BROKEN, (
        f"{_several(r.hard_violations, 'angle')} in {r.poses_beyond_hard} of {r.poses:,} poses beyond a hard limit, "
        f"first {worst.coordinate} {worst.worst:.1f} {worst.unit} (limit {worst.limit:.1f}, {worst.where}); {typical}"
    )


def _levels(r: PlausibilityReport) -> tuple[str, str]:
    far = [(c.z, m) for m in r.levels for c in m.norms if c.z is not None and c.z > 2.0]
    book = [
        m for m in r.levels
        if m.white_panjabi and m.white_panjabi.measured is not None
        and m.white_panjabi.measured > (m.white_panjabi.published.upper or float("inf"))
    ]  # fmt: skip
    outside = [m for m in r.levels if m.beyond_hard]
    text = f"{len(r.levels) - len(book)} of {len(r.levels)} level motions stay below the White & Panjabi upper limit"
    if far:
        z, motion = max(far, key=lambda item: item[0])
        text += f"; {len(far)} exceed the in-vivo mean + 2 SD, most {motion.name} {motion.axis} (z {z:.1f})"
    else:
        text += "; none exceeds the in-vivo mean + 2 SD"
    if outside:
        worst = max(outside, key=lambda m: max(m.hard[0] - m.minimum, m.maximum - m.hard[1]))
        value = worst.minimum if worst.hard[0] - worst.minimum > worst.maximum - worst.hard[1] else worst.maximum
        text += f"; {worst.name} {worst.axis} reaches {value:.1f} deg, outside its hard range ({worst.extreme})"
        return BROKEN, text
    return (LOOK if far or book else OK), text


def _regions(r: PlausibilityReport) -> tuple[str, str]:
    broken = [m for m in r.regions if m.beyond_hard]
    said = []
    if broken:
        said.append(f"{', '.join(f'{m.name} {m.axis}' for m in broken)} beyond the cap")
    both = [n for n in r.neutral if n.sex == "both"]
    off = [n for n in r.neutral if not _within(n.mean, n.value.published)]
    stretched = [a for a in r.age_bands if a.share is not None and a.share > _STRETCHED]
    if both:
        lordosis = next(n for n in both if n.name.startswith("lumbar"))
        match = next(n for n in both if n.name == "PI_minus_LL")
        said.append(
            f"{lordosis.people} people stand with a lordosis of {lordosis.mean:.0f} ± {lordosis.sd:.0f} deg and "
            f"PI − LL {match.mean:+.0f} ± {match.sd:.0f} deg"
        )
        names = dict.fromkeys(f"{angle_name(n.name)} ({n.sex})" for n in off)
        said.append(
            f"outside the norm on average: {', '.join(names)}"
            if off
            else "every neutral angle lies in its norm on average"
        )
    else:
        curve = next(c for c in r.curves if c.name == "L1_S1")
        said.append(f"lumbar lordosis from {curve.minimum:.0f} to {curve.maximum:.0f} deg (average adult)")
    if stretched:
        most = max(stretched, key=lambda a: a.share or 0.0)
        said.append(
            f"{most.share:.0%} of the {most.region} {most.motion.replace('_', ' ').removesuffix(' one side')} of their "
            f"age used at {most.age_from} to {most.age_to - 1} years ({most.sex})"
        )
    return (BROKEN if broken else LOOK if off or stretched else OK), "; ".join(said)


def angle_name(name: str) -> str:
    """A neutral angle as people write it."""
    known = {"PI_minus_LL": "PI − LL", "frontal_cobb": "largest frontal Cobb angle"}
    return known.get(name, name.replace("_", " "))


def _rhythm(r: PlausibilityReport) -> tuple[str, str]:
    fits = [s for s in r.rhythm if s.slope is not None]
    if not fits:
        return NONE, "no region moves far enough in enough poses"
    worst = max(fits, key=lambda s: s.gap)
    said = [f"largest share error {100 * worst.gap:.0f} points ({worst.level} {worst.motion})"]
    early = next(x for x in r.ratios if x.name == "lumbar_per_hip_early").value
    turned = next(x for x in r.ratios if x.name == "thoracic_per_lumbar_rotation").value
    for name, value in (("lumbar : hip early", early), ("thoracic : lumbar rotation", turned)):
        if value.measured is not None:
            said.append(f"{name} {value.measured:.1f} (published {value.published.mean:g})")
    off = [x for x in r.ratios if x.value.measured is not None and not _near(x.value.measured, x.value.published)]
    if off:
        said.append(f"{len(off)} of {len(r.ratios)} ratios outside what is published")
    return (LOOK if off or worst.gap > _SHARE_ERROR else OK), "; ".join(said)


def _coupling(r: PlausibilityReport) -> tuple[str, str]:
    judged = [c for c in r.coupling if c.right_sign is not None]
    wrong = [c for c in judged if not c.right_sign]
    beyond = [o for o in r.out_of_plane if o.beyond]
    if not judged and not any(o.poses for o in r.out_of_plane):
        return NONE, "too few poses bend or twist far enough"
    said = [f"{len(judged) - len(wrong)} of {len(judged)} judged slopes have the published sign"] if judged else []
    if wrong:
        said.append("not " + ", ".join(f"{c.level} {c.response} per {c.driver}" for c in wrong[:4]))
    if beyond:
        worst = max(beyond, key=lambda o: abs(o.worst or 0.0))
        said.append(
            f"out of plane in pure {worst.motion} at {worst.level}: {worst.axis} {worst.worst:.1f} deg "
            f"(limit {worst.limit.upper:g}, {worst.where})"
        )
    else:
        said.append("nothing out of plane in pure flexion or extension")
    return (LOOK if wrong or beyond else OK), "; ".join(said)


def _continuity(r: PlausibilityReport) -> tuple[str, str]:
    kinks = [c for c in r.continuity if c.beyond]
    gaps = [s for s in r.spacing if s.beyond]
    if not kinks and not gaps:
        return OK, "no kink between levels and no vertebra that drifts from its neighbour"
    said = []
    if kinks:
        worst = max(kinks, key=lambda c: c.worst - c.limit)
        said.append(
            f"{_several(sum(c.beyond for c in kinks), 'kink')}, worst at {worst.level} {worst.axis}: "
            f"{worst.value:.1f} deg bends {worst.worst:.1f} deg off its neighbours "
            f"(limit {worst.limit:g}, {worst.where})"
        )
    if gaps:
        gap = max(gaps, key=lambda s: abs(s.worst))
        said.append(f"{gap.level} drifts by {gap.worst:+.1f} mm (limit {gap.limit.upper:g}, {gap.where})")
    return LOOK, "; ".join(said)


def _time(r: PlausibilityReport) -> tuple[str, str]:
    if not r.clips:
        return NONE, "not a motion: single poses have no speed"
    usable = [c for c in r.clips if c.usable]
    said = [f"{c.name}: {c.reason}" for c in r.clips if not c.usable]
    if not usable:
        return NONE, "not a motion: " + "; ".join(said)
    fast = [(rate, c) for c in usable for rate in c.rates if rate.beyond]
    spikes = [(s, c) for c in usable for s in c.spikes]
    aliased = [c.name for c in usable if c.aliased]
    seconds = sum(c.seconds for c in usable)
    said.append(f"{_several(len(usable), 'motion')}, {seconds:.1f} s")
    if fast:
        rate, clip = max(fast, key=lambda item: item[0].p99)
        most = max(norm.published.upper for norm in rate.norms if norm.published.upper is not None)
        shared = ", its part of the whole trunk by rule" if r.provenance.filled and rate.name in REGION_AXES else ""
        said.append(
            f"{rate.name} turns faster than published: {rate.p99:.0f} deg/s in {clip.name} (at most {most:.0f}{shared})"
        )
    if spikes:
        spike, clip = max(spikes, key=lambda item: abs(item[0].off))
        said.append(
            f"{_several(sum(c.spike_count for c in usable), 'spike')}, worst {spike.coordinate} {spike.value:.1f} deg "
            f"at {spike.time:.2f} s of {clip.name}, {abs(spike.off):.1f} deg off its neighbours "
            f"(limit {spike.bound:.0f})"
        )
    if aliased:
        said.append("noisy or aliased: " + ", ".join(aliased))
    if not fast and not spikes and not aliased:
        said.append("speeds as published, no spikes, no aliasing")
    return (LOOK if fast or spikes or aliased else OK), "; ".join(said)


def _fit(r: PlausibilityReport) -> tuple[str, str]:
    if not r.residuals:
        return NONE, "no body or marker was fitted to these poses"
    beyond = [x for x in r.residuals if x.beyond]
    worst = max(beyond or r.residuals, key=lambda x: x.worst)
    said = f"worst {worst.name.replace('_', ' ')} {worst.worst:.1f} mm, mean {worst.mean:.1f} mm"
    if not beyond:
        return OK, said
    return LOOK, f"{said}; {worst.beyond} of {worst.count} values outside their bounds ({worst.where})"


def _coverage(r: PlausibilityReport) -> tuple[str, str]:
    trunk = next(v for v in r.coverage.volumes if v.name == "trunk")
    people = f"{r.coverage.subjects} people, " if r.coverage.subjects else ""
    sparse = r.poses >= _MANY and not r.clips and trunk.filled < 0.5
    activities = _several(len(r.coverage.activities), "activity", "activities")
    return (LOOK if sparse else OK), (
        f"{people}{activities}; trunk fills {trunk.filled:.0%} of what a healthy spine can take ({trunk.held} of "
        f"{trunk.cubes} cubes), {trunk.outer:.0%} of poses more than halfway out; "
        f"{r.coverage.beyond_daily_life:.0%} of poses "
        "beyond daily life"
    )


def _provenance(r: PlausibilityReport) -> tuple[str, str]:
    rejected = sum(x.rejected for x in r.rejections)
    judges = [j.profile.replace("_", " ") for j in r.judged_by]
    limits = f"limits of “{judges[0]}”" if len(judges) == 1 else f"limits of {len(judges)} kinds of people"
    said = [limits, f"{len(r.provenance.citations)} sources"]
    if r.provenance.model_digest:
        said.append(_several(len(r.provenance.model_digest), "model"))
    if rejected:
        said.append(f"{rejected:,} draws rejected ({rejected / (rejected + r.poses):.0%})")
    if r.clamped:
        said.append(f"{sum(c.frames for c in r.clamped):,} values of {len(r.clamped)} coordinates cut to their limit")
    if r.provenance.filled:
        said.append(f"{len(r.provenance.filled)} levels filled by rhythm, not measured")
    return OK, "; ".join(said)


def _several(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _near(value: float, published) -> bool:
    """Inside the published band, or within half of a mean that came without one."""
    if published.lower is None and published.upper is None:
        return abs(value - published.mean) <= 0.5 * abs(published.mean)
    return _within(value, published)


def _within(value: float, published) -> bool:
    low = -float("inf") if published.lower is None else published.lower
    high = float("inf") if published.upper is None else published.upper
    return low <= value <= high
