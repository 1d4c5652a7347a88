"""The queue back ends: each one that the settings select has a package with the functions of `Backend`."""

from importlib import import_module
from inspect import signature

import pytest

from functions.queues.backends import Backend
from functions.settings.queues import BACK_ENDS


@pytest.mark.parametrize("package", [back_end.package for back_end in BACK_ENDS.values()])
def test_a_back_end_has_the_functions_of_the_protocol(package: str) -> None:
    module = import_module(f"functions.queues.backends.{package}.backend")
    for name in ("publisher", "dead_letters", "apply"):
        _, *parameters = signature(getattr(Backend, name)).parameters.values()
        assert [*signature(getattr(module, name)).parameters.values()] == parameters
