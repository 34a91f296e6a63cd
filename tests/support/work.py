"""Work in the background, for tests that start no worker."""

from app.core import work


def do_work() -> int:
    """Do what is due, in this thread; how many units that were."""
    done = 0
    while (unit := work.claim()) is not None:
        work.run(unit)
        done += 1
    return done
