"""Every numbered rule that this release must keep has a test that names it."""

from tests.support import rules


def test_every_rule_has_a_test():
    assert sorted(rules.wanted().keys() - rules.proved().keys()) == []


def test_no_test_names_a_rule_that_does_not_exist():
    assert sorted(rules.proved().keys() - rules.wanted().keys() - {"mender 12", "mender 1.5"}) == []
