"""What a wrong answer costs, and what a missing label is taken for: small declarations.

They are given to a task, ``loss=`` and ``missing_as=``, change training alone, and are kept in
``.tasks.json`` with it. Each is written once, in logits, for Symbols, NDArrays and NumPy.

>>> import mxmtl
>>> loss = mxmtl.losses.Asymmetric(gamma_neg=2)
>>> toys = mxmtl.Multilabel("toys", labels=["ball", "rope"], loss=loss)
>>> toys.to_dict()["loss"]
{'type': 'Asymmetric', 'gamma_neg': 2}
"""

from ._counts import BalancedSoftmax as BalancedSoftmax
from ._counts import ClassBalanced as ClassBalanced
from ._counts import CountedLoss as CountedLoss
from ._counts import LogitAdjusted as LogitAdjusted
from ._counts import counted as counted
from ._counts import effective_weights as effective_weights
from ._counts import log_odds as log_odds
from ._focal import Asymmetric as Asymmetric
from ._focal import Focal as Focal
from ._focal import FocalMargin as FocalMargin
from ._focal import Hill as Hill
from ._focal import ProperAsymmetric as ProperAsymmetric
from ._loss import Declaration as Declaration
from ._loss import Loss as Loss
from ._loss import cross_entropy as cross_entropy
from ._loss import log_softmax as log_softmax
from ._loss import shifted as shifted
from ._missing import KnownFraction as KnownFraction
from ._missing import LargeLoss as LargeLoss
from ._missing import MaximumEntropy as MaximumEntropy
from ._missing import MissingAs as MissingAs
from ._missing import Negative as Negative
from ._missing import Selective as Selective
from ._missing import SelfPaced as SelfPaced
from ._missing import WeakNegative as WeakNegative
from ._values import Huber as Huber
from ._values import Pinball as Pinball

__all__ = [
    "Asymmetric",
    "BalancedSoftmax",
    "ClassBalanced",
    "Focal",
    "FocalMargin",
    "Hill",
    "Huber",
    "KnownFraction",
    "LargeLoss",
    "LogitAdjusted",
    "Loss",
    "MaximumEntropy",
    "MissingAs",
    "Negative",
    "Pinball",
    "ProperAsymmetric",
    "Selective",
    "SelfPaced",
    "WeakNegative",
    "effective_weights",
]
