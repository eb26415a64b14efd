"""Are these poses what a human spine can do? Every number beside the published one it is held against.

`assess` returns a PlausibilityReport, pure data in ten groups, one module each: violations, levels, posture (with ages
and deformity), rhythm, coupling, column, rates, fit, coverage, provenance. Angles in degrees and lengths in metres or
millimetres as each field says; the poses themselves stay in rad and m.
"""

from biomech.plausibility.evidence import Asked, Clip, Evidence, Person
from biomech.plausibility.report import TOLERANCE, PlausibilityReport, assess

__all__ = ["TOLERANCE", "Asked", "Clip", "Evidence", "Person", "PlausibilityReport", "assess"]
