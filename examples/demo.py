"""The main job, on the model in digits/: load and verify it, show it a picture, print what it sees and what that took."""

import pathlib
import time

import numpy as np

import engine

FOLDER = pathlib.Path(__file__).parent / "digits"
SHA256 = "8f42203a548b95de0d8763fcb8e99aed2809549aff145ca301323659495b4a5b"
SHADES = " .:-=+*#%@"


def draw(image: np.ndarray) -> str:
    """Two characters a pixel, 0 to 16 as ten shades."""
    shades = np.clip(image * len(SHADES) / 17, 0, len(SHADES) - 1).astype(int)
    return "\n".join("    |" + "".join(SHADES[v] * 2 for v in row) + "|" for row in shades)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def median_microseconds(model: engine.Model, image: np.ndarray, calls: int = 2000) -> float:
    times = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        model(image)
        times.append(time.perf_counter_ns() - start)
    return float(np.median(times)) / 1e3


def main() -> None:
    model = engine.load(FOLDER / "digits.onnx", sha256=SHA256)
    image = np.load(FOLDER / "sample.npy")[np.newaxis]

    probabilities = softmax(model(image)[0])

    print("A handwritten digit that the model was not trained on:\n")
    print(draw(image[0]))
    print(f"\nThe model says: {probabilities.argmax()}\n")
    for digit, p in enumerate(probabilities):
        print(f"    {digit}  {p:8.3%}  {'#' * round(40 * float(p))}")

    test = np.load(FOLDER / "test_set.npz")
    answers = model(test["images"].astype(np.float32)).argmax(axis=1)
    right = int((answers == test["labels"]).sum())
    print(f"\nAll {len(answers)} images of the test set in one call: {right} right ({right / len(answers):.1%}).")

    plan = model.plan({"image": image})
    print(f"\nengine {engine.__version__}, instruction set {engine.isa()}, {model.threads} threads")
    print(f"model  {model.digest} (verified)")
    print(f"file   {model.parameters} parameters, {sum(model.operators.values())} operators")
    print(f"plan   {plan['steps']} steps, {plan['arena_bytes']} bytes of arena:")
    print("".join(f"    {line.rstrip()}\n" for line in plan["text"].splitlines()))
    print(f"one call takes {median_microseconds(model, image):.1f} microseconds (median of 2000)")


if __name__ == "__main__":
    main()
