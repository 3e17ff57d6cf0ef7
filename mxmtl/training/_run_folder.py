"""The folder of a run: what it was told, whose the files in it are, and who trains in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from .._files import open_regular
from ..model import (
    MODEL,
    PREFIX,
    SETTINGS,
    SYMBOL,
    ModelFile,
    Predictor,
    RunFolder,
    remove_unfinished,
    write_symbol,
)
from ._network import SymbolAndParams
from ._records import TrainAndVal
from ._settings import Settings, load_settings, save_settings

OURS = re.compile(
    rf"{PREFIX}(-symbol)?\.json|{PREFIX}-\d{{4,}}(-batch-\d{{4,}})?\.(json|params|optimizer)"
)
EVALUATION, REPORTING = "mxmtl.evaluation", "mxmtl.reporting"  # they know runs: not the reverse
LOG_FILES = ("log.csv", "log.jsonl")


class Run(RunFolder):
    """A folder that `mxmtl.fit` or ``mxmtl train`` wrote, with what the run was told.

    It is made, and has all else, as `mxmtl.model.RunFolder`.

    Examples
    --------
    ::

        run = mxmtl.fit("data/train", "data/val", run="runs/first")
        run.tune("data/val", objective="f1")
        print(run.evaluate("data/test", bootstrap=200))
        run.report("report.html", "data/test")
        run.predict(["photo.jpg"])
    """

    @property
    def settings(self) -> Settings:
        """What the run was told."""
        return load_settings(self.folder / SETTINGS)[0]

    @property
    def records(self) -> tuple[Any, Any]:
        """Prefixes of the training and the validation records (None where there are none)."""
        return load_settings(self.folder / SETTINGS)[1:]

    def evaluate(self, records: Any, **options: Any) -> Any:
        """Measure it on labelled records, as `mxmtl.evaluation.evaluate`; an `Evaluation`."""
        return import_module(EVALUATION).evaluate(self, records, **options)

    def tune(self, records: Any, **options: Any) -> Any:
        """Choose temperatures and thresholds on records, as `mxmtl.evaluation.tune`.

        ``options`` are the fields of `TuneOptions`, such as ``objective="youden"``, and those of
        `tune` itself. Returns a `Tuning`.
        """
        door = import_module(EVALUATION)
        chosen = {key: options.pop(key) for key in vars(door.TuneOptions()) if key in options}
        if chosen:
            options["options"] = door.TuneOptions(**chosen)
        return door.tune(self, records, **options)

    def report(
        self, path: Any = None, records: Any = None, *, force: bool = False, **options: Any
    ) -> Any:
        """Report on it, as `mxmtl.reporting.report_runs`; written if a path is given.

        ``records`` are by default those that it was validated on. Returns a `RunReport`.
        """
        door = import_module(REPORTING)
        if path is not None:
            door.check_output(path, force=force)
        made = door.report_runs(self, records, **options)
        if path is not None:
            made.save(path, force=force)
        return made

    def predict(self, images: Any, which: str = "best", **options: Any) -> Any:
        """Answer for images, as `mxmtl.Predictor`: one answer by task for each."""
        return Predictor(self, which, **options)(images)


def check_folder(folder: Path, settings: Settings, force: bool) -> None:
    """Raise `FileExistsError` if a run in this folder would cost files; nothing is changed.

    A run is there as soon as its settings are. Files of such names without them are those of a
    loop of one's own, or of another program; they are not replaced even if asked to.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "a file is there; a run is a folder", str(folder))
    ours = files_of_run(folder)
    if not (folder / SETTINGS).exists():
        if ours:
            raise FileExistsError(
                f"{ours[0]}: training would replace it, and no run wrote it (there is no "
                f"{SETTINGS}). Choose another folder, or move such files away."
            )
        return
    if not force:
        raise FileExistsError(
            f"{folder} holds a run. Go on with it (--resume), replace it (--force), or "
            "choose another folder."
        )
    for source in (f"{settings.trunk}-{SYMBOL[len(PREFIX) + 1 :]}", settings.weights):
        for path in ours:
            if os.path.exists(source) and os.path.samefile(source, path):
                raise FileExistsError(
                    f"{path}: replacing the run would delete it, and the new one begins with it. "
                    "Choose another folder."
                )


def files_of_run(folder: Path) -> list[Path]:
    """Return the files in a folder that have the names of a run's model and checkpoints."""
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return [folder / name for name in names if OURS.fullmatch(name)]


def claim(folder: Path) -> None:
    """Make the folder ready for a new run; one that is there goes, settings and logs too."""
    if (folder / SETTINGS).exists():
        if (folder / SYMBOL).exists():
            with locked(folder):
                pass  # nobody trains there
        (folder / SETTINGS).unlink()
        logs = [folder / name for name in LOG_FILES if (folder / name).exists()]
        for path in [*files_of_run(folder), *logs]:
            path.unlink()
        remove_unfinished(folder)
    folder.mkdir(parents=True, exist_ok=True)


def write_run(
    folder: Path,
    settings: Settings,
    model: ModelFile,
    network: SymbolAndParams,
    records: TrainAndVal,
) -> None:
    """Write what a run begins with, or nothing: the settings come last, and make it a run."""
    try:
        model.save(folder / MODEL)
        write_symbol(folder, network.symbol)
        save_settings(folder / SETTINGS, settings, *records.prefixes, records.note())
    except BaseException:
        for name in (MODEL, SYMBOL):  # they would look like files of others
            if (folder / name).exists():
                (folder / name).unlink()
        raise


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder; `ValueError` if another process does.

    The lock is the operating system's, on the symbol file: it ends with the process, however that
    ends, and leaves no file behind.
    """
    with open_regular(folder / SYMBOL) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"{folder}: another process is training in this folder.") from error
        yield
