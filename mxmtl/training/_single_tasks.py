"""Each task of a run by itself, with the same settings: what learning them together is beside.

The network is that of all tasks, of which one alone has a weight, so that nothing else differs:
the records, their order, the trunk and the number of steps.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from ..distributed import workers
from ._callbacks import said_once, told
from ._fit import fit
from ._run_folder import Run

log = logging.getLogger("mxmtl")
SINGLE_TASKS = "single_tasks"  # folder in a run's, with a run for each task


@told()
@said_once()
def fit_single_tasks(
    done: Run, train: Any, val: Any = None, *, force: bool = False, **settings: Any
) -> dict[str, Run]:
    """Train each task of a finished run alone, and write ``<run>/single_tasks/<task>``.

    Parameters
    ----------
    done : Run
        The run of all tasks, from `fit`.
    train, val, force, **settings
        As they were given to `fit`; the best epoch is that of the task's own relative loss, and
        nothing is balanced.
    """
    made = {}
    names = done.tasks.names
    for number, name in enumerate(names, 1):
        if workers().leads:
            log.info("task %r alone, %d of %d", name, number, len(names))
        own = {
            **settings,
            "balance": "equal",
            "monitor": f"{name}/relative_loss",
            "task_weight": {other: float(other == name) for other in names},
        }
        folder = os.path.join(done.folder, SINGLE_TASKS, name)
        made[name] = fit(train, val, run=folder, force=force, **own)
    return made
