"""A valid file made wrong in one way, as hands and editors do it; each kind has its own function.

Kinds of structure change the values that a file says, kinds of text its characters. A change may
happen to leave a valid spec: the judge counts those apart.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.specs_fuzz.scope import Text
from benchmarks.specs_fuzz.text import dump

Place = tuple[Any, Any]  # a list or a map, and an index or key into it


def damaged(content: dict[str, Text], kind: str, chance: random.Random) -> bytes:
    """The file with damage of that kind."""
    if kind in IN_VALUES:
        changed = copy.deepcopy(content)
        IN_VALUES[kind](changed, chance)
        return dump(changed, chance).encode("utf-8", errors="surrogatepass")
    return IN_TEXT[kind](dump(content, chance), chance)


def _places(node: Any) -> Iterator[Place]:
    """Every value below `node`, as where it stands."""
    keys = node if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def _some(content: dict[str, Text], chance: random.Random, wanted: Callable[[Any], bool]) -> Place:
    found = [(node, key) for node, key in _places(content) if wanted(node[key])]
    return chance.choice(found or list(_places(content)))


def _maps(content: dict[str, Text]) -> list[dict[Any, Any]]:
    return [content, *(n[k] for n, k in _places(content) if isinstance(n[k], dict) and n[k])]


def _misspelt(word: str, chance: random.Random) -> str:
    at = chance.randrange(max(1, len(word)))
    return chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at : at + 1] * 2 + word[at + 1 :],
            word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
            word[:at] + chance.choice("abcxyz_1") + word[at:],
            word.upper(),
            word.replace("_", "-"),
            word.replace("_", ""),
            word + "s",
        ]
    )


def _renamed(table: dict[Any, Any], old: Any, new: Any) -> None:
    entries = [(new if key == old else key, value) for key, value in table.items()]
    table.clear()
    table.update(entries)


def key_misspelt(content: dict[str, Text], chance: random.Random) -> None:
    table = chance.choice(_maps(content))
    key = chance.choice(list(table))
    _renamed(table, key, _misspelt(str(key), chance))


def word_misspelt(content: dict[str, Text], chance: random.Random) -> None:
    node, key = _some(content, chance, lambda value: isinstance(value, str) and value[:1] != "$")
    node[key] = _misspelt(str(node[key]), chance)


def type_wrong(content: dict[str, Text], chance: random.Random) -> None:
    node, key = chance.choice(list(_places(content)))
    node[key] = chance.choice(
        [None, True, "", "word", 3, -1.5, [], {}, [node[key]], {"a": node[key]}, [[]], [1, 2, 3]]
    )


def out_of_range(content: dict[str, Text], chance: random.Random) -> None:
    node, key = _some(content, chance, lambda v: isinstance(v, int | float))
    node[key] = chance.choice(
        [0, -1, 1, 2, 3, 5, 7, 97, 1000, 65536, 2**20, 2**31, 10**15, 0.5, -0.0, 1e-9, 1e30]
    )


def missing(content: dict[str, Text], chance: random.Random) -> None:
    node, key = chance.choice(list(_places(content)))
    del node[key]


def contradicting(content: dict[str, Text], chance: random.Random) -> None:
    """Fields that are fine by themselves, beside others that they do not go with."""
    table = chance.choice(_maps(content))
    section, fields = chance.choice(list(BESIDE.items()))
    name, values = chance.choice(list(fields.items()))
    target = content.get(section) if isinstance(content.get(section), dict) else table
    assert isinstance(target, dict)
    target[name] = chance.choice(values)


BESIDE: dict[str, dict[str, list[Text]]] = {
    "space": {
        "connect": ["point", "window", "stripe", "grid", "full", "local", "axial", "outlook"],
        "share": ["none", "windows", "positions", "all"],
        "size": [1, 3, 64],
        "stride": [2, [1, 2]],
        "step": [2, 5],
        "dilation": [3],
        "shift": [1, "half"],
        "halo": [0, 2],
        "border": ["reflect", "clamp", "wrap"],
        "padding": [0, 1, "half"],
        "anchor": ["corner", "center"],
        "pad": [True],
        "rank": [{"reduce": 2}, {"tokens": 3}, {"separable": True}, {"scales": [2, 4]}],
    },
    "channel": {
        "connect": ["full", "groups", "separate", "local"],
        "size": [3, 999],
        "groups": [2, 3],
        "share": ["none", "heads", "all"],
        "heads": [1, 2, 3],
        "head_channels": [2, 5],
        "rank": [{"inner": 4}],
    },
    "weight": {
        "dynamic": ["pooled", "center", "pair", "channels"],
        "fixed": ["average", "identity", "shift"],
        "offset": [[0, 1], 9],
        "normalize": ["softmax", "sigmoid", "l1"],
        "score": ["dot", "cosine", "relu", "elu"],
        "position": ["relative", "absolute", "continuous", "rotary"],
        "hidden": [8],
        "temperature": [100],
        "reduction": [2, 3],
        "experts": [3],
        "extent": [3],
        "key_bias": [False],
    },
    "": {
        "block": [["relu"]],
        "cycle": [[["relu"], ["gelu"]]],
        "body": [["relu"]],
        "space": [{"connect": "full"}],
        "label": ["stem", "part_1", "x"],
        "stride": [2, 3],
        "channels": [7, "$in"],
        "ratio": [0.3, 7],
        "shortcut": ["none", ["pointwise"]],
    },
}


def reference_bad(content: dict[str, Text], chance: random.Random) -> None:
    node, key = chance.choice(list(_places(content)))
    own = str(content.get("backbone", content.get("operator", "x")))
    names = list(content.get("define") or ["macro_1"])
    node[key] = chance.choice(
        [
            "$nobody",
            "$in",
            "$channels",
            "$stride",
            "$",
            "$$in",
            own,
            chance.choice(names),
            {chance.choice(names): {"p_1": "$p_1"}},
            {"from": "nowhere"},
            {"extends": own},
            f"${key}",
        ]
    )


def extends_bad(content: dict[str, Text], chance: random.Random) -> None:
    own = str(content.get("backbone", content.get("operator", "x")))
    known = ["swin_tiny", "nobody", own, f"./{own}.yaml", "../..", "", "conv", "/", "."]
    content["extends"] = chance.choice(known)


def address_bad(content: dict[str, Text], chance: random.Random) -> None:
    address = chance.choice(
        ["nobody", "stage9.conv", "part_1.", ".", "part_1.conv", "stem", "head.affine"]
    )
    edit = chance.choice([{}, [], "relu", {"conv": 3}, {"size": 5}, {address: "relu"}, None])
    content[chance.choice(["replace", "set"])] = {address: edit}


def key_extra(content: dict[str, Text], chance: random.Random) -> None:
    table = chance.choice(_maps(content))
    words = [
        "kernel",
        "dim",
        "label",
        "init",
        "params",
        "name",
        "a.b",
        "$x",
        "1",
        "",
        "<<",
        "define",
    ]
    table[chance.choice(words)] = chance.choice([1, "relu", [], {}, "$in", None])


def item_moved(content: dict[str, Text], chance: random.Random) -> None:
    """A value put in another's place: one item too many here, one too few there."""
    places = list(_places(content))
    (node, key), (other, at) = chance.choice(places), chance.choice(places)
    value = copy.deepcopy(other[at])
    if isinstance(node, list) and chance.random() < 0.5:
        node.insert(key, value)
    else:
        node[key] = value


def nested(content: dict[str, Text], chance: random.Random) -> None:
    """A value inside itself, a few times or far too often."""
    node, key = chance.choice(list(_places(content)))
    for _ in range(chance.choice([1, 2, 8, 40])):
        wrap = chance.choice(["residual", "sum", "product", "concat"])
        node[key] = [node[key]] if chance.random() < 0.5 else [{wrap: [node[key]]}]


def multiplied(content: dict[str, Text], chance: random.Random) -> None:
    """Definitions that use one another, twice each: work that must be refused, not done. Where that
    is, refusing takes as long as twenty other cases, and all are refused alike: one in twenty."""
    depth = chance.choice([1, 2, 3, 4, 5, 6]) if chance.random() < 0.95 else chance.choice([12, 40])
    table = {f"d{n}": [f"d{n + 1}"] * 2 for n in range(depth)} | {f"d{depth}": ["relu"]}
    content["define"] = {**(content.get("define") or {}), **table}
    if chance.random() < 0.3:
        content["define"][f"d{depth}"] = [f"d{chance.randrange(depth)}"]
    node, key = chance.choice(list(_places(content)))
    node[key] = ["d0"]


def characters(text: str, chance: random.Random) -> bytes:
    """One to three bytes lost, doubled, swapped or replaced by what YAML cares for."""
    raw = bytearray(text.encode())
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(raw))
        way = chance.randrange(4)
        if way == 0 and len(raw) > 1:
            del raw[at]
        elif way == 1:
            raw[at:at] = chance.choice(SIGNS)
        elif way == 2:
            raw[at : at + 1] = chance.choice(SIGNS)
        else:
            raw[at:at] = raw[at : at + chance.randint(1, 9)]
    return bytes(raw)


SIGNS = [sign.encode() for sign in "[]{}:,-#&*!|>'\"%@`~?$ \n\t"] + [
    b"\xff",
    b"\x00",
    b"\xc3\xa9",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\r",
    b"---\n",
    b"...\n",
    b": ",
    b"- ",
    b"<<: ",
]


def cut(text: str, chance: random.Random) -> bytes:
    """A file that ends too early."""
    return text.encode()[: chance.randrange(len(text.encode()))]


def yaml_only(text: str, chance: random.Random) -> bytes:
    """What YAML has and the language refuses: anchors, aliases, tags, directives, documents."""
    words = text.split(" ")
    at = chance.randrange(len(words))
    words[at] = (
        chance.choice(["&a ", "*a ", "!!python/object:os.system ", "!!str ", "? ", "<<: "])
        + words[at]
    )
    ends = ["", "---\na: 1\n", "%YAML 1.1\n", "...\n", "backbone: twice\n"]
    return (" ".join(words) + chance.choice(ends)).encode()


def lines(text: str, chance: random.Random) -> bytes:
    """A line lost, doubled, moved, or indented otherwise."""
    kept = text.splitlines(keepends=True)
    at = chance.randrange(len(kept))
    way = chance.randrange(4)
    if way == 0:
        del kept[at]
    elif way == 1:
        kept.insert(at, kept[at])
    elif way == 2:
        kept.insert(chance.randrange(len(kept)), kept.pop(at))
    else:
        kept[at] = chance.choice([" ", "  ", "\t", "- "]) + kept[at]
    return "".join(kept).encode()


IN_VALUES: dict[str, Callable[[dict[str, Text], random.Random], None]] = {
    "a key misspelt": key_misspelt,
    "a word misspelt": word_misspelt,
    "a value of another type": type_wrong,
    "a number out of range": out_of_range,
    "something missing": missing,
    "properties that contradict": contradicting,
    "a reference to nothing": reference_bad,
    "a parent that is none": extends_bad,
    "an edit that hits nothing": address_bad,
    "a key too many": key_extra,
    "an item in another's place": item_moved,
    "too much nesting": nested,
    "definitions that multiply": multiplied,
}
IN_TEXT: dict[str, Callable[[str, random.Random], bytes]] = {
    "characters": characters,
    "a file cut short": cut,
    "YAML that is refused": yaml_only,
    "lines": lines,
}
KINDS = (*IN_VALUES, *IN_TEXT)
