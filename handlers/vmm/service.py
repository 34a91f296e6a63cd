"""What this server offers, and whether it is well (vmm 4)."""

from app.vmm import service


def get_config():
    """The switches that the panel goes by, and a stream of its own."""
    return service.config()


def check_alive():
    """The process answers."""
    return service.alive()


def check_ready():
    """It can do its work now."""
    return service.ready()
