"""What a network says about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ..tasks import Answer


@dataclass(frozen=True)
class Prediction:
    """The answers of all tasks for one image; made by `Predictor`.

    Attributes
    ----------
    answers : dict of str to Answer
        By task name: its answer, probabilities and thresholds.
    source : str, optional
        The image's path, where it had one.

    Examples
    --------
    >>> breed = Answer("pug", {"beagle": 0.25, "pug": 0.75})
    >>> prediction = Prediction({"breed": breed, "outdoors": Answer(True)}, "rex.jpg")
    >>> print(prediction)
    rex.jpg
    breed     pug  (pug 0.750, beagle 0.250)
    outdoors  yes
    >>> prediction["breed"].probabilities["pug"]
    0.75
    >>> prediction.to_dict()["outdoors"]
    {'answer': True}
    """

    answers: Mapping[str, Answer]
    source: Optional[str] = None

    def __getitem__(self, task: str) -> Answer:
        return self.answers[task]

    def __str__(self) -> str:
        width = max(map(len, self.answers))
        lines = [f"{name:{width}}  {answer}" for name, answer in self.answers.items()]
        return "\n".join([self.source, *lines] if self.source else lines)

    def to_dict(self) -> Dict[str, Any]:
        """Return JSON-able data: ``{task: {"answer": ..., "probabilities": {name: p}, ...}}``."""
        return {name: answer.to_dict() for name, answer in self.answers.items()}
