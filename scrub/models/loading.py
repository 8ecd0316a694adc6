"""A model from a folder, a GGUF file, a hub id or memory: complete, and errors in words.

Weights are read from safetensors or GGUF only: a pickle can run code.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrub.errors import InputRefused, Problem, nearest
from scrub.models.classes import usual_class
from scrub.models.config import graph_from_config, read_config
from scrub.models.families import UnknownArchitecture
from scrub.models.gguf import gguf_config, only_gguf, require_gguf, unreadable
from scrub.models.inferred import Known, remember
from scrub.models.outputs import head_of
from scrub.models.versions import attention_for

if TYPE_CHECKING:
    import torch
    from torch import nn

    from scrub.graph import ModelGraph
    from scrub.models.adapter import TransformersModel

DTYPES = ("float32", "bfloat16", "float16", "float64")
MISFIT = "Is config.json that of these weights?"
KNOWN_DEVICES = "Known: cpu, cuda, cuda:0, …, auto."
AUTO = "auto"  # the device: wherever there is room, as accelerate decides


def load(
    source: str | Path | nn.Module, dtype: str = "float32", device: str = "cpu"
) -> TransformersModel:
    """The model behind its adapter. Raises `InputRefused`.

    `device="auto"` spreads a model over all GPUs, then the memory, then the disk (by accelerate). A
    module in memory is taken as it is, dispatched by accelerate or not: its dtype and its device
    are the user's.
    """
    from torch import nn

    from scrub.models.spread import adapted

    if isinstance(source, nn.Module):
        model = adapted(source)
    else:
        name = str(Path(source).expanduser()) if str(source).startswith("~") else str(source)
        model = adapted(load_module(name, dtype, device), name)
    return model


def inferred_graph(source: str | Path | nn.Module) -> ModelGraph:
    """The graph of a model whose facts are read off it, and remembered for its config."""
    from torch import nn

    model = load(source)
    if not isinstance(source, nn.Module):
        remember(read_config(source), Known(model.wiring.family, model.config))
    return model.graph


def load_module(source: str | Path, dtype: str = "float32", device: str = "cpu") -> nn.Module:
    """The transformers module itself, ready to be evaluated. Raises `InputRefused`."""
    kind, place = _dtype(dtype), _device(device)
    name, file = str(source), only_gguf(source)
    if file is not None:
        graph_from_config(gguf_config(file), name)  # says in words what is wrong, before loading
    elif Path(name).is_dir() or _is_path(name):
        _require_known(read_config(name), name)
    module = _from_pretrained(name, file, kind, everywhere=place is None)
    return (module if place is None else module.to(place)).eval()


def _require_known(config: Mapping[str, Any], name: str) -> None:
    """That a config can be read by its family's facts, or that transformers has its architecture:
    then the facts are read off the module. Raises `InputRefused`."""
    try:
        graph_from_config(config, name)
    except UnknownArchitecture:
        from transformers import CONFIG_MAPPING

        if config.get("model_type") not in CONFIG_MAPPING:
            raise


def _is_path(name: str) -> bool:
    """Whether a name that is no folder was meant as one: a hub id is `owner/name` at most."""
    return name.startswith((".", "/")) or name.count("/") > 1 or "\\" in name


def _dtype(name: str) -> torch.dtype:
    import torch

    if name not in DTYPES:
        raise InputRefused(Problem(f"dtype '{name}'", "is not one.", nearest(name, DTYPES)))
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _device(name: str) -> torch.device | None:
    """None for "auto", which is no one device."""
    import torch

    where = f"device '{name}'"
    if name == AUTO:
        if importlib.util.find_spec("accelerate") is None:
            found = "spreading a model over devices needs the package accelerate."
            raise InputRefused(Problem(where, found, "Run: pip install accelerate"))
        return None
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputRefused(Problem(where, "is not one.", KNOWN_DEVICES)) from None
    if device.type not in ("cpu", "cuda"):
        raise InputRefused(Problem(where, "is not covered.", KNOWN_DEVICES))
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and count == 0:
        found = "this torch finds no CUDA device on this machine."
        raise InputRefused(Problem(where, found, "Use --device cpu."))
    if device.type == "cuda" and (device.index or 0) >= count:
        found = f"there are {count} CUDA devices, counted from 0."
        raise InputRefused(Problem(where, found))
    return device


def _from_pretrained(
    name: str, file: Path | None, dtype: torch.dtype, everywhere: bool
) -> nn.Module:
    """Whatever goes wrong inside transformers comes out as one sentence."""
    from torch import nn
    from transformers import AutoModelForCausalLM

    from scrub.models.quiet import quiet

    where = f"model '{name}'"
    options: dict[str, Any] = {"use_safetensors": True}  # a pickle can run code
    if file is not None:
        require_gguf(file)
        options = {"gguf_file": file.name}
    scratch = tempfile.mkdtemp(prefix="scrub-offload-") if everywhere else None
    if scratch:
        options |= {"device_map": "auto", "offload_folder": scratch}
    try:
        with quiet():
            config = None if file else _config(name)
            kind: Any = AutoModelForCausalLM if file else _class_of(config, where)
            module, info = kind.from_pretrained(
                str(file.parent) if file else name,
                dtype=dtype,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # reported below, with whatever else does not fit
                output_loading_info=True,
                **options,
                **({} if config is None else attention_for(config.to_dict())),
            )
        trunk = str(getattr(module, "base_model_prefix", ""))
        problems = list(_incomplete(where, trunk, info, _misfit(config, module)))
        if problems:
            raise InputRefused(problems)
    except InputRefused:
        _remove(scratch)
        raise
    except Exception as error:
        _remove(scratch)
        raise InputRefused(unreadable(file, error) if file else _why(where, name, error)) from None
    assert isinstance(module, nn.Module)
    if scratch:
        weakref.finalize(module, _remove, scratch)
    if file is not None and hasattr(module.config, "quantization_config"):
        del module.config.quantization_config  # the weights are plain ones now
    return module


def _remove(folder: str | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _config(name: str) -> Any:
    """Transformers' own, with its defaults."""
    from transformers import AutoConfig

    read: Any = AutoConfig.from_pretrained
    return read(name, trust_remote_code=False)


def _class_of(config: Any, where: str) -> Any:
    """The transformers class that the config names; where it names none, the usual one."""
    import transformers
    from transformers.models.auto import modeling_auto

    said = _named(config) or usual_class(config.model_type)
    if not said:
        found = "its config.json names no class, and transformers lists none with a head for "
        fix = "Write the class into it, under 'architectures'."
        raise InputRefused(Problem(where, f"{found}'{config.model_type}'.", fix))
    kind: Any = getattr(transformers, said, None)
    if kind is None:
        found = f"its config.json names the class {said}, which transformers does not have."
        raise InputRefused(Problem(where, found, "Code of a model's own is never executed."))
    head_of({"model_type": config.model_type}, said, where)  # a bare trunk is refused here
    tables = [t for key, t in vars(modeling_auto).items() if key.endswith("_MAPPING_NAMES")]
    listed = any(said in _several(table.get(config.model_type)) for table in tables)
    if not (listed or isinstance(config, kind.config_class or object)):
        found = f"its config.json names the class {said}, which is no '{config.model_type}'."
        raise InputRefused(Problem(where, found, MISFIT))
    return kind


def _named(config: Any) -> str:
    return str((config.architectures or [""])[0])


def _several(entry: str | Sequence[str] | None) -> Sequence[str]:
    """What a table of transformers' holds for a model: one class, several, or none."""
    return (entry or "",) if isinstance(entry, str | None) else entry


def _why(where: str, name: str, error: Exception) -> Problem:
    """What a loading error means for the person who named the model."""
    said = f"{type(error).__name__}: {error}".splitlines()[0].strip()
    if type(error).__name__ == "SafetensorError":
        found = f"a safetensors file is damaged or cut short ({error})."
        return Problem(where, found, "Copy or download it again.")
    if Path(name).is_dir():
        if not any(Path(name).glob("*.safetensors")):
            held = sorted(path.name for path in Path(name).glob("*.bin"))
            found = "the folder holds no weights as safetensors"
            found += f", only {held[0]}, a pickle, which is never opened." if held else "."
            fix = "Write it with save_pretrained, or convert it with safetensors' own tool."
            return Problem(where, found, fix)
        return Problem(where, f"transformers cannot load the folder ({said}).")
    if isinstance(error, OSError):
        found = "is no folder here, and no model in the hub's cache or reachable on the hub."
        return Problem(where, found, "Check the spelling, the path and the network.")
    return Problem(where, f"transformers cannot load it ({said}).")


OTHER_HEADS = ("cls.", "classifier.", "score.", "qa_outputs.", "lm_head.", "pooler.")


def _of_another_head(name: str, trunk: str) -> bool:
    """A weight of the checkpoint that belongs to another task's head, or to its pooler."""
    return name.removeprefix(f"{trunk}.").startswith(OTHER_HEADS)


def _misfit(config: Any, module: nn.Module) -> str:
    """What to look at where weights do not fit."""
    taken = f"It names no class in 'architectures', so {type(module).__name__} was taken."
    return MISFIT if config is None or _named(config) else f"{MISFIT} {taken}"


def _incomplete(where: str, trunk: str, info: dict[str, Any], fix: str) -> Iterator[Problem]:
    """Transformers fills gaps with random weights and says so in a log line: here, errors."""
    unplaced = info.get("unexpected_keys") or ()
    shapes = [
        f"{name} ({list(theirs)} in the file, {list(ours)} by the config)"
        for name, theirs, ours in info.get("mismatched_keys") or ()
    ]
    found = {
        "weights that the model needs are missing from its files": info.get("missing_keys"),
        "its files hold weights that the model has no place for": [
            name for name in unplaced if not _of_another_head(name, trunk)
        ],
        "weights have another shape than the config says": shapes,
        "some weights could not be read": info.get("error_msgs"),
    }
    for sentence, names in found.items():
        if names:
            ordered = sorted(map(str, names))
            more = f", … ({len(ordered)} in all)" if len(ordered) > 3 else ""
            yield Problem(where, f"{sentence}: {', '.join(ordered[:3])}{more}.", fix)
