"""Flotilla: one self-hosted, spec-first server for the management APIs of four fleet products."""

import warnings

__version__ = "0.1.0"

# Connexion imports starlette's test client, which warns of a library that only it would use.
warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
