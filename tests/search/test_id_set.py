from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.id_set import ID_BYTES, IdSet

# Few values, including zeros: NumPy's string types ignore zeros at the end.
IDS = st.sets(
    st.lists(st.sampled_from([0, 1, 255]), min_size=ID_BYTES, max_size=ID_BYTES).map(bytes)
)


@given(IDS, IDS)
def test_set_operations_agree_with_python_sets(one: set[bytes], other: set[bytes]) -> None:
    ids = IdSet(b"".join(one))
    assert set(ids) == one
    assert len(ids) == len(one)
    asked = sorted(one | other)
    assert ids.has(b"".join(asked)).tolist() == [each in one for each in asked]
    assert set(ids - IdSet(b"".join(other))) == one - other


def test_repeated_id_counts_once() -> None:
    assert list(IdSet.of_hex(["0a" * 16, "0b" * 16, "0a" * 16])) == [b"\n" * 16, b"\v" * 16]
