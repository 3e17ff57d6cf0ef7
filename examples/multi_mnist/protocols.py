"""What the two papers did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mxmtl

import mxnet as mx
from lenet import Dropout

BATCH_SIZE = 256  # of both papers, and so are 100 epochs
EPOCHS = 100
MEAN, STD = 0.1307 * 255, 0.3081 * 255  # of MNIST; both papers use them
MODELS = {"left": ["left"], "right": ["right"], "both": ["left", "right"]}


@dataclass(frozen=True)
class Protocol:
    """One way to train, and to choose what is reported.

    Attributes
    ----------
    paper : str
        Where it is from.
    optimizer : str
        MXNet's name; ``options`` are its further arguments.
    lr : dict
        Highest learning rate of each model. ``factor`` multiplies it each time when ``period``
        of all epochs are over; if that is 0, after each of 100 epochs.
    hold_out : bool
        Keep the last 10,000 of the 60,000 training pictures for validation.
    weight : float
        The weight of each of the two tasks where both are trained.
    normalization : {"batch", "valid"}
        The short last batch is divided by the size of the others, or by its own.
    random_biases : bool
        Biases begin as PyTorch's do, else at 0.
    best : bool
        Report the epoch that was best on the validation pictures, else the last one.
    """

    paper: str
    optimizer: str
    lr: Mapping[str, float]
    factor: float
    dropout: Dropout
    period: float = 0.0
    options: Mapping[str, float] = field(default_factory=dict)
    hold_out: bool = True
    weight: float = 1.0
    normalization: str = "batch"
    random_biases: bool = False
    best: bool = False

    def tasks(self, model: str) -> mxmtl.TaskSet:
        """Declare which digits are to be told."""
        names = MODELS[model]
        weight = self.weight if len(names) > 1 else 1.0
        classes = [str(digit) for digit in range(10)]
        tasks = [mxmtl.Multiclass(name, classes, weight=weight) for name in names]
        return mxmtl.TaskSet(tasks, normalization=self.normalization)

    def optimizer_params(self, lr: float, epochs: int, steps: int) -> dict[str, Any]:
        """Return the optimizer's arguments for so many epochs of so many steps each.

        Fewer than 100 epochs go through the same rates as 100, faster.
        """
        period = max(1, round(self.period * epochs)) * steps
        factor = self.factor if self.period else self.factor ** (EPOCHS / epochs)
        schedule = mx.lr_scheduler.FactorScheduler(period, factor, 0, base_lr=lr)
        # learning_rate=None: otherwise the optimizer's default takes the place of the schedule's.
        return {"learning_rate": None, "lr_scheduler": schedule, "wd": 0.0, **self.options}


def initializer() -> mx.init.Initializer:
    """Draw weights from U(-b, b) with b = 1 / sqrt(fan in), PyTorch's default.

    Biases are 0 unless the network says otherwise.
    """
    return mx.init.Xavier("uniform", "in", 1)


SENER = Protocol(
    paper="Sener & Koltun 2018",
    optimizer="sgd",
    options={"momentum": 0.9},
    lr={"left": 0.05, "right": 0.05, "both": 0.05},
    factor=0.5,
    period=0.3,
    dropout=Dropout(channels=0.2, hidden=0.5),
    hold_out=False,
    weight=0.5,
)
KURIN = Protocol(
    paper="Kurin et al. 2022",
    optimizer="adam",
    lr={"left": 0.01, "right": 0.01, "both": 0.01},
    factor=0.95,
    dropout=Dropout(channels=0.5, hidden=0.5, published=True),
    normalization="valid",
    random_biases=True,
    best=True,
)
PROTOCOLS: dict[str, Protocol] = {"sener": SENER, "kurin": KURIN}
