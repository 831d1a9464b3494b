"""DFT and STFT against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_node

import engine

LENGTHS = [1, 2, 3, 4, 5, 8, 12, 30, 31, 37, 64, 97, 210, 221, 1000, 1021]


def data(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def parts(z):
    return np.stack([z.real, z.imag], -1)


def number(x):
    x = x.astype(np.float64)
    return x[..., 0] + (1j * x[..., 1] if x.shape[-1] == 2 else 0)


def close(got, want, dtype=np.float32):
    tolerance = {8: 1e-11, 4: 1e-5}.get(np.dtype(dtype).itemsize, 2e-2)
    scale = max(1.0, np.abs(want).max(initial=0))
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("opset", [17, 20])
def test_every_length(n, k, opset):
    x = data(2, n, 3, k, dtype=np.float64)
    z = number(x)

    def dft(attrs, length=None):
        inputs = [x, None if length is None else np.array(length)]
        if opset == 17:
            return run_node("DFT", inputs, attrs | {"axis": 1}, opset=17)[0]
        return run_node("DFT", [*inputs, np.array(1)], attrs, opset=20)[0]

    close(dft({}), parts(np.fft.fft(z, axis=1)), np.float64)
    close(dft({"inverse": 1}), parts(np.fft.ifft(z, axis=1)), np.float64)
    close(dft({"onesided": 1}), parts(np.fft.fft(z, axis=1)[:, : n // 2 + 1]), np.float64)
    for length in (n + 3, max(1, n - 2)):
        close(dft({}, length), parts(np.fft.fft(z, n=length, axis=1)), np.float64)
        real = dft({"inverse": 1, "onesided": 1}, length)
        close(real[..., 0], np.fft.irfft(z, n=length, axis=1), np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("constants", [(), (1, 2)])
def test_dtypes_and_axes(dtype, constants):
    x = data(3, 5, 8, 1, dtype=dtype)
    for axis in (0, 1, 2, -2, -3, -4):
        (got,) = run_node("DFT", [x, np.array(8), np.array(axis)], opset=20, constants=constants)
        assert got.dtype == dtype
        close(got, parts(np.fft.fft(number(x), n=8, axis=axis if axis >= 0 else axis + 1)), dtype)


@pytest.mark.parametrize("n", [8192, 10_007, 59_049, 65536, 100_003])
def test_long_transforms_with_any_number_of_threads(n):
    x = data(1, n, 1)
    one, two = (run_node("DFT", [x], threads=t, opset=20)[0] for t in (1, 2))
    assert_same(one, two)
    close(one, parts(np.fft.fft(number(x), axis=1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [8, 10, 60, 243, 1000, 1024, 2002, 4096, 15015, 65536, 97, 1021, 10007])
def test_the_error_grows_like_the_logarithm(dtype, n):
    """Root mean square, against the norm; lengths with a large prime go through transforms of up to four times the length."""
    x = data(4, n, 2, dtype=dtype)
    got = number(run_node("DFT", [x, None, np.array(1)], opset=20)[0])
    wide = np.fft.fft(number(x).astype(np.clongdouble), axis=1)
    error = np.linalg.norm(got - wide.astype(complex)) / np.linalg.norm(wide.astype(complex))
    convolved = n in (97, 1021, 10007)
    assert error <= (2 if convolved else 0.6) * np.finfo(dtype).eps * np.log2(n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 7, 10, 74])
def test_the_spectrum_of_real_numbers_is_exactly_symmetric(dtype, n):
    spectrum = number(run_node("DFT", [data(3, n, 1, dtype=dtype), None, np.array(1)], opset=20)[0])
    assert_same(spectrum[:, 1:], spectrum[:, :0:-1].conj())
    assert not spectrum[:, 0].imag.any()
    if n % 2 == 0:
        assert not spectrum[:, n // 2].imag.any()


def test_refused():
    x = data(2, 8, 1)
    for inputs in ([x, np.array(0)], [x, np.array(-1)], [x, None, np.array(2)], [x, None, np.array(-4)]):
        with pytest.raises(engine.EngineError):
            run_node("DFT", inputs, opset=20)
    with pytest.raises(engine.EngineError):
        run_node("DFT", [data(2, 8, 3)], opset=20)
    with pytest.raises(engine.EngineError):
        run_node("DFT", [x, np.array(2**60)], opset=20)


def stft(x, step, window, n, onesided):
    z = number(x)
    frames = [z[:, i : i + n] * (1 if window is None else window.astype(np.float64)) for i in range(0, z.shape[1] - n + 1, step)]
    spectra = np.fft.fft(np.stack(frames, 1), axis=2)
    return parts(spectra[..., : n // 2 + 1] if onesided else spectra)


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("n, step", [(16, 4), (25, 10), (37, 1), (128, 200)])
@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize("constants", [(), (1, 2, 3)])
def test_stft(onesided, n, step, windowed, constants):
    x, window = data(2, 300, 1), data(n) if windowed else None
    inputs = [x, np.array(step), window, np.array(n)]
    constants = tuple(i for i in constants if inputs[i] is not None)
    (got,) = run_node("STFT", inputs, {"onesided": onesided}, constants=constants)
    close(got, stft(x, step, window, n, onesided))
    if windowed:
        assert_same(run_node("STFT", inputs[:3], {"onesided": onesided})[0], got)
    if not onesided:
        x = data(2, 300, 2)
        close(run_node("STFT", [x, *inputs[1:]], {"onesided": 0})[0], stft(x, step, window, n, 0))


def test_stft_refused():
    x = data(1, 30, 1)
    for step, n in [(0, 8), (-1, 8), (4, 0)]:
        with pytest.raises(engine.EngineError):
            run_node("STFT", [x, np.array(step), None, np.array(n)])
    assert run_node("STFT", [x, np.array(4), None, np.array(31)])[0].shape == (1, 0, 16, 2)
