"""What the operators compute, in NumPy: slow, plain, and what the tests compare with."""

import numpy as np


def log_mel(samples, filterbank, hop=160, floor=1e-10):
    size = 2 * (filterbank.shape[1] - 1)
    count = 0 if samples.shape[1] < size else 1 + (samples.shape[1] - size) // hop
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    frames = np.zeros((samples.shape[0], count, size))
    for t in range(count):
        frames[:, t] = samples[:, t * hop : t * hop + size] * window
    power = np.abs(np.fft.rfft(frames)) ** 2
    return np.log(np.maximum(power @ filterbank.T.astype(np.float64), floor)).astype(np.float32)


def hash_ngrams(texts, buckets=1024, least=1, most=3):
    counts = np.zeros((len(texts), buckets), np.float32)
    for row, text in zip(counts, texts, strict=True):
        raw = text.encode()
        for start in range(len(raw)):
            hashed = 2166136261
            for length, byte in enumerate(raw[start : start + most], 1):
                hashed = ((hashed ^ byte) * 16777619) & 0xFFFFFFFF
                if length >= least:
                    row[hashed % buckets] += 1
    return counts


def mel_filterbank(mels, size, rate=16000.0):
    """Triangles that are evenly spaced on the mel scale: [mels, size / 2 + 1]."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, mels + 2) / 2595) - 1)
    bins = np.linspace(0, rate / 2, size // 2 + 1)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
