"""Every random choice behind a picture, as plain data that can be stored and read back."""

from dataclasses import dataclass

from scenes.backdrop import BackdropSpec
from scenes.camera import CameraSpec, SensorSpec
from scenes.light import LightSpec
from scenes.props import SeatSpec
from scenes.subject import SubjectSpec
from scenes.wardrobe import WardrobeSpec
from synthgen.settings import Reader, Rule


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Who a person is and what he wears; shared by all pictures of the subject."""

    subject: SubjectSpec
    wardrobe: WardrobeSpec


@dataclass(frozen=True, slots=True)
class PoseSpec:
    """What the person does.

    Attributes:
        q: rad and m, in the order of biomech.anatomy.COORDINATES, standing on the floor of the picture.
        finger_curl: flexion of each finger joint, rad.
        rejections: draws thrown away before this pose.
    """

    activity: str
    phase: float
    support: str
    q: tuple[float, ...]
    finger_curl: float
    rejections: int
    rejection_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Every choice behind one picture, as plain data."""

    person: PersonSpec
    pose: PoseSpec
    seat: SeatSpec | None
    light: LightSpec
    backdrop: BackdropSpec
    camera: CameraSpec
    sensor: SensorSpec


def scene_from_plain(data: dict) -> SceneSpec:
    """The inverse of `to_plain`: a spec as stored in scenes.jsonl."""
    return Reader(default=Rule(interval=False)).build(SceneSpec, data)
