"""Flotilla: one self-hosted, spec-first server for the management APIs of four fleet products."""

__version__ = "0.1.0"
