"""Draws latencies as SVG, with nothing but text."""

import math

from open_loop import KINDS, percentile

COLOURS = {"query": "#1769aa", "document": "#2e7d32", "bulk": "#b3541e"}


class Plot:
    """A chart with a logarithmic axis of milliseconds, as SVG text."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 190, 40, 50

    def __init__(self, title, x_label, low, high):
        self.low, self.high, self.parts = low, high, []
        self.add(f'<text x="{self.LEFT}" y="22" font-size="15">{title}</text>')
        self.add(f'<text x="{(self.LEFT + self.WIDTH - self.RIGHT) / 2}" y="{self.HEIGHT - 10}" '
                 f'text-anchor="middle">{x_label}</text>')
        self.log = math.log10
        decade = low
        while decade <= high * 1.001:
            y = self.y(decade)
            self.add(f'<line x1="{self.LEFT}" x2="{self.WIDTH - self.RIGHT}" y1="{y}" y2="{y}" '
                     'stroke="#ddd"/>')
            self.add(f'<text x="{self.LEFT - 8}" y="{y + 4}" text-anchor="end">{decade:g} ms</text>')
            decade *= 10
        self.legends = 0

    def add(self, text):
        self.parts.append(text)

    def y(self, value):
        span = self.log(self.high) - self.log(self.low)
        part = (self.log(min(max(value, self.low), self.high)) - self.log(self.low)) / span
        return round(self.HEIGHT - self.BOTTOM - part * (self.HEIGHT - self.BOTTOM - self.TOP), 1)

    def x(self, part):
        return round(self.LEFT + part * (self.WIDTH - self.RIGHT - self.LEFT), 1)

    def tick(self, part, label):
        self.add(f'<text x="{self.x(part)}" y="{self.HEIGHT - self.BOTTOM + 18}" '
                 f'text-anchor="middle">{label}</text>')

    def line(self, points, colour, label, dash="", dots=True):
        points = [(self.x(part), self.y(value)) for part, value in points if value is not None]
        path = " ".join(f"{x},{y}" for x, y in points)
        self.add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                 f'stroke-dasharray="{dash}"/>')
        if dots:
            for x, y in points:
                self.add(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        y = self.TOP + 10 + 18 * self.legends
        x = self.WIDTH - self.RIGHT + 12
        self.add(f'<line x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}" stroke="{colour}" '
                 f'stroke-width="2" stroke-dasharray="{dash}"/>')
        self.add(f'<text x="{x + 32}" y="{y + 4}">{label}</text>')
        self.legends += 1

    def write(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.WIDTH}" height="{self.HEIGHT}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" '
            'fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n", encoding="utf-8")


def plot_loads(report, path):
    """Percentiles by load."""
    loads = report["loads"]
    plot = Plot("Latency by load, open loop (solid: p50, dashed: p99)",
                "load, % of the measured capacity", 1, 100_000)
    for index, load in enumerate(loads):
        plot.tick(index / max(len(loads) - 1, 1), f"{100 * load['load']:.0f}")
    for kind in KINDS:
        for part, dash in (("p50", ""), ("p99", "6 4")):
            points = [(index / max(len(loads) - 1, 1), load["kinds"].get(kind, {}).get(part))
                      for index, load in enumerate(loads)]
            plot.line(points, COLOURS[kind], f"{kind} {part}", dash)
    plot.write(path)


def plot_distribution(report, path, load):
    """The whole distribution at one load."""
    plot = Plot(f"Latency at {100 * load['load']:.0f} % of the capacity", "percentile", 1, 10_000)
    marks = (0, 0.5, 0.9, 0.99, 0.999)
    for mark in marks:
        # The tail gets half of the width: an axis of nines.
        plot.tick(nines(mark), f"{100 * mark:g}")
    for kind in KINDS:
        values = load["kinds"].get(kind, {}).get("latencies", [])
        steps = [step / 200 for step in range(201)]
        points = [(step, percentile(values, 1 - 10 ** (-3 * step))) for step in steps]
        plot.line(points, COLOURS[kind], kind, dots=False)
    plot.write(path)


def nines(part):
    return -math.log10(1 - part) / 3
