"""Every random choice behind a picture, as plain data that can be stored and read back."""

from dataclasses import dataclass, field

from biomech.pathology import Pathology
from scenes.backdrop import BackdropSpec
from scenes.camera import CameraSpec, SensorSpec
from scenes.light import LightSpec
from scenes.props import SeatSpec
from scenes.subject import SubjectSpec
from scenes.wardrobe import WardrobeSpec
from synthgen.settings import Reader, Rule


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Who a person is and what he wears; shared by all pictures of the subject.

    Attributes:
        profile: whose limits and posture he has, see biomech.profiles; specs stored before there were profiles are
            adults.
        pathology: of his spine, or None.
    """

    subject: SubjectSpec
    wardrobe: WardrobeSpec
    profile: str = "adult"
    pathology: Pathology | None = None


@dataclass(frozen=True, slots=True)
class PoseSpec:
    """What the person does.

    Attributes:
        q: rad and m, in the order of biomech.anatomy.COORDINATES, standing on the floor of the picture.
        finger_curl: flexion of each finger joint, rad.
        rejections: draws thrown away before this pose.
        motion, frame: the imported motion (its key in the config) and its frame that the pose was taken from; "" and -1
            for poses of an activity.
        mirrored: whether right and left of that frame changed places.
        props: m, of things around the person, see biomech.activities.pose.PROPS; specs stored before there were any
            have none.
    """

    activity: str
    phase: float
    support: str
    q: tuple[float, ...]
    finger_curl: float
    rejections: int
    rejection_reasons: tuple[str, ...]
    motion: str = ""
    frame: int = -1
    mirrored: bool = False
    props: dict[str, float] = field(default_factory=dict)


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
