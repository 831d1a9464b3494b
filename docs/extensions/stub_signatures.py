"""Signatures of what is compiled, for autodoc: from _core.pyi, since the module itself knows no types."""

import ast
import pathlib
import types
from typing import Any

import engine

STUB = pathlib.Path(engine.__file__).parent / "_core.pyi"


def members() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """By qualified name ("ModelBase.run"): arguments and result of functions, types of properties."""
    functions: dict[str, tuple[str, str]] = {}
    properties: dict[str, str] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef) and node.returns is not None:
                returns = ast.unparse(node.returns)
                if any(ast.unparse(each) == "property" for each in node.decorator_list):
                    properties[prefix + node.name] = returns
                    continue
                if prefix:
                    (node.args.posonlyargs or node.args.args).pop(0)
                functions[prefix + node.name] = f"({ast.unparse(node.args)})", returns

    visit(ast.parse(STUB.read_text()).body, "")
    return functions, properties


FUNCTIONS, PROPERTIES = members()


def _is_compiled(obj: Any) -> bool:
    owner = getattr(obj, "__objclass__", obj)
    return getattr(owner, "__module__", None) in (None, "engine._core")


def signature(
    app: Any, what: str, name: str, obj: Any, options: Any, arguments: str | None, returns: str | None
) -> tuple[str, str] | None:
    """For members of engine.Model too, which has them from ModelBase."""
    if arguments is None or what not in ("function", "method") or not _is_compiled(obj):
        return None
    return FUNCTIONS.get(getattr(obj, "__qualname__", ""))


def type_of_property(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    if isinstance(obj, types.GetSetDescriptorType) and _is_compiled(obj) and obj.__qualname__ in PROPERTIES:
        lines += ["", f":type: {PROPERTIES[obj.__qualname__]}", ""]


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", type_of_property, priority=900)
    return {"parallel_read_safe": True}
