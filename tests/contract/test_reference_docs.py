"""docs/reference says what the code says."""

import pytest

from tests.support.reference_docs import FOLDER, PAGES


@pytest.mark.parametrize("name", ["operations.md", "settings.md", "differences.md"])
def test_the_reference_is_up_to_date(name):
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run `make docs`"
