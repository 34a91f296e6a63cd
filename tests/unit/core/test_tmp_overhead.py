import pytest
@pytest.mark.parametrize("n", range(100))
def test_x(database, n): pass
