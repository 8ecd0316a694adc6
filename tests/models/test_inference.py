"""Facts read off loaded models: the same graphs as those of the family files, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers
from packaging.version import Version
from torch import nn

from scrub import InputRefused
from scrub.models import families, inferred
from scrub.models.adapter import TransformersModel
from scrub.models.families.base import MLP, Attention
from scrub.models.inference import inferred_family
from scrub.models.inferred import ByLayer, Known, decoded, encoded, python, remember, remembered
from scrub.study.check import model_graph
from tests.architectures.building import Case, build
from tests.architectures.test_architectures import CASES

# what their files say, found without them: pre- and post-norm, parallel blocks, sandwiches, fused
# projections of every layout, experts, hybrids, ALiBi, sinks, latent attention, norms on the sum
NAMES = (
    "llama", "mistral", "qwen3", "gpt2", "gpt_neox-parallel", "gpt_neox-serial", "gptj",
    "falcon-shared", "falcon-new", "bloom", "opt", "mpt", "phi", "cohere", "gpt_neo",
    "ctrl", "openai-gpt", "gpt_bigcode-shared", "gemma2", "olmo2", "granite", "nanochat",
    "bert", "roberta", "distilbert", "electra", "mpnet", "megatron-bert", "xlm-roberta-xl",
    "bert-sequence", "glm4", "phi3", "mixtral", "gpt_oss", "llama4_text", "mamba2", "bamba",
    "lfm2", "qwen3_next", "deepseek_v3", "exaone4", "bitnet",
)  # fmt: skip
BY_NAME = {case.name: case for case in CASES}

uncapped = Version(transformers.__version__) < Version("5.21")
MARKS = {
    "gemma2": pytest.mark.skipif(
        uncapped,
        reason="transformers below 5.21 gives Gemma 2 to sdpa, which leaves its soft cap out",
    ),
    "gpt_bigcode-shared": pytest.mark.filterwarnings(
        # below 5.23 its file asks torch to script three functions, when it is imported
        "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
    ),
}


def named(*names: str) -> list[Any]:
    return [pytest.param(name, marks=MARKS.get(name, ())) for name in names]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRUB_CACHE", str(tmp_path))
    monkeypatch.setattr(inferred, "_memory", {})


@pytest.mark.parametrize("name", named(*NAMES))
def test_the_graph_is_that_of_the_family_file(name):
    """And the probe passes: what is inferred is not returned else. Experts are left whole, and
    their MLP is costed as a dense one, for nothing says how many of them a position takes. Where
    it is not seen that heads can be run alone, they have no projections of their own."""
    module: Any = build(BY_NAME[name])
    family = inferred_family(module, module.config.to_dict(), name)
    found = TransformersModel(module, name, family).graph
    written = TransformersModel(module, name).graph.components
    dense = {c.name: c.cost for c in found.components if not c.neurons and c.name.startswith("m")}
    expected = (replace(c, experts=0, cost=dense.get(c.name, c.cost)) for c in written)
    for one, other in zip(found.components, expected, strict=True):
        assert bare(one) == bare(other)
        assert one.ports in (other.ports, bare(one).ports)


def bare(component):
    """A component without what its ports can be recorded as."""
    ports = tuple(replace(port, projection=None) for port in component.ports)
    return replace(component, ports=ports)


@pytest.mark.parametrize("name", named("gemma2", "qwen3_next", "bloom", "granite"))
def test_it_survives_being_written_down(name):
    module: Any = build(BY_NAME[name])
    family = inferred_family(module, module.config.to_dict(), name)
    assert decoded(json.loads(json.dumps(encoded(family)))) == family


@pytest.mark.skipif(not uncapped, reason="this transformers does not run Gemma 2 with sdpa")
def test_gemma_2_without_its_soft_cap_is_refused():
    module: Any = build(BY_NAME["gemma2"])
    with pytest.raises(InputRefused, match="does not hold: attention 'eager' agrees with 'sdpa'"):
        inferred_family(module, module.config.to_dict(), "gemma2")


def test_a_folder_of_an_unknown_architecture_is_loaded_once(tmp_path, monkeypatch):
    module: Any = build(BY_NAME["llama"])
    module.save_pretrained(tmp_path / "model")
    expected = TransformersModel(module).graph.components
    monkeypatch.delitem(families.KINDS, "llama")
    monkeypatch.delitem(families.FAMILIES, "llama")
    assert model_graph(tmp_path / "model", tmp_path).components == expected
    inferred._memory.clear()
    monkeypatch.setattr("scrub.models.loading.load", None)  # nor is it loaded again
    assert model_graph(tmp_path / "model", tmp_path).components == expected


def test_what_was_inferred_by_other_code_is_forgotten(monkeypatch):
    module: Any = build(BY_NAME["llama"])
    config = module.config.to_dict()
    remember(config, Known(inferred_family(module, config), config))
    inferred._memory.clear()
    assert remembered(config) is not None
    assert remembered({**config, "hidden_size": 25}) is None


class Odd(nn.Module):
    """What it adds goes through no module of its own."""

    def __init__(self, own: nn.Module) -> None:
        super().__init__()
        self.own = own

    def forward(self, hidden_states: torch.Tensor, **_: object) -> torch.Tensor:
        return hidden_states + self.own(hidden_states).tanh()


def test_a_block_that_does_not_add_up_is_refused_with_what_it_holds():
    module: Any = build(BY_NAME["llama"])
    layers = module.model.layers
    layers[1] = Odd(nn.Linear(24, 24))
    with pytest.raises(InputRefused) as refused:
        inferred_family(module, module.config.to_dict(), "odd")
    said = str(refused.value)
    assert said.startswith(
        "model 'odd': its architecture has no facts here, and they cannot be inferred: what the "
        "modules of 'model.layers.1' give does not add up to its output. The nearest sum differs by"
    )
    assert "A block (Odd) has:\n  own: Linear" in said
    assert "docs/howto/architectures.md" in said
    assert "Family(" in said


def test_several_stacks_are_refused():
    module: Any = build(BY_NAME["llama"])
    more = module.model.more = nn.ModuleList([nn.Sequential(nn.Linear(24, 24))])
    own = module.model.norm.forward
    module.model.norm.forward = lambda x: own(more[0](x))
    with pytest.raises(InputRefused, match="lists of blocks"):
        inferred_family(module, module.config.to_dict(), "two")


@pytest.mark.parametrize(("case", "said"), [
    (Case("doge", {"head_dim": 8}), r"The nearest sum differs by 0\.\d+ of what is added\."),
    (Case("squeezebert", {"embedding_size": 24}, "AutoModelForMaskedLM"), "no list of blocks is f"),
], ids=lambda value: getattr(value, "name", ""))  # fmt: skip
def test_architectures_that_cannot_be_read_are_refused_in_words(case: Case, said: str) -> None:
    """A stream that is scaled as it passes; channels before positions."""
    module: Any = build(case)
    with pytest.raises(InputRefused, match=said):
        inferred_family(module, module.config.to_dict(), case.name)


def test_facts_are_shown_as_they_would_be_written():
    assert python(MLP("ff", before="norm2", down="w2")) == (
        "MLP(path='ff', before='norm2', down='w2')"
    )
    assert python((Attention(),)) == "(Attention(),)"
    assert python(ByLayer(((MLP(),),))) == "ByLayer(blocks=((MLP(),),))"
