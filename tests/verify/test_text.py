"""What is asked of edited text: that all of it ran, and that it asks nothing of the machine."""

from __future__ import annotations

import textwrap

import pytest

from relgraph.emitted import load_text
from relgraph.verify.machine import check_machine, questions
from relgraph.verify.reached import Reached
from relgraph.verify.unreached import Unreached, check_reach, unreached

FRESH = """\
def own(x):
    if x > 5:
        return 7
    return x
"""


def _never_run(body: str, fresh: str = "") -> list[Unreached]:
    """What `f(1)` leaves out of a function with this body."""
    text = "def f(x):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    module = load_text(text, "f.py")
    reached = Reached(module.__name__)
    with reached.watching():
        module.f(1)
    return list(unreached(text, fresh, reached.spans, frozenset()))


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("if x > 5:\n    x = 7\nreturn x", 3, "x = 7"),
        ("if x < 5:\n    x = 7\nelse:\n    x = 8\nreturn x", 5, "x = 8"),
        ("if x > 5:\n    return 7\nelif x > 4:\n    return 6\nreturn x", 3, "return 7"),
        ("return 7 if x > 5 else x", 2, "7"),
        ("return (x > 5 and x + 1) or x", 2, "x + 1"),
        ("return [y + 1 for y in range(x) if y > 0]", 2, "y + 1"),
        ("for y in range(x):\n    if y > 0:\n        continue\nreturn x", 4, "continue"),
        ("while x > 5:\n    x -= 1\nreturn x", 3, "x -= 1"),
        ("try:\n    x += 1\nexcept ValueError:\n    x = 2\nreturn x", 5, "x = 2"),
        ("match x:\n    case 1:\n        x = 3\n    case _:\n        x = 2\nreturn x", 6, "x = 2"),
        ("return x\nx = 2", 3, "x = 2"),
    ],
)
def test_what_never_ran_is_named(body: str, line: int, words: str) -> None:
    assert _never_run(body)[0] == Unreached(line, words)


@pytest.mark.parametrize(
    "body",
    [
        "return x",
        '"""Words."""\nif x > 5:\n    raise ValueError("large")\nreturn x',
        "y: int\nreturn x < 5 and x > 0",
        "def inner():\n    return 9\nreturn x",
        "return [y + 1 for y in range(x)]",
        "return any(y > 5 for y in (1, 2))",
    ],
)
def test_what_ran_or_only_raises_is_not(body: str) -> None:
    assert _never_run(body) == []


def test_what_relgraph_writes_itself_is_not_asked_for() -> None:
    module = load_text(FRESH, "own.py")
    reached = Reached(module.__name__)
    with reached.watching():
        module.own(1)
    assert list(unreached(FRESH, "", reached.spans, frozenset())) == [Unreached(3, "return 7")]
    assert list(unreached(FRESH, FRESH, reached.spans, frozenset())) == []
    # The same branch under another name of the function.
    renamed = FRESH.replace("own(x)", "mine(x)")
    assert list(unreached(renamed, FRESH, reached.spans, frozenset())) == []


def test_a_function_nobody_calls_counts_where_torch_might_call_it() -> None:
    methods = "    def helper(self):\n        return 1\n\n    def half(self):\n        return 2\n"
    text = f"class Net:\n{methods}"
    found = list(unreached(text, "", frozenset(), frozenset()))
    assert found == [Unreached(6, "return 2")]
    printed = text.replace("half", "extra_repr")
    assert list(unreached(printed, "", frozenset(), frozenset())) == []


def test_what_only_shapes_went_through_counts_where_no_value_did() -> None:
    module = load_text(FRESH, "own.py")
    compared, called = Reached(module.__name__), Reached(module.__name__)
    with called.watching():
        module.own(6)
        module.own(1)
    with compared.watching():
        module.own(1)
    assert check_reach(FRESH, "", frozenset(), called.spans).ok
    check = check_reach(FRESH, "", compared.spans, called.spans)
    assert not check.ok
    assert check.counter_example == "line 3 never ran, so nothing is known of it: return 7"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("y = 1 + x.is_cuda", "x.is_cuda"),
        ("y = x.device.type == 'cuda'", "x.device.type"),
        ("y = x.device == z", "x.device == z"),
        ("y = torch.cuda.is_available()", "torch.cuda"),
        ("y = torch.get_num_threads()", "torch.get_num_threads"),
        ("y = id(x)", "id"),
        ("y = x.data_ptr()", "x.data_ptr"),
    ],
)
def test_questions_about_the_machine_are_found(line: str, words: str) -> None:
    assert words in {one.words for one in questions(line)}
    check = check_machine(line, "")
    assert not check.ok
    assert check.counter_example.startswith("line 1 asks for ")
    assert check_machine(line, line).ok


@pytest.mark.parametrize(
    "line",
    [
        "y = torch.arange(4, device=x.device)",
        "y = x.to(z.device, z.dtype)",
        "with torch.autocast(x.device.type, enabled=False): pass",
        "with torch.autocast(device_type=x.device.type): pass",
        "y = x.type(z.dtype)",
    ],
)
def test_devices_may_be_handed_on(line: str) -> None:
    assert check_machine(line, "").ok
