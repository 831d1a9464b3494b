"""The site: `make docs`. Pages are Markdown; the API reference is made from docstrings and from _core.pyi."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "extensions"))

import engine

project = "engine"
author = "the engine developers"
version = release = engine.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "house_docstrings",
    "stub_signatures",
    "command_help",
    "public_names",
]
exclude_patterns = ["extensions"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
highlight_language = "none"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

# What is not ours has no page here, and the build asks no network. Names of the engine's own must resolve.
nitpick_ignore_regex = [
    ("py:.*", r"(?!engine\.).*"),
]

html_theme = "furo"
html_title = f"engine {release}"
html_copy_source = False
html_show_copyright = False
