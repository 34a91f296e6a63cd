"""The npm programs of the tests: what happens on a machine that cannot reach the registry."""

import shutil

import pytest

from tests.support import node


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A copy of tools/ with nothing installed, no cache, and a registry that nobody answers for."""
    for file in ("package.json", "package-lock.json"):
        shutil.copy(node.TOOLS / file, tmp_path)
    monkeypatch.setattr(node, "TOOLS", tmp_path)
    monkeypatch.setattr(node, "MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(node, "LOCK", tmp_path / "package-lock.json")
    monkeypatch.setattr(node, "RETRIES", ("--fetch-retries=0",))
    monkeypatch.setattr(node, "install", node.install.__wrapped__)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("setting", "outcome"), [(None, pytest.skip.Exception), ("require", pytest.fail.Exception)])
def test_without_the_registry_a_test_is_skipped_or_fails(setting, outcome, monkeypatch):
    monkeypatch.delenv("FLOTILLA_E2E", raising=False)
    if setting:
        monkeypatch.setenv("FLOTILLA_E2E", setting)
    with pytest.raises(outcome, match="npm cannot install tools/package-lock.json: .*ECONNREFUSED"):
        node.modules()
    assert not (node.MODULES / ".flotilla").exists()
