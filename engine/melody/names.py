"""What a tune is called: words that tell it from others, as fiddlers do, "The Silver Kettle (jig)"."""

from __future__ import annotations

FIRST = """
amber ashen autumn bonny borrowed bramble brindled broken clover copper crooked drifting early elder faded foggy
garden gentle golden hidden hollow honest humming idle iron lantern laughing lonely lucky merry midnight misty
morning nimble northern oaken painted paper patient quiet restless rolling rosy rusty silver sleepy speckled
stolen summer sunken tangled thirsty tidal twilight velvet wandering wayward whistling wicker willow winter
woollen yellow
"""
SECOND = """
anchor apron barrow basket blackbird bonnet bridge bucket candle chimney cobbler compass cottage cradle crossing
curlew drummer ferry fiddle gate hare harvest hearth heron hillside horseshoe kettle ladder lark ledger
lighthouse linnet loom magpie meadow mill miller mirror needle orchard otter parcel pedlar pilgrim plough pocket
quarry ribbon river saddle sailor shepherd slipper spindle swallow teapot thimble thistle tinker wagon weaver
wedding well window
"""
STRIDE = 1607  # has no divisor in common with the number of names, and moves both words at each step


def name_of(seed: int, attempt: int, attempts: int, kind: str = "") -> str:
    """The name of one (from 1) of so many `attempts` of a seed: always the same, and some four thousand in a row are
    all unlike. `kind` is its dance, "" where it has none."""
    first, second = FIRST.split(), SECOND.split()
    at = (seed * attempts + attempt) * STRIDE % (len(first) * len(second))
    name = f"The {first[at % len(first)]} {second[at // len(first)]}".title()
    return f"{name} ({kind.lower()})" if kind else name
