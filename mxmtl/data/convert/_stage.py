"""Where output is made until it is complete, and how it gets its final names.

A conversion may be stopped at any moment, by a signal or by a full disk, and nobody may take half
of its output for the whole. So everything is made in the folder ``<prefix>.part``, beside its
journal, whose lock keeps a second run out:

- each line of the journal stands for rows whose bytes were handed to the system before it;
- when all files are complete, ``finished.json`` lists them, and only then they are moved out, one
  after the other, the manifest last; a run that was stopped in between goes on moving;
- at the end the folder is renamed and then removed, for half a folder must not pass for one that
  is half filled.

What stood under the final names before is replaced only where the user has said so, then or when
an earlier run began: the file ``replaces`` remembers that.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

from ..._files import atomic_write, check_form, json_value
from .._options import OutputOptions
from ..records import ENDING, MANIFEST, read_index, read_manifest

FINISHED, JOURNAL, REPLACES = "finished.json", "journal", "replaces"


class Journal:
    """A file of JSON lines: the options first, then one line for each completed chunk of rows.

    A line that was cut off by the end of its run does not count. Two runs cannot hold the same
    journal: the second gets `BlockingIOError`.

    Parameters
    ----------
    folder : str
        Where the parts of the output are; made if need be.
    """

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, JOURNAL)
        self._stream: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise BlockingIOError(
                f"{folder}: another conversion is writing there. Wait for its end, or choose "
                "another prefix."
            ) from error
        first = self._read_line()
        self.options: dict[str, Any] | None = first[0] if first else None
        self._end = self._stream.tell() if first else 0

    def begin(self, options: dict[str, Any]) -> None:
        """Forget all, and note the options of a new run."""
        self._end = 0
        self.options = options
        self.add(options)

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Read the completed chunks; those not asked for are forgotten by the next `add`."""
        position = self._end
        while True:
            self._stream.seek(position)
            line = self._read_line()
            if line is None:
                return
            entry, position = line
            yield entry
            self._end = position

    def add(self, entry: dict[str, Any]) -> None:
        """Append a line; once this returns, it outlives the process."""
        self._stream.seek(self._end)
        self._stream.truncate()
        self._stream.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._stream.flush()
        self._end = self._stream.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _read_line(self) -> tuple[dict[str, Any], int] | None:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            return None
        try:
            return json.loads(line), self._stream.tell()
        except ValueError:
            return None


def is_ours(folder: str) -> bool:
    """Tell whether a folder is what a run has left, however early it was stopped."""
    names, path = os.listdir(folder), os.path.join(folder, JOURNAL)
    if not os.path.isfile(path):
        return not names
    with open(path, "rb") as stream:
        begin = stream.read(1)
    return begin == b"{" or (not begin and names == [JOURNAL])


class Stage:
    """The folder ``<prefix>.part``, held by one run at a time.

    Parameters
    ----------
    prefix : str
        What the folder is named after.
    prefixes : list of str
        What the outputs will be called; all in the same folder.
    options : OutputOptions
        Whether to resume or to replace.
    key : dict
        Everything the content depends on beside the table's rows: a run resumes only what has
        the same.
    digest : str
        Of the rows, if there are any.

    Raises
    ------
    FileExistsError
        There are outputs, or the remains of a run, that nothing was said about; outputs have
        appeared since; or the folder is none of mxmtl's.
    BlockingIOError
        Another run holds the folder.
    ValueError
        The remains are those of a run with other options.
    """

    def __init__(
        self,
        prefix: str,
        prefixes: list[str],
        options: OutputOptions,
        key: dict[str, Any],
        digest: str = "",
    ) -> None:
        self.folder = prefix + ".part"
        self.names = [os.path.basename(one) for one in prefixes]
        self._prefixes, self._options, self._digest = prefixes, options, digest
        self._key = json.loads(json.dumps(key))
        self.fingerprint = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._marker = os.path.join(self.folder, FINISHED)
        self._replaces = os.path.join(self.folder, REPLACES)
        home, name = os.path.split(self.folder)
        self._retired = os.path.join(home, f".{name}.done")
        self._progress = self.done = False
        self.notes: list[str] = []

    def __enter__(self) -> Stage:
        shutil.rmtree(self._retired, ignore_errors=True)
        left = os.path.isdir(self.folder)
        if left and not is_ours(self.folder):
            raise FileExistsError(
                f"{self.folder} is no folder of mxmtl's: it holds files, and no journal of a run. "
                "Move it away, or choose another prefix."
            )
        self.done = not left and self._options.resume and self._is_published()
        if self.done:
            return self
        self._refuse_others()
        if not left and not self._options.force:
            self._refuse_existing()
        self.journal = Journal(self.folder)
        try:
            self._match(left)
            if self._options.force:
                self._may_replace()
            self._refuse_appeared()
        except BaseException:
            self.journal.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = self.folder  # a full disk does not say which file it was
        if self.done:
            return
        if error is not None and not self._progress:
            self._remove()
        self.journal.close()

    @property
    def complete(self) -> bool:
        """Whether all files are made already, and only their names may be missing."""
        return self.done or os.path.exists(self._marker)

    def commit(self, entry: dict[str, Any]) -> None:
        """Note that rows are completed; from now on a failure leaves the folder for later."""
        self.journal.add(entry)
        self._progress = True

    def finish(self, names: list[str]) -> None:
        """Note that all files are complete, in the order in which they shall get their names."""
        with atomic_write(self._marker) as stream:
            stream.write(json.dumps({"digest": self._digest, "files": names}).encode())
        self._progress = True

    def publish(self) -> list[str]:
        """Give the files their final names, and remove the folder. Returns the paths."""
        home = os.path.dirname(self.folder)
        if not self.done:
            names = self._finished()["files"]
            self._refuse_appeared()
            self._may_replace()
            for old in self._existing():
                if os.path.basename(old) not in names:  # "a//b" and "a/b" are spellings of a path
                    os.unlink(old)
            for name in names:
                made = os.path.join(self.folder, name)
                if os.path.exists(made):  # else an earlier run was stopped after moving it
                    os.replace(made, os.path.join(home, name))
            self._take_away_splits()
            self._remove()
        return self._existing()

    def _take_away_splits(self) -> None:
        """Remove the splits of an earlier run that are no longer written, or tell of them.

        Their rows are in other splits now; what is not split any more is left alone.
        """
        prefix = self.folder[: -len(".part")]
        former = [one for one in former_splits(prefix) if one not in self._prefixes]
        if not former:
            return
        names = ", ".join(former)
        if self._options.force and prefix not in self._prefixes:
            for path in (path for one in former for path in outputs_of(one)):
                os.unlink(path)
            self.notes.append(f"removed {names}, of an earlier split.")
        else:
            mend = "" if prefix in self._prefixes else " force=True (--force) removes such."
            self.notes.append(f"rows of {names}, of an earlier split, are in these too.{mend}")

    def _finished(self) -> dict[str, Any]:
        found: dict[str, Any] = json_value(self._marker)
        check_form(found, {"digest": str, "files": [str]}, self._marker)
        for name in found["files"]:
            if name != os.path.basename(name) or name in (os.curdir, os.pardir):
                raise ValueError(f"{self._marker}: {name!r} is no name of a file in that folder.")
        return found

    def _remove(self) -> None:
        # A folder that is half removed must not pass for one that is half filled.
        os.rename(self.folder, self._retired)
        shutil.rmtree(self._retired)

    def _match(self, left: bool) -> None:
        if left and not (self._options.resume or self._options.force):
            raise FileExistsError(
                f"{self.folder} holds what a stopped run has done. resume=True (--resume) goes on "
                "with it; force=True (--force) starts again."
            )
        found = self.journal.options if left and self._options.resume else None
        if found is None:
            self._clear()
            self.journal.begin(self._key)
            return
        self._progress = True
        if found != self._key:
            raise ValueError(
                f"{self.folder} is of a run with other options: {differences(found, self._key)}. "
                "Repeat those, or start again with force=True (--force)."
            )
        if self.complete and self._finished()["digest"] != self._digest:
            raise has_changed(self.folder, "table")

    def _clear(self) -> None:
        for name in os.listdir(self.folder):
            if name != JOURNAL:
                os.unlink(os.path.join(self.folder, name))

    def _existing(self) -> list[str]:
        return [path for prefix in self._prefixes for path in outputs_of(prefix)]

    def _refuse_existing(self) -> None:
        existing = self._existing()
        if existing:
            resumed = ", and is not what this table and these options give"
            raise FileExistsError(
                f"{existing[0]} exists{resumed if self._options.resume else ''}. force=True "
                "(--force) replaces it; or choose another prefix."
            )

    def _may_replace(self) -> None:
        # Noted in the folder: a run that resumes is to go on with what this one has begun.
        with open(self._replaces, "wb"):
            pass

    def _refuse_appeared(self) -> None:
        existing = self._existing()
        if existing and not os.path.exists(self._replaces):
            raise FileExistsError(
                f"{existing[0]} has appeared since this run began; what it has done is in "
                f"{self.folder}. Move that file away and go on with resume=True (--resume), or "
                "replace it with force=True as well (--resume --force)."
            )

    def _refuse_others(self) -> None:
        for prefix in self._prefixes if self._options.sharded else ():
            for path in shards_of(prefix):
                if is_another(path):
                    raise FileExistsError(
                        f"{path} belongs to another data set, {os.path.basename(path)[:-4]}, and "
                        f"is called like a shard of {prefix}. Choose another prefix."
                    )

    def _is_published(self) -> bool:
        try:
            return all(self._is_whole(prefix, read_manifest(prefix)) for prefix in self._prefixes)
        except (OSError, ValueError, KeyError, TypeError):  # of an older version, or damaged
            return False

    def _is_whole(self, prefix: str, manifest: dict[str, Any]) -> bool:
        made_of = (manifest["fingerprint"], manifest["source"]["digest"])
        return made_of == (self.fingerprint, self._digest) and all(
            is_there(os.path.join(os.path.dirname(prefix), shard["file"]), shard)
            for shard in manifest["shards"]
        )


def has_changed(folder: str, what: str) -> ValueError:
    """Make the error for a run that cannot go on from what it finds."""
    return ValueError(
        f"{folder}: the {what} has changed since that run was stopped. "
        "Start again with force=True (--force)."
    )


def outputs_of(prefix: str) -> list[str]:
    """Return the files that a conversion to a prefix has written, in a fixed order."""
    stems = [prefix] + [path[: -len(".rec")] for path in shards_of(prefix) if not is_another(path)]
    paths = [stem + end for stem in stems for end in (".rec", ".idx", ENDING)]
    paths += [
        prefix + end for end in (".skipped.csv", ".blanked.csv", ".tasks.json", ".manifest.json")
    ]
    return [path for path in paths if os.path.exists(path)]


def former_splits(prefix: str) -> list[str]:
    """Return the prefixes of all splits that runs with this prefix have written."""
    found = []
    for path in sorted(glob.glob(glob.escape(prefix) + "_*" + MANIFEST)):
        one = path[: -len(MANIFEST)]
        try:
            manifest = read_manifest(one)
            shares = manifest["options"]["split"] or {}
        except (OSError, ValueError, KeyError, TypeError):  # of another kind, or damaged
            continue
        noted = manifest.get("split_of") == os.path.basename(prefix)
        if noted or ("split_of" not in manifest and one[len(prefix) + 1 :] in shares):
            found.append(one)
    return found


def shards_of(prefix: str) -> list[str]:
    """Return the files that are called as shards of a prefix are, in order."""
    return sorted(glob.glob(glob.escape(prefix) + "-" + "[0-9]" * 5 + ".rec"))


def is_there(path: str, shard: dict[str, Any]) -> bool:
    """Tell whether a file and its index are as long as the manifest says."""
    stem = path[: -len(".rec")]
    ids, _ = read_index(stem + ".idx", shard["bytes"])
    size = shard.get("names")  # older versions wrote none
    named = not size or os.path.getsize(stem + ENDING) == size
    return named and (os.path.getsize(path), len(ids)) == (shard["bytes"], shard["records"])


def is_another(path: str) -> bool:
    """Tell whether what is called like a shard is a data set of its own: it has a manifest."""
    return os.path.exists(path[: -len(".rec")] + ".manifest.json")


def differences(old: Any, new: Any, name: str = "") -> str:
    """Say in words where two nested dictionaries differ.

    >>> differences({"a": {"resize": 256}}, {"a": {"resize": 224}})
    'resize was 256 and is 224'
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted({*old, *new}, key=str)
        said = [differences(old.get(key), new.get(key), str(key)) for key in keys]
        return ", ".join(text for text in said if text)
    return "" if old == new else f"{name} was {old!r} and is {new!r}"
