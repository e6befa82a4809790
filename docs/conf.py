"""How Sphinx builds the documentation: ``scripts/docs``.

The source tree is the site's tree, so that every link works in both: the pages lie where they lie
in the repository, and the site's first page leads to ``docs/index``.
"""

from descope_mcp import __version__

project = "descope-mcp"
version = release = __version__
project_copyright = "the authors of descope-mcp"
html_title = f"descope-mcp {__version__}"

root_doc = "docs/index"
include_patterns = ["docs/**.md", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
exclude_patterns = [
    *("**/.*", "**/__pycache__", "build", "dist"),
    *("benchmarks", "deploy", "descope_mcp", "scripts", "tests", "tool_specs"),
]
templates_path = ["_templates"]

extensions = ["myst_parser"]
# Links may lead to a heading; a heading is called in them what GitHub calls it.
myst_heading_anchors = 4
# Every reference has to lead somewhere.
nitpicky = True

html_theme = "furo"
html_additional_pages = {"index": "to_first_page.html"}
html_copy_source = False
html_use_index = False
html_show_sourcelink = False
