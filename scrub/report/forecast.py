"""What a run will cost, before any weights are loaded."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.compiler import Stats
from scrub.engine.budget import SHARE, free_host_bytes, items_in_cache, parse_bytes, share_out
from scrub.graph import IMAGE, SEQUENCES, TOKENS
from scrub.report.numbers import count, flops, number, size
from scrub.report.tables import Listing, grid, heading
from scrub.study.prepare import Plan, whole_cost

UNITS = {name: name.removesuffix("s").replace("_", " ") for name in SEQUENCES}
UNITS[IMAGE] = "image position"


def forecast(plan: Plan) -> RenderableType:
    """The cost model: one recording pass, and every run's share of a pass."""
    stats = plan.stats()
    cost = whole_cost(plan, plan.shape.inputs)
    one_pass = max(cost.pass_flops * len(plan.references), 1)
    table = Listing(["", ">items", ">runs", ">steps", ">gathers", ">sums", ">FLOPs", ">passes"])
    inputs = f"{plan.shape.inputs:,}"
    recording = cost.recording_flops
    table.add("recording", inputs, "", "", "", "", flops(recording), number(recording / one_pass))
    total = recording
    for name, found in stats.items():
        spent = found.flops * plan.items(name)
        total += spent
        counts = (plan.items(name), found.runs, found.steps, found.gathers, found.sums)
        shown = (f"{value:,}" for value in counts)
        table.add(name, *shown, flops(spent), number(spent / one_pass))
    table.add(
        Text("total", style="bold"), "", "", "", "", "", flops(total), number(total / one_pass)
    )
    return Group(
        Text(f"{plan.hypothesis.name}: what a run will cost", style="bold"),
        heading(
            "Computing", "items: references × draws; passes: forward passes over the references"
        ),
        table,
        heading("Memory"),
        _memory(plan, cost),
    )


def _extent(plan: Plan) -> str:
    """The most positions that an input has; space by space where the model has several.

    A pooled output is laid out along no input: its one position is not counted.
    """
    spaces = plan.claim.tree.claim.graph.spaces
    lengths = {s.name: plan.shape.lengths[s.name] for s in spaces if s.given}
    if list(lengths) == [TOKENS]:
        return count(lengths[TOKENS], "position")
    *said, last = (count(n, UNITS.get(name, "position")) for name, n in lengths.items())
    return f"{', '.join(said)} and {last}" if said else last


def _memory(plan: Plan, cost: Stats) -> RenderableType:
    """As a run on this machine's CPU would share its memory out."""
    settings = plan.settings
    given = parse_bytes(settings.memory) if settings.memory else int(free_host_bytes() * SHARE)
    most = settings.batch or items_in_cache(cost)
    shares = share_out(cost, plan.items("scrub"), len(plan.references), given, most)
    table = grid()
    sites = sum(1 for _ in {site for p in plan.prepared.values() for site in p.schedule.sites()})
    where = f"{count(sites, 'site')}, {count(plan.shape.inputs, 'input')} of up to {_extent(plan)}"
    table.add_row("recorded", Text(f"{size(cost.recording_bytes)} ({where})"))
    table.add_row(
        "live values",
        Text(f"{size(shares.live_bytes)} at the peak, {shares.chunk:,} items at a time"),
    )
    return table
