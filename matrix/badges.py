"""A badge for each source and target: an SVG, and the JSON that shields.io makes one of (its endpoint format)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Template

from matrix.workshop import safe_name

#: From which share on a badge has this colour: dark enough for white letters, and told apart by all kinds of colour
#: vision; the number stands beside it anyhow.
COLOURS = ((95, "#0b6b4f"), (80, "#0b5c73"), (50, "#8a5a00"), (0, "#a83232"))
NO_NUMBER = "#6b7178"
_NARROW, _WIDE = "fijlrtI.,:;|!'()[] ", "mwMW@%"


def badges(shares: Mapping[str, Mapping[str, dict[str, Any]]], template: Template) -> Iterator[tuple[str, str]]:
    """(path, text) of each badge. shares: {"sources" or "targets": {name: right, run}}."""
    for kind, own in shares.items():
        for name, share in own.items():
            place, told = f"badges/{kind}/{safe_name(name)}", _told(name, share)
            widths = {"left": _width(told["label"]), "right": _width(told["message"])}
            yield f"{place}.svg", template.render(**told, **widths, colour=told["color"])
            yield f"{place}.json", json.dumps({"schemaVersion": 1, **told})


def _told(name: str, share: Mapping[str, Any]) -> dict[str, str]:
    if not share["run"]:
        return {"label": name, "message": "not run", "color": NO_NUMBER}
    percent = 100 * share["right"] // share["run"]  # 100 is all of them
    colour = next(colour for least, colour in COLOURS if percent >= least)
    return {"label": name, "message": f"{percent} % of {share['run']} right", "color": colour}


def _width(text: str) -> int:
    """About what a text takes in Verdana at 11 pixels, with 6 on each side."""
    return 12 + round(sum(4 if c in _NARROW else 10 if c in _WIDE else 7 for c in text))
