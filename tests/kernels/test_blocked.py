"""Tensors with channels last from and to the channel-blocked layout: every bit moves, padding lanes are +0."""

import numpy as np
import pytest

from engine import _testing


@pytest.mark.parametrize("channels", [1, 3, 8, 15, 16, 17, 32, 40])
@pytest.mark.parametrize("pixels", [1, 2, 33])
def test_channels_last(tier, channels, pixels):
    x = np.random.default_rng(channels).integers(0, 1 << 32, (2, pixels, channels), np.uint32).view(np.float32)
    lanes = _testing.block_lanes()
    want = np.zeros((2, -(-channels // lanes) * lanes, pixels), np.uint32)
    want[:, :channels] = x.view(np.uint32).transpose(0, 2, 1)
    want = want.reshape(2, -1, lanes, pixels).transpose(0, 1, 3, 2)
    blocked = _testing.last_to_blocked(x)
    np.testing.assert_array_equal(blocked.view(np.uint32), want)
    blocked.view(np.uint32)[:, -1, :, channels - (blocked.shape[1] - 1) * lanes :] = 7
    np.testing.assert_array_equal(_testing.blocked_to_last(blocked, channels).view(np.uint32), x.view(np.uint32))
