"""xLSTM: a matrix memory and a gated MLP in each block."""

from scrub.models.families.base import MLP, Config, Family, Key, Mixer, Sizes, Stack


def _hidden(config: Config) -> int:
    """The MLP's width is a multiple of a round number."""
    size = config.get("hidden_size", 4096) * config.get("ffn_proj_factor", 2.667)
    unit = config.get("ffn_round_up_to_multiple_of", 64)
    return int((size + unit - 1) // unit * unit)


XLSTM = Family(
    "xlstm",
    stacks=(
        Stack(
            path="backbone",
            blocks="blocks",
            block=(
                Mixer("mlstm_layer", before="norm_mlstm"),
                MLP("ffn", before="norm_ffn", down="proj_down"),
            ),
            final_norm="out_norm",
            sizes=Sizes(
                layers=Key(("num_blocks", "num_hidden_layers"), 32),
                width=Key(("hidden_size", "embedding_dim"), 4096),
                hidden=Key(("ffn_proj_factor",), of=_hidden),
                vocabulary=Key(("vocab_size",), 50304),
            ),
            longest="max_inference_chunksize",  # longer rows are passed through in pieces
        ),
    ),
    trunk=("backbone",),
    note=Mixer().why,
)
