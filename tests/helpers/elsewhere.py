"""A device that every machine has: tensors that say they are elsewhere, and are in this process's memory.

    with Elsewhere():
        solve(problem, device=DEVICE)

An operation between them and an array of the processor fails, as it does on a GPU, and so does NumPy; results
are those of the processor.  PyTorch's type of device `lazy` lends its name: nothing else runs on it here, and
the package gives it no meaning, as it does to `meta`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map, tree_map_only

DEVICE = "lazy"
THERE, HERE = torch.device(DEVICE, 0), torch.device("cpu")
CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
aten = torch.ops.aten
# Where the devices may differ: copies; and, of entries that are picked elsewhere, their numbers may be here.
ACROSS = {aten.copy_, aten._to_copy}
PICKING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
JOINING = {aten.cat, aten.stack}  # where they may not, even of a single number


class Away(Tensor):
    """Tensor elsewhere.

    Args:
        kept: Its numbers, on the processor.
    """

    kept: Tensor

    @staticmethod
    def __new__(cls, kept: Tensor) -> Away:
        made: Away = torch.Tensor._make_wrapper_subclass(
            cls, kept.shape, strides=kept.stride(), storage_offset=kept.storage_offset(), dtype=kept.dtype,
            device=THERE, storage_size=kept.untyped_storage().nbytes(),
        )  # fmt: skip
        made.kept = kept
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Be written as the package reads its files: on the processor."""
        kept = self.kept.detach().requires_grad_(self.requires_grad)
        return (nn.Parameter(kept) if isinstance(self, nn.Parameter) else kept).__reduce_ex__(protocol)

    def numpy(self, *, force: bool = False) -> Any:
        """Be refused, as on a GPU."""
        raise TypeError("this tensor is elsewhere: use Tensor.cpu() to copy it to the processor first")

    def tolist(self) -> Any:
        """The numbers, copied to the processor."""
        return self.kept.detach().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Iterable[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _computed(function, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """Context in which that device exists."""

    def __enter__(self) -> Elsewhere:
        self._before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # `tensor` and `new_tensor` copy by an operation
        super().__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        torch._C._set_only_lift_cpu_tensors(self._before)
        super().__exit__(*args)

    def __torch_dispatch__(
        self, function: Any, types: Iterable[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("device") in (None, HERE) and not any(map(_has_away, (*args, *kwargs.values()))):
            return function(*args, **kwargs)  # most of what a problem does, before anything is elsewhere
        return _computed(function, args, kwargs)


def _has_away(x: object) -> bool:
    return isinstance(x, Away) or (isinstance(x, (list, tuple)) and any(map(_has_away, x)))


def _computed(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The result of an operation, on the device that it names, else on that of its arguments."""
    tensors = [x for x in tree_iter((args, kwargs)) if isinstance(x, Tensor)]
    named = kwargs.get("device")
    away = any(isinstance(x, Away) for x in tensors)
    there = away if named is None else named.type == THERE.type
    _check(function, tensors, away, there, kwargs.get("generator"))
    kept = tree_map_only(Away, lambda x: x.kept, (args, dict(kwargs)))
    if named is not None:
        kept[1]["device"] = HERE if there else named
    if function.overloadpacket is aten._efficientzerotensor:  # without memory, which a wrapper must not hide
        function = aten.zeros.default
    found = function(*kept[0], **kept[1])
    if away and torch.Tag.inplace_view in function.tags:  # a new shape for what is kept: the wrapper follows
        aten.as_strided_.default.redispatch(CPU, args[0], found.shape, found.stride())
    written = _written(function, args, kwargs)
    if not written:
        return tree_map(_moved(there), found)
    results = found if len(function._schema.returns) > 1 else (found,)
    moved = [tree_map(_moved(there), r) if w is None else w for w, r in zip(written, results, strict=True)]
    return tuple(moved) if len(moved) > 1 else moved[0]


def _check(
    function: Any, tensors: Sequence[Tensor], away: bool, there: bool, generator: torch.Generator | None
) -> None:
    """Refuse what a GPU refuses."""
    packet = function.overloadpacket
    if there and generator is not None:
        raise RuntimeError(f"{function}: the generator is one of the processor, and the result is elsewhere")
    if not away or packet in ACROSS or (packet in PICKING and isinstance(tensors[0], Away)):
        return
    for x in tensors:
        if not isinstance(x, Away) and (x.ndim or packet in JOINING):
            raise RuntimeError(
                f"{function}: a tensor {list(x.shape)} on {x.device} meets one that is elsewhere"
            )


def _written(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """For every result the argument that it is, None for a new one; empty where all are new."""
    schema = function._schema
    aliased = {
        frozenset(a.alias_info.before_set): kwargs.get(a.name, args[i] if i < len(args) else None)
        for i, a in enumerate(schema.arguments)
        if a.alias_info is not None and a.alias_info.is_write
    }
    sets = [None if r.alias_info is None else frozenset(r.alias_info.before_set) for r in schema.returns]
    return [aliased.get(s) for s in sets] if aliased else []


def _moved(there: bool) -> Callable[[Any], Any]:
    """Map a result to the device where it belongs."""
    return lambda x: Away(x) if there and isinstance(x, Tensor) and not isinstance(x, Away) else x
