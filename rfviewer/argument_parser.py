"""An argument parser whose errors are one sentence, with a suggestion for a misspelt option.

They are raised like every other fault of usage, so that --json tells them too.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import NoReturn, override

from rfviewer.errors import UsageError
from rfviewer.suggestions import closest

EXIT_CODES = """exit codes:  0 done; 2 the command line is wrong, whatever is on this machine;
             1 it could not be done (a missing file, say), was stopped, or a check failed
"""
"""What every help ends with. The rule behind it stands at `errors.UsageError`."""
_UNKNOWN = "unrecognized arguments: "
"""How argparse begins to name what it does not know."""
_NO_SOURCE = "the following arguments are required: SOURCE"
"""What it says also where --set has swallowed the source."""


class Parser(argparse.ArgumentParser):
    """As argparse's, but for the words on errors and the end of every help."""

    _said_set = False

    @override
    def format_help(self) -> str:
        """Return the help, with what the exit codes mean."""
        return f"{super().format_help()}\n{EXIT_CODES}"

    @override
    def parse_known_args(  # type: ignore[override]  # the overloads only tell the namespace's type
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as argparse does, and keep for `error` what it must know of the words."""
        self._said_set = "--set" in (args or ())
        return super().parse_known_args(args, namespace)

    @override
    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            UsageError: always, with one sentence.
        """
        if message.startswith(_UNKNOWN):
            message = self._unknown(message.removeprefix(_UNKNOWN).split())
        if message == _NO_SOURCE and self._said_set:
            message += ", before --set, which takes every word after it"
        joint = " " if message.endswith("?") else "; "
        raise UsageError(f"{message}{joint}see {self.prog} --help")

    def _unknown(self, words: list[str]) -> str:
        word = next((word for word in words if word.startswith("-")), words[0])
        option = word.partition("=")[0]
        if not option.startswith("-"):
            return f"{word} is one word too many"
        near = closest(option, self._options())
        return f"there is no option {option}" + (f"; did you mean {near}?" if near else "")

    def _options(self) -> Iterator[str]:
        """Yield every option that is understood, those of subcommands included."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - no public name
                for parser in action.choices.values():
                    yield from parser._options()  # noqa: SLF001 - our own class
