"""Every loss as its paper has it, in probabilities and float64: what the laws are held against.

``CELLS`` are pairs, of a yes and of a no, as functions of the logit; ``CLASSES`` functions of a
row of logits that return a cost for each class; ``VALUES`` functions of prediction and label.
"""

from __future__ import annotations

from mxmtl import losses

import numpy as np

COUNTS = np.array([[90.0, 10.0], [50.0, 50.0], [3.0, 1.0]])
CLASS_COUNTS = np.array([100.0, 10.0, 1.0, 40.0])


def p(z):
    return np.exp(-np.logaddexp(0, -np.asarray(z, np.longdouble)))


def nll(q):
    return -np.log(q)


def softmax(z):
    z = np.asarray(z, np.longdouble)
    powers = np.exp(z - z.max())
    return powers / powers.sum()


def asymmetric(gamma_neg, gamma_pos, margin):
    def no(z):
        q = np.maximum(p(z) - margin, 0)
        return q**gamma_neg * nll(1 - q) if margin else q**gamma_neg * nll(p(-z))

    return lambda z: p(-z) ** gamma_pos * nll(p(z)), no


def odds(column):
    return np.log(COUNTS[column, 1] / COUNTS[column, 0])


def effective(counts, beta):
    weights = (1 - beta) / (1 - beta**counts)
    return weights * len(counts) / weights.sum()


BALANCED = [effective(row, 0.9) for row in COUNTS]
# Of each loss: what is declared, and (yes, no) of each of three columns.
CELLS = {
    "focal": (
        losses.Focal(),
        [(lambda z: p(-z) ** 2 * nll(p(z)), lambda z: p(z) ** 2 * nll(p(-z)))] * 3,
    ),
    "focal_half": (
        losses.Focal(gamma=0.5, alpha=0.25),
        [(lambda z: 0.25 * p(-z) ** 0.5 * nll(p(z)), lambda z: 0.75 * p(z) ** 0.5 * nll(p(-z)))]
        * 3,
    ),
    "asymmetric_full": (
        losses.Asymmetric(gamma_neg=3, gamma_pos=1, full=True),
        [asymmetric(3, 1, 0.05)] * 3,
    ),
    "asymmetric_no_margin": (losses.Asymmetric(margin=0.0, full=True), [asymmetric(4, 0, 0)] * 3),
    "hill": (
        losses.Hill(),
        [(lambda z: p(1 - z) ** 2 * nll(p(z - 1)), lambda z: (1.5 - p(z)) * p(z) ** 2)] * 3,
    ),
    "focal_margin": (
        losses.FocalMargin(gamma=1, margin=0.5),
        [(lambda z: p(0.5 - z) * nll(p(z - 0.5)), lambda z: nll(p(-z)))] * 3,
    ),
    "proper": (
        losses.ProperAsymmetric(),
        [(lambda z: nll(p(z)), lambda z: nll(p(-3 * (z - 1))) / 5)] * 3,
    ),
    "adjusted": (
        losses.LogitAdjusted(counts=COUNTS.tolist(), tau=0.5),
        [
            (lambda z, k=k: nll(p(z + 0.5 * odds(k))), lambda z, k=k: nll(p(-z - 0.5 * odds(k))))
            for k in range(3)
        ],
    ),
    "balanced": (
        losses.ClassBalanced(counts=COUNTS.tolist(), beta=0.9),
        [(lambda z, w=w: w[1] * nll(p(z)), lambda z, w=w: w[0] * nll(p(-z))) for w in BALANCED],
    ),
}
CLASSES = {
    "focal": (losses.Focal(gamma=1.5), lambda z: (1 - softmax(z)) ** 1.5 * nll(softmax(z))),
    "adjusted": (
        losses.LogitAdjusted(counts=CLASS_COUNTS.tolist()),
        lambda z: nll(softmax(z + np.log(CLASS_COUNTS))),
    ),
    "balanced_softmax": (
        losses.BalancedSoftmax(counts=CLASS_COUNTS.tolist()),
        lambda z: nll(
            CLASS_COUNTS * np.exp(z - z.max()) / np.sum(CLASS_COUNTS * np.exp(z - z.max()))
        ),
    ),
    "balanced": (
        losses.ClassBalanced(counts=CLASS_COUNTS.tolist(), beta=0.99, loss=losses.Focal(gamma=1)),
        lambda z: effective(CLASS_COUNTS, 0.99) * (1 - softmax(z)) * nll(softmax(z)),
    ),
}
VALUES = {
    "huber": (
        losses.Huber(delta=0.7),
        lambda z, y: np.where(abs(z - y) <= 0.7, (z - y) ** 2 / 2, 0.7 * (abs(z - y) - 0.35)),
    ),
    "pinball": (losses.Pinball(level=0.9), lambda z, y: np.maximum(0.9 * (y - z), 0.1 * (z - y))),
}
