"""RWKV 4: a time mixing and a channel mixing in each block, both of which read earlier positions.

The first block norms the embeddings before anything is added to them: the stream begins there.
"""

from scrub.models.families.base import MLP, Family, Key, Mixer, Sizes, Stack

RWKV = Family(
    "rwkv",
    stacks=(
        Stack(
            path="rwkv",
            blocks="blocks",
            block=(
                Mixer("attention", before="ln1"),
                MLP("feed_forward", before="ln2", down=None, recurrent=True),
            ),
            final_norm="ln_out",
            start="ln1",
            sizes=Sizes(
                layers=Key(("num_hidden_layers",), 32),
                width=Key(("hidden_size",), 4096),
                hidden=Key(("intermediate_size",), derived=True),
                vocabulary=Key(("vocab_size",), 50277),
            ),
        ),
    ),
    trunk=("rwkv",),
    refused={
        "rescale_every": (
            "it halves the stream every few layers, so that components do not add up; load the "
            "model with rescale_every=0, which computes the same"
        )
    },
    note="the channel mixing's output is gated by channel, so that its neurons have no share",
)
