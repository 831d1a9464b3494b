import pytest

from engine import _core, _testing


@pytest.fixture(params=_testing.supported_isas())
def tier(request):
    """Each instruction-set tier of this machine in turn, forced for kernels chosen and models loaded from now on."""
    before = _testing.active_isa()
    force(request.param)
    yield request.param
    force(before)


def force(isa):
    """The test module and models have a core each."""
    _testing.force_isa(isa)
    _core._force_isa(isa)
