"""SparseTensor: named, so that programs can be imported; there are none."""

from __future__ import annotations

from typing import Any

from engine.compat.onnxruntime.errors import not_supported


class SparseTensor:
    """Inputs and outputs are dense. Sparse constants in files are read."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise not_supported("there are no sparse inputs or outputs: give dense arrays")

    @classmethod
    def sparse_coo_from_numpy(cls, *_: Any, **__: Any) -> SparseTensor:
        return cls()

    @classmethod
    def sparse_csr_from_numpy(cls, *_: Any, **__: Any) -> SparseTensor:
        return cls()

    @classmethod
    def blocksparse_from_numpy(cls, *_: Any, **__: Any) -> SparseTensor:
        return cls()
