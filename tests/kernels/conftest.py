import pytest

from engine import _testing


@pytest.fixture(params=_testing.supported_isas())
def tier(request):
    """Each instruction-set tier of this machine in turn, forced for kernels chosen from now on."""
    before = _testing.active_isa()
    _testing.force_isa(request.param)
    yield request.param
    _testing.force_isa(before)
