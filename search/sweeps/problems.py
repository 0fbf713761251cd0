"""What is wrong with the form of a sweep file, in the user's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from search.sweeps.keys import FILE_KEYS, Key, is_mask_key


@dataclass(frozen=True)
class Known:
    """The keys of a sweep file besides `FILE_KEYS`.

    Attributes:
        in_tables: those of [base] and [grid].
        of_methods: for each method those of its own table.
    """

    in_tables: Mapping[str, Key]
    of_methods: Mapping[str, Mapping[str, Key]]

    @property
    def method_tables(self) -> list[str]:
        """Methods that have hyperparameters."""
        return [method for method, keys in self.of_methods.items() if keys]


def table_name(number: int, single: bool) -> str:
    """What messages call a table of combinations.

    Args:
        number: of the table, from 0.
        single: the file has one [grid], not a list of [[grid]].
    """
    return "[grid]" if single else f"[[grid]] table {number + 1}"


def in_words(detail: ErrorDetails, known: Known, single: bool) -> str:
    """One of pydantic's complaints about a file, as a sentence without the file's name.

    Args:
        detail: the complaint.
        known: the keys that it was held against.
        single: as for `table_name`.
    """
    kind, value = detail["type"], shown(detail["input"])
    section, *inside = detail["loc"]
    keys = known.in_tables
    if section == "grid" and inside:
        where = f"{table_name(int(inside.pop(0)), single)}: "
    elif section == "base" and inside:
        where = "[base]: "
    elif section in known.of_methods and inside:
        where, keys = f"[{section}]: ", known.of_methods[str(section)]
    elif section in known.of_methods:
        return (
            f"{section} cannot be {value}; allowed: a table [{section}] of the method's "
            "hyperparameters"
        )
    else:
        where, inside, keys = "", [section, *inside], FILE_KEYS
    if not inside:
        return f"{where}must be a table, not {value}"
    key = str(inside[0])
    places = [place for place in inside[1:] if isinstance(place, int)]
    if kind == "extra_forbidden":
        if not keys:
            return f"{where}unknown key {key!r}; method {section!r} has no hyperparameters"
        return f"{where}unknown key {key!r}{_advice(key, keys, known)}"
    if kind == "missing":
        return f"{where}{key} is missing; allowed: {keys[key].allowed}"
    if kind == "list_type" and where:
        return f"{where}{key} must be a list in [grid], such as {key} = [...], not {value}"
    if kind == "repeated":
        return f"{where}{key} names {shown(detail['ctx']['value'])} twice"
    if kind == "too_short":
        return f"{where}{key} is an empty list; allowed: one value or more, or no such key"
    if kind == "too_long":
        most = detail["ctx"]["max_length"]
        return f"{where}{key} has more values than the {most} allowed"
    item = f", value {places[0] + 1} of the list," if places else ""
    meant = _meant(detail["input"], keys[key])
    return f"{where}{key}{item} cannot be {value}{meant}; allowed: {keys[key].allowed}"


def _advice(key: str, keys: Mapping[str, Key], known: Known) -> str:
    """What is allowed instead of an unknown key, what may have been meant first."""
    listed = [name for name in keys if not is_mask_key(name) or name == "mask1"]
    allowed = ", ".join(listed).replace("mask1", "mask1, mask2 and so on")
    tables = known.method_tables if keys is FILE_KEYS else []
    if tables:
        allowed += f", or hyperparameters in a table named after a method: {', '.join(tables)}"
    homes = [f"[{method}]" for method in known.method_tables if key in known.of_methods[method]]
    if homes:
        return f" (a hyperparameter stands in the table of its method: {', '.join(homes)}); " + (
            f"allowed: {allowed}"
        )
    return f"{_guess(key, [*listed, *tables])}; allowed: {allowed}"


def _meant(value: object, key: Key) -> str:
    """What a wrong value of a key that takes names may have been meant to be."""
    if not isinstance(value, str):
        return ""
    if value.lower() in key.other_names:
        return f" (the name of {key.other_names[value.lower()]!r} in the paper's lists)"
    return _guess(value, key.names)


def _guess(word: str, names: Iterable[str]) -> str:
    """The closest of some names, whether written large or small."""
    by_small = {name.lower(): name for name in names}
    closest = get_close_matches(word.lower(), list(by_small), n=1)
    return f" (did you mean {by_small[closest[0]]!r}?)" if closest else ""


def shown(value: object) -> str:
    """A value as the file could have it, cut where it is long."""
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
