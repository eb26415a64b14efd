"""Reading a published .osim into plain data, once, through OpenSim.

Muscles, contact and controllers are dropped before OpenSim loads the file: no pose depends on them and they cost most
of the time.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np

from biomech.errors import ModelError
from biomech.model import import_opensim
from biomech.plain_xml import ForbiddenXml, check_xml
from biomech.published_functions import Curve, read_curve
from biomech.published_source import Coordinate, Coupler, ModelSource, Movement, SourceJoint

MOTION_KINDS = {1: "rotational", 2: "translational", 3: "coupled"}
_UNNEEDED = ("ForceSet", "ControllerSet", "ProbeSet", "ContactGeometrySet", "ComponentSet")


def read_source(path: Path | str) -> ModelSource:
    """Read a model.

    Raises:
        ModelError: the file is missing, no XML, cut off, no OpenSim model, or OpenSim refuses it.
    """
    path = Path(path)
    data, text = _checked_text(path)
    opensim = import_opensim()
    with tempfile.TemporaryDirectory(prefix="synthgen_") as folder:
        bare = Path(folder) / "model.osim"
        bare.write_text(text, encoding="utf-8", newline="\n")
        try:
            model = opensim.Model(str(bare))
            model.initSystem()
        except RuntimeError as error:
            said = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = said[0] if said else "no reason given"
            raise ModelError(f"OpenSim cannot load {path} ({reason}); open it in OpenSim and save it anew") from None
    return _plain(opensim, model, path, hashlib.sha256(data).hexdigest(), text)


def _checked_text(path: Path) -> tuple[bytes, str]:
    """The file's bytes and its text without muscles."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}; give the path of an .osim file") from None
    try:
        check_xml(data)
        root = ET.fromstring(data)
    except ForbiddenXml as error:
        raise ModelError(f"{path} is no .osim that can be read safely: {error}; save it anew in OpenSim") from None
    except ET.ParseError as error:
        line = error.position[0]
        cut = data.lstrip().startswith(b"<") and b"</OpenSimDocument>" not in data[-4096:]
        reason = f"the XML breaks off in line {line}: the file is cut short" if cut else f"no XML, see line {line}"
        fix = "get the whole file again" if cut else "give an OpenSim model, a file that begins with <OpenSimDocument>"
        raise ModelError(f"{path} is no readable .osim ({reason}); {fix}") from None
    model = root.find("Model") if root.tag == "OpenSimDocument" else (root if root.tag == "Model" else None)
    if model is None:
        inside = ", ".join(sorted({child.tag for child in root})[:3]) or "nothing"
        raise ModelError(
            f"{path} holds <{root.tag}> with {inside}, no OpenSim <Model>; "
            "give an .osim model, not a setup or motion file"
        )
    for tag in _UNNEEDED:
        for part in model.findall(tag):
            model.remove(part)
    return data, ET.tostring(root, encoding="unicode")


def _plain(opensim: Any, model: Any, path: Path, digest: str, text: str) -> ModelSource:
    coordinates = tuple(_coordinate(c) for c in _members(model.getCoordinateSet()))
    place = {c.name: i for i, c in enumerate(coordinates)}
    warnings: list[str] = []
    joints = tuple(_joint(opensim, j, coordinates, place, warnings) for j in _members(model.getJointSet()))
    couplers = _ordered(_couplers(opensim, model, coordinates, place, warnings), path)
    bodies = tuple(b.getName() for b in _members(model.getBodySet()))
    return ModelSource(path, model.getName(), digest, bodies, coordinates, joints, couplers, tuple(warnings), text)


def _members(group: Any) -> list[Any]:
    return [group.get(i) for i in range(group.getSize())]


def _coordinate(c: Any) -> Coordinate:
    return Coordinate(
        c.getName(),
        MOTION_KINDS.get(c.getMotionType(), "coupled"),
        float(c.getDefaultValue()),
        float(c.getRangeMin()),
        float(c.getRangeMax()),
        bool(c.getDefaultLocked()),
    )


def _joint(opensim: Any, joint: Any, coordinates: tuple[Coordinate, ...], place: dict, warnings: list) -> SourceJoint:
    kind, name = joint.getConcreteClassName(), joint.getName()
    own = [place[joint.get_coordinates(k).getName()] for k in range(joint.numCoordinates())]
    turns: tuple[Movement, ...] = ()
    slides: tuple[Movement, ...] = ()
    x, y, z = np.eye(3)
    simple = {
        "PinJoint": ((z,), ()),
        "SliderJoint": ((), (x,)),
        "UniversalJoint": ((x, y), ()),
        "BallJoint": ((x, y, z), ()),
        "GimbalJoint": ((x, y, z), ()),
        "FreeJoint": ((x, y, z), (x, y, z)),
        "PlanarJoint": ((z,), (x, y)),
        "WeldJoint": ((), ()),
    }
    if kind == "CustomJoint":
        transform = opensim.CustomJoint.safeDownCast(joint).getSpatialTransform()
        axes = [_movement(opensim, transform.getTransformAxis(k), coordinates, place, name) for k in range(6)]
        turns, slides = tuple(axes[:3]), tuple(axes[3:])
    elif kind in simple:
        about, along = simple[kind]
        moves = [Movement(own[k], axis, Curve()) for k, axis in enumerate((*about, *along))]
        turns, slides = tuple(moves[: len(about)]), tuple(moves[len(about) :])
    else:
        warnings.append(f"joint {name} is a {kind}, which is not evaluated: what hangs on it stays where it is")
    return SourceJoint(
        name,
        kind,
        _base(joint.getParentFrame()),
        _base(joint.getChildFrame()),
        _offset(joint.getParentFrame()),
        _offset(joint.getChildFrame()),
        turns,
        slides,
    )


def _movement(opensim: Any, axis: Any, coordinates: tuple[Coordinate, ...], place: dict, joint: str) -> Movement:
    names = axis.getCoordinateNamesInArray()
    used = [names.get(k) for k in range(names.getSize())]
    direction = np.array([axis.getAxis().get(k) for k in range(3)])
    direction = direction / np.linalg.norm(direction)
    if not used:
        constant = float(axis.getFunction().calcValue(opensim.Vector(1, 0.0)))
        return Movement(None, direction, Curve(0.0, constant))
    if len(used) > 1:
        raise ModelError(f"an axis of joint {joint} depends on {', '.join(used)} together; one coordinate is supported")
    about = coordinates[place[used[0]]]
    return Movement(
        place[used[0]], direction, read_curve(opensim, axis.getFunction(), about.low, about.high, f"joint {joint}")
    )


def _base(frame: Any) -> str:
    return str(frame.findBaseFrame().getName())


def _offset(frame: Any) -> np.ndarray:
    """base_from_frame (4, 4)."""
    transform = frame.findTransformInBaseFrame()
    element, p = transform.R().asMat33().get, transform.p()
    out = np.eye(4)
    out[:3, :3] = [[element(i, j) for j in range(3)] for i in range(3)]
    out[:3, 3] = [p.get(i) for i in range(3)]
    return out


def _couplers(
    opensim: Any, model: Any, coordinates: tuple[Coordinate, ...], place: dict, warnings: list
) -> list[Coupler]:
    found = []
    for constraint in _members(model.getConstraintSet()):
        name = constraint.getName()
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraint)
        if coupler is None:
            kind = constraint.getConcreteClassName()
            warnings.append(f"constraint {name} is a {kind} and is not evaluated")
            continue
        if not constraint.get_isEnforced():
            continue
        drivers = coupler.getIndependentCoordinateNames()
        names = [drivers.get(k) for k in range(drivers.getSize())]
        dependent = coupler.getDependentCoordinateName()
        if len(names) != 1 or names[0] not in place or dependent not in place:
            warnings.append(f"coupler {name} drives {dependent} by {', '.join(names) or 'nothing'}: not evaluated")
            continue
        about = coordinates[place[names[0]]]
        curve = read_curve(opensim, coupler.getFunction(), about.low, about.high, f"coupler {name}")
        scale = float(opensim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor")))
        found.append(Coupler(name, place[names[0]], place[dependent], _scaled(curve, scale)))
    return found


def _scaled(curve: Curve, by: float) -> Curve:
    if by == 1.0 or not math.isfinite(by):
        return curve
    if curve.coefficients is None:
        return Curve(curve.slope * by, curve.offset * by)
    return Curve(knots=curve.knots, coefficients=curve.coefficients * by, ends=(curve.ends[0] * by, curve.ends[1] * by))


def _ordered(couplers: list[Coupler], path: Path) -> tuple[Coupler, ...]:
    """Drivers before what they drive."""
    done: list[Coupler] = []
    waiting = list(couplers)
    while waiting:
        open_ends = {c.dependent for c in waiting}
        ready = [c for c in waiting if c.driver not in open_ends]
        if not ready:
            raise ModelError(f"the couplers of {path.name} drive each other in a circle: {waiting[0].name}; break it")
        done += ready
        waiting = [c for c in waiting if c.driver in open_ends]
    return tuple(done)
