"""discord.py, imported so that the one warning it gives on the way does not count."""

import warnings

with warnings.catch_warnings():
    # It imports a module that Python has announced to remove, which is nothing we could change.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord

__all__ = ["discord"]
