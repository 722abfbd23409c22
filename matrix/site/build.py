"""Rendering the site: a module for each page, its template, its data, and its script.

Nothing is fetched from elsewhere, and everything works from file://, where a page may load classic scripts, but neither
JSON nor modules. So data are scripts (data/NAME.js), and the modules of assets/ stand as data: URLs in an import map.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from matrix.dataset import Matrix, write_whole
from matrix.site import cells, choose, diff, method, operators, overview, pairs, scores, speed, versions, wrong

ASSETS = Path(__file__).with_name("assets")
#: The pages in the order of the navigation: each has TITLE, view(matrix) for its template, and data(matrix, work):
#: names and values of its data scripts, or names and bytes of files. One with wanted(matrix) is there only where that
#: is so.
PAGES: dict[str, ModuleType] = {
    "index": overview, "choose": choose, "scores": scores, "speed": speed, "operators": operators, "wrong": wrong,
    "versions": versions, "diff": diff, "method": method,
}  # fmt: skip
#: Those that are come by from others: of one source and target, of one cell.
BEHIND: dict[str, ModuleType] = {"pair": pairs, "cell": cells}


def build(matrix: Matrix, folder: Path, work: Path | None = None) -> None:
    """Write the pages into a folder. `work` is the run's work folder, where its logs and cases are, if it is here."""
    templates = Templates(
        loader=PackageLoader("matrix.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    _write_assets(folder / "assets")
    pages = {name: page for name, page in PAGES.items() if _is_wanted(page, matrix)}
    for name in PAGES.keys() - pages.keys():  # of what was published there before
        (folder / f"{name}.html").unlink(missing_ok=True)
    for name, page in {**pages, **BEHIND}.items():
        for file, value in page.data(matrix, work):
            if isinstance(value, bytes):
                write_bytes(folder / file, value)
            else:
                write_data(folder, file, value)
        shown = {"page": name, "title": page.TITLE, "pages": pages, "about": matrix.about, **page.view(matrix)}
        write_whole(folder / f"{name}.html", templates.get_template(f"{name}.html.j2").generate(**shown))


def _is_wanted(page: ModuleType, matrix: Matrix) -> bool:
    return not hasattr(page, "wanted") or bool(page.wanted(matrix))


def write_data(folder: Path, name: str, value: Any) -> None:
    """data/NAME.js, which sets matrix.NAME in the page that loads it; `load(NAME)` of data.mjs does so."""
    path = folder / "data" / f"{name}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    write_whole(path, [f"(globalThis.matrix??={{}})[{json.dumps(name)}]={text};\n"])


def write_bytes(path: Path, content: bytes) -> None:
    """A file that is there whole, or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".new")
    scratch.write_bytes(content)
    os.replace(scratch, path)


def _write_assets(folder: Path) -> None:
    """Styles and libraries as they are; the modules in one script that puts them into an import map."""
    (folder / "vendor").mkdir(parents=True, exist_ok=True)
    for path in ASSETS.glob("*.css"):
        shutil.copy(path, folder)
    for path in (ASSETS / "vendor").glob("*.js"):
        shutil.copy(path, folder / "vendor")
    for path in (ASSETS / "vendor").glob("LICENSE.*"):
        shutil.copy(path, folder / "vendor")
    modules = {path.stem: path for path in (*sorted(ASSETS.glob("*.mjs")), *sorted((ASSETS / "vendor").glob("*.mjs")))}
    urls = {
        name: f"data:text/javascript;base64,{base64.b64encode(p.read_bytes()).decode()}" for name, p in modules.items()
    }
    text = json.dumps({"imports": urls})
    script = f'const map=document.createElement("script");map.type="importmap";map.textContent={json.dumps(text)};'
    write_whole(folder / "modules.js", [f"{{{script}document.currentScript.after(map);}}\n"])
