"""A limit in minutes."""

from __future__ import annotations

from ._session import Callback, Session


class Budget(Callback):
    """Stops after the batch in which so many minutes of training are over.

    Parameters
    ----------
    minutes : float
        Of the whole run: what a resumed run has used before counts.
    """

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes

    def on_batch_end(self, session: Session) -> None:
        """Stop if the time is over."""
        if session.seconds >= 60 * self.minutes:
            session.stop(f"the budget of {self.minutes:g} minutes is used up")

    def on_epoch_end(self, session: Session) -> None:
        """Stop if the time ran out during validation."""
        self.on_batch_end(session)
