"""Names are bytes, shown in JSON without loss (ngenea 8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ngenea import names


@pytest.mark.rule("ngenea 8")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain", "plain"),
        ("Grüße\n".encode(), "Grüße\n"),
        (b"\xff", "\uf7ff"),
        (b"a\xe9b", "a\uf7e9b"),
        ("\uf7ff".encode(), "\uf7ef\uf79f\uf7bf"),
        ("\uf701".encode(), "\uf701"),
        (b"\xed\xa0\x80", "\uf7ed\uf7a0\uf780"),
    ],
)
def test_what_is_no_utf_8_is_shown_by_private_characters(name, shown):
    assert names.show(name) == shown
    assert names.read(shown) == name


@pytest.mark.rule("ngenea 8")
@given(st.binary(max_size=40) | st.text("a\uf780\uf7ff\uf701ü").map(str.encode))
def test_every_name_leads_back_to_itself(name):
    shown = names.show(name)
    shown.encode()
    assert names.read(shown) == name


def test_two_names_are_never_shown_alike():
    assert names.show(b"\xef\x9f\xbf") != names.show(b"\xff")


def test_text_that_is_none_is_refused():
    with pytest.raises(ValueError):
        names.read("\udcff")
