"""Train the digit classifier of this folder with NumPy and write it as ONNX, with one sample of the test set.

Needs scikit-learn (for the data that it bundles) and onnx: pip install scikit-learn onnx; then python examples/digits/train.py.
The network: conv 3x3 (16) - relu - conv 3x3 (32) - relu - max pool 2x2 - dense 64 - relu - dense 10.
Its outputs are scores, of which the softmax is the probability of each digit.
"""

import pathlib

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

FOLDER = pathlib.Path(__file__).parent
EPOCHS, BATCH, RATE = 40, 64, 2e-3


def windows(x: np.ndarray) -> np.ndarray:
    """[n, c, h, w] -> [n, h, w, c * 9]: the 3x3 neighbourhood of each pixel, zeros outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    n, c, h, w = x.shape
    return sliding_window_view(padded, (3, 3), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def conv(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cols = windows(x)
    return (cols @ w.reshape(len(w), -1).T + b).transpose(0, 3, 1, 2), cols


def conv_gradient(grad: np.ndarray, cols: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of the weight, the bias and the input."""
    g = grad.transpose(0, 2, 3, 1)
    gw = np.tensordot(g, cols, axes=([0, 1, 2], [0, 1, 2])).reshape(w.shape)
    flipped = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    gx, _ = conv(grad, flipped, np.zeros(w.shape[1], np.float32))
    return gw, g.sum((0, 1, 2)), gx


def pool(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    best = blocks.max((3, 5), keepdims=True)
    return best[:, :, :, 0, :, 0], blocks == best


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def initial(rng: np.random.Generator) -> dict[str, np.ndarray]:
    def weight(*shape: int) -> np.ndarray:
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

    def bias(n: int) -> np.ndarray:
        return np.zeros(n, np.float32)

    return {
        "conv1.weight": weight(16, 1, 3, 3), "conv1.bias": bias(16),
        "conv2.weight": weight(32, 16, 3, 3), "conv2.bias": bias(32),
        "dense1.weight": weight(512, 64), "dense1.bias": bias(64),
        "dense2.weight": weight(64, 10), "dense2.bias": bias(10),
    }  # fmt: skip


def forward(p: dict[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    x = images[:, None] / np.float32(16)
    a1, cols1 = conv(x, p["conv1.weight"], p["conv1.bias"])
    r1 = np.maximum(a1, 0)
    a2, cols2 = conv(r1, p["conv2.weight"], p["conv2.bias"])
    r2 = np.maximum(a2, 0)
    pooled, mask = pool(r2)
    flat = pooled.reshape(len(x), -1)
    r3 = np.maximum(flat @ p["dense1.weight"] + p["dense1.bias"], 0)
    return softmax(r3 @ p["dense2.weight"] + p["dense2.bias"]), (cols1, r1, cols2, r2, mask, flat, r3)


def gradients(p: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    probabilities, (cols1, r1, cols2, r2, mask, flat, r3) = forward(p, images)
    g = {}
    d = probabilities.copy()
    d[np.arange(len(d)), labels] -= 1
    d /= len(d)
    g["dense2.weight"], g["dense2.bias"] = r3.T @ d, d.sum(0)
    d = (d @ p["dense2.weight"].T) * (r3 > 0)
    g["dense1.weight"], g["dense1.bias"] = flat.T @ d, d.sum(0)
    d = (d @ p["dense1.weight"].T).reshape(len(d), 32, 4, 1, 4, 1)
    d = (mask * d).reshape(r2.shape) * (r2 > 0)
    g["conv2.weight"], g["conv2.bias"], d = conv_gradient(d, cols2, p["conv2.weight"])
    g["conv1.weight"], g["conv1.bias"], _ = conv_gradient(d * (r1 > 0), cols1, p["conv1.weight"])
    return g


def train(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Adam with a rate that falls to zero, on images moved by up to one pixel."""
    rng = np.random.default_rng(0)
    p = initial(rng)
    mean = {k: np.zeros_like(v) for k, v in p.items()}
    square = {k: np.zeros_like(v) for k, v in p.items()}
    steps = EPOCHS * (len(images) // BATCH)
    for step in range(1, steps + 1):
        pick = rng.integers(len(images), size=BATCH)
        moved = np.roll(images[pick], tuple(rng.integers(-1, 2, size=2)), axis=(1, 2))
        rate = RATE * (1 - step / steps)
        for k, g in gradients(p, moved, labels[pick]).items():
            mean[k] += 0.1 * (g - mean[k])
            square[k] += 0.001 * (g * g - square[k])
            unbiased = np.sqrt(square[k] / (1 - 0.999**step)) + 1e-8
            p[k] = (p[k] - rate * mean[k] / (1 - 0.9**step) / unbiased).astype(np.float32)
    return p


def export(p: dict[str, np.ndarray], path: pathlib.Path) -> None:
    constants = {**p, "scale": np.float32(1 / 16), "axes": np.array([1]), "flat": np.array([0, -1])}
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["scaled"]),
        helper.make_node("Unsqueeze", ["scaled", "axes"], ["plane"]),
        helper.make_node("Conv", ["plane", "conv1.weight", "conv1.bias"], ["a1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a1"], ["r1"]),
        helper.make_node("Conv", ["r1", "conv2.weight", "conv2.bias"], ["a2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["pooled", "flat"], ["features"]),
        helper.make_node("Gemm", ["features", "dense1.weight", "dense1.bias"], ["a3"]),
        helper.make_node("Relu", ["a3"], ["r3"]),
        helper.make_node("Gemm", ["r3", "dense2.weight", "dense2.bias"], ["scores"]),
    ]
    for node in nodes:
        node.name = node.output[0]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    data = load_digits()
    images, labels = data.images.astype(np.float32), data.target
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels
    )
    parameters = train(seen, seen_labels)
    probabilities, _ = forward(parameters, unseen)
    print(
        f"accuracy on the {len(unseen)} images not trained on: {(probabilities.argmax(1) == unseen_labels).mean():.4f}"
    )
    export(parameters, FOLDER / "digits.onnx")
    np.save(FOLDER / "sample.npy", unseen[0])
    np.savez_compressed(FOLDER / "test_set.npz", images=unseen.astype(np.uint8), labels=unseen_labels.astype(np.uint8))
    print(f"sample.npy shows a {unseen_labels[0]}")


if __name__ == "__main__":
    main()
