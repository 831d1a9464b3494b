"""Plain threads, deadlines and overload, on the model in digits/: four times as many callers as the model has room for.

    python examples/threads.py

Each caller asks again and again, each time with a deadline of 20 calls' time. What the model cannot answer in time it refuses
at once, so that what it does compute comes in time.
"""

import collections
import pathlib
import threading
import time

import numpy as np

import engine

FOLDER = pathlib.Path(__file__).parent / "digits"
SECONDS = 2.0


def call_for_a_while(model: engine.Model, images: np.ndarray, timeout: float, results: list[tuple[str, float]]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        start = time.monotonic()
        pause = 0.0
        try:
            model.run({"image": images}, timeout=timeout, request_id=threading.current_thread().name)
            outcome = "answered"
        except engine.Overloaded as error:
            outcome, pause = "refused", error.retry_after
        except engine.DeadlineExceeded as error:
            outcome = "too late: " + ("computing" if error.computed else "waiting")
        results.append((outcome, time.monotonic() - start))
        time.sleep(pause)


def main() -> None:
    model = engine.load(FOLDER / "digits.onnx", threads=1, max_queue=engine.cpus())
    images = np.tile(np.load(FOLDER / "test_set.npz")["images"].astype(np.float32), (4, 1, 1))

    start = time.monotonic()
    for _ in range(20):
        model(images)
    timeout = time.monotonic() - start

    callers = 4 * (engine.cpus() + model.stats()["max_queue"])
    results: list[tuple[str, float]] = []
    threads = [
        threading.Thread(target=call_for_a_while, args=(model, images, timeout, results), name=f"caller-{i}")
        for i in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    print(f"{callers} callers, {engine.cpus()} calls at once, deadline {timeout * 1e3:.1f} ms")
    for outcome, count in collections.Counter(outcome for outcome, _ in results).most_common():
        seconds = [s for o, s in results if o == outcome]
        print(f"{count:7d} {outcome}, at most {max(seconds) * 1e3:.1f} ms, median {np.median(seconds) * 1e3:.2f} ms")

    stats = model.stats()
    assert stats["started"] == sum(stats["outcomes"].values()) + stats["in_flight"]
    print("counters:", {outcome: count for outcome, count in stats["outcomes"].items() if count})
    model.close()


if __name__ == "__main__":
    main()
