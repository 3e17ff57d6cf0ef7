"""What every task is: a name, a label layout, a head, a loss, missing labels, answers."""

from __future__ import annotations

import abc
import inspect
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from .._options import constructor_signature, one_of
from ..losses import Loss
from ._checks import check_number, check_options, is_missing_cell, options_of
from ._kind import Kind
from ._objective import Objective
from ._operators import middle

Levels = Sequence[float] | None  # one threshold a column
SHOWN = 3  # probabilities on a line
NORMALIZATIONS = ("batch", "valid")
LONGEST, MOST_COLUMN = 1000, 10_000  # letters of a name of a task, and of a column
ABSTRACT = "__isabstractmethod__"
WRITTEN = ("activate", "cell_loss")  # what an output operator has the gradient of


@dataclass(frozen=True)
class Answer:
    """One task's answer for one image; made by `Task.answer`.

    Attributes
    ----------
    answer : str, bool, tuple of str or float
        The class; whether a binary task holds; the labels that hold; or the value.
    probabilities : dict of str to float
        By class or label; of a binary task under its own name. Empty for a value.
    thresholds : dict of str to float
        Above which probability each label holds. Empty where the likeliest class is taken.
    interval : (float, float), optional
        Where the value lies as likely as the task asks for.

    Examples
    --------
    >>> print(Answer("pug", {"beagle": 0.25, "pug": 0.75}))
    pug  (pug 0.750, beagle 0.250)
    """

    answer: str | bool | tuple[str, ...] | float
    probabilities: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.interval is not None:
            return f"{self.text} ({self.interval[0]:.6g} to {self.interval[1]:.6g})"
        if not self.probabilities:
            return self.text
        likeliest = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{name} {p:.3f}" for name, p in likeliest[:SHOWN])
        more = len(likeliest) - SHOWN
        return f"{self.text}  ({shown}{f', {more} more' if more > 0 else ''})"

    @property
    def text(self) -> str:
        """The answer in words: ``pug``, ``yes``, ``ball, rope``, ``none``, ``3.5``."""
        if isinstance(self.answer, bool):
            return "yes" if self.answer else "no"
        if isinstance(self.answer, tuple):
            return ", ".join(self.answer) or "none"
        return self.answer if isinstance(self.answer, str) else f"{self.answer:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data; what does not apply is left out."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        interval = list(self.interval) if self.interval else None
        parts = {
            "probabilities": self.probabilities,
            "thresholds": self.thresholds,
            "interval": interval,
        }
        return {"answer": answer, **{name: part for name, part in parts.items() if part}}


class LabelError(ValueError):
    """A cell that is no label of its task. The message says what was found and expected."""


class TaskType(abc.ABCMeta):
    """The type of task types: checks each task when it is made, whatever its constructor did."""

    @property
    def __signature__(cls) -> inspect.Signature:
        return constructor_signature(cls)

    def __call__(cls, *args: Any, **options: Any) -> Any:
        task = super().__call__(*args, **options)
        task.check()
        return task


@dataclass(frozen=True)
class Task(Objective, metaclass=TaskType):
    """One thing to predict, declared once; the base of `Multiclass`, `Binary`, ...

    A concrete task says how wide its label and its head are, how a cell becomes a label, and
    what activation and loss belong to it. Masking, weighting and normalization are written here,
    once, for all of them; what follows from its kind is written in the kind. `ClassTask` and
    `SigmoidTask` are abstract too, and what a new type of task is most easily derived from.

    A class that is derived from it is checked as it is made, and so is each task: what is wrong
    is said there, and not by wrong numbers later. A class that is abstract itself says so with
    ``abc.ABC`` among its bases, or by abstract methods of its own.

    Attributes
    ----------
    name : str
        Letters of any script, digits, ``_`` and ``-``. Symbol, parameter and metric names follow.
    column : str, optional
        Column of the table that holds the label, where it is not called as the task is.
    kind : Kind
        What a label says, and what follows from it: ``"class"`` (one id of several), ``"cells"``
        (independent 0/1 cells) or ``"value"`` (a real number). A class may give the name alone.
    loss : Loss, optional
        What a wrong answer costs in training, one of `mxmtl.losses`, instead of `cell_loss`. It
        changes neither predictions nor what `TaskLoss` measures.
    loss_form : str
        Which form of a `Loss` it takes: ``"cells"``, ``"classes"`` or ``"values"``; "" for none.
    missing : float
        How an unknown label is stored: -1, or NaN where -1 may be a value.
    default_metrics : tuple of str
        Names (snake case) of the metrics that `TaskSet.metrics` makes for it.
    types : dict
        Every concrete task class by its name.
    """

    name: str
    column: str | None = field(default=None, kw_only=True)
    loss: Loss | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind]
    loss_form: ClassVar[str] = ""
    missing: ClassVar[float] = -1.0
    ordered: ClassVar[bool] = False  # whether the order of its names means something
    default_metrics: ClassVar[tuple[str, ...]]
    types: ClassVar[dict[str, type[Task]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in vars(cls):
            cls.kind = Kind.named(cls.kind, cls.__name__)
        own = (getattr(member, ABSTRACT, False) for member in vars(cls).values())
        if abc.ABC not in cls.__bases__ and not any(own):
            _check_type(cls)
            known = Task.types.setdefault(cls.__name__, cls)
            if known.__module__ != cls.__module__:  # files name the type, and one could be read
                raise TypeError(
                    f"{cls.__name__}: there is a type of task of this name already, of "
                    f"{known.__module__}; give it another name."
                )
            Task.types[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Check and complete the options; what is derived from this one begins with it."""
        if self.loss is not None:
            object.__setattr__(self, "loss", Loss.of(self.loss, f"task {self.name!r}"))

    def check(self) -> None:
        """Raise `ValueError` or `TypeError` for what no task may be; called when one is made."""
        if not isinstance(self.name, str) or not is_task_name(self.name):
            raise ValueError(
                f"task name {self.name!r}: expected letters, digits, '_' and '-' (it becomes a "
                "symbol and a file name); a column of another name can be given as column."
            )
        if len(self.name) > LONGEST:  # it is part of the name of each of its columns
            raise ValueError(f"task name {self.name[:40]!r}...: at most {LONGEST} letters.")
        column = self.column
        if column is not None and not (isinstance(column, str) and 0 < len(column) <= MOST_COLUMN):
            raise ValueError(
                f"task {self.name!r}: column={column!r:.80}: expected a name, of at most "
                f"{MOST_COLUMN} letters."
            )
        check_number(self.name, "weight", self.weight, low=0.0)
        self.kind.check(self)
        if self.loss is not None:
            where = f"task {self.name!r}"
            if not self.loss_form:
                raise ValueError(f"{where}: {type(self).__name__} has a loss of its own.")
            names = self.names or self.columns
            object.__setattr__(self, "loss", self.loss.named(names, self.loss_form, where))

    # -- names and layout --------------------------------------------------------------------
    @property
    @abc.abstractmethod
    def weight(self) -> float:
        """What this task's loss is multiplied by. Every concrete task has it as a field."""

    @property
    def label_name(self) -> str:
        """Name of the label variable: ``<name>_label``."""
        return f"{self.name}_label"

    @property
    def output_name(self) -> str:
        """Name of the head's output: ``<name>_output``."""
        return f"{self.name}_output"

    @property
    def epoch_name(self) -> str | None:
        """Name of the variable that counts finished epochs, if training depends on them."""
        return None

    @property
    def padding(self) -> float:
        """What stands in rows that only fill a batch: `missing`, where that says it."""
        return self.missing

    @property
    def columns(self) -> tuple[str, ...]:
        """What the stored floats are called, one each: the table's columns, if none are told."""
        return (self.name,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The table columns that are read: `columns`, or what ``column`` says.

        >>> import mxmtl
        >>> mxmtl.Multilabel("finding", labels=["Lung Opacity"], column="{label}").sources
        ('Lung Opacity',)
        """
        return self.columns if self.column is None else (self.column,)

    @property
    def label_width(self) -> int:
        """Number of floats stored for one record."""
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes or labels; empty where there is nothing to name."""
        return ()

    @property
    @abc.abstractmethod
    def num_outputs(self) -> int:
        """Width of the prediction: (N, num_outputs)."""

    @property
    def num_logits(self) -> int:
        """Width of the head: logits are (N, num_logits). As wide as the prediction, if not told."""
        return self.num_outputs

    @property
    def thresholds_at_start(self) -> tuple[float, ...]:
        """Biases to begin with, of a head whose logits share one direction of the features.

        Such a head has a weight (1, num_features) and num_logits biases; () for one that has a
        direction for each logit.
        """
        return ()

    def label_shape(self, batch_size: int) -> tuple[int, ...]:
        """Shape of a batch of labels: (N,), or (N, label_width) for a multi-label task."""
        return (batch_size,)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `LabelError` unless this is the shape of a batch of this task's labels."""
        if tuple(shape) != self.label_shape(shape[0] if shape else 0):
            expected = ("N", *map(str, self.label_shape(0)[1:]))
            raise LabelError(
                f"task {self.name!r}: labels have shape {tuple(shape)}; expected "
                f"({', '.join(expected)}). Were they made for other tasks? tasks.split cuts them."
            )

    def check_logits(self, shape: tuple[int, ...]) -> None:
        """Raise `ValueError` unless this is the shape of a batch of this task's logits."""
        if len(shape) != 2 or shape[1] != self.num_logits:
            raise ValueError(
                f"task {self.name!r}: logits have shape {tuple(shape)}; expected "
                f"(N, {self.num_logits}). Was the net made for other tasks?"
            )

    # -- cells <-> labels --------------------------------------------------------------------
    @abc.abstractmethod
    def encode_cell(self, cell: Any, column: str) -> float:
        """Turn one known cell into its stored value, or raise `LabelError`."""

    @abc.abstractmethod
    def decode_cell(self, value: float) -> str:
        """Turn one known stored value into the text that `encode_cell` reads."""

    def valid(self, label: np.ndarray) -> np.ndarray:
        """Which entries of an array of labels are missing or a legal value: bool, same shape."""
        return self.kind.valid(self, label)

    def encode_cells(self, cells: Sequence[Any]) -> tuple[float, ...]:
        """Turn the cells of `sources` into stored values, or raise `LabelError`."""
        return self._cell_by_cell(cells, self.sources)

    def _cell_by_cell(self, cells: Sequence[Any], columns: Sequence[str]) -> tuple[float, ...]:
        return tuple(
            self.missing if is_missing_cell(cell) else self.encode_cell(cell, column)
            for cell, column in zip(cells, columns)
        )

    def encode(self, row: Mapping[str, Any]) -> np.ndarray:
        """Turn a table row into this task's label: float32, shape (label_width,).

        Empty cells, None and NaN are missing. A column that is absent raises `LabelError`, and
        so does a cell that is no label of this task. A row that `decode` made is read as well.
        """
        sources = self.sources
        if not row.keys() >= set(sources) and row.keys() >= set(self.columns):
            cells = [row[column] for column in self.columns]
            return np.array(self._cell_by_cell(cells, self.columns), np.float32)
        for column in sources:
            if column not in row:
                names = sorted(map(str, row))
                raise LabelError(
                    f"task {self.name!r}: column {column!r} is not {one_of(column, names)}. "
                    "Add it, with empty cells where the label is unknown."
                )
        return np.array(self.encode_cells([row[column] for column in sources]), np.float32)

    def decode(self, label: np.ndarray) -> dict[str, str]:
        """Turn one label of shape (label_width,) into {column: text}; missing cells are ''.

        Raises `LabelError` for what no cell says, such as a soft label.
        """
        label = np.asarray(label, dtype=np.float32).reshape(self.label_width)
        known, valid = self.labelled(label), self.valid(label)
        if not valid.all():
            place = int(np.argmin(valid))
            where = f"task {self.name!r} ({self.columns[place]})"
            raise LabelError(f"{where}: {label[place]:g} is no label that a cell can say.")
        return {
            column: self.decode_cell(float(value)) if is_known else ""
            for column, value, is_known in zip(self.columns, label, known)
        }

    def _refuse(self, cell: Any, column: str, expected: str) -> LabelError:
        where = f"task {self.name!r}" + ("" if column == self.name else f" ({column})")
        return LabelError(
            f"{where}: {str(cell)!r} is not {expected}. Leave the cell empty if it is unknown."
        )

    # -- in words ------------------------------------------------------------------------------
    @abc.abstractmethod
    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        """Put predictions (N, num_outputs) into words: {table column: array (N,)}.

        Table columns hold the likeliest answers as labels are spelled, ``<column>.probability``
        how likely they are. A cell holds above its ``threshold``, one a column (0.5).
        """

    @abc.abstractmethod
    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        """Put the prediction of one image, (num_outputs,), into words; as `describe`."""

    @property
    def takes_median(self) -> bool:
        """Whether of several classes the median is the answer, instead of the likeliest one."""
        return False

    def chosen(self, prediction: np.ndarray) -> np.ndarray:
        """Return which of several classes is the answer to (N, num_outputs): intp (N,)."""
        return middle(prediction) if self.takes_median else prediction.argmax(axis=1)

    @property
    def units(self) -> tuple[float, float]:
        """Where predictions lie, and how far from each other: 0 and 1 where nothing says more."""
        return 0.0, 1.0

    def nearest(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return what errors of values are measured from: of all that is the same, the nearest."""
        return prediction

    def as_prediction(self, label: np.ndarray) -> np.ndarray:
        """Return what labels want predicted: float64 (N, num_outputs), NaN where missing."""
        return self.kind.as_prediction(self, label)

    # -- files ---------------------------------------------------------------------------------
    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as JSON-able data; options left at their default are left out."""
        return {"type": type(self).__name__, **options_of(self)}

    @staticmethod
    def from_dict(spec: Mapping[str, Any]) -> Task:
        """Make the task that `to_dict` described; `ValueError` for an unknown type or option."""
        options = dict(spec)
        name = options.pop("type", None)
        if name not in Task.types:
            raise ValueError(f"task type {name!r} is not {one_of(str(name), sorted(Task.types))}.")
        check_options(Task.types[name], options)
        made: Task = Task.types[name](**options)
        return made


def is_task_name(text: str) -> bool:
    """Tell whether a text may name a task: letters and marks of any script, digits, _ and -.

    >>> is_task_name("coat_length"), is_task_name("身長"), is_task_name("a b"), is_task_name("-a")
    (True, True, False, False)
    """
    return (
        not text.startswith("-")
        and text != ""
        and all(
            character in "_-" or unicodedata.category(character)[0] in "LNM" for character in text
        )
    )


def _check_type(cls: Any) -> None:
    # As the class is made, so that its author hears of it: not who trains with it.
    lacking = [name for name in dir(cls) if getattr(getattr(cls, name, None), ABSTRACT, False)]
    lacking += [name for name in ("kind", "default_metrics") if not hasattr(cls, name)]
    if lacking:
        raise TypeError(
            f"{cls.__name__}: a type of task needs {', '.join(sorted(lacking))} as well. (If it is "
            "to be derived from, put abc.ABC among its bases.)"
        )
    # Metrics stand above tasks: where none are loaded yet, mxmtl.metrics.default_metrics checks.
    known = cls.kind.metrics
    unknown = [name for name in cls.default_metrics if known and name not in known]
    if unknown:
        raise TypeError(
            f"{cls.__name__}: default_metrics has {unknown}, which are no metrics for tasks of "
            f"kind {str(cls.kind)!r}; there are {sorted(known)}."
        )
    # A gradient that is not that of the loss would train something else, and nothing would tell.
    order = cls.__mro__
    owner = {name: next(c for c in order if name in vars(c)) for name in ("output_op", *WRITTEN)}
    above = owner["output_op"]
    for name in WRITTEN:
        if above is not Objective and order.index(owner[name]) < order.index(above):
            raise TypeError(
                f"{cls.__name__}: {name} is its own, but output_op is that of {above.__name__}, "
                f"whose gradient belongs to another {name}. Write output_op = Task.output_op in "
                "the class, which takes the gradient from cell_loss, or give an output_op of its "
                "own."
            )
