"""Labels and answers of single records in words."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

import numpy as np

from ..tasks import Task

MISSING = "\N{EM DASH}"  # what stands for a missing label
LENGTH = 72  # letters of a label or an answer
NAMED = 2  # probabilities given for one record


class Said(NamedTuple):
    """What is known of one task of one record, what was answered, and whether that is right.

    ``right`` is None where the label is missing, or where no answer is right or wrong.
    ``probabilities`` are those farthest from the label, by class or label.
    """

    label: str
    answer: str
    right: Optional[bool]
    probabilities: Dict[str, float]


def said(task: Task, label: np.ndarray, prediction: np.ndarray, threshold: Any = None) -> Said:
    """Put one record's label (label_width,) and prediction (num_outputs,) into words.

    Examples
    --------
    >>> import mxmtl
    >>> breed = mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"])
    >>> said(breed, np.array([2.0]), np.array([0.75, 0.125, 0.125]))
    Said(label='pug', answer='beagle', right=False, probabilities={'pug': 0.125, 'beagle': 0.75})
    """
    wanted = task.as_prediction(label.reshape(task.label_shape(1)))[0]
    missing = np.isnan(wanted)
    answer = task.answer(prediction, threshold)
    right = None
    if answer.probabilities and not missing.all():
        # An unknown cell is as it was answered; so the answers differ only where a label says so.
        filled = np.where(missing, prediction, wanted)
        right = task.answer(filled, threshold).answer == answer.answer
    far = np.where(missing, -1.0, np.abs(prediction - np.where(missing, 0.0, wanted)))
    names = list(answer.probabilities)
    order = [i for i in np.argsort(-far, kind="stable")[:NAMED] if names and not missing[i]]
    probabilities = {names[i]: float(prediction[i]) for i in order}
    return Said(label_words(task, label), short(answer.text), right, probabilities)


def label_words(task: Task, label: np.ndarray) -> str:
    """Say what one label (label_width,) tells; `MISSING` where nothing is known.

    >>> import mxmtl
    >>> label_words(mxmtl.Multilabel("toys", labels=["ball", "rope"]), np.array([1.0, -1.0]))
    'ball (rope?)'
    """
    known = task.labelled(label)
    if not known.any():
        return MISSING
    text = task.answer(task.as_prediction(label.reshape(task.label_shape(1)))[0]).text
    unknown = [f"{name}?" for name, is_known in zip(task.names, known) if not is_known]
    return short(f"{text} ({', '.join(unknown)})" if unknown else text)


def short(text: str) -> str:
    """Cut a text that is too long for a caption."""
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
