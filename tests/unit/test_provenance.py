"""Provenance: the same inputs give the same keys, and every change moves them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.provenance import canonical_json, content_key, file_hash, tree_hashes, versions

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_reads_back_and_ends_with_a_line(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert text.endswith("\n")


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=6))
def test_the_order_of_keys_does_not_matter(value):
    turned = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(turned)
    assert content_key(value) == content_key(turned)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": -float("inf")}]])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key(value)


@given(JSON, JSON)
def test_keys_differ_where_content_does(one, other):
    assert (content_key(one) == content_key(other)) == (canonical_json(one) == canonical_json(other))
    assert content_key(one, other) == content_key(one, other)


def test_parts_are_told_apart():
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key("a") != content_key("a", None)
    assert content_key([1, 2]) != content_key(1, 2)


def test_a_key_is_the_same_in_another_process():
    code = "from averting.provenance import content_key; print(content_key({'b': 1, 'a': [1.5, 'é']}, 2))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == content_key({"a": [1.5, "é"], "b": 1}, 2)


def test_hashes_follow_bytes_and_names_only(tmp_path):
    for home in ("one", "two"):
        (tmp_path / home / "below").mkdir(parents=True)
        (tmp_path / home / "b.toml").write_bytes(b"x = 1\n")
        (tmp_path / home / "below" / "a.toml").write_bytes(b"y = 2\n")
        (tmp_path / home / "note.txt").write_bytes(home.encode())
    one, two = (tree_hashes(tmp_path / home, "*.toml") for home in ("one", "two"))
    assert one == two
    assert list(one) == ["b.toml", "below/a.toml"]
    (tmp_path / "two" / "b.toml").write_bytes(b"x = 2\n")
    assert tree_hashes(tmp_path / "two", "*.toml")["b.toml"] != one["b.toml"]


def test_a_file_hash_is_sha_256(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert file_hash(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_versions_name_what_numbers_depend_on():
    found = versions()
    assert {"python", "averting", "numpy", "scipy", "pandas", "xarray"} <= set(found)
    assert all(found.values())
