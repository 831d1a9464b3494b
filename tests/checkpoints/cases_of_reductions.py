"""Reductions, norms, softmax, cumulative sums, sorts, losses: also with all the work in one row, and along the first axis."""

import numpy as np
from checkpoint_cases import SIZE, BF16, F16, F32, F64, I32, I64, U8, numbers, op, tag_of

N = SIZE
ALONG = {"last": [-1], "first": [0], "middle": [1], "all": [0, 1, 2]}
SUMS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
for name in SUMS:
    for along, axes in ALONG.items():
        for dtype in (F32, F64, F16, I32, I64):
            if dtype in (I32, I64) and name in ("LogSum", "LogSumExp", "L2"):
                continue
            op(f"Reduce{name}", lambda axes=axes, dtype=dtype: [numbers(64, N >> 12, 64, dtype=dtype, low=1, high=3), np.array(axes)],
               tag=f"{along}-{tag_of(dtype)}", ns=0.05 * N, constants=(1,))  # fmt: skip
    op(f"Reduce{name}", lambda: [numbers(2, N // 2, low=0.5), np.array([1])], tag="rows", ns=0.05 * N, constants=(1,))
    op(f"Reduce{name}", lambda: [numbers(N // 2, 2, low=0.5), np.array([0])], tag="tall", ns=0.05 * N, constants=(1,))
for name in ("ReduceMax", "ReduceMin"):
    op(name, lambda: [numbers(64, N >> 10, 64, dtype=U8), np.array([1])], tag="uint8", ns=0.02 * N, constants=(1,))
for name in ("ArgMax", "ArgMin"):
    for dtype in (F32, F64, F16, I64, U8):
        op(name, lambda dtype=dtype: [numbers(4, N // 4, dtype=dtype)], {"axis": 1}, tag=f"rows-{tag_of(dtype)}", ns=0.05 * N)
        op(name, lambda dtype=dtype: [numbers(N // 64, 64, dtype=dtype)], {"axis": 0}, tag=f"tall-{tag_of(dtype)}", ns=0.05 * N)

for name in ("Softmax", "LogSoftmax", "Hardmax"):
    for dtype in (F32, F64, F16, BF16):
        for tag, shape, axis in [("last", (N // 512, 512), 1), ("row", (1, N // 2), 1), ("tall", (N // 128, 64), 0), ("wide", (8, N // 16), 0)]:
            op(name, lambda dtype=dtype, shape=shape: [numbers(*shape, dtype=dtype)], {"axis": axis}, tag=f"{tag}-{tag_of(dtype)}", ns=0.1 * N)

for dtype in (F32, F64, F16, BF16):
    for tag, shape in [("rows", (N // 1024, 1024)), ("row", (1, N // 2))]:
        x = lambda dtype=dtype, shape=shape: numbers(*shape, dtype=dtype)
        row = lambda dtype=dtype, shape=shape: numbers(shape[1], dtype=dtype)
        t = f"{tag}-{tag_of(dtype)}"
        op("LayerNormalization", lambda x=x, row=row: [x(), row(), row()], tag=t, ns=0.1 * N)
        op("RMSNormalization", lambda x=x, row=row: [x(), row()], tag=t, ns=0.1 * N)
        op("LpNormalization", lambda x=x: [x()], {"axis": 1, "p": 2}, tag=t, ns=0.1 * N)
        op("LpNormalization", lambda x=x: [x()], {"axis": 0, "p": 1}, tag=f"tall-{t}", ns=0.1 * N)
        if dtype is F64 or dtype is BF16:
            continue
        op("SimplifiedLayerNormalization", lambda x=x, row=row: [x(), row()], tag=t, ns=0.1 * N, opset=1)
        for name, more in [("SkipLayerNormalization", 2), ("SkipSimplifiedLayerNormalization", 1)]:
            op(name, lambda x=x, row=row, more=more: [x(), x(), *[row() for _ in range(more)]], tag=t, ns=0.1 * N, opset=1, domain="com.microsoft")
    image = lambda dtype=dtype: numbers(1, 8, N // 16, dtype=dtype)
    small = lambda dtype=dtype: numbers(64, 64, N // 4096, dtype=dtype)
    channel = lambda n, dtype=dtype: numbers(n, dtype=dtype, low=0.1)
    t = tag_of(dtype)
    op("InstanceNormalization", lambda x=image, c=channel: [x(), c(8), c(8)], tag=f"long-{t}", ns=0.1 * N)
    op("InstanceNormalization", lambda x=small, c=channel: [x(), c(64), c(64)], tag=f"many-{t}", ns=0.1 * N)
    op("GroupNormalization", lambda x=image, c=channel: [x(), c(8), c(8)], {"num_groups": 2}, tag=f"long-{t}", ns=0.1 * N)
    op("BatchNormalization", lambda x=image, c=channel: [x(), c(8), c(8), c(8), c(8)], tag=f"long-{t}", ns=0.05 * N)
    op("BatchNormalization", lambda x=small, c=channel: [x(), c(64), c(64), c(64), c(64)], tag=f"many-{t}", ns=0.05 * N)
    op("LRN", lambda dtype=dtype: [numbers(1, 64, 128, 256, dtype=dtype)], {"size": 5}, tag=t, ns=2 * N)
    op("LRN", lambda dtype=dtype: [numbers(1, 65536, 4, 4, dtype=dtype)], {"size": 5}, tag=f"deep-{t}", ns=N)
    op("MeanVarianceNormalization", lambda dtype=dtype: [numbers(2, 8, 512, 256, dtype=dtype)], {"axes": [0, 2, 3]}, tag=t, ns=0.1 * N)
op("SimplifiedLayerNormalization", lambda: [numbers(1024, 1024), numbers(1024)], domain="com.microsoft", opset=1, ns=0.02 * N)
op("BatchNormalization", lambda: [numbers(8, 16, N // 256), *[numbers(16, low=0.1) for _ in range(4)]], {"training_mode": 1}, n_outputs=3, tag="training", ns=0.1 * N)

for name, opset in [("CumSum", 25), ("CumProd", 26)]:
    for dtype in (F32, F64, F16, I64):
        if dtype is F16 and name == "CumSum":
            continue
        for tag, shape, axis in [("row", (1, N // 2), 1), ("tall", (N // 64, 64), 0), ("wide", (8, N // 8), 0), ("rows", (N // 512, 512), 1)]:
            op(name, lambda dtype=dtype, shape=shape, axis=axis: [numbers(*shape, dtype=dtype), np.array(axis)], {"reverse": axis},
               tag=f"{tag}-{tag_of(dtype)}", ns=0.1 * N, opset=opset)  # fmt: skip

for dtype in (F32, F64, F16, I64, U8):
    for tag, shape, k in [("rows", (N // 4096, 1024), 10), ("row", (1, N // 8), 1000), ("all", (1, N // 16), N // 16), ("tall", (N // 16, 4), 5)]:
        op("TopK", lambda dtype=dtype, shape=shape, k=k: [numbers(*shape, dtype=dtype), np.array([k])],
           {"axis": 0 if tag == "tall" else 1}, n_outputs=2, tag=f"{tag}-{tag_of(dtype)}", ns=0.2 * N)  # fmt: skip
    op("Unique", lambda dtype=dtype: [numbers(N // 16, dtype=dtype)], n_outputs=4, tag=tag_of(dtype), ns=N)
    op("Unique", lambda dtype=dtype: [numbers(N // 64, dtype=dtype)], {"sorted": 0}, tag=f"unsorted-{tag_of(dtype)}", ns=0.2 * N)
    op("Unique", lambda dtype=dtype: [numbers(N // 64, 4, dtype=dtype)], {"axis": 0}, n_outputs=4, tag=f"axis-{tag_of(dtype)}", ns=0.2 * N)
    op("NonZero", lambda dtype=dtype: [numbers(N // 64, 64, dtype=dtype)], tag=tag_of(dtype), ns=0.2 * N)
op("Unique", lambda: [numbers(N // 16, dtype=I64)], domain="com.microsoft", opset=1, n_outputs=3, ns=N)
op("NonZero", lambda: [numbers(N // 64, 64, dtype=bool)], tag="bool", ns=0.2 * N)

for dtype in (F32, F64, F16):
    for reduction in ("none", "mean"):
        t = f"{reduction}-{tag_of(dtype)}"
        labels = lambda n: numbers(n, dtype=I64, low=0, high=64)
        op("NegativeLogLikelihoodLoss", lambda dtype=dtype, labels=labels: [numbers(N // 64, 64, dtype=dtype), labels(N // 64)], {"reduction": reduction}, tag=t, ns=0.01 * N)
        op("SoftmaxCrossEntropyLoss", lambda dtype=dtype, labels=labels: [numbers(N // 64, 64, dtype=dtype), labels(N // 64)], {"reduction": reduction}, tag=t, ns=0.1 * N)
op("SoftmaxCrossEntropyLoss", lambda: [numbers(1, N // 2), numbers(1, dtype=I64)], tag="row", ns=0.1 * N, n_outputs=2)
op("SoftmaxCrossEntropyLoss", lambda: [numbers(1, 16, N // 16), numbers(1, N // 16, dtype=I64, low=0, high=16)], tag="wide", ns=0.1 * N, n_outputs=2)
