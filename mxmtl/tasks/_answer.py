"""What a prediction says about one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Sequence, Tuple, Union

Levels = Optional[Sequence[float]]  # one threshold a column
SHOWN = 3  # probabilities on a line


@dataclass(frozen=True)
class Answer:
    """One task's answer for one image; made by `Task.answer`.

    Attributes
    ----------
    answer : str, bool, tuple of str or float
        The likeliest class; whether a binary task holds; the labels that hold; or the value.
    probabilities : dict of str to float
        By class or label; of a binary task under its own name. Empty for a value.
    thresholds : dict of str to float
        Above which probability each label holds. Empty where the likeliest class is taken.

    Examples
    --------
    >>> print(Answer("pug", {"beagle": 0.25, "pug": 0.75}))
    pug  (pug 0.750, beagle 0.250)
    """

    answer: Union[str, bool, Tuple[str, ...], float]
    probabilities: Dict[str, float] = field(default_factory=dict)
    thresholds: Dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
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

    def to_dict(self) -> Dict[str, Any]:
        """Return JSON-able data; what does not apply is left out."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        parts = {"probabilities": self.probabilities, "thresholds": self.thresholds}
        return {"answer": answer, **{name: part for name, part in parts.items() if part}}
