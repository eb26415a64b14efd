"""People of a dataset: drawn, built, dressed once per subject, then posed once per picture."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from biomech.activities.rig import frames_of, rig_of
from biomech.anatomy import BODIES, coordinate_index
from biomech.errors import AssetError
from biomech.model import SpineModel, build_model
from scenes.body import BodyAsset, load_body
from scenes.catalogue import Catalogue
from scenes.dress import dress
from scenes.engines import open_renderer
from scenes.environment import load_environments
from scenes.expression import REST, Expression, skin_shift
from scenes.hands import Hands
from scenes.person import Person, make_person, posed_vertices, skin_heights, smooth_normals
from scenes.renderer import Renderer
from scenes.rest import bend
from scenes.rig import skin, skin_transforms
from scenes.subject import build_subject
from scenes.wardrobe import draw_wardrobe
from synthgen.annotate import Anchors, anchor_keypoints, keypoints_world, landmarks
from synthgen.assets import PACKS, cache_folder, list_packs
from synthgen.condition import condition_of, draw_condition, draw_profile, limits_of
from synthgen.config import Config
from synthgen.keypoints import spinetrack
from synthgen.motion_poses import open_pools
from synthgen.people import draw_subject
from synthgen.published import moving_like, open_model
from synthgen.sample_types import Condition
from synthgen.settings import digest
from synthgen.shoes import shod
from synthgen.specs import PersonSpec

SUBJECTS = 1
"""Random stream of subjects: default_rng([seed, SUBJECTS, subject])."""

CONDITIONS = 1
"""Random stream of profiles and pathologies: default_rng([seed, SUBJECTS, subject, CONDITIONS])."""

CASTS, CASTS_ALONE = 9, 2
"""People kept built: a block of subjects, who appear in one another's pictures, and three from outside of it; and
where everybody is alone in his pictures, which come one after the other."""

DRAWN = 256
"""Specs of people remembered; a run of a million pictures meets a hundred thousand."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """A subject ready for his pictures.

    Attributes:
        marked: (M,) base-mesh vertices that labels are read off; marked_weights: (M, D) their skinning weights.
    """

    number: int
    spec: PersonSpec
    person: Person
    model: SpineModel
    anchors: Anchors
    condition: Condition
    marked: np.ndarray
    marked_weights: sp.csr_matrix


class Assets:
    """What a worker keeps open: the body, the wardrobe, the environments, one renderer, the people of late."""

    def __init__(self, folder: Path, config: Config) -> None:
        packs = usable_packs(folder, config.assets)
        self.body: BodyAsset = load_body(folder / "body")
        self.catalogue = Catalogue(packs.get("wardrobe"), self.body)
        self.environments = load_environments(packs["hdri"]) if "hdri" in packs else {}
        self.published = open_model(config.model)
        self.motions = open_pools(config)
        self._size = (config.width, config.height)
        self._engine = config.renderer
        self._renderer: Renderer | None = None
        self._casts: OrderedDict[str, Cast] = OrderedDict()
        self._kept = CASTS_ALONE if config.crowd.alone else CASTS
        self._names: dict[tuple[int, int], tuple[PersonSpec, str]] = {}
        self._last: dict[str, tuple[object, Any]] = {}
        self._drawn: tuple[Config | None, dict[int, PersonSpec]] = (None, {})

    @property
    def renderer(self) -> Renderer:
        """Opened at the first picture, so that posing alone needs no graphics."""
        if self._renderer is None:
            self._renderer = open_renderer(self._engine, *self._size)
        return self._renderer

    def cast(self, config: Config, number: int) -> Cast:
        """Subject `number` of a dataset."""
        if self._drawn[0] != config:
            self._drawn = (config, {})
        drawn = self._drawn[1]
        if number not in drawn:
            if len(drawn) >= DRAWN:
                drawn.clear()
            drawn[number] = draw_person(config, self, number)
        return self.cast_of(drawn[number], number)

    def cast_of(self, spec: PersonSpec, number: int) -> Cast:
        """A person built from his spec, or found among those of late."""
        known, name = self._names.get((id(spec), number), (None, ""))
        if known is not spec:  # a digest takes as long as a pose
            if len(self._names) >= DRAWN:
                self._names.clear()
            name = _name(spec, number)
            self._names[id(spec), number] = (spec, name)
        if name not in self._casts:
            while len(self._casts) >= self._kept:
                self._casts.popitem(last=False)
            self._casts[name] = cast_of(spec, self, number)
        self._casts.move_to_end(name)
        return self._casts[name]

    def remember(self, what: str, key: object, make: Callable[[], Any]) -> Any:
        """What was last made of its kind, made anew where the key is another; results must depend on the key alone."""
        if self._last.get(what, (None, None))[0] != key:
            self._last[what] = (key, make())
        return self._last[what][1]

    def close(self) -> None:
        """Release the graphics context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def usable_packs(folder: Path, wanted: str) -> dict[str, Path]:
    """Optional packs to draw from, name -> folder: "minimal" none, "auto" those installed, "full" all of them.

    Raises:
        AssetError: "full" is wanted and a pack is not installed.
    """
    optional = [pack for pack in PACKS if pack.name != "body"]
    if wanted == "minimal":
        return {}
    installed = {state.pack.name for state in list_packs(folder) if state.installed}
    missing = [pack.name for pack in optional if pack.name not in installed]
    if wanted == "full" and missing:
        raise AssetError(
            f"The asset packs {', '.join(missing)} are not installed in {folder}. "
            f"Install them with: synthgen assets install {' '.join(missing)}; or render with --assets minimal."
        )
    return {pack.name: folder / pack.folder for pack in optional if pack.name in installed}


def open_assets(config: Config) -> Assets:
    """Open the installed packs."""
    return Assets(cache_folder(), config)


def draw_person(config: Config, assets: Assets, number: int) -> PersonSpec:
    """Draw subject `number` of a dataset."""
    rng = np.random.default_rng([config.seed, SUBJECTS, number])
    who = draw_subject(config.people, rng)
    ancestry = (who.african, who.asian, who.caucasian)
    wears = draw_wardrobe(config.wardrobe, assets.catalogue, rng, who.sex, who.age, ancestry)
    # A stream of its own, so that who is drawn does not depend on it.
    own = np.random.default_rng([config.seed, SUBJECTS, number, CONDITIONS])
    return PersonSpec(who, wears, draw_profile(config.people, own), draw_condition(config.people, own))


def _name(spec: PersonSpec, number: int) -> str:
    return f"subject-{number}-{digest(spec)[:16]}"


def cast_of(spec: PersonSpec, assets: Assets, number: int) -> Cast:
    """Build a person from his spec."""
    schema = spinetrack()
    bent = bend(assets.body, build_subject(assets.body, spec.subject), spec.profile, spec.pathology)
    subject = bent.subject
    layers = dress(subject.vertices, subject.rig.weights, spec.wardrobe, assets.catalogue)
    anchors = shod(anchor_keypoints(subject, schema), subject, layers, schema)
    marked = subject.geometry.landmarks + landmarks(anchors, schema, BODIES)
    subject = replace(subject, geometry=replace(subject.geometry, landmarks=marked))
    # Named by what he is, not only by number: the renderer keeps surfaces under this name.
    person = make_person(_name(spec, number), subject, layers)
    limits = moving_like(assets.published, limits_of(spec))
    model = build_model(subject.geometry, limits, name=f"subject_{number:06d}")
    condition = condition_of(spec.profile, spec.pathology, bent.measured)
    read = np.unique(np.concatenate([anchors.vertices[anchors.vertices >= 0], anchors.skin_vertices]))
    return Cast(number, spec, person, model, anchors, condition, read, sp.csr_matrix(subject.rig.weights[read]))


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A cast in a pose, standing on the floor.

    Attributes:
        vertices: (V, 3) m and normals: (V, 3) float32 unit, of all his surfaces (see scenes.person).
        skin: (19158, 3) m, the base mesh where he is marked, zeros elsewhere.
    """

    q: np.ndarray
    world_from_body: np.ndarray
    vertices: np.ndarray
    normals: np.ndarray
    keypoints: np.ndarray
    skin: np.ndarray


def put_in_pose(cast: Cast, q: np.ndarray, fingers: Hands | float, face: Expression = REST) -> Posed:
    """Forward kinematics, then the skin. Tests hold the frames to OpenSim's of the same coordinates."""
    subject = cast.person.subject
    frames = frames_of(rig_of(cast.model), q)
    transforms = skin_transforms(subject.rig, frames, fingers)
    posed = posed_vertices(cast.person, transforms, face)
    normals = smooth_normals(cast.person, posed)
    rest = subject.vertices[cast.marked]
    if face != REST:
        rest += skin_shift(cast.person.face, face)[cast.marked]
    surface = np.zeros_like(subject.vertices)
    surface[cast.marked] = skin(cast.marked_weights, rest, transforms)
    return Posed(q, frames, posed, normals, keypoints_world(cast.anchors, frames, surface), surface)


def lowered_to_floor(cast: Cast, q: np.ndarray, fingers: Hands | float, clearance: float) -> np.ndarray:
    """The same coordinates moved up or down so that the lowest vertex is `clearance` m above the floor.

    Hair and bags, which give way, may sink into it.
    """
    frames = frames_of(rig_of(cast.model), q)
    transforms = skin_transforms(cast.person.subject.rig, frames, fingers)
    moved = q.copy()
    moved[coordinate_index("pelvis_ty")] += clearance - skin_heights(cast.person, transforms)[cast.person.bears].min()
    return moved
