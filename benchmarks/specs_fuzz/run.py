"""Many cases in several processes, counted by kind; a run that was stopped goes on where it was.

In: which cases, how many, where their state is kept. Out: counts. Failures are written as files at
once, so that a stopped run loses none.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from benchmarks.specs_fuzz.cases import Numbered, Wanted, case, judged
from benchmarks.specs_fuzz.judge import Verdict
from relgraph.files import write_atomically

PART = 2_000  # cases between two savings
SWEEP = 200  # cases between two collections of garbage
MAKERS = (
    "shapes",
    "scope",
    "writing",
    "elements",
    "operators",
    "attention",
    "items",
    "properties",
    "bodies",
    "backbones",
    "children",
    "text",
    "damage",
    "cases",
)
MEMORY = 6 << 30  # of one process: a runaway case fails as one, not as the machine

Counts = dict[str, Counter[str]]
Progress = Callable[[int, int], None]


def made_by() -> str:
    """What the cases are made of: a number is the same files only while this is the same."""
    digest = sha256()
    for name in MAKERS:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


@dataclass
class State:
    """Which parts are done, what came out by kind, and the problems' codes."""

    wanted: Wanted
    done: set[int] = field(default_factory=set)
    counts: Counts = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, wanted: Wanted, path: Path | None) -> State:
        """The state kept at `path`, or a new one."""
        if path is None or not path.is_file():
            return cls(wanted)
        kept = json.loads(path.read_text("utf-8"))
        if [kept["wanted"], kept["part"], kept["cases"]] != [wanted, PART, made_by()]:
            raise SystemExit(f"{path} is the state of another run, or of other cases")
        counts = {kind: Counter(found) for kind, found in kept["counts"].items()}
        return cls(wanted, set(kept["done"]), counts, Counter(kept["codes"]))

    def write(self, path: Path | None) -> None:
        """Keep it at `path`, if there is one."""
        if path is None:
            return
        content = {
            "wanted": self.wanted,
            "part": PART,
            "cases": made_by(),
            "done": sorted(self.done),
            "counts": self.counts,
            "codes": self.codes,
        }
        write_atomically(path, json.dumps(content, indent=1) + "\n")

    def add(self, part: int, counts: Counts, codes: Counter[str]) -> None:
        """Take over what one part found."""
        self.done.add(part)
        self.codes += codes
        for kind, found in counts.items():
            self.counts[kind] = self.counts.get(kind, Counter()) + found

    @property
    def cases(self) -> int:
        """How many were judged."""
        return sum(sum(found.values()) for found in self.counts.values())

    @property
    def failures(self) -> int:
        """How many of them went wrong."""
        wrong = ("failed",) if self.wanted == "invalid" else ("failed", "refused")
        return sum(found[one] for found in self.counts.values() for one in wrong)


def run(
    state: State, examples: int, processes: int, kept: Path | None, corpus: Path, tell: Progress
) -> None:
    """Judge the cases 0 to `examples` that `state` does not have yet; `kept` is its file."""
    parts = [part for part in range(-(-examples // PART)) if part not in state.done]
    whole = len(parts) + len(state.done)
    tell(len(state.done), whole)
    if processes == 1:
        for part in parts:
            state.add(part, *judged_part(state.wanted, part, examples, corpus))
            state.write(kept)
            tell(len(state.done), whole)
        return
    with ProcessPoolExecutor(processes, initializer=_limited) as pool:
        asked = {
            pool.submit(judged_part, state.wanted, part, examples, corpus): part for part in parts
        }
        for future in as_completed(asked):
            state.add(asked[future], *future.result())
            state.write(kept)
            tell(len(state.done), whole)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def judged_part(
    wanted: Wanted, part: int, examples: int, corpus: Path
) -> tuple[Counts, Counter[str]]:
    """What one part's cases come to. Failures are kept as files under `corpus`."""
    counts: Counts = {}
    codes: Counter[str] = Counter()
    with _Folder() as folder, _garbage_now_and_then() as sweep:
        for number in range(part * PART, min(examples, (part + 1) * PART)):
            one = case(wanted, number)
            verdict = judged(one, folder / "case")
            counts.setdefault(one.kind, Counter())[verdict.outcome] += 1
            codes.update(verdict.codes)
            if verdict.outcome == "failed" or (wanted == "valid" and verdict.outcome != "valid"):
                keep(one, verdict, corpus)
            if number % SWEEP == 0:
                sweep()
    return counts, codes


@contextmanager
def _garbage_now_and_then() -> Iterator[Callable[[], object]]:
    """Nothing is collected until it is asked for: what relgraph knows for good is large beside a
    case, and looking it over takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        gc.enable()


class _Folder:
    """A folder in memory where there is one: a case is a few files, written and read once."""

    def __enter__(self) -> Path:
        fast = Path("/dev/shm")
        where = fast if fast.is_dir() and os.access(fast, os.W_OK) else None
        self.path = Path(tempfile.mkdtemp(prefix="specs_fuzz_", dir=where))
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def keep(one: Numbered, verdict: Verdict, corpus: Path) -> Path:
    """Write a case that went wrong, with what went wrong beside it."""
    folder = corpus / f"{'valid' if one.kind == 'valid' else 'invalid'}_{one.number}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in one.texts.items():
        write_atomically(folder / f"{name}.yaml", text)
    about = {"kind": one.kind, "top": one.top, "why": verdict.why, "codes": verdict.codes}
    write_atomically(folder / "about.json", json.dumps(about, indent=1) + "\n")
    return folder


def kept_cases(corpus: Path) -> Iterator[Numbered]:
    """The cases of a corpus, as they were kept."""
    for about in sorted(corpus.glob("*/about.json")):
        told = json.loads(about.read_text("utf-8"))
        texts = {path.stem: path.read_bytes() for path in sorted(about.parent.glob("*.yaml"))}
        number = int(about.parent.name.rpartition("_")[2])
        yield Numbered(number, told["kind"], texts, told["top"])
