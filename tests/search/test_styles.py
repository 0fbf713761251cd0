from __future__ import annotations

import pytest

from search.methods import METHODS
from search.styles import MARKERS, Style


def test_every_method_has_its_own_style() -> None:
    styles = [method.style for method in METHODS.values()]
    assert all(styles)
    assert len({(style.light, style.symbol) for style in styles if style}) == len(METHODS)


def test_every_method_has_its_own_display_name() -> None:
    assert len({method.display_name or name for name, method in METHODS.items()}) == len(METHODS)


def test_marker_has_a_name_in_both_libraries() -> None:
    assert Style("#000000", "#ffffff", "diamond").marker == MARKERS["diamond"]


@pytest.mark.parametrize(
    ("light", "symbol", "problem"),
    [("black", "circle", "black"), ("#ABCDEF", "circle", "#ABCDEF"), ("#000000", "blob", "blob")],
)
def test_invalid_style_is_refused(light: str, symbol: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Style(light, "#ffffff", symbol)
