"""State-space models: one mixer per block, no attention and no MLP.

Convolution, gate and recurrence are the mixer's own; its channels (in Mamba 2, its heads) share
them, so that a mixer is one component.
"""

from scrub.models.families.base import Family, Key, Mixer, Sizes, Stack


def _family(name: str, layers: int, width: int, vocabulary: int) -> Family:
    sizes = Sizes(
        layers=Key(("num_hidden_layers", "n_layer"), layers),
        width=Key(("hidden_size", "d_model"), width),
        hidden=Key((), of=lambda config: 1),  # no MLP
        vocabulary=Key(("vocab_size",), vocabulary),
    )
    stack = Stack("backbone", block=(Mixer(),), final_norm="norm_f", sizes=sizes)
    return Family(name, (stack,), trunk=("backbone",), note=Mixer().why)


MAMBA = _family("mamba", 32, 768, 50280)
MAMBA2 = _family("mamba2", 64, 4096, 32768)
FALCON_MAMBA = _family("falcon_mamba", 32, 768, 50280)
