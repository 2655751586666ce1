"""The useful lines of Spark's errors, which bring a plan and two stacks along.

Works on any exception, by the names of its classes: nothing is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

#: Where Spark's own message ends and its evidence begins.
_EVIDENCE = re.compile(
    r"\n(?:== |JVM stacktrace|\s+at [\w.$]+\(|'?[A-Z]\w+ .*\n\s*\+- |;\s*$|;\n)"
    r"|;\n'|\n\n"
)

#: A frame of a Python traceback in the message of a failed UDF.
_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+), in (?P<name>.+)$')

_CODE = re.compile(r"^\[[A-Z0-9_.]+\] ")
_STATE = re.compile(r"\s*(?:;|SQLSTATE: \w{5}\b.*)$")


def explain(error: BaseException, last_words: str | None = None) -> str:
    """Return the first useful line of an error, or few lines: a text to show.

    Of an analysis error that is Spark's message without its plan; of a failure
    in a Python function that Spark ran, the exception with the place where it
    was raised; of one in Java, the innermost cause. Other errors come as
    ``Type: text``.

    Args:
        error: Any exception, of pyspark or not.
        last_words: What Spark's Java process said at its end, if it has ended.
    """
    names = _names(error)
    text = str(error).strip()
    if last_words is not None and names & _PERHAPS_LOST:
        return f"the Java process of Spark has ended: {last_words}"
    if is_lost(error):
        return "the Java process of Spark does not answer"
    if "Traceback (most recent call last):" in text and names & _SPARK:
        return _of_python(text)
    if "Py4JJavaError" in names:
        return _of_java(text)
    if names & _SPARK:
        return _clean(_EVIDENCE.split(text, maxsplit=1)[0])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_lost(error: BaseException) -> bool:
    """Return whether an error says that the Java process does not answer.

    It may have ended that very moment, and its end not be known yet.
    """
    names = _names(error)
    if names & {"Py4JNetworkError", "ConnectionError"}:
        return True
    # Without a Java stack it is the call itself that failed.
    is_call = "Py4JError" in names and "Py4JJavaError" not in names
    return is_call and "Trace:" not in str(error)


#: Base classes of what pyspark raises with a message of its own making.
_SPARK = frozenset({"PySparkException", "CapturedException", "SparkConnectException"})

#: As what the end of the Java process comes up in Python, among other things.
_PERHAPS_LOST = frozenset(
    {"Py4JError", "ConnectionError", "AttributeError", "AssertionError", "TypeError"}
)


def _names(error: BaseException) -> set[str]:
    return {cls.__name__ for cls in type(error).__mro__}


def _of_python(text: str) -> str:
    """Return exception and place of the last traceback in `text`."""
    lines = text.rpartition("Traceback (most recent call last):")[2].splitlines()
    place = ""
    for line in lines:
        if found := _FRAME.match(line):
            place = f"{found['path']}:{found['line']}, in {found['name']}"
        elif line and not line.startswith(" "):
            raised = _STATE.sub("", line)
            return f"{raised}\n  {place}" if place else raised
    return _clean(text.splitlines()[0])


def _of_java(text: str) -> str:
    """Return the innermost cause of a Java exception, without its package."""
    causes = re.findall(r"^(?:Caused by|: ?)[: ]*(.+)$", text, re.MULTILINE)
    cause = causes[-1] if causes else text.splitlines()[0]
    kind, _, message = re.sub(r"^(?:[a-z]\w*\.)+(?=[A-Z])", "", cause).partition(": ")
    return f"{kind}: {_clean(message)}" if message else kind


def _clean(text: str) -> str:
    return "\n".join(_cleaned(text.splitlines()))


def _cleaned(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        short = _STATE.sub("", _CODE.sub("", line.strip()))
        if short:
            yield short
