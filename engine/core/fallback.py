"""Where a GPU has no room: the same work on the processor, and a remark that says so.

    @or_on_cpu
    def generate(model, …) → Song          # anything with `remarks`, or lists of it

Models are frozen dataclasses with a `device`; other threads may play from the one on the GPU, so it stays there and a
twin of it plays on the processor.
"""

from __future__ import annotations

import copy
import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

REMARK = "The GPU has no room for this, so the processor computed it."

Work = TypeVar("Work", bound=Callable[..., Any])


def or_on_cpu(work: Work) -> Work:
    """`work(model, …)`; where CUDA runs out of memory in it, once more with the model's twin on the processor."""

    @functools.wraps(work)
    def either(model: Any, *args: Any, **kwargs: Any) -> Any:
        import torch  # here, so that a system's options are known without it

        try:
            return work(model, *args, **kwargs)
        except torch.cuda.OutOfMemoryError:
            pass  # outside of the handler, which would hold on to what lies on the GPU
        torch.cuda.empty_cache()
        return _remarked(work(on_cpu(model), *args, **kwargs))

    return either  # type: ignore[return-value]


def placed(module: nn.Module, device: torch.device) -> torch.device:
    """Move a module to `device`, or to the processor where there is no room for it; returns where it is."""
    import torch

    try:
        module.to(device)
        return device
    except torch.cuda.OutOfMemoryError:
        logging.getLogger("bandstand").warning(REMARK)
    module.to("cpu")
    return torch.device("cpu")


def on_cpu(model: Any) -> Any:
    """A twin of a model with all its tensors on the processor."""
    import torch
    from torch import nn

    twins: dict[int, Any] = {}
    for tensor in _tensors(model):
        twin = tensor.detach().cpu()
        twins[id(tensor)] = nn.Parameter(twin, requires_grad=False) if isinstance(tensor, nn.Parameter) else twin
    return replace(copy.deepcopy(model, twins), device=torch.device("cpu"))


def _tensors(thing: Any) -> Iterator[Tensor]:
    from torch import Tensor, nn

    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, nn.Module):
        yield from thing.parameters()
        yield from thing.buffers()
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from _tensors(value)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _tensors(getattr(thing, field.name))


def _remarked(result: Any) -> Any:
    if isinstance(result, list):
        return [_remarked(part) for part in result]
    return replace(result, remarks=(*result.remarks, REMARK))
