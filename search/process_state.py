"""Process-wide settings that decide the bits of a row, and the guard that keeps them standard.

Floating-point mode belongs to the thread, the rest to the process: a library that sets
flush-to-zero when it is loaded, or a plug-in that changes torch's default type, would change the
rows of every experiment that the process trains afterwards.

NumPy and torch are consulted only where they have been imported already: loading them takes time.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

_STANDARD_ERRORS: dict[str, Any] = {
    "divide": "warn",
    "over": "warn",
    "under": "ignore",
    "invalid": "warn",
}
"""NumPy's default treatment of floating-point errors."""

_ENVIRONMENT_BYTES = 256
"""Upper bound on the size of C's fenv_t, which has 8 to 32 bytes on the supported systems."""

_FLUSHED = "subnormal numbers are flushed to zero"

_OWN = frozenset(
    ("analysis", "orchestrator", "pruning", "search", "storage", "workers", "sparsest")
) | {"numba", "numpy", "torch"}
"""Top-level modules of this project, and of the libraries that call or run a plug-in's code."""

_changes: dict[str, set[str]] = {}


class _TorchSetting(NamedTuple):
    """The name of a setting of torch, functions that read and change it, and its standard values.

    These leave rows as they are; the first is the one to set.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    standard: tuple[Any, ...]


@contextmanager
def standard_state() -> Iterator[None]:
    """Run the body with the standard settings, and torch on one thread; restore them afterwards.

    On more than one thread, the number of threads decides the last bit of torch's sums. A
    RuntimeError if the processor flushes subnormal numbers to zero and this cannot be changed.
    """
    environment = _floating_point_environment()
    torch = _torch()
    saved = [] if torch is None else _standardise(torch)
    inference: AbstractContextManager[object] = nullcontext()
    if torch is not None and torch.is_inference_mode_enabled():
        inference = torch.inference_mode(False)
    try:
        with _numpy_errors(), inference:
            yield
    finally:
        if environment is not None:
            _libm().fesetenv(environment)
        for setting, value in saved:
            if setting.read() != value:
                setting.write(value)


@contextmanager
def plugin_call(caller: str) -> Iterator[None]:
    """Run the code of a plug-in or a method in the standard state, which it may disturb.

    What it changed is restored, logged once, and listed by `all_changes`. The caller is a
    description of the code, such as "method 'noisy'". A RuntimeError if the code called `sys.exit`,
    or raised an exception that cannot be printed or is not an `Exception`.
    """
    with standard_state():
        had_numpy, had_torch = "numpy" in sys.modules, _torch() is not None
        try:
            yield
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except SystemExit as error:
            raise RuntimeError(f"{caller} called sys.exit({error.code!r})") from None
        except BaseException as error:
            name = type(error).__name__
            try:
                text = str(error)
            except Exception:
                raise RuntimeError(f"{caller} raised {name}, which cannot be printed") from None
            if isinstance(error, Exception):
                place = place_of(error)
                if place and place not in getattr(error, "__notes__", ()):
                    error.add_note(place)
                raise
            raise RuntimeError(f"{caller} raised {name}: {text}") from error
        finally:
            found = deviations()
            if had_torch and sys.modules["torch"].get_num_threads() != 1:
                found.append("torch.get_num_threads() is changed")
            _record(caller, found)
            # What the code imported itself has no earlier state for `standard_state` to restore.
            torch = _torch()
            if torch is not None and not had_torch:
                _standardise(torch, threads=False)
            if "numpy" in sys.modules and not had_numpy:
                sys.modules["numpy"].seterr(**_STANDARD_ERRORS)


def place_of(error: BaseException) -> str:
    """Return where other people's code raised an error; empty if no such code took part.

    The text is such as "algorithm.py, line 12, of even_pruning". Libraries that this project uses
    itself do not count.
    """
    frames = [
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
    ]
    package = ""
    place = ""
    for module, file, line in frames:
        top = module.partition(".")[0]
        if not package and top not in _OWN and top not in sys.stdlib_module_names:
            package = top
        # The last frame of the first foreign package: what it calls is not its author's.
        if package and top == package:
            place = f"{Path(file).name}, line {line}, of {package}"
    return place


def place_noted(error: BaseException) -> str:
    """Return the place that `plugin_call` has noted on an error, in brackets; or ""."""
    notes = [note for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
    return f" ({notes[0]})" if notes else ""


def error_text(error: BaseException) -> str:
    """Return type and message of an error, and the place of `place_noted`."""
    return f"{type(error).__name__}: {error}{place_noted(error)}"


def all_changes() -> dict[str, list[str]]:
    """Return caller -> settings changed so far in this process, as `plugin_call` names them."""
    return {caller: sorted(changes) for caller, changes in _changes.items()}


def deviations() -> list[str]:
    """Return a description of each setting of this thread that is not standard.

    The number of torch's threads is left out: it depends on the machine.
    """
    found = [_FLUSHED] if flushes_to_zero() else []
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.geterr() != _STANDARD_ERRORS:
        found.append(f"numpy.geterr() is {numpy.geterr()}")
    torch = _torch()
    if torch is not None:
        for setting in _torch_settings(torch):
            value = setting.read()
            if value not in setting.standard:
                found.append(f"{setting.name} is {value}")
    return found


def flushes_to_zero() -> bool:
    """Return whether this thread treats subnormal numbers, as operands or results, as zero."""
    subnormal = sys.float_info.min * 0.5
    return subnormal * 2.0 == 0.0


def _record(caller: str, found: list[str]) -> None:
    known = _changes.setdefault(caller, set())
    new = sorted(set(found) - known)
    known.update(new)
    if new:
        logger.warning("%s changes settings of the process, now restored: %s", caller, new)
    elif not known:
        del _changes[caller]


def _numpy_errors() -> AbstractContextManager[object]:
    numpy = sys.modules.get("numpy")
    return nullcontext() if numpy is None else numpy.errstate(**_STANDARD_ERRORS)


def _floating_point_environment() -> Any:
    """Switch this thread to C's default floating-point environment; return the previous one.

    None where the C library cannot be reached.
    """
    libm = _libm()
    saved = None
    if libm is not None:
        import ctypes

        saved = ctypes.create_string_buffer(_ENVIRONMENT_BYTES)
        libm.fegetenv(saved)
        libm.fesetenv(_default_environment(libm))
    if flushes_to_zero():
        raise RuntimeError(
            f"{_FLUSHED} in this process, which changes weights; find the library that sets this "
            "(often one compiled with -ffast-math) and load it in another process"
        )
    return saved


@cache
def _libm() -> Any:
    """Return the C library's mathematics, or None where it cannot be found."""
    import ctypes

    for name in (None, "libm.so.6", "libm.dylib"):
        try:
            library = ctypes.CDLL(name)
            library.fesetenv  # noqa: B018 - raises where the library lacks it
        except (OSError, AttributeError):
            continue
        return library
    return None


def _default_environment(libm: Any) -> Any:
    """Return the platform's FE_DFL_ENV."""
    import ctypes

    if sys.platform == "darwin":
        return ctypes.byref(ctypes.c_char.in_dll(libm, "_FE_DFL_ENV"))
    return ctypes.c_void_p(-1)


def _torch() -> ModuleType | None:
    torch = sys.modules.get("torch")
    # While torch is being imported, it is listed but incomplete.
    return torch if torch is not None and hasattr(torch, "compile") else None


def _standardise(torch: ModuleType, *, threads: bool = True) -> list[tuple[_TorchSetting, Any]]:
    """Set torch's settings to their standard values; return the previous values."""
    settings = list(_torch_settings(torch))
    if threads:
        settings.append(_function_pair(torch, "get_num_threads", 1))
    saved = [(setting, setting.read()) for setting in settings]
    for setting, value in saved:
        if value not in setting.standard:
            setting.write(setting.standard[0])
    return saved


def _function_pair(
    torch: ModuleType, getter: str, standard: Any, write: Callable[[Any], object] | None = None
) -> _TorchSetting:
    """Return the setting that "get_x" or "is_x" of torch reads and "set_x" or `write` changes."""
    write = write or getattr(torch, f"set_{getter.partition('_')[2]}")
    return _TorchSetting(f"torch.{getter}()", getattr(torch, getter), write, (standard,))


@cache
def _torch_settings(torch: ModuleType) -> tuple[_TorchSetting, ...]:
    def precision(backend: str) -> _TorchSetting:
        products = getattr(torch.backends, backend).matmul
        return _TorchSetting(
            f"torch.backends.{backend}.matmul.fp32_precision",
            lambda: products.fp32_precision,
            lambda value: setattr(products, "fp32_precision", value),
            ("ieee", "none"),
        )

    def set_device(device: Any) -> None:
        # None rather than the CPU: a default device slows every call that creates a tensor.
        torch.set_default_device(None if str(device) == "cpu" else device)

    return (
        _function_pair(torch, "get_default_dtype", torch.float32),
        _function_pair(torch, "get_default_device", torch.device("cpu"), set_device),
        _function_pair(torch, "is_grad_enabled", True),
        _function_pair(torch, "get_deterministic_debug_mode", 0),
        _TorchSetting(
            'torch.is_autocast_enabled("cpu")',
            lambda: torch.is_autocast_enabled("cpu"),
            lambda value: torch.set_autocast_enabled("cpu", value),
            (False,),
        ),
        precision("mkldnn"),
        precision("cuda"),
    )
