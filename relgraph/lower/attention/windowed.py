"""Tables of an attention in windows: which positions, which offsets, which pairs are cut apart.

Goes in: the position bias, or None. Comes out: names of buffers, and methods that make and fetch
them. What is done in a window is not known here.
"""

from __future__ import annotations

from relgraph.lower.attention.bias import Bias

_INDEX = "relative_position_index"


def window_tables(bias: Bias | None) -> tuple[str, ...]:
    """Buffers, in the order in which `tables` gives them."""
    tables = ("order", "inverse", "mask")
    return tables if bias is None else (*tables, _INDEX)


def window_methods(bias: Bias | None, located: str = "") -> tuple[str, ...]:
    """`tables`, `mask_of` and `locate`, which gives the bias as `located` says."""
    if bias is None:
        tables = _TABLES.format(types="", words="", index="", result=_RESULT)
        return (tables, _MASK_OF, _LOCATE_MASK)
    index = f"        index = {_INDEX}(window, {bias.made_for}, order.device)\n"
    words, result = ", relative position index", f"{_RESULT}, index"
    tables = _TABLES.format(types=", Tensor", words=words, index=index, result=result)
    locate = (located or _LOCATE_BIAS).format(table=bias.table)
    return (tables, _MASK_OF, locate, *bias.methods)


_RESULT = "return order, order.flatten().argsort(), self.mask_of(order, map_size, shift)"
_TABLES = '''\
    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None{types}]:
        """How windows lie on a map: gather index, its inverse, mask{words}."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
{index}        {result}'''

_MASK_OF = '''\
    def mask_of(
        self, order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]
    ) -> Tensor | None:
        """Windows that the shift moves over the border are cut there, into pieces apart."""
        if not any(shift_size):
            return None
        return cut_mask(order, map_size, shift_size).to(self.qkv.weight.dtype)'''

_LOCATE_MASK = '''\
    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Gather index, its inverse and mask (windows, 1, places, places) for the size of x."""
        if x.shape[2:] != self.map_size:
            return self.tables((x.shape[2], x.shape[3]))
        return self.order, self.inverse, self.mask'''

_LOCATE_BIAS = '''\
    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gather index, its inverse and logit bias ([windows or 1], num_heads, places, places)."""
        tables = (self.order, self.inverse, self.mask, self.relative_position_index)
        if x.shape[2:] != self.map_size:
            tables = self.tables((x.shape[2], x.shape[3]))
        order, inverse, mask, index = tables
        bias = {table}[index].permute(2, 0, 1).unsqueeze(0)
        return order, inverse, bias if mask is None else bias + mask'''

APART = '''\
    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Gather index, its inverse, position bias (num_heads, places, places) and mask."""
        tables = (self.order, self.inverse, self.mask, self.relative_position_index)
        if x.shape[2:] != self.map_size:
            tables = self.tables((x.shape[2], x.shape[3]))
        order, inverse, mask, index = tables
        return order, inverse, {table}[index].permute(2, 0, 1), mask'''
"""`locate` with the mask (windows, 1, places, places) beside the bias, not added to it."""
