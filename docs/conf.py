"""How the documentation is built. Nothing is fetched while building."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils.nodes import Element, reference
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import informers

project = "informers"
author = "The informers maintainers"
project_copyright = author
release = informers.__version__
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Names of other projects, and type variables, have no pages to link to.
_FOREIGN = (
    "kubernetes|urllib3|attrs?|pydantic|pytest|prometheus_client|typing|typing_extensions|collections|threading|abc"
)
_STANDARD = "asyncio|contextlib|datetime|enum|http|logging|os|pathlib|queue|socket|ssl|types"
nitpick_ignore_regex = [
    (r"py:.*", rf"({_FOREIGN}|{_STANDARD})(\..*)?"),
    (r"py:.*", r"(\w+\.)*_?[A-Z](_co|_contra)?"),
    (r"py:.*", r"(client\.)?((Core|Discovery|Events|Resource)?V\d\w+|ApiClient)"),
    (r"py:.*", r"informers\.(\w+\.)*_\w.*"),  # what is not public
]
# Made by the package alone, and never asked for.
nitpick_ignore = [
    ("py:class", "CollectorRegistry"),
    ("py:class", "informers.cache.observed.ObservedCache"),
    ("py:class", "informers.cache.following.FollowingCache"),
    ("py:class", "informers.cache.waits.Lookout"),
    ("py:class", "informers.cache.waits.Sighting"),
    ("py:class", "informers.objects.Part"),
    ("py:class", "Mapping[str"),  # autodoc cuts the signature of an overload there
    ("py:class", "Overrides"),  # an alias
    ("py:class", "optional"),
]

#: Docstrings have code between single backquotes.
default_role = "code"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # `SYSTEM_CLOCK`, not what it prints
autodoc_typehints_format = "short"
napoleon_use_rtype = False
python_maximum_signature_line_length = 100
add_module_names = False

html_theme = "furo"
html_title = f"informers {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_search_scorer = str(Path(__file__).with_name("search_scorer.js"))


def resolve_by_last_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Element) -> reference | None:
    """Link `informers.cache.informer.SharedInformer`, as annotations have it, to where the name is documented."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].rpartition(".")[2]
    domain = env.domains.python_domain
    found = [
        name
        for name, entry in domain.objects.items()
        if name.startswith("informers.") and name.rpartition(".")[2] == target and entry.objtype != "module"
    ]
    if not found:
        return None
    name = min(found, key=len)
    entry = domain.objects[name]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, name)


#: Docstrings of properties and constants as they were before napoleon, by name.
_plain: dict[str, list[str]] = {}


def remember(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep a property's docstring from napoleon, which takes what stands before a colon in it for a type."""
    del app, obj, options
    if what in {"attribute", "data", "property"}:
        _plain[name] = lines[:]


def restore(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Put back what `remember` has kept."""
    del app, what, obj, options
    lines[:] = _plain.pop(name, lines)


def let_names_break(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Let a browser break a name in code where its words meet, so that tables fit and no word is broken."""
    del app, page, template, doctree
    if "body" in context:
        context["body"] = re.sub(r'(?<=<span class="pre">)[^<]{12,}', _with_breaks, context["body"])


def _with_breaks(match: re.Match[str]) -> str:
    # After what stands between words, and before a capital, but not within an entity such as &quot;.
    return re.sub(r"(?<=\w[._/(=,])(?=\w)|(?<=[a-z])(?=[A-Z])", "<wbr>", match[0])


def setup(app: Sphinx) -> None:
    """Add the functions above to the build; napoleon's priority is 500."""
    app.connect("missing-reference", resolve_by_last_name)
    app.connect("html-page-context", let_names_break)
    app.connect("autodoc-process-docstring", remember, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
