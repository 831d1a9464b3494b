"""GridSample, AffineGrid, RoiAlign, MaxRoiPool, MaxUnpool, Col2Im and NonMaxSuppression against onnx.reference and loops."""

import engine
import numpy as np
import pytest
from harness import assert_close, assert_same, one_node, run_all_ways, run_node
from movement import draw
from onnx.reference import ReferenceEvaluator


def reference(op, inputs, attrs, opset=22):
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    return ReferenceEvaluator(one_node(op, inputs, attrs, opset)).run(None, feeds)[0]


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("shape", [(2, 2, 4, 5), (1, 2, 3, 4, 2)])
def test_grid_sample(mode, padding, align, shape):
    x = draw(shape)
    grid = np.random.default_rng(1).uniform(-1.6, 1.6, (shape[0], *(n + 1 for n in shape[2:]), len(shape) - 2)).astype(np.float32)
    attrs = {"mode": mode, "padding_mode": padding, "align_corners": align}
    got = run_all_ways("GridSample", [x, grid], attrs, opset=22)[0]
    assert_close(got, reference("GridSample", [x, grid], attrs), rtol=1e-3, atol=2e-3)


def test_grid_sample_versions_and_edges():
    x, grid = draw((1, 1, 3, 3)), np.zeros((1, 2, 2, 2), np.float32)
    for mode in ("bilinear", "nearest", "bicubic"):
        got = run_node("GridSample", [x, grid], {"mode": mode}, opset=16)[0]
        assert_close(got, np.full((1, 1, 2, 2), x[0, 0, 1, 1]), rtol=1e-5)
    far = np.array([[[[np.nan, 0], [np.inf, -np.inf], [1e30, 0]]]], np.float32)
    for padding in ("zeros", "border", "reflection"):
        assert run_node("GridSample", [x, far], {"padding_mode": padding})[0].shape == (1, 1, 1, 3)
    for bad in (np.zeros((1, 2, 2, 3), np.float32), np.zeros((2, 2, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32)):
        with pytest.raises(engine.EngineError):
            run_node("GridSample", [x, bad])


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("size", [(2, 3, 5, 6), (2, 3, 4, 5, 6)])
def test_affine_grid(align, size):
    d = len(size) - 2
    theta = draw((2, d, d + 1))
    got = run_all_ways("AffineGrid", [theta, np.array(size)], {"align_corners": align}, opset=20, constants=(1,))[0]
    assert_close(got, reference("AffineGrid", [theta, np.array(size)], {"align_corners": align}, 20), rtol=1e-4, atol=1e-4)
    for bad in ((2, 3, 4), (1, 3, 5, 6), (2, 3, -1, 6)):
        with pytest.raises(engine.EngineError):
            run_node("AffineGrid", [theta, np.array(bad)], opset=20)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize("shift", ["half_pixel", "output_half_pixel"])
def test_roi_align(mode, ratio, shift):
    x = draw((2, 3, 10, 12))
    rois = np.array([[0, 0, 9, 9], [2, 1, 5, 11], [-3, -2, 30, 14], [4, 4, 4, 4]], np.float32)
    batch = np.array([0, 1, 1, 0])
    attrs = {"mode": mode, "sampling_ratio": ratio, "output_height": 3, "output_width": 2, "spatial_scale": 0.8,
             "coordinate_transformation_mode": shift}  # fmt: skip
    got = run_all_ways("RoiAlign", [x, rois, batch], attrs, opset=22)[0]
    assert_close(got, reference("RoiAlign", [x, rois, batch], attrs), rtol=1e-4, atol=1e-4)
    for bad_rois, bad_batch in ((rois, batch + 1), (np.full_like(rois, np.nan), batch), (rois * 1e6, batch), (rois, batch[:2])):
        with pytest.raises(engine.EngineError):
            run_node("RoiAlign", [x, bad_rois, bad_batch], attrs | {"sampling_ratio": 0})


def test_max_roi_pool():
    x = draw((2, 3, 6, 8))
    rois = np.array([[0, 0, 0, 7, 5], [1, 2, 1, 4, 5], [1, 9, 9, 12, 12]], np.float32)
    want = np.zeros((3, 3, 2, 2), np.float32)
    for i, (b, x1, y1, x2, y2) in enumerate(rois.astype(int)):
        h, w = (y2 - y1 + 1) / 2, (x2 - x1 + 1) / 2
        for r in range(2):
            for c in range(2):
                part = x[b, :, int(np.clip(np.floor(r * h) + y1, 0, 6)) : int(np.clip(np.ceil((r + 1) * h) + y1, 0, 6)),
                         int(np.clip(np.floor(c * w) + x1, 0, 8)) : int(np.clip(np.ceil((c + 1) * w) + x1, 0, 8))]  # fmt: skip
                want[i, :, r, c] = part.reshape(3, -1).max(1, initial=-np.inf) if part.size else 0
    assert_same(run_all_ways("MaxRoiPool", [x, rois], {"pooled_shape": [2, 2]}, opset=22)[0], want)
    for bad in (rois + np.array([5, 0, 0, 0, 0], np.float32), np.full_like(rois, np.inf)):
        with pytest.raises(engine.EngineError):
            run_node("MaxRoiPool", [x, bad], {"pooled_shape": [2, 2]}, opset=22)


def test_max_unpool():
    x = draw((1, 2, 2, 2))
    indices = np.array([[[[0, 3], [9, 11]], [[17, 18], [24, 31]]]])
    attrs = {"kernel_shape": [2, 2], "strides": [2, 2]}
    want = np.zeros(32, np.float32)
    want[indices.ravel()] = x.ravel()
    assert_same(run_all_ways("MaxUnpool", [x, indices], attrs, opset=22)[0], want.reshape(1, 2, 4, 4))
    got = run_all_ways("MaxUnpool", [x, indices, np.array([1, 2, 5, 6])], attrs, opset=22, constants=(2,))[0]
    bigger = np.zeros((1, 2, 5, 6), np.float32)
    bigger[:, :, :4, :4] = want.reshape(1, 2, 4, 4)
    assert_same(got, bigger)
    for bad in (indices + 30, indices - 1):
        with pytest.raises(engine.EngineError):
            run_node("MaxUnpool", [x, bad], attrs, opset=22)
    with pytest.raises(engine.EngineError):
        run_node("MaxUnpool", [x, indices], {"kernel_shape": [0, 2]}, opset=22)


def col2im(x, image, block, strides, pads, dilations):
    n, d = x.shape[0], len(image)
    channels = x.shape[1] // int(np.prod(block))
    counts = [(image[i] + pads[i] + pads[d + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(d)]
    x = x.reshape(n, channels, *block, *counts)
    y = np.zeros((n, channels, *image), x.dtype)
    for k in np.ndindex(*block):
        for at in np.ndindex(*counts):
            to = [at[i] * strides[i] - pads[i] + k[i] * dilations[i] for i in range(d)]
            if all(0 <= t < m for t, m in zip(to, image, strict=True)):
                y[(slice(None), slice(None), *to)] += x[(slice(None), slice(None), *k, *at)]
    return y


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8])
@pytest.mark.parametrize(
    ("image", "block", "strides", "pads", "dilations"),
    [
        ((5, 5), (1, 5), (1, 1), (0, 0, 0, 0), (1, 1)),
        ((6, 7), (2, 3), (2, 1), (0, 0, 0, 0), (1, 1)),
        ((6, 6), (3, 3), (2, 3), (1, 2, 0, 1), (2, 1)),
        ((4, 5, 3), (2, 2, 2), (1, 2, 1), (0, 1, 0, 1, 0, 1), (1, 1, 1)),
    ],
)
def test_col2im(dtype, image, block, strides, pads, dilations):
    d = len(image)
    counts = [(image[i] + pads[i] + pads[d + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(d)]
    x = np.random.default_rng(0).integers(0, 9, (2, 3 * int(np.prod(block)), int(np.prod(counts)))).astype(dtype)
    attrs = {"strides": strides, "pads": pads, "dilations": dilations}
    got = run_all_ways("Col2Im", [x, np.array(image), np.array(block)], attrs, opset=18, constants=(1, 2))[0]
    assert_same(got, col2im(x, image, block, strides, pads, dilations))


def test_col2im_refuses():
    x = draw((1, 4, 4))
    for image, block in (((5, 5), (2, 2)), ((3, 3), (3, 2)), ((3, 3), (0, 2)), ((3,), (2, 2)), ((-3, 3), (2, 2))):
        with pytest.raises(engine.EngineError):
            run_node("Col2Im", [x, np.array(image), np.array(block)], opset=18)


def suppressed(boxes, scores, most, iou, least):
    out = []
    for b in range(scores.shape[0]):
        for c in range(scores.shape[1]):
            chosen = []
            for i in np.argsort(-scores[b, c], kind="stable"):
                if len(chosen) == most:
                    break
                if least is not None and not scores[b, c, i] > least:
                    continue
                y1, x1, y2, x2 = boxes[b, i]
                fine = True
                for j in chosen:
                    v1, u1, v2, u2 = boxes[b, j]
                    shared = max(0, min(y2, v2) - max(y1, v1)) * max(0, min(x2, u2) - max(x1, u1))
                    union = (y2 - y1) * (x2 - x1) + (v2 - v1) * (u2 - u1) - shared
                    fine = fine and not shared / union > iou
                if fine:
                    chosen.append(i)
                    out.append([b, c, i])
    return np.array(out, np.int64).reshape(-1, 3)


@pytest.mark.parametrize(("most", "iou", "least"), [(3, 0.5, None), (100, 0.3, 0.4), (1000, 0.7, 0.0), (0, 0.5, 0.1)])
@pytest.mark.parametrize("by_center", [0, 1])
def test_non_max_suppression(most, iou, least, by_center):
    rng = np.random.default_rng(6)
    corner, size = rng.uniform(0, 50, (2, 300, 2)), rng.uniform(5, 20, (2, 300, 2))
    boxes = np.concatenate([corner, corner + size], 2).astype(np.float32)
    scores = rng.uniform(0, 1, (2, 3, 300)).astype(np.float32)
    given = boxes
    if by_center:
        y1, x1, y2, x2 = np.moveaxis(boxes, 2, 0)
        given = np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], 2)
    inputs = [given, scores, np.array([most]), np.array([iou], np.float32), None if least is None else np.array([least], np.float32)]
    got = run_node("NonMaxSuppression", inputs[: 4 if least is None else 5], {"center_point_box": by_center})[0]
    assert_same(got, suppressed(boxes, scores, most, iou, least))


def test_non_max_suppression_edges():
    boxes, scores = draw((1, 4, 4)), draw((1, 1, 4))
    assert run_node("NonMaxSuppression", [boxes, scores])[0].shape == (0, 3)
    assert run_node("NonMaxSuppression", [boxes[:, :0], scores[..., :0], np.array([5])])[0].shape == (0, 3)
    flipped = np.array([[[1, 1, 0, 0], [0, 0, 1, 1]]], np.float32)
    got = run_node("NonMaxSuppression", [flipped, np.array([[[0.9, 0.8]]], np.float32), np.array([5]), np.array([0.5], np.float32)])[0]
    assert got.tolist() == [[0, 0, 0]]
    scores[0, 0, 1] = np.nan
    assert 1 not in run_node("NonMaxSuppression", [boxes, scores, np.array([9]), np.array([1.0], np.float32)])[0][:, 2]
    with pytest.raises(engine.EngineError):
        run_node("NonMaxSuppression", [draw((1, 4, 3)), scores])
