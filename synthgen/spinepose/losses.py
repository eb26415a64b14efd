"""What the model is taught by. SpinePose's four terms, each a formula of ours, since theirs were never published.

B batch, K keypoints; w (B, K) weights; P_x, P_y the model's distributions per axis (`axis_probabilities`).

position      sum_bk w KL / sum w, where KL = (KL(Q_x || P_x) + KL(Q_y || P_y)) / 2 in nats and Q = softmax(10 g), g
              the Gaussian of the codec (RTMPose's target). A model that answers in heatmaps is taught by `heatmap`.
heatmap       sum_bk w (CE(G, softmax h) + 20 |e / (W, H)|_1) / sum w, G the normalised Gaussian of 1.3 cells and e the
              error of the heatmap's mean. Also the auxiliary branch's loss, with a weight of its own.
distillation  as position, with the teacher's distribution for Q and its mask for w.
structure     over supported chains, with shares r_i = |d_i| / sum |d| and turns c_i = cos(d_i, d_(i+1)):
              mean_i rho((r_i - m_i) / s_i) + mean_i relu(t_i - c_i). m_i is the label's share where the whole chain
              is labelled, else the prior's mean; s_i is the prior's spread; t_i the prior's lowest turn, or the label's
              where that is lower: neighbouring segments may not fold over each other, which is the chain's order.
smoothness    over supported chains: mean_i rho(|b_i - b*_i| / 0.02) where the whole chain is labelled, else
              mean_i rho(relu(|b_i| - q_i) / 0.02); b_i = (p_(i-1) - 2 p_i + p_(i+1)) / person size, b* the label's,
              q_i the prior's bound. Truly bent backs are not pulled straight: only the excess costs.

rho(e) = log(1 + e^2) / 2 is a square near 0 whose slope falls again beyond 1: a chain that is all wrong is left to the
position terms, whose gradient it would drown at the start.

Points of the last two terms are means of P_x and P_y, which are differentiable. A chain is supported where all nine
points are labelled in the picture, or where there is a prior, at least one shoulder and one hip are labelled or known
to the teacher, and the chain is not seen end-on (its length over person size above the prior's bound, else fading out).
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu

from synthgen.keypoints import SPINE_IDS
from synthgen.spinepose import codec
from synthgen.spinepose.heatmap import TARGET_SIGMA, Outputs, cells, full_precision, probabilities
from synthgen.spinepose.prior import SpinePrior, person_size, prior_from_dict, spine_prior

__all__ = [
    "LossWeights", "SpinePrior", "Targets", "axis_log_probabilities", "distillation_loss", "heatmap_loss",
    "person_size", "position_loss", "prior_from_dict", "smoothness_loss", "spine_prior", "structure_loss", "total_loss",
]  # fmt: skip

BETA = 10.0
"""Inverse temperature of SimCC scores and labels; RTMPose's."""
_BEND_SCALE = 0.02  # of person size: about half a segment's bend; where rho is steepest
_SHARE_SPREAD = 0.03  # of chain length, where there is no prior
_POINT_PULL = 20.0
_SHOULDERS, _HIPS = (5, 6), (11, 12)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Factor of each term; 0 switches it off. The first four defaults are SpinePose's published ones."""

    position: float = 1.0
    distillation: float = 2.5
    structure: float = 0.1
    smoothness: float = 0.5
    heatmap: float = 1.0


class Targets(NamedTuple):
    """Labels of a batch.

    Attributes:
        points: (B, K, 2) input px; anything, NaN too, where the weight is 0.
        weights: (B, K), 0 where there is no label.
        size: (B,) longer side of the person's box, input px.
    """

    points: Tensor
    weights: Tensor
    size: Tensor


class Soft(Protocol):
    """A teacher's targets: distributions (B, K, 2W), (B, K, 2H) and mask (B, K)."""

    simcc_x: Tensor
    simcc_y: Tensor
    mask: Tensor


def total_loss(
    outputs: Outputs,
    targets: Targets | None,
    teacher_targets: Soft | None = None,
    weights: LossWeights | None = None,
    prior: SpinePrior | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum, and each term alone (unweighted, detached).

    Args:
        outputs: of the model. targets: None, or weights of 0, for unlabelled pictures.
        teacher_targets, prior: None switches off what leans on them.
    """
    with full_precision(outputs.simcc_x):
        return _total(outputs, targets, teacher_targets, weights or LossWeights(), prior)


def _total(
    outputs: Outputs, targets: Targets | None, soft: Soft | None, weights: LossWeights, prior: SpinePrior | None
) -> tuple[Tensor, dict[str, Tensor]]:
    terms: dict[str, Tensor] = {}
    if targets is not None and weights.position:
        terms["position"] = (heatmap_loss if outputs.decoded else position_loss)(outputs, targets)
    if targets is not None and weights.heatmap and outputs.heatmaps is not None and not outputs.decoded:
        terms["heatmap"] = heatmap_loss(outputs, targets)
    if soft is not None and weights.distillation:
        terms["distillation"] = distillation_loss(outputs, soft)
    if targets is not None and outputs.simcc_x.shape[1] > max(SPINE_IDS) and (weights.structure or weights.smoothness):
        chain = _chain(outputs, targets, soft, prior)
        if weights.structure:
            terms["structure"] = _structure(chain, prior)
        if weights.smoothness:
            terms["smoothness"] = _smoothness(chain, prior)
    total = outputs.simcc_x.float().sum() * 0.0
    for name, value in terms.items():
        total = total + getattr(weights, name) * value
    return total, {name: value.detach() for name, value in terms.items()} | {"total": total.detach()}


def axis_log_probabilities(outputs: Outputs) -> tuple[Tensor, Tensor]:
    """(B, K, 2W) and (B, K, 2H) logarithms of the model's distributions, in single precision."""
    if outputs.decoded:
        x, y = ((s.float() + 1e-9) for s in outputs[:2])
        return (x / x.sum(-1, keepdim=True)).log(), (y / y.sum(-1, keepdim=True)).log()
    return (outputs.simcc_x.float() * BETA).log_softmax(-1), (outputs.simcc_y.float() * BETA).log_softmax(-1)


def position_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """KL to the codec's labels, nats; see the module."""
    labels = codec.encode(targets.points, targets.weights, _size(outputs))
    soft = [(axis * BETA).softmax(-1) for axis in labels[:2]]
    return _divergence(outputs, soft[0], soft[1], labels.weights)


def distillation_loss(outputs: Outputs, soft: Soft) -> Tensor:
    """KL to the teacher where it knows the point, nats."""
    return _divergence(outputs, soft.simcc_x.float(), soft.simcc_y.float(), soft.mask)


def heatmap_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """Cross-entropy and error of the mean; see the module."""
    heatmaps = outputs.heatmaps
    if heatmaps is None:
        raise ValueError("the model gave no heatmaps: put it in training mode, or build it with heatmaps=True")
    rows, columns = heatmaps.shape[2:]
    weights = codec.encode(targets.points, targets.weights, _size(outputs)).weights
    place = cells(torch.where(weights[..., None] > 0, targets.points, torch.zeros_like(targets.points)).float())
    x = torch.arange(columns, device=heatmaps.device, dtype=torch.float32)
    y = torch.arange(rows, device=heatmaps.device, dtype=torch.float32)
    at_x = torch.exp(-((x - place[..., :1]) ** 2) / (2 * TARGET_SIGMA**2))
    at_y = torch.exp(-((y - place[..., 1:]) ** 2) / (2 * TARGET_SIGMA**2))
    at_x, at_y = (a / a.sum(-1, keepdim=True).clamp(min=1e-6) for a in (at_x, at_y))
    logs = heatmaps.float().flatten(2).log_softmax(-1).view(heatmaps.shape)
    # The target is a product of two Gaussians, so that the sum over cells is two matrix products.
    entropy = -(at_y.unsqueeze(2) @ logs @ at_x.unsqueeze(3)).flatten(2).squeeze(-1)
    share = probabilities(heatmaps)
    mean = torch.stack([(share.sum(2) * x).sum(-1) / columns, (share.sum(3) * y).sum(-1) / rows], -1)
    error = (mean - place / torch.tensor([columns, rows], device=place.device)).abs().sum(-1)
    return _mean(entropy + _POINT_PULL * error, weights)


def structure_loss(
    outputs: Outputs, targets: Targets, soft: Soft | None = None, prior: SpinePrior | None = None
) -> Tensor:
    """Segment shares and chain order; see the module."""
    return _structure(_chain(outputs, targets, soft, prior), prior)


def smoothness_loss(
    outputs: Outputs, targets: Targets, soft: Soft | None = None, prior: SpinePrior | None = None
) -> Tensor:
    """Second differences; see the module."""
    return _smoothness(_chain(outputs, targets, soft, prior), prior)


class _Chain(NamedTuple):
    points: Tensor  # (B, 9, 2) expected
    labels: Tensor  # (B, 9, 2), of any value where not labelled
    labelled: Tensor  # (B,) bool
    support: Tensor  # (B,) 0..1
    size: Tensor  # (B,)


def _chain(outputs: Outputs, targets: Targets, soft: Soft | None, prior: SpinePrior | None) -> _Chain:
    points = torch.stack([codec.expectation(p.exp()) for p in axis_log_probabilities(outputs)], -1)
    spine = list(SPINE_IDS)
    points, size = points[:, spine], targets.size.float().clamp(min=1.0)
    labelled = (targets.weights[:, spine] > 0).all(1)
    labels = torch.where(labelled[:, None, None], targets.points[:, spine].float(), points.detach())
    support = labelled.float()
    if prior is not None:
        known = targets.weights > 0
        if soft is not None:
            known = known | (soft.mask > 0.5)
        anchored = known[:, list(_SHOULDERS)].any(1) & known[:, list(_HIPS)].any(1)
        # Fades in from half the bound to the bound. From values only: no gradient may shorten a chain to escape.
        long = torch.linalg.vector_norm(points.detach().diff(dim=1), dim=-1).sum(1) / size
        side_on = ((long / max(prior.length_low, 1e-6) - 0.5) * 2).clamp(0, 1)
        support = torch.maximum(support, anchored.float() * side_on)
    return _Chain(points, labels, labelled, support, size)


def _structure(chain: _Chain, prior: SpinePrior | None) -> Tensor:
    share, turn = _shape(chain.points)
    true_share, true_turn = _shape(chain.labels)
    spread = share.new_full((8,), _SHARE_SPREAD)
    low = turn.new_full((7,), -1.0)
    if prior is not None:
        spread, low = share.new_tensor(prior.share_spread), turn.new_tensor(prior.turn_low)
        by_label = chain.labelled[:, None]
        true_share = torch.where(by_label, true_share, share.new_tensor(prior.share_mean))
        low = torch.where(by_label, torch.minimum(true_turn, low), low)
    else:
        low = torch.minimum(true_turn, low.new_zeros(7))
    off = _bounded((share - true_share) / spread).mean(1)
    return _mean(off + relu(low - turn).mean(1), chain.support)


def _smoothness(chain: _Chain, prior: SpinePrior | None) -> Tensor:
    bend, true_bend = (_bend(p) / chain.size[:, None, None] for p in (chain.points, chain.labels))
    excess = _length(bend - true_bend)
    if prior is not None:
        excess = torch.where(chain.labelled[:, None], excess, relu(_length(bend) - bend.new_tensor(prior.bend_high)))
    return _mean(_bounded(excess / _BEND_SCALE).mean(1), chain.support)


def _shape(points: Tensor) -> tuple[Tensor, Tensor]:
    """Shares (B, 8) and cosines of the turns (B, 7) of chains (B, 9, 2)."""
    segments = points.diff(dim=1)
    lengths = _length(segments)
    share = lengths / lengths.sum(1, keepdim=True)
    turn = (segments[:, 1:] * segments[:, :-1]).sum(-1) / (lengths[:, 1:] * lengths[:, :-1])
    return share, turn


def _bend(points: Tensor) -> Tensor:
    return points[:, :-2] - 2 * points[:, 1:-1] + points[:, 2:]


def _bounded(excess: Tensor) -> Tensor:
    """rho of the module's formulas."""
    return excess.square().log1p() / 2


def _length(vectors: Tensor) -> Tensor:
    """Length with a gradient at 0."""
    return (vectors.square().sum(-1) + 1e-12).sqrt()


def _divergence(outputs: Outputs, soft_x: Tensor, soft_y: Tensor, weights: Tensor) -> Tensor:
    total = outputs.simcc_x.new_zeros(weights.shape, dtype=torch.float32)
    for log_p, q in zip(axis_log_probabilities(outputs), (soft_x, soft_y), strict=True):
        total = total + (torch.xlogy(q, q) - q * log_p).sum(-1) / 2
    return _mean(total, weights)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean; 0 where nothing weighs. Values of weight 0 do not count, whatever they are."""
    weights = weights.float()
    values = torch.where(weights > 0, values, torch.zeros_like(values))
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


def _size(outputs: Outputs) -> tuple[int, int]:
    return int(outputs.simcc_x.shape[-1] / codec.SPLIT), int(outputs.simcc_y.shape[-1] / codec.SPLIT)
