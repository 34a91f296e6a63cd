"""Each known trap has a test of the right behaviour: `test_trap_NN_...` in tests/unit/http/test_traps_*.py."""

import re
from pathlib import Path

from tests.unit.http.traps import NAMES

TEST = re.compile(r"^def test_trap_(\d\d)(?:_and_(\d\d))?_", re.MULTILINE)


def test_every_trap_has_a_test():
    files = Path(__file__).parent.glob("test_traps_*.py")
    numbers = [pair for file in files for pair in TEST.findall(file.read_text("utf-8"))]
    found = {int(number) for pair in numbers for number in pair if number}
    assert found == set(NAMES)
