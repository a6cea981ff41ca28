"""Checks on an effect, one kind per file."""
