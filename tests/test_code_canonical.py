"""Which texts of code are the same code, under every supported Python."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from assetmake.code.canonical import canonical, canonical_body, parse
from assetmake.fingerprint import digest


def form(text):
    """Return the digests of some statements."""
    return canonical(*parse(text).body)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = (1)", "x=1"),
        ("x = 0x10", "x = 16"),
        ("x = 1_0.0", "x = 10."),
        ("x = u'a' 'b'", 'x = "ab"'),
        ("x = r'\\d'", "x = '\\\\d'"),
        ("x = f'a' f'{b}' 'c'", "x = f'a{b}c'"),
        ("x = f'{b}'  # why", "x = f'''{b}'''"),
        ("x: int = 1", "x = 1"),
        ("def f(a: int) -> str: return a", "def f(a): return a"),
        ("def f(a):\n    'doc'\n    return a", "def f(a): return a"),
        ("def f():\n    pass\n    ...\n    'text'", "def f(): pass"),
        ("def f():\n    x: int\n    return 1", "def f(): return 1"),
        ("async def f(): 'doc'", "async def f(): pass"),
        ("class P:\n    'doc'\n    k = 1", "class P:\n    k = 1"),
        ("class P:\n    k: 'int' = 1", "class P:\n    k: int = 1"),
        ("@d\ndef f(a: 'int'): pass", "@d\ndef f(a: int): pass"),
        ("if a:\n    pass\nelse:\n    b", "if a: ...\nelse: b"),
        ("def f():\n    from a import b", "def f():\n    from c.d import b"),
        ("def f():\n    import a.b as c", "def f():\n    from a import b as c"),
        ("x = [\n    1,\n    2,\n]", "x = [1, 2]"),
        ("with (a as b, c as d): e", "with a as b, c as d: e"),
        ("x = lambda: (yield)", "x = lambda: (yield None)".replace(" None", "")),
    ],
)
def test_equal_code_in_two_spellings(one, other):
    """Formatting, comments, docstrings and idle annotations are no code."""
    assert form(one).code == form(other).code


#: No two of these mean the same.
DIFFERENT = [
    "x = 1",
    "x = 1.0",
    "x = True",
    "x = 1j",
    "x = '1'",
    "x = b'1'",
    "x = None",
    "x = ...",
    "x = -1",
    "x = 'None'",
    "x = ''",
    "x = ()",
    "x = []",
    "x = {}",
    "x = set()",
    "x = (1,)",
    "x = [1]",
    "x = {1}",
    "x = {1: 1}",
    "x = {**x}",
    "x = {x: x}",
    "x = [[1], 2]",
    "x = [[1, 2]]",
    "x = ['ab', 'c']",
    "x = ['a', 'bc']",
    "x = ['abc']",
    "x = 'a', 'bc'",
    "x = f(a, b)",
    "x = f(a)(b)",
    "x = f(a=b)",
    "x = f(*a)",
    "x = f(**a)",
    "x = f(a, *b)",
    "x = f(*a, b)",
    "x = f.a.b",
    "x = f.b.a",
    "x = f[a]",
    "x = f[a:]",
    "x = f[:a]",
    "x = f[::a]",
    "x = f[a, b]",
    "x = a + b",
    "x = b + a",
    "x = a - b",
    "x = a + b + c",
    "x = a + (b + c)",
    "x = a < b < c",
    "x = (a < b) < c",
    "x = a and b or c",
    "x = a and (b or c)",
    "x = not a",
    "x = a if b else c",
    "x = [a for b in c]",
    "x = [a for b in c if d]",
    "x = [a for b in c for d in e]",
    "x = {a for b in c}",
    "x = (a for b in c)",
    "x = {a: b for b in c}",
    "x = lambda: a",
    "x = lambda a: a",
    "x = lambda a, /: a",
    "x = lambda *a: a",
    "x = lambda *, a: a",
    "x = lambda **a: a",
    "x = lambda a=1: a",
    "x = lambda *, a=1: a",
    "x = lambda a, b=1: a",
    "x = lambda a=1, b=1: a",
    "x = (a := b)",
    "x = f'{a}'",
    "x = f'{a!r}'",
    "x = f'{a!s}'",
    "x = f'{a:x}'",
    "x = f'{a:{x}}'",
    "x = f'{a}{x}'",
    "x = f'{a} {x}'",
    "x = '{a}'",
    "x += 1",
    "x -= 1",
    "x = y = 1",
    "x, y = 1",
    "x, *y = 1",
    "[x, y] = 1",
    "x.y = 1",
    "x[y] = 1",
    "del x",
    "del x, y",
    "del (x, y)",
    "raise x",
    "raise x from y",
    "assert x",
    "assert x, y",
    "for x in y: z",
    "for x in y: pass\nelse: z",
    "while x: z",
    "while x: break",
    "while x: continue",
    "with x: z",
    "with x as y: z",
    "if x: y",
    "if x: pass\nelse: y",
    "if x: y\nelse: y",
    "try: x\nexcept: y",
    "try: x\nexcept A: y",
    "try: x\nexcept A as e: y",
    "try: x\nexcept* A: y",
    "try: x\nfinally: y",
    "try: x\nexcept A: pass\nelse: y",
    "match x:\n    case 1: y",
    "match x:\n    case '1': y",
    "match x:\n    case None: y",
    "match x:\n    case a: y",
    "match x:\n    case _: y",
    "match x:\n    case [a]: y",
    "match x:\n    case [*a]: y",
    "match x:\n    case {1: a}: y",
    "match x:\n    case {1: a, **b}: y",
    "match x:\n    case A(): y",
    "match x:\n    case A(a=b): y",
    "match x:\n    case A(b=a): y",
    "match x:\n    case A.b: y",
    "match x:\n    case 1 | 2: y",
    "match x:\n    case 1 if z: y",
    "def f(): return",
    "def f(): return x",
    "def f(): yield x",
    "def f(): yield",
    "def f(): yield from x",
    "def f(a): return x",
    "def f(a, b): return x",
    "def f(a, /, b): return x",
    "def f(a, *, b): return x",
    "def f(a, b=1): return x",
    "def f(*a, b=1): return x",
    "def f(*, a=1, b): return x",
    "def f(*, a, b=1): return x",
    "def g(): return x",
    "async def f(): return x",
    "async def f(): await x",
    "async def f():\n    async for a in b: c",
    "async def f():\n    for a in b: c",
    "async def f():\n    async with a: c",
    "async def f(): return [a async for a in b]",
    "async def f(): return [a for a in b]",
    "def f():\n    global x\n    x = 1",
    "def f():\n    nonlocal_ = 1",
    "def f():\n    import x",
    "def f():\n    import x as y",
    "def f():\n    import x, y",
    "@d\ndef f(): return x",
    "@d()\ndef f(): return x",
    "@d\n@e\ndef f(): return x",
    "@e\n@d\ndef f(): return x",
    "@d\ndef f(a: int): return x",
    "@d\ndef f(a: str): return x",
    "@d\ndef f() -> str: return x",
    "@d\ndef f(a, b: str): return x",
    "class A: k = 1",
    "class A(B): k = 1",
    "class A(B, C): k = 1",
    "class A(C, B): k = 1",
    "class A(B, metaclass=C): k = 1",
    "class A:\n    k: int",
    "class A:\n    k: int = 1",
    "class A:\n    k: str = 1",
    "class A:\n    def f(self): pass",
    "class A:\n    async def f(self): pass",
]


def test_different_code_differs():
    """The form is injective: what can mean something else has another digest."""
    digests = {text: form(text).code for text in DIFFERENT}

    assert len(set(digests.values())) == len(DIFFERENT)


def test_form_is_the_same_under_every_python():
    """The digests of all of the above, as every supported version gives them."""
    digests = [form(text) for text in DIFFERENT]

    assert digest(*map(tuple, digests)) == "f003167774b7f4808acb294e408d2557"


def test_docstrings_and_annotations_have_digests_of_their_own():
    """What is left out of the code can still be asked for."""
    plain, documented = form("def f(a): pass"), form("def f(a: int):\n    'doc'")

    assert plain.code == documented.code
    assert (plain.docs, plain.notes) == ("", "")
    assert documented.docs
    assert documented.notes
    assert form("def f(a): 'dog'").docs not in ("", documented.docs)
    assert form("def f(a: str): pass").notes not in ("", documented.notes)


def test_body_leaves_out_what_is_judged_one_by_one():
    """Decorators, defaults and annotations do not touch the body; names do."""
    body = [
        canonical_body(parse(text).body[0]).code
        for text in (
            "def f(a, b): return a",
            "@d(1)\ndef f(a: int = 1, b=2) -> str: return a",
            "def f(a, c): return a",
        )
    ]

    assert body[0] == body[1] != body[2]


def test_lone_surrogates_and_huge_numbers_are_written():
    """Neither is text that `str.encode` or `str` of an int would take."""
    one = form("x = '\\ud800', " + "0x" + "f" * 6000)
    other = form("x = '\\ud801', " + "0x" + "f" * 6000)

    assert one.code != other.code


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "x = z + " + " + ".join(["a"] * 2900),
        "x = z" + ".b(1)" * 900,
        "x = {z: 1, " + ", ".join(f"'k{i}': {i}" for i in range(50_000)) + "}",
        "x = " + "[" * 90 + "z" + "]" * 90,
        "if z: x = 1\n" + "".join(f"elif a: x = {i}\n" for i in range(900)),
    ],
    ids=["sum", "chain", "dictionary", "nested", "elif"],
)
def test_large_code_needs_no_recursion(text):
    """Whatever Python can compile can be written, to its last part."""
    assert form(text).code != form(text.replace("z", "y")).code


def standard_library(step):
    """Return some files of the standard library, spread over all of it."""
    top = Path(sysconfig.get_path("stdlib"))
    files = sorted(top.glob("*.py")) + sorted(top.glob("*/*.py"))
    return [file for file in files if "site-packages" not in file.parts][::step]


@pytest.mark.slow
def test_every_file_has_one_form():
    """Real code of all kinds is written, and each time alike."""
    for file in standard_library(12):
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # made to test the parser

        assert canonical(*tree.body) == canonical(*tree.body), file
