"""Random projects under random actions, and what has to hold after each.

    python tests/random_project.py --trials 100000 --jobs 2 --seed 1

runs that many trials in processes of their own, and ends with a table of how
often what happened. A trial that fails is made as small as it gets and saved in
`tests/random_failures/`; `pytest tests/test_random.py` replays it for ever.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from random_actions import ACTIONS, WEIGHTS
from random_disk import FOLDER, machine
from random_table_actions import edit_columns  # noqa: F401 - it registers its actions
from random_trial import EVENTS, Trial

__all__ = ["ACTIONS", "FOLDER", "WEIGHTS", "dump", "run", "trial_of"]

#: (shape, actions), as they are saved.
Script = tuple[int, list[tuple[str, int]]]

FAILURES = Path(__file__).parent / "random_failures"
LARGEST_SHAPE, LARGEST_NUMBER, MOST_ACTIONS = 2**14, 2**20, 14


def run(folder: Path, shape: int, actions: list[tuple[str, int]]) -> None:
    """Carry out one trial; an assertion or any other error is a finding."""
    with machine(is_coarse=shape % 4 == 3, exchanges=shape % 8 != 6) as bent:
        trial = Trial(folder, shape, bent)
        if shape & 48:  # what was never built has little to lose
            trial.build()
        rows = trial.check()
        for name, number in actions:
            before = trial.shown
            ACTIONS[name](trial, number)
            after = trial.check()
            EVENTS[f"action: {name}"] += 1
            EVENTS[f"took: {name}"] += trial.shown != before
            EVENTS[f"bit: {name}"] += after != rows
            rows = after
        trial.build()
        trial.check(closely=True)
    EVENTS["trial"] += 1


def dump(shape: int, actions: list[tuple[str, int]]) -> str:
    """Return a trial as it is saved."""
    return json.dumps({"shape": shape, "actions": actions}, indent=1) + "\n"


# Campaigns ----------------------------------------------------------------------


def trial_of(seed: int, position: int, favoured: Sequence[str] = ()) -> Script:
    """Return one trial of a campaign, always the same one.

    Args:
        seed: Of the campaign.
        position: Of the trial.
        favoured: Actions that make up half of it; then it is a short one.
    """
    chance = random.Random(f"{seed}-{position}")
    length = chance.randint(1, MOST_ACTIONS // 2 if favoured else MOST_ACTIONS)
    names = chance.choices([*WEIGHTS], [*WEIGHTS.values()], k=length)
    if favoured:
        names = [chance.choice((name, chance.choice(favoured))) for name in names]
    actions = [(name, chance.randrange(LARGEST_NUMBER)) for name in names]
    return chance.randrange(LARGEST_SHAPE), actions


def finding_of(script: Script) -> tuple[str, str]:
    """Carry out a trial; return what is wrong and where, or nothing."""
    with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as folder:
        try:
            run(Path(folder), *script)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            text = f"{type(error).__name__}: {error}".replace(folder, "")
            return text, traceback.format_exc()
    return "", ""


def kind_of(finding: str) -> str:
    """Return a finding without what differs between two of one kind."""
    return re.sub(r"[0-9]+|'[^']*'|\{.*", "*", finding)[:60]


def shrink(script: Script, finding: str, *, seconds: float = 120) -> Script:
    """Return the smallest trial found that fails in the same way."""
    end = time.monotonic() + seconds

    def fails(other: Script) -> bool:
        if time.monotonic() > end:
            return False
        return kind_of(finding_of(other)[0]) == kind_of(finding)

    while time.monotonic() < end:
        smaller = next(filter(fails, _smaller(script)), None)
        if smaller is None:
            break
        script = smaller
    return script


def _smaller(script: Script) -> Iterator[Script]:
    """Yield trials that are smaller than one, the boldest first."""
    shape, actions = script
    half = len(actions) // 2
    while half:
        for start in range(0, len(actions), half):
            yield shape, actions[:start] + actions[start + half :]
        half //= 2
    for other in (0, *(shape & ~(1 << bit) for bit in range(14))):
        if other != shape:
            yield other, actions
    for place, (name, number) in enumerate(actions):
        for other in (0, number // 16, number // 2, number - 1):
            if 0 <= other < number:
                yield shape, [*actions[:place], (name, other), *actions[place + 1 :]]


def save(script: Script, finding: str) -> Path:
    """Save a trial, to be replayed for ever."""
    FAILURES.mkdir(exist_ok=True)
    words = re.findall(r"[a-z]+", kind_of(finding).lower())
    for number in range(1, 1000):
        file = FAILURES / f"{'-'.join(words[:6])}-{number}.json"
        if not file.exists():
            break
    file.write_text(dump(*script))
    return file


def campaign(
    seed: int, positions: range, report: Callable[[str], object], most: int
) -> tuple[Counter[str], list[str]]:
    """Carry out trials one after the other.

    Args:
        seed: Of the campaign.
        positions: Which of its trials.
        report: Is told of each finding.
        most: How many findings end it.

    Returns:
        How often what happened, and all findings.
    """
    EVENTS.clear()
    findings: list[str] = []
    kinds: set[str] = set()
    for position in positions:
        script = trial_of(seed, position)
        finding, trace = finding_of(script)
        if not finding:
            continue
        findings.append(finding)
        if kind_of(finding) not in kinds:
            kinds.add(kind_of(finding))
            events = Counter(EVENTS)
            script = shrink(script, finding)
            EVENTS.clear()
            EVENTS.update(events)
            file = save(script, finding)
            report(f"{trace}\ntrial {position}: {finding}\nsaved as {file}\n{script}")
        if len(findings) >= most:
            break
    return EVENTS, findings


def _in_process(
    seed: int, positions: range, most: int, results: multiprocessing.Queue
) -> None:
    results.put(campaign(seed, positions, _say, most))


def _say(text: str) -> None:
    print(text, flush=True)


def main(words: list[str]) -> int:
    """Run a campaign, and return 1 if it found something."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--most", type=int, default=5, help="findings that end it")
    parser.add_argument("--table", action="store_true", help="of all that happened")
    asked = parser.parse_args(words)
    began = time.monotonic(), time.process_time()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [
        context.Process(
            target=_in_process,
            args=(
                asked.seed,
                range(first, asked.trials, asked.jobs),
                asked.most,
                results,
            ),
        )
        for first in range(asked.jobs)
    ]
    for process in processes:
        process.start()
    events: Counter[str] = Counter()
    findings: list[str] = []
    for _ in processes:
        found, told = results.get()
        events += found
        findings += told
    for process in processes:
        process.join()
    if asked.table:
        _say(table(events))
    times = resource_seconds()
    each = 1000 * times / max(1, events["trial"] + len(findings))
    _say(
        f"seed {asked.seed}: {events['trial']:,} trials held, {len(findings)} did not; "
        f"{time.monotonic() - began[0]:.0f} s, {each:.0f} ms of CPU a trial"
    )
    return 1 if findings else 0


def resource_seconds() -> float:
    """Return the CPU seconds of this process and of all that it waited for."""
    import resource

    usages = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, usages))


def table(events: Counter[str]) -> str:
    """Return how often what happened, as text.

    Of actions: how often they were chosen, how often they changed a file, how
    often a row was another one behind them.
    """
    lines = [f"{'action':36}{'chosen':>9}{'took':>9}{'bit':>9}"]
    for name in sorted(ACTIONS):
        numbers = [events[f"{word}: {name}"] for word in ("action", "took", "bit")]
        lines.append(f"{name:36}" + "".join(f"{number:9,}" for number in numbers))
    lines.append("")
    for name, number in sorted(events.items()):
        if not name.startswith(("action:", "took:", "bit:")):
            lines.append(f"{name:45}{number:9,}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
