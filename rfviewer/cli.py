"""The command line: arguments to settings, settings to one of the verbs. Imports late.

Exit codes: see `argument_parser.EXIT_CODES`; 1 and 2 come with one sentence on stderr. With --json
stdout gets exactly one object: the result, or {"error": sentence}.
"""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, override

from rfviewer import argument_options, early_signals
from rfviewer.argument_parser import Parser
from rfviewer.argument_values import count
from rfviewer.config import Settings
from rfviewer.decode import Decode
from rfviewer.errors import RfviewerError, UsageError
from rfviewer.precheck import check_cheaply, check_screen
from rfviewer.suggestions import closest

VERBS = (
    "export",
    "bench",
    "ab",
    "parity",
    "trace",
    "soak",
    "devices",
    "models",
    "engine",
    "doctor",
    "recover",
    "report",
)
_OWN_PARSERS = {
    "engine": "rfviewer.engine_verb",
    "recover": "rfviewer.recover_verb",
    "report": "rfviewer.report",
}
"""Modules of verbs that make their own parser: they have `make_parser` and `run`."""
_ENGINE_VERBS = ("window", "export", "bench", "ab", "parity", "trace", "soak")
"""Those that run a network."""
_WORD = re.compile(r"[A-Za-z]+(-[A-Za-z]+)*")
"""What could be meant as a verb: no path, number, address or name with an ending."""
_EPILOG = """verbs (rfviewer VERB --help tells more; ./bench opens a file of that name):
  export    write an annotated video, labels or COCO, without a window
  bench     measure the whole path against the bare network
  ab        compare the speed of two settings, with intervals; says so when there is no effect
  parity    compare the results of two settings, backends or precisions
  trace     write when everything ran, for Perfetto, and a report in HTML
  devices   list cameras, GPUs and backends
  models    list the models
  engine    build, list or remove TensorRT engines
  doctor    check this installation and say how to mend it
  recover   finish recordings that were cut off
  report    write a file for a bug report
  soak      play for a long time and judge memory, handles and times

sources:  a video or image file, a folder or "pattern*.png", camera:0 or camera:NAME,
          rtsp:// or http:// addresses, demo, demo:720p, synthetic:640x360@30
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb, rest = _split(arguments)
    if verb != "window":
        early_signals.release()
    # Looked for by itself: arguments that cannot be parsed are a fault that is told as well.
    as_json = "--json" in rest
    try:
        if verb == "window":
            _refuse_unknown_word(rest)
        return _run_and_flush(verb, rest)
    except RfviewerError as error:
        _fail(str(error), as_json=as_json)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        _fail("Stopped.", as_json=as_json)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone, as in `rfviewer models | head -1`.
        sys.stderr.close()
        return 1


def _run_and_flush(verb: str, arguments: list[str]) -> int:
    try:
        return _run(verb, _parser(verb).parse_args(arguments))
    finally:
        sys.stdout.flush()  # the last moment to tell that it cannot be written


def _run(verb: str, options: argparse.Namespace) -> int:
    from rfviewer import log, paths

    # The file is for the window; short verbs tell on stderr.
    log_folder = paths.log_dir_if_usable() if verb == "window" else None
    log.setup(log_folder, verbose=options.verbose)
    if verb == "window":
        log.catch_faults(log_folder)
    if verb == "doctor":
        from rfviewer.doctor.verb import run as run_doctor

        return run_doctor(as_json=options.json)
    if verb in ("devices", "models"):
        from rfviewer import listing

        if verb == "models":
            return listing.models(as_json=options.json, accept=options.accept)
        return listing.devices(as_json=options.json)
    if verb in _OWN_PARSERS:
        code: int = import_module(_OWN_PARSERS[verb]).run(options)
        return code
    from rfviewer.argument_settings import settings_of

    settings = settings_of(options)
    if verb == "window":
        return _window(options, settings)
    if verb == "soak":
        from rfviewer import soak

        return soak.run(options, settings)
    if verb == "ab":
        from rfviewer import ab_verb

        return ab_verb.run(options, settings)
    if verb == "parity":
        from rfviewer import parity_verb

        return parity_verb.run(options, settings)
    if verb == "trace":
        from rfviewer import trace_verb

        return trace_verb.run(options, settings)
    from rfviewer import headless

    return headless.run(verb, options, settings)


def _window(options: argparse.Namespace, settings: Settings) -> int:
    source: str | None = options.source
    if source is not None:
        check_cheaply(source)
    check_screen()
    from rfviewer.app import run_window

    return run_window(
        source,
        settings,
        in_process=options.in_process,
        quit_after_s=options.quit_after,
        screenshot=options.screenshot,
        theme=options.theme,
    )


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """Return (verb, other arguments); the verb is the first word, after global options at most."""
    index = _first_word(arguments)
    if index < len(arguments) and arguments[index] in VERBS:
        return arguments[index], arguments[:index] + arguments[index + 1 :]
    return "window", arguments


def _first_word(arguments: list[str]) -> int:
    """Return the place of what comes after the global options."""
    index = 0
    while index < len(arguments) and arguments[index] in ("--verbose", "--config", "--json"):
        index += 1 + (arguments[index] == "--config")
    return index


def _refuse_unknown_word(arguments: list[str]) -> None:
    """Refuse a first word that could be a verb and is none, before its options are blamed.

    Raises:
        UsageError: with the verb that it is like, if there is one.
    """
    word = next(iter(arguments[_first_word(arguments) :]), "")
    if not _WORD.fullmatch(word) or word == "demo" or os.path.lexists(word):
        return
    near = closest(word, VERBS)
    rest = f"; did you mean {near}?" if near else "; see rfviewer --help"
    raise UsageError(f"There is no file or verb {word}{rest}")


def _parser(verb: str) -> argparse.ArgumentParser:
    if verb in _OWN_PARSERS:
        own: argparse.ArgumentParser = import_module(_OWN_PARSERS[verb]).make_parser()
        return own
    window = verb == "window"
    epilog = argument_options.SWITCHES if verb in _ENGINE_VERBS else None
    if window:
        epilog = f"{_EPILOG}\n{epilog}"
    parser = Parser(
        prog="rfviewer" if window else f"rfviewer {verb}",
        description=_DESCRIPTIONS[verb],
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--verbose", action="store_true", help="tell more on stderr")
    if window:
        parser.add_argument("--version", action=_Version)
        parser.add_argument("source", nargs="?", metavar="SOURCE", help="what to open; see below")
        argument_options.window_options(parser)
    if verb in ("export", "bench", "ab", "parity"):
        parser.add_argument("source", metavar="SOURCE", help="see rfviewer --help")
        parser.add_argument("--frames", type=count, metavar="N", help=_FRAMES[verb])
        parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    if verb == "bench":
        parser.add_argument(
            "--ceilings", action="store_true", help="how fast each part could go alone"
        )
    if verb == "export":
        argument_options.export_options(parser)
    if verb == "soak":
        argument_options.soak_options(parser)
    if verb == "ab":
        from rfviewer.ab_verb import add_options as add_ab_options

        add_ab_options(parser)
    if verb == "parity":
        from rfviewer.parity_verb import add_options

        add_options(parser)
    if verb == "trace":
        from rfviewer.trace_verb import add_options as add_trace_options

        add_trace_options(parser)
    if verb == "models":
        parser.add_argument("--accept", metavar="LICENCE", help="accept the licence of weights")
    if not window:
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    if verb in ("window", "export", "bench", "trace", "soak"):
        choices = [str(item) for item in Decode]
        parser.add_argument("--decode", choices=choices, help=_DECODE)
    if verb in _ENGINE_VERBS:
        argument_options.engine_options(parser)
    return parser


_DESCRIPTIONS = {
    "window": "See what RF-DETR sees, live, and why it is fast.",
    "export": "Run every frame through the network and write video, labels or COCO.",
    "bench": "Measure the export path against the bare network, alternating, in one run.",
    "ab": "Compare the speed of two sets of optimizations in alternating blocks.",
    "parity": "Compare two results of every frame; exit code 1 when they differ too much.",
    "trace": "Play a source as an export does and write when everything ran.",
    "devices": "List cameras, GPUs and backends.",
    "models": "List the models and what each needs.",
    "doctor": "Check this installation; every problem comes with its remedy.",
    "soak": "Play a source again and again; exit code 1 when memory, handles or times grow.",
}

_DECODE = "what decodes; gpu is NVDEC, auto the CPU where files or figures are made (default: auto)"
_FRAMES = {
    "export": "stop after N frames",
    "parity": "compare the first N frames only",
    "bench": "measure N frames in all (default: by speed)",
    "ab": "measure N frames a block (default: by speed)",
}
"""What --frames means to each verb that takes it."""


class _Version(argparse.Action):
    """Prints the version; looks it up only when asked."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    @override
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from rfviewer.version import version

        sys.stdout.write(f"rfviewer {version()}\n")
        parser.exit(0)


def _fail(sentence: str, *, as_json: bool) -> None:
    """Tell why it failed: on stderr, and with --json as the object on stdout too."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"rfviewer: {sentence}\n")
    if as_json:
        import json

        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps({"error": sentence}) + "\n")
            sys.stdout.flush()
