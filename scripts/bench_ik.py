"""Inverse kinematics, frames per second on one core: ours against OpenSim's stock solver, same model, same markers.

    taskset -c 0 python scripts/bench_ik.py [FRAMES]

Markers are synthetic: 41 on an average adult who moves every joint, 5 mm of noise. OpenSim gets 20 frames, of which the
first, slow one does not count.
"""

import sys
import time
from dataclasses import replace

import numpy as np

from biomech.anatomy import COORDINATES, SPINE_SLICE, TRANSLATIONS
from biomech.geometry import Landmark, SkeletonGeometry, default_geometry
from biomech.inverse_kinematics import Points, solve
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import Limits, load_limits
from biomech.marker_maps import load_map, place_points
from biomech.model import build_model, import_opensim
from biomech.rhythm import distribute


def smooth_motion(count: int, rng: np.random.Generator, limits: Limits, share: float = 0.5) -> np.ndarray:
    """(T, D): every coordinate swings slowly through a share of its typical range."""
    time_ = np.linspace(0.0, 2.0 * np.pi * count / 256, count)[:, None]

    def swing(ranges: np.ndarray) -> np.ndarray:
        wave = np.sin(time_ * rng.uniform(1.0, 2.5, len(ranges)) + rng.uniform(0.0, 6.0, len(ranges)))
        return ranges.mean(axis=1) + 0.5 * share * np.ptp(ranges, axis=1) * wave

    ranges = limits.typical.copy()
    ranges[: len(TRANSLATIONS) + 3] = [[-0.5, 0.5], [-0.3, 0.3], [-1.5, 1.5], [-1.0, 1.0], [0.8, 1.1], [-1.0, 1.0]]
    q = swing(ranges)
    q[:, SPINE_SLICE] = distribute(swing(limits.regional_typical), limits)
    return q


def point_positions(geometry: SkeletonGeometry, points: Points, q: np.ndarray) -> np.ndarray:
    """(T, K, 3) m: the points in the world."""
    frames = forward_kinematics_numpy(geometry, q, points.bodies)
    return np.einsum("tkij,kj->tki", frames[..., :3, :3], points.locations) + frames[..., :3, 3]


def opensim_solve(
    geometry: SkeletonGeometry,
    targets: np.ndarray,
    points: Points,
    limits: Limits,
    locked: tuple[str, ...] = (),
) -> tuple[np.ndarray, float]:
    """(T, D) by OpenSim's InverseKinematicsSolver, and its seconds of processor time per tracked frame.

    The solver stops some tenths of a degree short of the minimum; a tighter accuracy or tracking a frame again does not
    bring it nearer.
    """
    osim = import_opensim()
    marked = tuple(Landmark(*point) for point in zip(points.names, points.bodies, points.locations, strict=True))
    handle = build_model(replace(geometry, landmarks=marked), limits).handle
    model, state = handle.model, handle.state
    for name in locked:
        model.getCoordinateSet().get(name).setDefaultLocked(True)
    state = model.initSystem()
    table = osim.TimeSeriesTableVec3()
    table.setColumnLabels(osim.StdVectorString(list(points.names)))
    for t, row in enumerate(targets):
        table.appendRow(0.01 * t, osim.RowVectorVec3([osim.Vec3(*map(float, point)) for point in row]))
    table.addTableMetaDataString("DataRate", "100")
    table.addTableMetaDataString("Units", "m")
    weights = osim.SetMarkerWeights()
    for name, weight in zip(points.names, points.weights, strict=True):
        weights.cloneAndAppend(osim.MarkerWeight(name, float(weight)))
    solver = osim.InverseKinematicsSolver(
        model, osim.MarkersReference(table, weights), osim.SimTKArrayCoordinateReference(), np.inf
    )
    solver.setAccuracy(1e-5)
    state.setTime(0.0)
    solver.assemble(state)
    q = np.empty((len(targets), len(COORDINATES)))
    began = time.process_time()
    for t in range(len(targets)):
        if t:
            state.setTime(0.01 * t)
            solver.track(state)
        q[t] = state.getQ().to_numpy()[handle.q_of_coordinate]
    return q, (time.process_time() - began) / max(len(targets) - 1, 1)


def main(count: int) -> None:
    limits, geometry = load_limits(), default_geometry()
    points = place_points(load_map("cmu").places[:41], geometry)
    rng = np.random.default_rng(0)
    truth = smooth_motion(count, rng, limits)
    targets = point_positions(geometry, points, truth) + 0.005 * rng.standard_normal((count, len(points.names), 3))
    print(f"{len(points.names)} markers, {count} frames, seconds of processor time")
    rates = {}
    for spine in ("regions", "levels"):
        began = time.process_time()
        found = solve(geometry, targets, points, limits, spine=spine)
        rates[spine] = count / (time.process_time() - began)
        print(
            f"ours, spine by {spine:8s} {len(found.unknowns):4d} unknowns {rates[spine]:8.1f} frames/s, "
            f"marker RMS {1e3 * np.sqrt(np.nanmean(found.residuals**2)):.2f} mm"
        )
    q, seconds = opensim_solve(geometry, targets[:20], points, limits)
    misfit = np.linalg.norm(point_positions(geometry, points, q) - targets[:20], axis=-1)
    print(
        f"OpenSim's stock solver  {len(COORDINATES):4d} unknowns {1.0 / seconds:8.1f} frames/s, "
        f"marker RMS {1e3 * np.sqrt((misfit**2).mean()):.2f} mm"
    )
    print(f"ratio: {rates['regions'] * seconds:.0f} by regions, {rates['levels'] * seconds:.0f} by levels")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
