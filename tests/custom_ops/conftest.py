import ctypes

import building
import engine
import pytest


@pytest.fixture(scope="session")
def probes(tmp_path_factory):
    """The folder with all libraries of building.PROBES."""
    return building.once(tmp_path_factory, "probes", building.build_probes)


@pytest.fixture(scope="session")
def probe(probes):
    """The probe's operators are registered; the library, for its counters."""
    path = building.library(probes, "probe")
    engine.register(path)
    return ctypes.CDLL(str(path))
