"""govbot runs a community by its own written constitution."""

__version__ = "0.1.0"
