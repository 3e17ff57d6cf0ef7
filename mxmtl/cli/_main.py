"""From a command line to the verb that it names, and from an exception to one line."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from typing import Any, NoReturn

from .. import distributed
from .._files import printable
from .._mxnet import is_mxnet_error
from .._options import meant
from .._version import __version__

VERBS = {
    "convert": "turn a table and its images into records",
    "evaluate": "measure a trained network on records: metrics of tasks and classes, intervals",
    "export": "write a trained model as an ONNX file, or for MXNet and Gluon without training",
    "devices": "show which CPU cores and GPUs are there, which are used, and why",
    "inspect": "show what is in records: labels, shares missing, sizes, examples",
    "launch": "run a command as several workers, on one machine or many; all end if one dies",
    "predict": "answer for images: a folder, a list or records in, CSV or JSON lines out",
    "report": "show runs on one page: curves, metrics, confusions, mistakes, network",
    "runs": "list runs: what each reached, and the settings in which they differ",
    "serve": "answer over HTTP what a trained model predicts; with a page to drop images on",
    "train": "train on records: a run folder with checkpoints comes out",
    "trunks": "list the trunks that have a name, their sizes, and whose trained weights fit",
    "tune": "choose thresholds and temperatures on validation records, and keep them",
    "verify": "check every record; name the damaged ones, and write a file of the good ones",
}


# What other tools call an option, whose own name for it is not like ours.
ELSEWHERE = {
    "--arch": "--trunk",
    "--backbone": "--trunk",
    "--device": "--gpus",
    "--devices": "--gpus",
    "--image-size": "--data-shape",
    "--img-size": "--data-shape",
    "--learning-rate": "--lr",
    "--model": "--trunk",
    "--num-workers": "--threads",
    "--pretrained": "--weights",
    "--weight-decay": "--wd",
    "--workers": "--threads",
}
MOST_LINE = 4000  # letters


class Parser(argparse.ArgumentParser):
    """An argument parser that says on one line what is wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help.\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    code = run_command(sys.argv[1:] if argv is None else argv)
    if "mxnet" in sys.modules:
        distributed.exit_worker(code)  # a worker that failed must not wait for the others
    return code


def run_command(argv: list[str]) -> int:
    """Do what a command line says; return its exit code."""
    try:
        if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
            text = f"invalid choice: {argv[0]!r}{meant(argv[0], list(VERBS))}"
            return fail(argv, f"{text}; there are {', '.join(VERBS)}. See mxmtl --help.", 2)
        parser, verb, module = parser_for(argv)
        arguments, unknown = parser.parse_known_args(argv)
        if unknown:
            text = f"unrecognized arguments: {' '.join(unknown)}{perhaps(verb, unknown)}."
            return fail(argv, f"{text} See {program(argv)} --help.", 2)
        return int(module.run(arguments))
    except SystemExit as stop:  # argparse: --help, or a wrong command line that it has reported
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt as stop:
        return fail(argv, str(stop) or "stopped.", 130)
    except BrokenPipeError:  # `mxmtl inspect ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError, TypeError, ImportError, MemoryError) as error:
        return fail(argv, describe(error), 1)
    except RuntimeError as error:  # also of files that are nested too deep
        if not is_mxnet_error(error) and not isinstance(error, RecursionError):
            raise
        return fail(argv, describe(error), 1)


def parser_for(argv: list[str]) -> tuple[Parser, Parser | None, Any]:
    """Make the parser; only the verb that the command line names is imported."""
    parser = Parser(
        prog="mxmtl",
        description="Multi-task and multi-label image learning, with labels missing.",
        epilog="mxmtl VERB --help tells about a verb, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"mxmtl {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    chosen: Parser | None = None
    module: Any = None
    for name, text in VERBS.items():
        verb = verbs.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name in argv[:1]:
            module = module_of(name)
            verb.epilog = f"example:\n  {module.EXAMPLE}"
            module.add_arguments(verb)
            chosen = verb
    return parser, chosen, module


def module_of(verb: str) -> Any:
    """Import what obeys a verb."""
    return importlib.import_module(f"._{verb}", __package__)


def example_of(verb: str) -> str:
    """Return the command line that a verb's help shows."""
    return str(module_of(verb).EXAMPLE)


def perhaps(verb: Parser | None, unknown: list[str]) -> str:
    """Say which option the first unknown one perhaps was; '' if there is none like it."""
    known = [] if verb is None else list(verb._option_string_actions)
    name = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
    ours = ELSEWHERE.get(name.replace("_", "-"))
    close = [ours] if ours in known else difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def describe(error: BaseException) -> str:
    """Say on one line what happened."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif isinstance(error, MemoryError):
        text = "out of memory."
    elif is_mxnet_error(error):  # its last line says why, the others where in MXNet
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        text = "MXNet failed: " + reason.replace("MXNetError: ", "", 1)
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())


def fail(argv: list[str], text: str, code: int) -> int:
    """Print one line about a failure; return the exit code."""
    if len(text) > MOST_LINE:  # a file may have names of a megabyte
        text = f"{text[: MOST_LINE // 2]} ... {text[-MOST_LINE // 2 :]}"
    print(f"{program(argv)}: {printable(text)}", file=sys.stderr)
    return code


def program(argv: list[str]) -> str:
    """Return what a command line calls: ``mxmtl``, or ``mxmtl VERB``."""
    return f"mxmtl {argv[0]}" if argv and argv[0] in VERBS else "mxmtl"
