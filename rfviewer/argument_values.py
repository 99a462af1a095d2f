"""The values that options of the command line take, refused in words that a user understands.

Each function raises `argparse.ArgumentTypeError`; argparse puts the option's name in front.
"""

import argparse


def count(text: str) -> int:
    """Read a positive number of frames."""
    value = whole_number(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text}") from error


def number(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a number, got {text}") from error


def positive(text: str) -> float:
    """Read a number above 0."""
    value = number(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


def seconds(text: str) -> float:
    """Read a time in seconds that is not negative."""
    value = number(text)
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 on, got {text}")
    return value
