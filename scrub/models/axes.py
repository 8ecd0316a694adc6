"""The position axes that a model's stacks are laid out along, read from its config."""

from __future__ import annotations

from collections.abc import Iterator

from scrub.graph import IMAGE, Space
from scrub.models.families.base import Config, Family, Key
from scrub.models.outputs import Head
from scrub.models.shapes import own_config, size


def spaces_of(family: Family, config: Config, where: str, head: Head) -> Iterator[Space]:
    """The position axes that the stacks are laid out along, and that of a pooled output."""
    seen: set[str] = set()
    lengths: dict[str, int] = {}
    main = family.stacks[-1]
    for stack in family.stacks:
        if stack.space in seen:
            continue
        seen.add(stack.space)
        own = own_config(config, stack)
        if stack.space == IMAGE:
            assert stack.patches is not None  # an image stack says how it cuts them
            lengths[stack.prefix] = stack.patches(own)
            yield Space(IMAGE, length=lengths[stack.prefix], shape=image_shape(own))
            continue
        longest = own.get(stack.longest) if stack.longest else None
        bridge = family.bridge if stack is main else None
        yield Space(
            stack.space,
            vocabulary=size(own, stack.sizes.vocabulary, where),
            longest=longest - stack.reserved if isinstance(longest, int) else 0,
            placeholder=size(config, Key(bridge.placeholder), where) if bridge else -1,
            placeholders=lengths[bridge.reads] - bridge.skipped if bridge else 0,
        )
    if head.pooled:
        yield Space("pooled", length=1, given=False)


def image_shape(config: Config) -> tuple[int, int, int]:
    """(channels, height, width) of the images that a vision config is for."""
    side = config.get("image_size", 224)
    height, width = (side, side) if isinstance(side, int) else side
    return (config.get("num_channels", 3), height, width)
