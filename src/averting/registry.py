"""Collect one declared object from each module of a package, so that a new file is enough to add one."""

from __future__ import annotations

import importlib
import pkgutil


def collect[T](package: str, attribute: str, kind: type[T]) -> dict[str, T]:
    """Return what each module of a package declares under one name, keyed by module name.

    Parameters
    ----------
    package : str
        Dotted name, for example ``averting.effects.estimators``.
    attribute : str
        Name every module must declare, for example ``ESTIMATOR``.
    kind : type
        Type the declared objects must have.

    Returns
    -------
    dict of str to object
        In alphabetical order of module names.

    Raises
    ------
    TypeError
        If a module declares nothing, or something else, under that name.
    """
    parent = importlib.import_module(package)
    found: dict[str, T] = {}
    for info in sorted(pkgutil.iter_modules(parent.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package}.{info.name}")
        declared = getattr(module, attribute, None)
        if not isinstance(declared, kind):
            raise TypeError(f"{package}.{info.name} must declare {attribute} of type {kind.__name__}")
        found[info.name] = declared
    return found
