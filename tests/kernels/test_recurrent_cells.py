"""The cells of LSTM and GRU against float64."""

import numpy as np
import pytest

from engine import _testing

kernels = _testing.recurrent
pytestmark = pytest.mark.usefixtures("tier")

LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257]


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def draw(n, gates, seed):
    rng = np.random.default_rng([n, seed])
    x, g = (rng.standard_normal((2, gates, n)) * 3).astype(np.float32)
    state, other = (rng.standard_normal((2, n)) * 2).astype(np.float32)
    return x, g, state, other


def check(got, want):
    np.testing.assert_allclose(got, want, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("n", LENGTHS)
def test_lstm(n):
    x, g, c, h = draw(n, 4, 1)
    s, before = (x + g).astype(np.float64), c.astype(np.float64)
    state = sigmoid(s[2]) * before + sigmoid(s[0]) * np.tanh(s[3])
    kernels.lstm(x, g, c, h)
    check(c, state)
    check(h, sigmoid(s[1]) * np.tanh(state))


@pytest.mark.parametrize("n", LENGTHS)
def test_gru(n):
    x, g, h, bias = draw(n, 3, 2)
    s, before = (x + g).astype(np.float64), h.astype(np.float64)
    z, r = sigmoid(s[0]), sigmoid(s[1])
    fresh = np.tanh(x[2] + r * (g[2].astype(np.float64) + bias))
    kernels.gru(x, g, bias, h)
    check(h, (1 - z) * fresh + z * before)


@pytest.mark.parametrize("n", LENGTHS)
def test_gru_in_halves(n):
    x, g, h, reset = draw(n, 3, 3)
    s, before = (x + g).astype(np.float64), h.astype(np.float64)
    z, r, fresh = sigmoid(s[0]), sigmoid(s[1]), np.tanh(s[2])
    kernels.gru_gates(x, g, h, reset)
    check(g[:2], [z, r])
    check(reset, r * before)
    kernels.gru_finish(x, g, h)
    check(h, (1 - z) * fresh + z * before)


@pytest.mark.parametrize("n", [1, 5, 16, 21])
def test_saturated_gates_and_nan(n):
    zero = np.zeros((4, n), np.float32)
    x = zero.copy()
    x[0], x[1], x[2], x[3] = np.inf, np.inf, -np.inf, -np.inf
    c, h = np.full(n, 3e38, np.float32), np.empty(n, np.float32)
    kernels.lstm(x, zero, c, h)
    np.testing.assert_array_equal(c, np.full(n, -1, np.float32))
    check(h, np.full(n, np.tanh(-1)))
    for gate in range(4):
        x = zero.copy()
        x[gate] = np.nan
        c, h = np.ones(n, np.float32), np.ones(n, np.float32)
        kernels.lstm(x, zero, c, h)
        assert np.isnan(h).all()
        assert np.isnan(c).all() == (gate != 1)
    x = zero[:3].copy()
    x[0] = np.inf
    h = np.full(n, 3e38, np.float32)
    kernels.gru(x, zero[:3].copy(), zero[0].copy(), h)
    np.testing.assert_array_equal(h, np.full(n, 3e38, np.float32))
    for gate in range(3):
        x = zero[:3].copy()
        x[gate] = np.nan
        h = np.ones(n, np.float32)
        kernels.gru(x, zero[:3].copy(), zero[0].copy(), h)
        assert np.isnan(h).all()


def test_signs_of_zero():
    zero = np.zeros((4, 20), np.float32)
    zero[3] = -0.0
    c, h = np.full(20, -0.0, np.float32), np.empty(20, np.float32)
    kernels.lstm(zero, np.full((4, 20), -0.0, np.float32), c, h)
    assert np.signbit(c).all()
    assert np.signbit(h).all()
