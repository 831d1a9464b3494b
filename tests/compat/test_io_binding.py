"""IOBinding: the same memory for many calls."""

import fronting
import numpy as np
import pytest

X = np.arange(8, dtype=np.float32).reshape(2, 4)


@pytest.fixture
def session(ort):
    return ort.InferenceSession(fronting.product())


def test_arrays(session):
    binding = session.io_binding()
    binding.bind_cpu_input("x", X)
    binding.bind_output("z")
    session.run_with_iobinding(binding)
    assert [value.shape() for value in binding.get_outputs()] == [[2, 4]]
    np.testing.assert_array_equal(binding.copy_outputs_to_cpu()[0], -X)


def test_addresses(session):
    x, z = X.copy(), np.zeros_like(X)
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    binding.bind_output("z", "cpu", 0, np.float32, z.shape, z.ctypes.data)
    for factor in (1, 2):
        x[:] = X * factor
        session.run_with_iobinding(binding)
        np.testing.assert_array_equal(z, X * -factor)


def test_ort_values(ort, session):
    x = ort.OrtValue.ortvalue_from_numpy(X.copy())
    z = ort.OrtValue.ortvalue_from_shape_and_type(X.shape, np.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("z", z)
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(z.numpy(), -X)
    np.testing.assert_array_equal(binding.get_outputs()[1].numpy(), X)
    x.update_inplace(X * 3)
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(z.numpy(), X * -3)


def test_an_output_that_is_the_input(ort, session):
    state = ort.OrtValue.ortvalue_from_numpy(X.copy())
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", state)
    binding.bind_ortvalue_output("z", state)
    session.run_with_iobinding(binding)
    np.testing.assert_array_equal(state.numpy(), -X)


def test_bound_anew(session):
    binding = session.io_binding()
    for n in (1, 5):
        binding.bind_cpu_input("x", np.ones((n, 4), np.float32))
        binding.bind_output("y")
        binding.synchronize_inputs()
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        assert binding.get_outputs()[0].shape() == [n, 4]
        binding.clear_binding_inputs()
        binding.clear_binding_outputs()


def test_wrong(ort, session):
    binding = session.io_binding()
    with pytest.raises(RuntimeError, match="Failed to find NodeArg with name: q"):
        binding.bind_cpu_input("q", X)
    with pytest.raises(RuntimeError, match="Unable to create OrtValue from the given python object"):
        binding.bind_cpu_input("x", [1.0])
    binding.bind_cpu_input("x", X)
    with pytest.raises(RuntimeError, match="At least one output should be requested"):
        session.run_with_iobinding(binding)
    binding.bind_output("z")
    with pytest.raises(ValueError, match="must be used with the session that created it"):
        ort.InferenceSession(fronting.product()).run_with_iobinding(binding)
    binding.bind_cpu_input("x", np.ones(4, np.float32))
    with pytest.raises(RuntimeError, match="Error in execution: Invalid rank for input: x Got: 1 Expected: 2"):
        session.run_with_iobinding(binding)
    binding.bind_cpu_input("x", X)
    binding.bind_ortvalue_output("z", ort.OrtValue.ortvalue_from_shape_and_type([2, 4], np.float64))
    with pytest.raises(
        RuntimeError, match=r"Unexpected output data type. Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)"
    ):
        session.run_with_iobinding(binding)
    binding.bind_ortvalue_output("z", ort.OrtValue.ortvalue_from_shape_and_type([3, 4], np.float32))
    with pytest.raises(RuntimeError, match="Error in execution"):
        session.run_with_iobinding(binding)
