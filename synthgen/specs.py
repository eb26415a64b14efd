"""Every random choice behind a picture, as plain data that can be stored and read back."""

from dataclasses import dataclass, field

from biomech.pathology import Pathology
from scenes.backdrop import BackdropSpec
from scenes.camera import CameraSpec, SensorSpec
from scenes.expression import Expression
from scenes.hands import Hands
from scenes.held import FIRST_ID, HeldSpec
from scenes.light import LightSpec
from scenes.occluder import OccluderSpec
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
        hands, face: what his fingers and his face do.
        rejections: draws thrown away before this pose.
        motion, frame: the imported motion (its key in the config) and its frame that the pose was taken from; "" and -1
            for poses of an activity.
        mirrored: whether right and left of that frame changed places.
        rate: how fast the coordinates change, rad/s and m/s, where a movement was sampled; () for a still pose.
        props: m, of things around the person, see biomech.activities.pose.PROPS; specs stored before there were any
            have none.
    """

    activity: str
    phase: float
    support: str
    q: tuple[float, ...]
    hands: Hands
    face: Expression
    rejections: int
    rejection_reasons: tuple[str, ...]
    motion: str = ""
    frame: int = -1
    mirrored: bool = False
    rate: tuple[float, ...] = ()
    props: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One person in a picture.

    Attributes:
        number: which subject of the dataset.
        held: what he has in his hands, where it fits there.
        place: x m, z m and heading rad about the vertical, of the frame his pose is given in; the first actor's is 0.
        crowd: one of the crowd in the background, which is labelled as a whole.
    """

    number: int
    person: PersonSpec
    pose: PoseSpec
    seat: SeatSpec | None = None
    held: HeldSpec | None = None
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Every choice behind one picture, as plain data.

    Attributes:
        actors: people, the one the picture is about first; actor i has instance id i + 1, his seat SEAT_ID + i, what
            he holds FIRST_ID + i.
        occluders: things that stand around; their instance ids follow those of what people hold.
        cameras: all calibrated views of this instant.
        view: the camera of this picture.
        moves_within: (6,) m, least and greatest x, y, z of everyone through a movement, which the surroundings are
            built around so that they stand still; () for a single instant.
    """

    actors: tuple[ActorSpec, ...]
    occluders: tuple[OccluderSpec, ...]
    light: LightSpec
    backdrop: BackdropSpec
    cameras: tuple[CameraSpec, ...]
    view: int
    sensor: SensorSpec
    moves_within: tuple[float, ...] = ()

    def kind_of(self, instance_id: int) -> str:
        """What an object in the picture is, by its instance id."""
        if instance_id < FIRST_ID:
            return "seat"
        k = instance_id - FIRST_ID
        if k < len(self.actors):
            held = self.actors[k].held
            return "" if held is None else held.kind
        return self.occluders[k - len(self.actors)].kind

    @property
    def camera(self) -> CameraSpec:
        """The camera of this picture."""
        return self.cameras[self.view]


def actor_in(spec: dict, instance_id: int) -> dict:
    """The plain data of a person in a stored scene; scenes stored when they held one person are that person's."""
    actors = spec.get("actors")
    return actors[instance_id - 1] if actors else spec


def scene_from_plain(data: dict) -> SceneSpec:
    """The inverse of `to_plain`: a spec as stored in scenes.jsonl."""
    return Reader(default=Rule(interval=False)).build(SceneSpec, data)
