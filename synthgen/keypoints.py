"""The 37 keypoints of SpineTrack: order, flips, sigmas, links, and what each point means on the body.

Names, order, swaps, sigmas, weights, colours and links are SpineTrack's (data/keypoints.csv, data/links.csv). The
anatomical definition, the body each point rides on, its offset and its tissue depth are ours; see the `source` column.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

# Bottom to top along the column: hip (sacrum), spine_01..05, neck, neck_02, neck_03.
SPINE_IDS = (19, 26, 27, 28, 29, 30, 18, 35, 36)
BODY_IDS = tuple(range(17))
FEET_IDS = tuple(range(20, 26))
ALL_IDS = tuple(range(37))
SUBSETS = {"body": BODY_IDS, "feet": FEET_IDS, "spine": SPINE_IDS, "all": ALL_IDS}


@dataclass(frozen=True, slots=True)
class Keypoint:
    """One row of the schema.

    Attributes:
        id: place in the 37.
        name: SpineTrack's name.
        swap: name of the point on the other side, or "".
        type: "upper" or "lower" half of the body.
        color: sRGB 0..255.
        sigma: OKS constant.
        weight: training weight.
        body: OpenSim body (biomech.anatomy.BODIES) the point rides on.
        origin: OpenSim body whose origin at rest the offset is counted from; mostly the same one. The point of the
            shoulder is found from the head of the humerus but rides on the clavicle.
        offset: x, y, z along the axes of `body`, m, for a person of the reference stature (1.75 m).
        tissue_depth: how far behind the first surface on its ray the point may lie and still count as seen, m, for a
            person of reference girth; see visibility.
        seen: when it counts as seen, and why its tissue depth is what it is; measured on some hundred drawn people.
        surface: True where the point lies on the outer skin, False where inside the body.
        definition: where the point is, anatomically.
        source: where the definition and the offset come from.
    """

    id: int
    name: str
    swap: str
    type: str
    color: tuple[int, int, int]
    sigma: float
    weight: float
    body: str
    origin: str
    offset: tuple[float, float, float]
    tissue_depth: float
    seen: str
    surface: bool
    definition: str
    source: str


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the drawn skeleton, between two keypoint ids."""

    id: int
    start: int
    end: int
    color: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class KeypointSchema:
    """An ordered set of keypoints.

    Attributes:
        name: of the schema.
        keypoints: in label order.
        links: the drawn skeleton.
        flip: (K,) int, index of each point's mirror image; flip[flip] is the identity.
        sigmas: (K,) OKS constants.
        weights: (K,) training weights.
        offsets: (K, 3) m at reference stature, from each point's origin along the axes of its body.
        tissue_depths: (K,) m, for a person of reference girth.
        on_skin: (K,) bool, whether each point lies on the outer surface.
    """

    name: str
    keypoints: tuple[Keypoint, ...]
    links: tuple[Link, ...]
    flip: np.ndarray
    sigmas: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    tissue_depths: np.ndarray
    on_skin: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(k.name for k in self.keypoints)

    @property
    def bodies(self) -> tuple[str, ...]:
        return tuple(k.body for k in self.keypoints)

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(k.origin for k in self.keypoints)

    def id_of(self, name: str) -> int:
        """Place of a keypoint in the order; ValueError where the name is unknown."""
        return self.names.index(name)


def _frozen(values) -> np.ndarray:
    array = np.asarray(values)
    array.setflags(write=False)
    return array


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("synthgen") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _rgb(row: dict[str, str]) -> tuple[int, int, int]:
    return int(row["red"]), int(row["green"]), int(row["blue"])


@cache
def spinetrack() -> KeypointSchema:
    """The SpineTrack schema, read once per process."""
    points = tuple(
        Keypoint(
            id=int(r["id"]),
            name=r["name"],
            swap=r["swap"],
            type=r["type"],
            color=_rgb(r),
            sigma=float(r["sigma"]),
            weight=float(r["weight"]),
            body=r["body"],
            origin=r["origin"] or r["body"],
            offset=(float(r["offset_x_m"]), float(r["offset_y_m"]), float(r["offset_z_m"])),
            tissue_depth=float(r["tissue_depth_m"]),
            seen=r["seen"],
            surface=r["place"] == "surface",
            definition=r["definition"],
            source=r["source"],
        )
        for r in _rows("keypoints.csv")
    )
    names = [p.name for p in points]
    links = tuple(Link(int(r["id"]), names.index(r["from"]), names.index(r["to"]), _rgb(r)) for r in _rows("links.csv"))
    return KeypointSchema(
        name="spinetrack",
        keypoints=points,
        links=links,
        flip=_frozen([names.index(p.swap) if p.swap else p.id for p in points]),
        sigmas=_frozen([p.sigma for p in points]),
        weights=_frozen([p.weight for p in points]),
        offsets=_frozen([p.offset for p in points]),
        tissue_depths=_frozen([p.tissue_depth for p in points]),
        on_skin=_frozen([p.surface for p in points]),
    )


def coco_category() -> dict:
    """The one COCO category, with keypoint names and 1-based skeleton as COCO wants it."""
    schema = spinetrack()
    return {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": list(schema.names),
        "skeleton": [[link.start + 1, link.end + 1] for link in schema.links],
    }
