#!/usr/bin/env python3
"""Draws the figures of versus.py: plot.py results.json > plot.svg. Holds what the other pictures share."""

import json
import os
import sys
from xml.sax.saxutils import escape

BAR, GAP, PANEL_GAP = 18, 5, 46
LEFT, WIDTH, RIGHT = 190, 470, 120
COLOURS = {"sluice": "#0b6e4f", "floor": "#b9c0c7"}
OTHERS = "#6a9fd8"
# Longer bars are cut off, and say so.
RATIO_SHOWN_MAX = 6.0


def colour(name):
    return next((value for prefix, value in COLOURS.items() if name.startswith(prefix)), OTHERS)


def text(x, y, words, anchor="start", extra=""):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" {extra}>'
            f"{escape(words)}</text>")


def document(width, height, body, font_size=11):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans, sans-serif" font-size="{font_size}">',
        '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>\n"])


def save(folder, files):
    """Their words by their names."""
    os.makedirs(folder, exist_ok=True)
    for name, words in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(words)


def panel(row, top):
    """The SVG elements of one row of measurements, and where it ends."""
    reference = row["clients"]["sluice"]["least"]
    figures = sorted(row["clients"].items(), key=lambda entry: entry[1]["least"])
    shown = min(RATIO_SHOWN_MAX, max(figure["least"] / reference for _, figure in figures))
    out = [text(8, top + 14, row["title"], extra='font-weight="bold"')]
    y = top + 26
    for name, figure in figures:
        ratio = figure["least"] / reference
        width = WIDTH * min(ratio, shown) / shown
        out.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" '
                   f'fill="{colour(name)}"/>')
        if ratio > shown:
            x = LEFT + width - 22
            out.append(f'<path d="M{x:.0f} {y + BAR + 2} l8 -{BAR + 4} h7 l-8 {BAR + 4} z" '
                       'fill="#fff"/>')
        out.append(text(LEFT - 8, y + 13, name, "end"))
        out.append(text(LEFT + width + 6, y + 13, f'{figure["least"]:.2f} s  ×{ratio:.2f}'))
        y += BAR + GAP
    return out, y


def draw(results):
    body, top = [], 12
    for row in results["rows"]:
        elements, bottom = panel(row, top)
        body += elements
        top = bottom + PANEL_GAP - 28
    note = "CPU seconds (user + system) of the client process; × is relative to sluice. Shorter is better."
    body.append(text(8, top + 14, note, extra='fill="#555"'))
    height, width = top + 26, LEFT + WIDTH + RIGHT
    return document(width, height, body, 12)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        sys.stdout.write(draw(json.load(source)))
