"""Checkpoints: MXNet's files of arrays, and one JSON that says that they are good.

MXNet writes ``.params`` files in place, without a checksum: one that was cut off, or changed by
one bit, loads without a word. Here arrays are written beside their place and moved there when
they are whole, and a checkpoint's JSON, which comes last, has the SHA-256 of each of its files.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx

from .._files import (
    NestedError,
    PathLike,
    atomic_write,
    read_json,
    sha256_of,
    temporary_beside,
    write_json,
)
from .._foreign import load_arrays

log = logging.getLogger("mxmtl")

Arrays = dict[str, mx.nd.NDArray]
FORMAT = "mxmtl.checkpoint"
VERSION = 1
PREFIX = "model"
SYMBOL = f"{PREFIX}-symbol.json"
FORM = {
    "files": {str: {"name": str, "sha256": str}},
    # Of a run: what a loop of one's own saves has neither.
    "history?": [{"epoch": int, "best?": bool, "lr?": (float, None), "seconds?": (float, None),
                  "images_per_second?": (float, None), "train?": ({str: object}, None),
                  "val?": ({str: object}, None)}],
    "seconds?": (float, None), "num_update?": int,
    "random?": object, "iterator?": ({str: object}, None),
    "optimizer?": {"name?": str, "trees": [[object]], "numbers": {str: (float, None)}},
}  # fmt: skip
NAME = re.compile(PREFIX + r"-(\d{4,})(?:-batch-(\d{4,}))?\.json")


class CheckpointError(ValueError):
    """A checkpoint whose files are missing or are not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that lies in a folder; made by `find_checkpoints` and `write_checkpoint`.

    Attributes
    ----------
    folder : Path
        Where its files are.
    epoch, batch : int
        How many epochs were finished, and how many batches of the next one.
    """

    folder: Path
    epoch: int
    batch: int = 0

    @property
    def prefix(self) -> str:
        """What MXNet's loader takes: ``mx.model.load_params(prefix, number)``."""
        return f"{PREFIX}-{self.epoch:04d}-batch" if self.batch else PREFIX

    @property
    def stem(self) -> str:
        """Name of its files without their endings."""
        return f"{self.prefix}-{self.batch or self.epoch:04d}"

    def path(self, ending: str) -> Path:
        """Return the path of one of its files."""
        return self.folder / f"{self.stem}{ending}"

    def state(self) -> dict[str, Any]:
        """Read its JSON, and check every file that it names.

        Raises `CheckpointError`, with the name of the file, if one is missing or changed.
        """
        try:
            data = read_json(self.path(".json"), FORMAT, VERSION, FORM)
            own = (SYMBOL, *(self.path(ending).name for ending in (".params", ".optimizer")))
            for file in data["files"].values():
                if file["name"] not in own:  # no other file of the machine is read for it
                    raise CheckpointError(
                        f"{self.path('.json')}: it names {file['name'][:80]!r}, and has {own}."
                    )
                if sha256_of(self.folder / file["name"]) != file["sha256"]:
                    raise CheckpointError(
                        f"{self.folder / file['name']}: not what was written (its SHA-256 "
                        "differs)."
                    )
        except FileNotFoundError as error:
            raise CheckpointError(f"{error.filename}: no such file.") from error
        except OSError as error:
            raise CheckpointError(f"{error.filename}: {error.strerror}.") from error
        except (CheckpointError, NestedError):  # no crash leaves the latter, so none is passed over
            raise
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        return data

    def params(self) -> tuple[Arrays, Arrays]:
        """Read (arg_params, aux_params)."""
        return of_two_kinds(self._arrays(".params"))

    def optimizer(self) -> Arrays:
        """Read the arrays of the optimizer's states."""
        return self._arrays(".optimizer")

    def _arrays(self, ending: str) -> Arrays:
        try:
            return load_arrays(self.path(ending))
        except ValueError as error:
            raise CheckpointError(
                f"{error} Delete {self.stem}.json, and the checkpoint before it is taken."
            ) from error

    def remove(self) -> None:
        """Delete it, its JSON first: what remains after a crash does not count as good."""
        for ending in (".json", ".params", ".optimizer"):
            if self.path(ending).exists():
                self.path(ending).unlink()


def of_two_kinds(arrays: Arrays) -> tuple[Arrays, Arrays]:
    """Return (arg_params, aux_params) by the names in a ``.params`` file."""
    pairs = [(*key.partition(":")[::2], array) for key, array in arrays.items()]
    args = {name: array for kind, name, array in pairs if kind == "arg"}
    return args, {name: array for kind, name, array in pairs if kind != "arg"}


def save_arrays(path: PathLike, arrays: dict[str, mx.nd.NDArray]) -> str:
    """Write arrays as ``mx.nd.save`` does, whole or not at all; return the file's SHA-256.

    Raises `OSError` with the file's name where MXNet says only that something failed, or says
    nothing: it does not look whether a file could be closed, which is when a full disk may show.
    """
    # MXNet wants a name, not an open file. The dot hides it from whoever lists models.
    handle, temporary = temporary_beside(os.path.abspath(os.fspath(path)))
    os.close(handle)
    try:
        try:
            mx.nd.save(temporary, arrays)
            if len(mx.nd.load(temporary)) != len(arrays):
                raise mx.MXNetError("arrays are missing in it")
        except mx.MXNetError as error:
            reason = str(error).strip().splitlines()[-1]
            raise OSError(f"{path} could not be written ({reason}). Is the disk full?") from error
        _sync(temporary, path)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        digest = sha256_of(temporary)
        os.replace(temporary, path)
        return digest
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _sync(temporary: str, path: PathLike) -> None:
    with open(temporary, "rb") as stream:
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            error.filename = os.fspath(path)
            raise


def write_symbol(folder: Path, symbol: mx.sym.Symbol) -> None:
    """Write ``model-symbol.json``, the network of all checkpoints of a run."""
    with atomic_write(folder / SYMBOL) as stream:
        stream.write(symbol.tojson().encode("utf-8"))


def write_checkpoint(
    checkpoint: Checkpoint,
    state: dict[str, Any],
    params: tuple[Arrays, Arrays],
    optimizer: Arrays,
) -> Checkpoint:
    """Write a checkpoint; it counts from the moment when its JSON is there."""
    checkpoint.remove()  # of an older run of the same name, JSON first
    try:
        digests = _write_files(checkpoint, params, optimizer)
        kinds = ("symbol", "params", "optimizer")
        files = {
            kind: {"name": name, "sha256": digest}
            for kind, (name, digest) in zip(kinds, digests.items())
        }
        place = {"epoch": checkpoint.epoch, "batch": checkpoint.batch}
        write_json(
            checkpoint.path(".json"),
            {"format": FORMAT, "version": VERSION, **place, **state, "files": files},
        )
    except BaseException:
        checkpoint.remove()  # half of it would only take room on a disk that is full
        raise
    return checkpoint


def _write_files(
    checkpoint: Checkpoint, params: tuple[Arrays, Arrays], optimizer: Arrays
) -> dict[str, str]:
    """Write the arrays; return name and SHA-256 of the symbol, the parameters, the optimizer."""
    args, auxs = params
    arrays = {
        **{f"arg:{name}": array.as_in_context(mx.cpu()) for name, array in args.items()},
        **{f"aux:{name}": array.as_in_context(mx.cpu()) for name, array in auxs.items()},
    }
    return {
        SYMBOL: sha256_of(checkpoint.folder / SYMBOL),
        checkpoint.path(".params").name: save_arrays(checkpoint.path(".params"), arrays),
        checkpoint.path(".optimizer").name: save_arrays(
            checkpoint.path(".optimizer"),
            {name: array.as_in_context(mx.cpu()) for name, array in optimizer.items()},
        ),
    }


def find_checkpoints(folder: PathLike) -> list[Checkpoint]:
    """Return the checkpoints of a folder, oldest first; whether they are good is not checked."""
    folder, found = Path(folder), []
    for name in os.listdir(folder) if folder.is_dir() else []:
        match = NAME.fullmatch(name)
        if match:
            found.append(Checkpoint(folder, int(match.group(1)), int(match.group(2) or 0)))
    return sorted(found, key=lambda checkpoint: (checkpoint.epoch, checkpoint.batch))


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed process left half written; nothing of it was ever a checkpoint."""
    for path in folder.glob(".*.part"):
        if path.name.startswith((f".{PREFIX}-", f".{PREFIX}.json.", ".settings.json.", ".log.")):
            path.unlink()


def newest_good(folder: PathLike) -> tuple[Checkpoint, dict[str, Any]] | None:
    """Return the newest checkpoint that is good, and its state; name the damaged ones."""
    for checkpoint in reversed(find_checkpoints(folder)):
        try:
            return checkpoint, checkpoint.state()
        except CheckpointError as error:
            log.warning("checkpoint %s is refused. %s", checkpoint.stem, error)
    return None


def no_good(folder: PathLike) -> str:
    """Say why no checkpoint of a folder is good, by the newest, and what can be done."""
    found, wanted = find_checkpoints(folder), f"{PREFIX}-0001.json"
    why = f"It has no {wanted} or such, which says that the files of a checkpoint are whole."
    if found:
        try:
            found[-1].state()
        except CheckpointError as error:
            why = str(error)
    return (
        f"{folder}: no good checkpoint. {why} Copy what is missing from where the folder came "
        "from, or train again."
    )


def find_epoch(prefix: str) -> int | None:
    """Return the highest epoch of MXNet's files of a prefix; None if there is no symbol file."""
    folder, name = os.path.split(os.fspath(prefix))
    if not os.path.exists(f"{prefix}-symbol.json"):
        return None
    pattern = re.compile(re.escape(name) + r"-(\d{4,})\.params")
    matches = [pattern.fullmatch(file) for file in os.listdir(folder or ".")]
    epochs = [int(match.group(1)) for match in matches if match]
    if not epochs:
        raise FileNotFoundError(f"{prefix}-symbol.json is there, but no {prefix}-0001.params.")
    return max(epochs)
