"""Small nets that are none of transformers': torch's own encoder, and a nanoGPT."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tests.architectures.building import redraw

VOCABULARY, WIDTH, HEADS, LAYERS, LONGEST = 40, 24, 4, 2, 16


class CausalSelfAttention(nn.Module):
    """Fused queries, keys and values, cut by the width that it was made with."""

    def __init__(self) -> None:
        super().__init__()
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH)
        self.c_proj = nn.Linear(WIDTH, WIDTH)
        self.n_head, self.n_embd = HEADS, WIDTH

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.size()
        q, k, v = (
            part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            for part in self.c_attn(x).split(self.n_embd, dim=2)
        )
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c_proj(functional.gelu(self.c_fc(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn, self.mlp = CausalSelfAttention(), FeedForward()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class GPT(nn.Module):
    """nanoGPT: the trunk is a dictionary of modules, and never called."""

    def __init__(self, final_norm: bool = True) -> None:
        super().__init__()
        parts = {
            "wte": nn.Embedding(VOCABULARY, WIDTH),
            "wpe": nn.Embedding(LONGEST, WIDTH),
            "drop": nn.Dropout(0.1),
            "h": nn.ModuleList([Block() for _ in range(LAYERS)]),
        }
        self.transformer: Any = nn.ModuleDict(parts)
        self.final_norm = final_norm
        if final_norm:
            self.transformer["ln_f"] = nn.LayerNorm(WIDTH)
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, idx: torch.Tensor) -> tuple[torch.Tensor, None]:
        at = torch.arange(idx.shape[1], device=idx.device)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(at))
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x) if self.final_norm else x), None


class TorchEncoder(nn.Module):
    """`nn.TransformerEncoder` between an embedding and a read-out."""

    def __init__(
        self, *, causal: bool, norm_first: bool, batch_first: bool, final_norm: bool
    ) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 40, batch_first=batch_first, norm_first=norm_first
        )
        norm = nn.LayerNorm(WIDTH) if final_norm else None
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.places = nn.Parameter(torch.randn(LONGEST, WIDTH))
        self.encoder = nn.TransformerEncoder(layer, LAYERS, norm, enable_nested_tensor=False)
        self.read_out = nn.Linear(WIDTH, VOCABULARY)
        self.causal, self.batch_first = causal, batch_first

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = self.embedding(tokens) + self.places[: tokens.shape[1]]
        x = x if self.batch_first else x.transpose(0, 1)
        length = tokens.shape[1]
        later = nn.Transformer.generate_square_subsequent_mask(length) if self.causal else None
        hidden = None if self.causal or mask is None else mask == 0
        x = self.encoder(x, later, hidden)
        return self.read_out(x if self.batch_first else x.transpose(0, 1))  # type: ignore[no-any-return]


def drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    """With weights so large that attention matters."""
    torch.manual_seed(seed)
    redraw(module)
    return module.eval()
