"""Small OpenSim models as text: chains of bodies on custom joints, with couplers."""

from pathlib import Path

AXES = ("0 0 1", "1 0 0", "0 1 0")
LINE = '<LinearFunction name="function"><coefficients>{} 0</coefficients></LinearFunction>'
SPLINE = '<SimmSpline name="function"><x>{}</x><y>{}</y></SimmSpline>'


def line(slope=1.0):
    return LINE.format(slope)


def spline(xs, ys):
    return SPLINE.format(" ".join(map(str, xs)), " ".join(map(str, ys)))


def transform_axis(name, coordinate, axis, function):
    return (
        f'<TransformAxis name="{name}"><coordinates>{coordinate}</coordinates><axis>{axis}</axis>'
        f"{function}</TransformAxis>"
    )


def joint(name, parent, child, turns=(), slides=(), lift=0.1, lean=0.0):
    """turns: up to three (coordinate, axis text, function text, (low, high)); a joint without any is a weld."""
    frames = (
        f'<frames><PhysicalOffsetFrame name="{name}_p"><socket_parent>{parent}</socket_parent>'
        f"<translation>0 {lift} 0</translation><orientation>0 0 {lean}</orientation></PhysicalOffsetFrame>"
        f'<PhysicalOffsetFrame name="{name}_c"><socket_parent>/bodyset/{child}</socket_parent>'
        "<translation>0 0 0</translation><orientation>0 0 0</orientation></PhysicalOffsetFrame></frames>"
    )
    head = f"<socket_parent_frame>{name}_p</socket_parent_frame><socket_child_frame>{name}_c</socket_child_frame>"
    if not turns and not slides:
        return f'<WeldJoint name="{name}">{head}{frames}</WeldJoint>'
    coordinates = "".join(
        f'<Coordinate name="{c}"><default_value>0</default_value><range>{low} {high}</range></Coordinate>'
        for c, _, _, (low, high) in (*turns, *slides)
    )
    spare = [a for a in AXES if a not in [t[1] for t in turns]]
    rows = ""
    for k in range(3):
        c, axis, function, _ = turns[k] if k < len(turns) else ("", spare.pop(0), line(0), None)
        function = function if c else '<Constant name="function"><value>0</value></Constant>'
        rows += transform_axis(f"rotation{k + 1}", c, axis, function)
    for k, axis in enumerate(("1 0 0", "0 1 0", "0 0 1")):
        c = slides[k][0] if k < len(slides) else ""
        function = line() if c else '<Constant name="function"><value>0</value></Constant>'
        rows += transform_axis(f"translation{k + 1}", c, axis, function)
    return (
        f'<CustomJoint name="{name}">{head}<coordinates>{coordinates}</coordinates>{frames}'
        f"<SpatialTransform>{rows}</SpatialTransform></CustomJoint>"
    )


def zxy(names, limit=1.0, functions=None):
    """Three turns about z, x, y."""
    functions = functions or [line()] * 3
    return [(n, a, f, (-limit, limit)) for n, a, f in zip(names, AXES, functions, strict=False) if n]


def coupler(driver, dependent, function):
    return (
        f'<CoordinateCouplerConstraint name="{dependent}_con"><isEnforced>true</isEnforced>'
        f"<coupled_coordinates_function>{function}</coupled_coordinates_function>"
        f"<independent_coordinate_names>{driver}</independent_coordinate_names>"
        f"<dependent_coordinate_name>{dependent}</dependent_coordinate_name></CoordinateCouplerConstraint>"
    )


def model(name, bodies, joints, couplers=()):
    body = "".join(
        f'<Body name="{b}"><mass>1</mass><mass_center>0 0 0</mass_center><inertia>0.01 0.01 0.01 0 0 0</inertia></Body>'
        for b in bodies
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?><OpenSimDocument Version="40600"><Model name="{name}">'
        f'<Ground name="ground"/><BodySet name="bodyset"><objects>{body}</objects></BodySet>'
        f'<JointSet name="jointset"><objects>{"".join(joints)}</objects></JointSet>'
        f'<ConstraintSet name="constraintset"><objects>{"".join(couplers)}</objects></ConstraintSet>'
        "</Model></OpenSimDocument>"
    )


def column(name, links, couplers=()):
    """A chain ground -> links; each link is (child, turns, lean) with turns as `joint` takes them."""
    joints, parent = [], "/ground"
    for child, turns, lean in links:
        joints.append(joint(f"{child}_joint", parent, child, turns, lean=lean))
        parent = f"/bodyset/{child}"
    return model(name, [c for c, _, _ in links], joints, couplers)


PELVIS = zxy(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), 1.5)


def christophy(limit=1.0):
    """Five lumbar levels, three drivers, rigid trunk; 40, 30, 20, 7 and 3 % of flexion from below."""
    return column("small_christophy", *_christophy(limit))


def _christophy(limit):
    shares = (0.4, 0.3, 0.2, 0.07, 0.03)
    drivers = ("flex_extension", "lat_bending", "axial_rotation")
    links = [
        ("pelvis", PELVIS, 0.0),
        ("sacrum", (), 0.0),
        ("lumbar5", zxy(drivers, limit, [line(shares[0])] * 3), -0.3),
    ]
    couplers = []
    for k, (body, level) in enumerate(zip((4, 3, 2, 1), ("L4_L5", "L3_L4", "L2_L3", "L1_L2"), strict=True)):
        names = [f"{level}_{a}" for a in ("FE", "LB", "AR")]
        links.append((f"lumbar{body}", zxy(names, 99999.0), 0.15))
        couplers += [coupler(d, n, line(shares[k + 1])) for d, n in zip(drivers, names, strict=True)]
    links.append(("torso", (), 0.0))
    return links, couplers


def full_body_lumbar_spine():
    """The same spine under the names of the full-body lumbar spine model."""
    text = christophy()
    for axis, name in (("FE", "IVDjnt_r3"), ("LB", "IVD_bendjnt_r1"), ("AR", "IVD_rotjnt_r2")):
        for level in ("L4_L5", "L3_L4", "L2_L3", "L1_L2"):
            text = text.replace(f"{level}_{axis}", f"{level}_{name}")
    return text


def passenger():
    """The lumbar spine below, the neck above, one rigid trunk between them."""
    (low, low_couplers), (high, high_couplers) = _christophy(1.0), _neck(None)
    return column("small_passenger", [*low, *high[1:]], [*low_couplers, *high_couplers])


def rajagopal():
    names = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
    return column("small_rajagopal", [("pelvis", PELVIS, 0.0), ("torso", zxy(names, 1.57), 0.1)])


def neck(function=None):
    """Vasavada's neck on a fixed trunk; `function` makes the share of C7_T1 in pitch2, default a bent spline."""
    return column("small_neck", *_neck(function))


def _neck(function):
    function = function or spline((-1, 0, 1), (-0.3, 0, 0.1))
    first = zxy(("pitch2", "roll2", "yaw2"), 0.8, [function, line(0.1), line(0.1)])
    links = [("spine", PELVIS, 0.0), ("cerv7", first, 0.0)]
    couplers = []
    for n in (7, 6, 5, 4, 3):
        names = [f"aux{n}jnt_{r}" for r in ("r3", "r1", "r2")]
        links.append((f"cerv{n - 1}", zxy(names, 1.57), 0.0))
        couplers += [
            coupler(d, c, spline((-1, 0, 1), (-0.1, 0, 0.25)) if d == "pitch2" else line(0.18))
            for d, c in zip(("pitch2", "roll2", "yaw2"), names, strict=True)
        ]
    links.append(("cerv1", zxy(("pitch1", "roll1", "yaw1"), 0.6, [line(0.4)] * 3), 0.0))
    names = [f"aux1jnt_{r}" for r in ("r3", "r1", "r2")]
    links.append(("skull", zxy(names, 1.57), 0.0))
    couplers += [coupler(d, c, line(0.6)) for d, c in zip(("pitch1", "roll1", "yaw1"), names, strict=True)]
    return links, couplers


def write(folder: Path, text: str, name: str = "model.osim") -> Path:
    path = Path(folder) / name
    path.write_text(text, encoding="utf-8")
    return path
