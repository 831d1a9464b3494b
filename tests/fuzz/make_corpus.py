"""Write seeds for fuzz_read_model: every small model of the ONNX standard's own tests, and models with functions and odd encodings.

python tests/fuzz/make_corpus.py <folder> [further models ...]
"""

from __future__ import annotations

import pathlib
import sys
import warnings

import onnx
from onnx import parser

MOST_BYTES = 50_000

HEADER = '<ir_version: 10, opset_import: ["" : 21, "f" : 1, "h" : 1]>'
FUNCTIONS = """g (bool c, float[3] x) => (float[3] y) { t = f.pick <v = 2.0> (c, x)  y = f.pick (c, t) }
<domain: "f", opset_import: ["" : 21, "h" : 1]> pick <v : float = 1.5> (c, a) => (b) {
    k = Constant <value_float : float = @v> ()
    m = Mul(a, k)
    b = If (c) <then_branch = t () => (float[3] p) { p = h.twice(m) }, else_branch = e () => (float[3] q) { q = Add(a, k) }>
}
<domain: "h", opset_import: ["" : 21]> twice (a) => (b) { b = Add(a, a) }
"""


def main(folder: str, *models: str) -> None:
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "functions.onnx").write_bytes(parser.parse_model(HEADER + FUNCTIONS).SerializeToString())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        for case in collect_testcases(None):
            data = case.model.SerializeToString()
            if len(data) <= MOST_BYTES:
                (out / f"{case.name}.onnx").write_bytes(data)
    for i, path in enumerate(models):
        model = onnx.load(path, load_external_data=False)
        data = model.SerializeToString()
        if len(data) <= MOST_BYTES:
            (out / f"given_{i}.onnx").write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
