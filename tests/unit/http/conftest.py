import pytest

from app.core import db


@pytest.fixture(scope="module")
def module_database(tmp_path_factory):
    """A database for the pipeline's units of work; the toy system has no tables."""
    folder = tmp_path_factory.mktemp("db")
    db.configure(f"sqlite:///{folder / 'toy.db'}", lock_dir=folder)
    yield
    db.close()
