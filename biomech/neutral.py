"""Where the bodies of an average adult stand in the neutral pose, from ``data/anatomy.csv``.

Built upwards from the S1 endplate by disc and body heights and the wedge of each level, and stretched to the stature.
"""

from __future__ import annotations

import numpy as np

from biomech.anatomy import BODIES, LEVELS, SIDES, SPINE_BODIES, body_index, load_anatomy


def standing_frames(stature: float) -> tuple[np.ndarray, np.ndarray]:
    """pelvis_from_body (N, 4, 4) m and joint centres (N, 3) m in the pelvis frame, standing upright, palms forward."""
    frames, centres = _trunk(stature)
    for side in SIDES:
        _limbs(frames, centres, stature, side)
    return frames, centres


def _trunk(stature: float) -> tuple[np.ndarray, np.ndarray]:
    """Pelvis frames and joint centres with the trunk rows filled, from the S1 endplate upwards."""
    facts = load_anatomy()
    frames = np.tile(np.eye(4), (len(BODIES), 1, 1))
    centres = np.zeros((len(BODIES), 3))
    lean = np.deg2rad(facts["pelvic_tilt"]["hip_to_S1"].value)
    endplate = facts["hip_to_S1"]["hip_to_S1"].value * stature * np.array([-np.sin(lean), np.cos(lean), 0.0])
    tilt = -np.deg2rad(facts["sacral_slope"]["S1"].value)  # a forward slope turns y forwards, which is minus about z
    sacrum = body_index("sacrum")
    frames[sacrum, :3, :3] = _about_z(tilt)
    frames[sacrum, :3, 3] = endplate - facts["S1_to_sacrum"]["S1_to_sacrum"].value * stature * _up(tilt)
    centres[sacrum] = frames[sacrum, :3, 3]
    origins, joints, tilts = _column(tilt)
    segment = {key: fact.value * stature for key, fact in facts["segment"].items()}
    condyle_to_ear = np.array([segment["condyle_to_ear_forward"], segment["condyle_to_ear_up"], 0.0])
    # heights of vertebrae and discs vary between sources by some percent: stretch the column so that the head ends at
    # the stature, given the leg length and the height of the head
    ear = stature - segment["ear_to_vertex"] + sole_height(stature)
    stretch = (ear - condyle_to_ear[1] - endplate[1]) / joints[-1, 1]
    rows = [body_index(body) for body in SPINE_BODIES[1:]]
    frames[rows, :3, :3] = [_about_z(angle) for angle in tilts]
    frames[rows[:-1], :3, 3] = endplate + stretch * origins
    centres[rows] = endplate + stretch * joints
    frames[rows[-1], :3, :3] = np.eye(3)  # the wedges close to a level gaze; this drops the rounding
    frames[rows[-1], :3, 3] = centres[rows[-1]] + condyle_to_ear
    return frames, centres


def sole_height(stature: float) -> float:
    """Height of the sole in the pelvis frame when standing straight, m (negative)."""
    segment = load_anatomy()["segment"]
    return -stature * (segment["thigh"].value + segment["shank"].value + segment["ankle_height"].value)


def _column(tilt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Table column above the S1 endplate: vertebral centres (24, 3) m, joint centres (25, 3) m, tilts (25,) rad."""
    facts = load_anatomy()
    point = np.zeros(3)
    origins, joints, tilts = [], [], []
    for level, body in zip(LEVELS, SPINE_BODIES[1:], strict=True):
        half_disc = 0.5e-3 * facts["disc_height"][level].value
        point = point + half_disc * _up(tilt)
        joints.append(point)  # middle of the disc
        tilt += np.deg2rad(facts["wedge"][level].value)
        tilts.append(tilt)
        point = point + half_disc * _up(tilt)
        if body != "skull":
            half_body = 0.5e-3 * facts["body_height"][body].value
            origins.append(point + half_body * _up(tilt))
            point = point + 2.0 * half_body * _up(tilt)
    return np.array(origins), np.array(joints), np.array(tilts)


def _limbs(frames: np.ndarray, centres: np.ndarray, stature: float, side: str) -> None:
    """Fill the limb rows of one side in place: straight down from hip and shoulder."""
    length = {key: fact.value * stature for key, fact in load_anatomy()["segment"].items()}
    sign = 1.0 if side == "r" else -1.0
    floor = sole_height(stature)
    thorax = frames[body_index("T1"), 0, 3]
    down = np.array([0.0, -1.0, 0.0])
    hip = np.array([0.0, 0.0, sign * length["hip_half_width"]])
    knee = hip + length["thigh"] * down
    ankle = knee + length["shank"] * down
    toe = np.array([length["ankle_to_mtp"], floor + length["mtp_height"], hip[2]])
    sternum = np.array(
        [
            thorax + length["sternoclavicular_forward"],
            floor + length["sternoclavicular_height"],
            sign * length["sternoclavicular_half_width"],
        ]
    )
    shoulder = np.array(
        [
            thorax + length["shoulder_forward"],
            floor + length["shoulder_height"],
            sign * length["shoulder_half_width"],
        ]
    )
    elbow = shoulder + length["upper_arm"] * down
    wrist = elbow + length["forearm"] * down
    origins = {
        "femur": hip, "tibia": knee, "talus": ankle, "calcn": ankle, "toes": toe, "clavicle": sternum,
        "humphant": shoulder, "humerus": shoulder, "ulna": elbow, "radius": elbow, "hand": wrist,
    }  # fmt: skip
    for body, origin in origins.items():
        i = body_index(f"{body}_{side}")
        frames[i, :3, 3] = origin
        centres[i] = origin


def _about_z(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _up(tilt: float) -> np.ndarray:
    return np.array([-np.sin(tilt), np.cos(tilt), 0.0])
