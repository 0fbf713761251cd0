"""Messages about the form of a sweep file."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from search.suggestions import suggestion
from search.sweeps.keys import FILE_KEYS, Key, is_mask_key

TableKeys = Mapping[str, Key]
"""Allowed keys of a table."""

MethodKeys = Mapping[str, TableKeys]
"""Allowed keys of each method's table, by method; none if it has no hyperparameters."""


def table_name(number: int, single: bool) -> str:
    """Return the name of a table of combinations in messages.

    Tables are numbered from 0; `single`: the file has one [grid] rather than a list of [[grid]].
    """
    return "[grid]" if single else f"[[grid]] table {number + 1}"


def describe(detail: ErrorDetails, keys: TableKeys, of_methods: MethodKeys, single: bool) -> str:
    """Return the message for one of pydantic's errors, without the file's name.

    `keys` are those of [base] and [grid].
    """
    kind, value = detail["type"], shown(detail["input"])
    section, *inside = detail["loc"]
    if section == "grid" and inside:
        where = f"{table_name(int(inside.pop(0)), single)}: "
    elif section == "base" and inside:
        where = "[base]: "
    elif section in of_methods and inside:
        where, keys = f"[{section}]: ", of_methods[str(section)]
    elif section in of_methods:
        return (
            f"{section} cannot be {value}; allowed: a table [{section}] of the method's "
            "hyperparameters"
        )
    else:
        where, inside, keys = "", [section, *inside], FILE_KEYS
    if not inside:
        return f"{where}must be a table, not {value}"
    key = str(inside[0])
    positions = [position for position in inside[1:] if isinstance(position, int)]
    if kind == "extra_forbidden":
        if not keys:
            return f"{where}unknown key {key!r}; method {section!r} has no hyperparameters"
        return f"{where}unknown key {key!r}{_advice(key, keys, of_methods)}"
    if kind == "missing":
        return f"{where}{key} is missing; allowed: {keys[key].allowed}"
    if kind == "list_type" and where:
        return f"{where}{key} must be a list in [grid], such as {key} = [...], not {value}"
    if kind == "repeated":
        return f"{where}{key} has {shown(detail['ctx']['value'])} twice"
    if kind == "too_short":
        return f"{where}{key} is an empty list; allowed: one value or more, or no {key}"
    if kind == "too_long":
        most = detail["ctx"]["max_length"]
        return f"{where}{key} has more values than the {most} allowed"
    item = f", value {positions[0] + 1} of the list," if positions else ""
    hint = _name_hint(detail["input"], keys[key])
    return f"{where}{key}{item} cannot be {value}{hint}; allowed: {keys[key].allowed}"


def _advice(key: str, keys: TableKeys, of_methods: MethodKeys) -> str:
    """Return a hint at the intended key and the allowed keys, for an unknown key."""
    listed = [name for name in keys if not is_mask_key(name) or name == "mask1"]
    keys_text = ", ".join(listed).replace("mask1", "mask1, mask2 and so on")
    with_keys = [method for method, settings in of_methods.items() if settings]
    tables = with_keys if keys is FILE_KEYS else []
    if tables:
        keys_text += f", or hyperparameters in a table named after a method: {', '.join(tables)}"
    homes = [f"[{method}]" for method in with_keys if key in of_methods[method]]
    if homes:
        return f" (hyperparameters go into the table of their method: {', '.join(homes)}); " + (
            f"allowed: {keys_text}"
        )
    return f"{suggestion(key, [*listed, *tables])}; allowed: {keys_text}"


def _name_hint(value: object, key: Key) -> str:
    """Return a hint at the intended name, for a wrong value of a key whose values are names."""
    if not isinstance(value, str):
        return ""
    if value.lower() in key.other_names:
        return f" (the name of {key.other_names[value.lower()]!r} in the paper's lists)"
    return suggestion(value, key.names)


def shown(value: object) -> str:
    """Return a value as it can be in the file, shortened if long."""
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except ValueError:  # Python does not print whole numbers of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
