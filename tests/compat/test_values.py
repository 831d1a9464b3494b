"""OrtValue and OrtDevice."""

import fronting
import numpy as np
import pytest

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_says_what_it_is(ort):
    value = ort.OrtValue.ortvalue_from_numpy(A.copy())
    assert (value.shape(), value.data_type(), value.element_type()) == ([2, 3], "tensor(float)", 1)
    assert (value.device_name(), value.tensor_size_in_bytes()) == ("cpu", 24)
    assert value.has_value()
    assert value.is_tensor()
    assert not value.is_tensor_sequence()
    assert not value.is_sparse_tensor()


def test_shares_memory(ort):
    array = A.copy()
    value = ort.OrtValue.ortvalue_from_numpy(array)
    assert value.data_ptr() == array.ctypes.data
    array[0, 0] = 99
    assert value.numpy()[0, 0] == 99
    value.update_inplace(np.zeros((2, 3), np.float32))
    assert not array.any()
    value.update_inplace(ort.OrtValue.ortvalue_from_numpy(A))
    np.testing.assert_array_equal(array, A)
    np.testing.assert_array_equal(np.asarray(value), A)
    np.testing.assert_array_equal(np.from_dlpack(value), A)


def test_other_memory(ort):
    np.testing.assert_array_equal(ort.OrtValue.ortvalue_from_numpy(A.T).numpy(), A.T)
    np.testing.assert_array_equal(ort.OrtValue.from_dlpack(A.copy()).numpy(), A)


@pytest.mark.parametrize(
    ("element_type", "name"), [(np.float32, "float"), ("int64", "int64"), (10, "float16"), (16, "bfloat16")]
)
def test_from_shape(ort, element_type, name):
    value = ort.OrtValue.ortvalue_from_shape_and_type([2, 3], element_type)
    assert (value.shape(), value.data_type()) == ([2, 3], f"tensor({name})")


def test_bits_of_another_type(ort):
    value = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(np.array([0x3F80], np.uint16), 16)
    assert (value.data_type(), value.element_type()) == ("tensor(bfloat16)", 16)


def test_wrong(ort):
    value = ort.OrtValue.ortvalue_from_numpy(A.copy())
    with pytest.raises(RuntimeError, match="does not match the size"):
        value.update_inplace(np.zeros((1, 3), np.float32))
    with pytest.raises(TypeError):
        value.update_inplace([1])
    for wrong in ([1, 2], np.array(["a"])):
        with pytest.raises(RuntimeError, match="non-string numpy arrays"):
            ort.OrtValue.ortvalue_from_numpy(wrong)
    with pytest.raises(RuntimeError, match="Can't allocate memory on the"):
        ort.OrtValue.ortvalue_from_numpy(A, "cuda", 0)
    with pytest.raises(Exception, match="Unsupported device type: foo"):
        ort.OrtValue.ortvalue_from_numpy(A, "foo", 0)


def test_devices(ort):
    device = ort.OrtDevice.make("cpu", 0)
    assert (device.device_id(), device.device_type(), device.device_vendor_id(), device.device_mem_type()) == (
        0,
        0,
        0,
        0,
    )


def test_runs(ort):
    session = ort.InferenceSession(fronting.product())
    x = np.ones((2, 4), np.float32)
    values = session.run_with_ort_values(None, {"x": ort.OrtValue.ortvalue_from_numpy(x)})
    assert [value.data_type() for value in values] == ["tensor(float)"] * 2
    (z,) = session.run_with_ort_values(["z"], {"x": values[0]})
    np.testing.assert_array_equal(z.numpy(), -x)
    with pytest.raises(AttributeError):
        session.run_with_ort_values(["z"], {"x": x})


def test_types_are_strict(ort, errors):
    session = ort.InferenceSession(fronting.product())
    value = ort.OrtValue.ortvalue_from_numpy(np.ones((2, 4)))
    with pytest.raises(errors.InvalidArgument, match=r"Actual: \(tensor\(double\)\) , expected: \(tensor\(float\)\)"):
        session.run(None, {"x": value})
