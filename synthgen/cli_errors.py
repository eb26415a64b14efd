"""How the command line fails: one sentence on stderr and an exit code, 2 unless the data are at fault."""

import contextlib
import errno
import functools
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biomech.errors import ConfigError, SynthgenError

if TYPE_CHECKING:
    from synthgen.review import Verdict

Debug = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars, no summary.")]


@contextlib.contextmanager
def one_sentence(debug: bool, out: Path | None = None) -> Iterator[None]:
    """Every failure below becomes one sentence on stderr; the traceback goes to a log in the dataset's folder, or with
    --debug to stderr."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except SynthgenError as error:
        details = getattr(error, "details", "")
        _fail(str(error), details or (traceback.format_exc() if debug else ""), debug, out)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            message = "the disk is full; what is finished stays. Make room and run the same command again"
        else:
            message = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
            message += "; give another file or folder, or mend its permissions"
        _fail(message, traceback.format_exc(), debug, out)
    except ImportError as error:
        message = f"a library is missing or broken: {error}. Run 'make setup', or 'pip install synthgen' afresh"
        _fail(message, traceback.format_exc(), debug, out)
    except Exception as error:  # the last resort; the log keeps what a developer needs
        first = (str(error).strip().splitlines() or [""])[0]
        _fail(f"unexpected {type(error).__name__}: {first}", traceback.format_exc(), debug, out)


def guarded(command: Callable, what: str, extras: str) -> Callable:
    """The same command, whose errors end in one sentence: a missing package is named with the extras for `what`."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        with one_sentence(False):
            try:
                return command(*args, **kwargs)
            except ModuleNotFoundError as error:
                raise SynthgenError(
                    f"{what} needs the package {error.name}; install it with: pip install 'synthgen[{extras}]'"
                ) from error

    return run


def say_violations(verdict: "Verdict") -> bool:
    """Whether joint angles break a hard limit; where they do, it is said on stderr."""
    if verdict.hard_violations:
        said = f"{verdict.hard_violations} joint angles break a hard limit ({verdict.first}); see {verdict.report}"
        typer.secho(f"error: {said}", fg=typer.colors.RED, err=True)
    return bool(verdict.hard_violations)


def writable(file: Path) -> None:
    """Look whether a file can be written once the work is done; makes nothing.

    Raises:
        ConfigError: it cannot.
    """
    place = next(p for p in [file.absolute(), *file.absolute().parents] if p.exists())
    found = ""
    if file.is_dir():
        found = "it is a folder"
    elif place != file.absolute() and not place.is_dir():
        found = f"{place} is no folder"
    elif not os.access(place, os.W_OK):
        found = f"no permission for {place}"
    if found:
        raise ConfigError(f"cannot write {file} ({found}); give a file in a folder that can be written")


def _fail(message: str, details: str, debug: bool, out: Path | None) -> None:
    from synthgen.folder import recorded_identity

    if details and debug:
        typer.echo(details, err=True)
    elif details and out is not None and recorded_identity(out):  # never leave a log in a stranger's folder
        log = out / "logs" / "error.log"
        with contextlib.suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(sys.argv)}\n{details}\n")
            message += f" (details: {log})"
    typer.secho(f"error: {message}", fg=typer.colors.RED, err=True)
    raise typer.Exit(2) from None
