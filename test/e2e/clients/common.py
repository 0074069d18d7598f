"""What the programs in this folder share: the statements, and how values and results are written down."""

import hashlib
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))


def lines(name):
    with open(os.path.join(here, name), encoding="utf8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("--")]


same = lines("queries.sql")
masked = lines("masked.sql")


def shown(value):
    """A value with its type, so that 1 and '1' differ."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [shown(each) for each in value]]
    if hasattr(value, "points"):  # asyncpg's paths and polygons print as addresses
        return [type(value).__name__, shown(tuple(value.points)), getattr(value, "is_closed", None)]
    if isinstance(value, memoryview):
        value = bytes(value)
    return f"{type(value).__name__} {value!r}"


def rows(found):
    return [[shown(cell) for cell in row] for row in found]


def digest(found):
    return hashlib.sha256(json.dumps(rows(found)).encode()).hexdigest()


def texts(found):
    return [[None if cell is None else str(cell) for cell in row] for row in found]


def finish(result):
    json.dump(result, sys.stdout)
