"""Losses that let go of what is easy, or of what is hopeless: where most answers are no."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import Any

from ._loss import Loss, log_softmax, softplus

LEAST = 1e-12  # below what float32 tells from 0 beside 1: where powers of 0 have no gradient


def hardness(F: Any, z: Any, gamma: float, detached: bool = False) -> Any:
    """Return (1 - sigmoid(z)) ** gamma, without a power: its gradient is finite everywhere."""
    factor = F.exp(-gamma * softplus(F, z))
    return F.BlockGrad(factor) if detached else factor


@dataclass(frozen=True)
class Focal(Loss):
    """Cross-entropy times (1 - p of what is labelled) ** gamma: easy cells count little.

    For detection and other tasks with very many easy negatives. Not where labels are noisy: the
    wrong ones are hard, and count most. Probabilities come out too near to a half; `mxmtl tune`
    mends that.

    Parameters
    ----------
    gamma : float
        0 is cross-entropy. 2 as in the paper.
    alpha : float, optional
        Of binary and multi-label tasks: a positive cell weighs ``alpha``, a negative 1 - alpha;
        0.25 in the paper. By default both weigh 1.

    Notes
    -----
    The gradient has the sign of p - label: of a positive
    ``-(1 - p)^g ((1 - p) - g p log p)``, of a negative its mirror image.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollar 2017, Focal loss for dense object detection.
    """

    gamma: float = 2.0
    alpha: float | None = None

    def __post_init__(self) -> None:
        self._check("gamma", 0)
        if self.alpha is not None:
            self._check("alpha", 0, 1)

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        positive = hardness(F, logits, self.gamma) * softplus(F, -logits)
        negative = hardness(F, -logits, self.gamma) * softplus(F, logits)
        if self.alpha is None:
            return positive, negative
        return positive * self.alpha, negative * (1 - self.alpha)

    def classes(self, F: Any, logits: Any) -> Any:
        log_p = log_softmax(F, logits)
        if not self.gamma:
            return -log_p
        return -((F.maximum(1.0 - F.exp(log_p), LEAST) ** self.gamma) * log_p)

    def named(self, names: Any, form: str, owner: str) -> Loss:
        if self.alpha is not None and form == "classes":
            raise ValueError(
                f"{owner}: alpha={self.alpha} weighs yes against no; classes have class_weight."
            )
        return super().named(names, form, owner)


@dataclass(frozen=True)
class Asymmetric(Loss):
    """Negatives count by how hard they are, and not at all where p is below a margin.

    For multi-label tasks with many labels of which few hold, and where some of the negatives are
    doubtful. Not for labels that hold as often as not.

    Parameters
    ----------
    gamma_neg, gamma_pos : float
        As `Focal`'s gamma, of negative and of positive cells. 4 and 0 are what its authors train
        with; the class that they publish has 4 and 1.
    margin : float
        A negative costs nothing while p is below it.
    full : bool
        Differentiate the factor as well. By default it is taken for a constant, as its authors
        train it; the gradient of a negative is then ``p (1 - p) q^g / (1 - q)`` with
        q = max(p - margin, 0).

    Notes
    -----
    The gradient has the sign of p - label. Theirs is a sum over labels, here it is the mean: with
    80 labels their learning rate is 80 times as high here.

    References
    ----------
    Ben-Baruch, Ridnik et al. 2021, Asymmetric loss for multi-label classification.
    """

    gamma_neg: float = 4.0
    gamma_pos: float = 0.0
    margin: float = 0.05
    full: bool = False

    def __post_init__(self) -> None:
        self._check("gamma_neg", 0)
        self._check("gamma_pos", 0)
        self._check("margin", 0, 0.99)
        self._check_flag("full")

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        positive = softplus(F, -logits)
        if self.gamma_pos:
            positive = hardness(F, logits, self.gamma_pos, not self.full) * positive
        return positive, self._negative(F, logits)

    def _negative(self, F: Any, logits: Any) -> Any:
        if not self.margin:
            cost = softplus(F, logits)
            factor = hardness(F, -logits, self.gamma_neg, not self.full)
            return factor * cost if self.gamma_neg else cost
        # 1 - q = min(1 - p + margin, 1) is never below the margin: the logarithm is finite.
        q = F.maximum(F.sigmoid(logits) - self.margin, 0.0)
        cost = -F.log(F.minimum(F.sigmoid(-logits) + self.margin, 1.0))
        if not self.gamma_neg:
            return cost
        factor = F.maximum(q, LEAST) ** self.gamma_neg
        return (factor if self.full else F.BlockGrad(factor)) * cost


@dataclass(frozen=True)
class MarginLoss(Loss, ABC):
    """Abstract: positives are focal, with p of the logit less a margin."""

    gamma: float = 2.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        self._check("gamma", 0)
        self._check("margin", 0, 20)

    def _positive(self, F: Any, logits: Any) -> Any:
        z = logits - self.margin
        return hardness(F, z, self.gamma) * softplus(F, -z)


@dataclass(frozen=True)
class FocalMargin(MarginLoss):
    """Positives are focal with p = sigmoid(logit - margin); negatives are cross-entropy.

    For partly labelled data, together with ``missing_as=SelfPaced(gamma=2)``: known positives pull
    harder, so that what is like them is found. Not where a yes can be wrong.

    Parameters
    ----------
    gamma, margin : float
        2 and 1 as its authors train; 0 and 0 are cross-entropy.

    Notes
    -----
    The gradient has the sign of p - label.

    References
    ----------
    Zhang, Cheng et al. 2021, Simple and robust loss design for multi-label learning with missing
    labels.
    """

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        return self._positive(F, logits), softplus(F, logits)


@dataclass(frozen=True)
class Hill(MarginLoss):
    """A negative costs (lam - p) p^2, less again where p is high: it is likely mislabelled.

    For data in which unknown labels were stored as no. Positives are as `FocalMargin` has them.
    Not where negatives can be trusted: confident mistakes are let go.

    Parameters
    ----------
    gamma, margin : float
        Of the positives.
    lam : float
        1.5 as in the paper, where a negative's gradient, ``p^2 (1 - p) (2 lam - 3 p)``, comes
        down to 0 at p = 1; below 1.5 it is negative there.

    References
    ----------
    Zhang, Cheng et al. 2021, Simple and robust loss design for multi-label learning with missing
    labels.
    """

    lam: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("lam", 1)

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        p = F.sigmoid(logits)
        return self._positive(F, logits), (self.lam - p) * F.square(p)


@dataclass(frozen=True)
class ProperAsymmetric(Loss):
    """Asymmetric and strictly proper: softplus of a scaled and shifted logit on each side.

    Has one minimum for each true probability, unlike `Asymmetric`, whose negatives with p below
    the margin cost nothing. Not where probabilities are taken as they come: the sigmoid alone does
    not calibrate them; `calibrated` has the link, and `mxmtl tune` comes near to it by a
    temperature. Rankings are the same.

    Parameters
    ----------
    k_pos, k_neg : float
        Slopes: the costs are ``softplus(-k_pos (z - b_pos)) / zeta_pos`` of a positive and
        ``softplus(k_neg (z - b_neg)) / zeta_neg`` of a negative.
    b_pos, b_neg : float
        Shifts.
    zeta_pos, zeta_neg : float
        Divisors. All six defaults are those of the authors' code.

    Notes
    -----
    The gradient has the sign of p - label: of a positive
    ``-k_pos / zeta_pos sigmoid(-k_pos (z - b_pos))``, of a negative
    ``k_neg / zeta_neg sigmoid(k_neg (z - b_neg))``.

    References
    ----------
    Cheng and Vasconcelos 2024, Towards calibrated multi-label deep neural networks.
    """

    k_pos: float = 1.0
    k_neg: float = 3.0
    b_pos: float = 0.0
    b_neg: float = 1.0
    zeta_pos: float = 1.0
    zeta_neg: float = 5.0

    def __post_init__(self) -> None:
        for option in ("k_pos", "k_neg", "zeta_pos", "zeta_neg"):
            self._check(option, 1e-3)
        for option in ("b_pos", "b_neg"):
            self._check(option, -100, 100)

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        positive = softplus(F, -self.k_pos * (logits - self.b_pos)) / self.zeta_pos
        negative = softplus(F, self.k_neg * (logits - self.b_neg)) / self.zeta_neg
        return positive, negative

    def calibrated(self, F: Any, logits: Any) -> Any:
        """Return the probability at which a logit costs least: its own link instead of sigmoid."""
        rise = self.k_neg / self.zeta_neg * F.sigmoid(self.k_neg * (logits - self.b_neg))
        fall = self.k_pos / self.zeta_pos * F.sigmoid(-self.k_pos * (logits - self.b_pos))
        return rise / (rise + fall)
