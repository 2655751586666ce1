"""Edits of a project, and whether the code of the asset `hot` changes by them.

Each case is one project before and after an edit: ``<<1 => 2>>`` is 1 before
and 2 after. A line ``== NAME`` begins a file, ``++ NAME`` one that appears and
``-- NAME`` one that goes; ``hot: x`` stands for an asset that returns x. What
is expected is the names of the parts that changed, or nothing.
"""

from __future__ import annotations

import re

import pytest

from assetmake.assetfile.defined import define
from assetmake.code.explain import explain_change

HEAD = (
    'from assetmake import asset, include, source\nraw = source("raw", path="r.csv")\n'
)
FILE = re.compile(r"^(==|\+\+|--) (\S+)\n", re.MULTILINE)
EDIT = re.compile(r"<<(.*?) => (.*?)>>", re.DOTALL)
ASSET = re.compile(r"^hot: (.*)$", re.MULTILINE)

SAME: tuple[str, ...] = ()

CASES = {
    # Text ---------------------------------------------------------------------
    "number": (("hot",), "hot: raw + <<1 => 2>>"),
    "parentheses": (SAME, "hot: <<raw + 1 => (raw + (1))>>"),
    "number spelling": (SAME, "hot: raw + <<1000 => 1_000>>"),
    "hexadecimal": (SAME, "hot: raw + <<255 => 0xFF>>"),
    "float spelling": (SAME, "hot: raw + <<1.50 => 15e-1>>"),
    "zero and minus zero": (("hot",), "hot: raw * <<0.0 => -0.0>>"),
    "int and complex": (("hot",), "hot: raw * <<1 => 1j>>"),
    "text and bytes": (("hot",), "hot: raw.a == <<'x' => b'x'>>"),
    "ellipsis": (("hot",), "hot: raw[<<... => None>>]"),
    "huge integer": (("hot",), f"hot: raw + <<0x{'9' * 5000} => 0x{'8' * 5000}>>"),
    "lone surrogate": (("hot",), r"hot: raw + <<'\udc80' => '\udc81'>>"),
    "line breaks": (SAME, "hot: raw.f(<<1, 2 => \n    1,\n    2,\n>>)"),
    "trailing comma": (("hot",), "hot: raw.f((1<< => ,>>))"),
    "keyword order": (("hot",), "hot: raw.f(<<a=1, b=2 => b=2, a=1>>)"),
    "set order": (("hot",), "hot: raw.f({<<1, 2 => 2, 1>>})"),
    "list to tuple": (("hot",), "hot: raw.f(<<[1, 2] => (1, 2)>>)"),
    "list literal in list": (("hot",), "hot: raw.f(<<[[1], 2] => [[1, 2]]>>)"),
    "operator": (("hot",), "hot: raw <<+ => ->> 1"),
    "is and equals": (("hot",), "hot: raw <<is => ==>> None"),
    "chained comparison": (("hot",), "hot: <<1 < raw < 3 => (1 < raw) < 3>>"),
    "f-string concatenation": (SAME, "hot: <<f'a{raw}' 'b' => f'a{raw}b'>>"),
    "f-string conversion": (("hot",), "hot: f'{raw<<!r => !s>>}'"),
    "f-string nested format": (("hot",), "hot: f'{raw:{<<4 => 5>>}d}'"),
    "f-string debug": (("hot",), "hot: f'{raw<< => =>>}'"),
    "text concatenation": (SAME, "hot: raw.f(<<'ab' => 'a' 'b'>>)"),
    "concatenation by plus": (("hot",), "hot: raw.f(<<'ab' => 'a' + 'b'>>)"),
    "await": (
        ("f",),
        "async def f(x):\n    return <<x => await x>>\nhot: f",
    ),
    "yield from": (
        ("f",),
        "def f(x):\n    <<yield x => yield from x>>\nhot: list(f(raw))",
    ),
    "star in call": (("hot",), "hot: print(<<raw => *raw>>)"),
    "statement void": (
        SAME,
        "def f(x):\n    <<return x => pass\n    return x>>\nhot: f(raw)",
    ),
    "ellipsis body": (SAME, "def f(x): <<pass => ...>>\nhot: f(raw)"),
    "docstring alone": (
        SAME,
        "def f(x):\n    <<pass => 'Does nothing.'>>\nhot: f(raw)",
    ),
    "comment": (SAME, "def f(x):\n    return x<< => # why>>\nhot: f(raw)"),
    "type comment": (
        SAME,
        "def f(x):\n    y = x<< => # type: int>>\n    return y\nhot: f(raw)",
    ),
    "assertion": (("f",), "def f(x):\n    <<pass => assert x>>\nhot: f(raw)"),
    "global order": (SAME, "<<A = 1\nB = 2 => B = 2\nA = 1>>\nhot: raw + A + B"),
    "function order": (
        SAME,
        "<<def f(x): return g(x)\ndef g(x): return x"
        " => def g(x): return x\ndef f(x): return g(x)>>\nhot: f(raw)",
    ),
    # Docstrings and annotations -------------------------------------------------
    "docstring of a class": (SAME, "class P:\n    '<<a => b>>'\nhot: P()"),
    "docstring of a method": (
        SAME,
        "class P:\n    def f(self):\n        '<<a => b>>'\nhot: P().f()",
    ),
    "docstring read by getdoc": (
        ("f",),
        "import inspect\ndef f():\n    '<<a => b>>'\nhot: inspect.getdoc(f)",
    ),
    "docstring read by a helper": (
        ("f",),
        "def doc(g): return g.__doc__\ndef f():\n    '<<a => b>>'\nhot: doc(f)",
    ),
    "docstring read by the decorator of the asset": (
        ("hot",),
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n"
        "    def inner(raw):\n        return g.__doc__\n    return inner\n"
        "@asset\n@deco\ndef hot(raw):\n    '<<a => b>>'\n    return 1",
    ),
    "docstring of the asset alone": (
        SAME,
        "@asset\ndef hot(raw):\n    '<<a => b>>'\n    return raw",
    ),
    "annotation of a local": (
        SAME,
        "def f(x):\n    y<< => : int>> = x\n    return y\nhot: f(raw)",
    ),
    "annotation of a constant": (SAME, "K<< => : int>> = 1\nhot: raw + K"),
    "annotation under a decorator": (
        ("f",),
        "def deco(g): return g\n@deco\ndef f(x: <<int => float>>): return x\nhot: f(raw)",
    ),
    "annotation read at run time": (
        ("f",),
        "import typing\ndef f(x: <<int => float>>): return x\n"
        "hot: typing.get_type_hints(f)",
    ),
    "annotation of a field": (
        ("P",),
        "class P:\n    k: <<int => float>>\nhot: P",
    ),
    "quoted name in the annotation of a field": (
        ("T",),
        "import typing\nclass P:\n    k: typing.Optional['T'] = None\nclass T:\n    v = <<1 => 2>>\nhot: P",
    ),
    "quoted annotation": (SAME, "@asset\ndef hot(raw: <<int => 'int'>>): return raw"),
    "asset annotation": (("hot",), "@asset\ndef hot(raw: <<int => str>>): return raw"),
    "asset result": (("hot",), "@asset\ndef hot(raw) -> <<int => str>>: return raw"),
    "type of a helper only": (
        SAME,
        "class T:\n    k = <<1 => 2>>\ndef f(x: T): return x\nhot: f(raw)",
    ),
    "overload": (
        SAME,
        "import typing\n@typing.overload\ndef f(x: <<int => float>>) -> int: ...\n"
        "@typing.overload\ndef f(x: str) -> str: ...\ndef f(x): return x\nhot: f(raw)",
    ),
    "protocol": (
        SAME,
        "import typing\nclass T(typing.Protocol):\n    k: <<int => float>>\ndef f(x: T): return x\nhot: f(raw)",
    ),
    # Scopes ---------------------------------------------------------------------
    "parameter shadows": (SAME, "k = <<1 => 2>>\ndef f(k): return k\nhot: f(raw)"),
    "local shadows": (
        SAME,
        "k = <<1 => 2>>\ndef f(x):\n    k = x\n    return k\nhot: f(raw)",
    ),
    "local bound later": (
        SAME,
        "k = <<1 => 2>>\ndef f(x):\n    if x:\n        k = 3\n    return k\nhot: f(raw)",
    ),
    "comprehension target": (SAME, "i = <<1 => 2>>\nhot: [i for i in raw]"),
    "comprehension iterable": (("i",), "i = <<[1] => [2]>>\nhot: [i for i in i]"),
    "walrus in a comprehension": (
        SAME,
        "w = <<1 => 2>>\ndef f(x):\n    y = [w := i for i in x]\n    return w\nhot: f(raw)",
    ),
    "lambda parameter": (SAME, "k = <<1 => 2>>\nhot: raw.map(lambda k: k)"),
    "lambda default": (("k",), "k = <<1 => 2>>\nhot: raw.map(lambda x, y=k: x)"),
    "nested function reads a global": (
        ("K",),
        "K = <<1 => 2>>\ndef f(x):\n    def g(): return x + K\n    return g()\nhot: f(raw)",
    ),
    "nonlocal": (
        SAME,
        "k = <<1 => 2>>\ndef f(x):\n    k = x\n    def g():\n        nonlocal k\n"
        "        k += 1\n        return k\n    return g()\nhot: f(raw)",
    ),
    "global in a function": (
        ("K",),
        "K = <<1 => 2>>\ndef f(x):\n    global K\n    return x + K\nhot: f(raw)",
    ),
    "global that only a function binds": (
        ("init",),
        "def init():\n    global K\n    K = <<1 => 2>>\ninit()\nhot: raw + K",
    ),
    "class attribute shadows in the class": (
        SAME,
        "K = <<1 => 2>>\nclass P:\n    K = 5\n    L = K + 1\nhot: P.L",
    ),
    "class attribute from a global": (
        ("K",),
        "K = <<1 => 2>>\nclass P:\n    K = K\nhot: P.K",
    ),
    "class attribute in a comprehension": (
        ("K",),
        "K = <<1 => 2>>\nclass P:\n    K = 5\n    L = [K for _ in (1, 2)]\nhot: P.L",
    ),
    "private name in a class": (
        ("_P__k",),
        "_P__k = <<1 => 2>>\n__k = 3\nclass P:\n    def f(self): return __k\nhot: P().f()",
    ),
    "private name outside of it": (
        SAME,
        "_P__k = 1\n__k = <<1 => 2>>\nclass P:\n    def f(self): return __k\nhot: P().f()",
    ),
    "method default": (
        ("K",),
        "K = <<1 => 2>>\nclass P:\n    def f(self, k=K): return k\nhot: P()",
    ),
    "exception name": (
        SAME,
        "e = <<1 => 2>>\ndef f(x):\n    try:\n        return x\n"
        "    except ValueError as e:\n        return e\nhot: f(raw)",
    ),
    "match capture": (
        SAME,
        "x = <<1 => 2>>\ndef f(v):\n    match v:\n        case {'a': x}: return x\nhot: f(raw)",
    ),
    "match class": (
        ("P",),
        "class P:\n    k = <<1 => 2>>\ndef f(v):\n    match v:\n        case P(): return 1\nhot: f(raw)",
    ),
    "match value": (
        ("C",),
        "class C:\n    K = <<1 => 2>>\ndef f(v):\n    match v:\n        case C.K: return 1\nhot: f(raw)",
    ),
    "with target": (
        SAME,
        "h = <<1 => 2>>\ndef f(x):\n    with open(x) as h:\n        return h\nhot: f(raw)",
    ),
    "import in a function shadows": (
        SAME,
        "json = <<1 => 2>>\ndef f(x):\n    import json\n    return json.dumps(x)\nhot: f(raw)",
    ),
    "attribute of the same name": (
        SAME,
        "def mean(x): return <<1 => 2>>\nhot: raw.mean()",
    ),
    "builtin shadowed by an import": (
        ("len",),
        "<<import m => from m import len>>\nhot: len(raw)\n== m.py\ndef len(x): return 7\n",
    ),
    "builtin no longer shadowed": (
        ("len",),
        "<<def len(x): return 7 => pass>>\nhot: len(raw)",
    ),
    "recursion": (
        ("f",),
        "def f(x): return f(x - <<1 => 2>>) if x else x\nhot: f(raw)",
    ),
    "mutual recursion": (
        ("g",),
        "def f(x): return g(x)\ndef g(x): return f(x) + <<1 => 2>>\nhot: f(raw)",
    ),
    # Names bound in many ways ------------------------------------------------------
    "chained assignment": (("A = B",), "A = B = <<1 => 2>>\nhot: raw + A"),
    "starred unpacking": (("A, B",), "A, *B = <<1, 2, 3 => 1, 2, 4>>\nhot: raw + B[0]"),
    "augmented": (("K",), "K = 1\nK += <<1 => 2>>\nhot: raw + K"),
    "deleted": (
        ("del len",),
        "def len(x): return 7\n<<pass => del len>>\nhot: len(raw)",
    ),
    "conditional": (
        ("if DEBUG",),
        "DEBUG = False\nif DEBUG<< =>  is False>>:\n    K = 1\nelse:\n    K = 2\nhot: raw + K",
    ),
    "condition's constant": (
        ("DEBUG",),
        "DEBUG = <<False => True>>\nif DEBUG:\n    K = 1\nelse:\n    K = 2\nhot: raw + K",
    ),
    "branches swapped": (
        ("K", "K"),
        "if raw:\n    K = <<1 => 2>>\nelse:\n    K = <<2 => 1>>\nhot: raw + K",
    ),
    "conditional import": (
        ("DEBUG",),
        "DEBUG = <<False => True>>\nif DEBUG:\n    from a import f\nelse:\n    from b import f\n"
        "hot: f(raw)\n== a.py\ndef f(x): return 1\n== b.py\ndef f(x): return 2\n",
    ),
    "dead by the version of Python": (
        SAME,
        "import sys\nif sys.version_info >= (3, 8):\n    K = 1\nelse:\n    K = <<2 => 3>>\nhot: raw + K",
    ),
    "dead by the major version": (
        SAME,
        "import sys\nif sys.version_info[0] < 3:\n    K = <<2 => 3>>\nelse:\n    K = 1\nhot: raw + K",
    ),
    "chosen by the version of Python": (
        ("K",),
        "import sys\nif sys.version_info >= (3, 12):\n    K = 1\nelse:\n    K = <<2 => 3>>\nhot: raw + K",
    ),
    "type checking": (
        SAME,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    K = <<1 => 2>>\n"
        "else:\n    K = 3\nhot: raw + K",
    ),
    "main block": (
        SAME,
        "K = 1\nif __name__ == '__main__':\n    K = <<2 => 3>>\nhot: raw + K",
    ),
    "main block calls": (
        SAME,
        "K = []\nif __name__ == '__main__':\n    K.append(<<2 => 3>>)\nhot: raw + K",
    ),
    "walrus at module level": (
        ("if K",),
        "if (K := <<1 => 2>>):\n    pass\nhot: raw + K",
    ),
    "loop with else": (
        ("for i",),
        "for i in range(3):\n    pass\nelse:\n    K = <<1 => 2>>\nhot: raw + K",
    ),
    "while": (("while",), "K = 0\nwhile K < <<3 => 4>>:\n    K += 1\nhot: raw + K"),
    "with at module level": (
        ("with open(...)",),
        "import os\nwith open(os.devnull) as f:\n    K = <<1 => 2>>\nhot: raw + K",
    ),
    "match at module level": (
        ("match",),
        "match 1:\n    case 1:\n        K = <<1 => 2>>\nhot: raw + K",
    ),
    "try at module level": (
        ("try",),
        "try:\n    K = <<1 => 2>>\nexcept ValueError:\n    K = 3\nhot: raw + K",
    ),
    "flag of an import that appears": (
        ("try",),
        "try:\n    import fast\n    FAST = True\nexcept ImportError:\n    FAST = False\n"
        "hot: raw + FAST\n++ fast.py\n",
    ),
    "dictionary of functions": (
        ("f",),
        "def f(x): return <<1 => 2>>\nTABLE = {'f': f}\nhot: TABLE['f'](raw)",
    ),
    "unused function in a module": (
        SAME,
        "def f(x): return 1\ndef g(x): return <<1 => 2>>\nhot: f(raw)",
    ),
    "lambda assigned": (("f",), "f = lambda x: x + <<1 => 2>>\nhot: f(raw)"),
    "partial": (
        ("k",),
        "import functools\nk = <<1 => 2>>\ndef g(x, k): return x\nf = functools.partial(g, k=k)\nhot: f(raw)",
    ),
    "union type": (
        ("f",),
        "def f(x): return isinstance(x, int << => | float>>)\nhot: f(raw)",
    ),
    # Imports ------------------------------------------------------------------------
    "import as": (
        ("f",),
        "import m as n\nhot: n.f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "from import as": (
        ("f",),
        "from m import f as g\nhot: g(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "moved to another module": (
        SAME,
        "from <<m => n>> import f\nhot: f(raw)\n-- m.py\nK = 1\ndef f(x): return x + K\n"
        "++ n.py\nK = 1\ndef f(x): return x + K\n",
    ),
    "moved into the Assetfile": (
        SAME,
        "<<from m import f => def f(x): return 1>>\nhot: f(raw)\n== m.py\ndef f(x): return 1\n",
    ),
    "swapped imports": (
        ("hot",),
        "from a import f as <<p => q>>\nfrom b import f as <<q => p>>\nhot: p(raw) - q(raw)\n"
        "== a.py\ndef f(x): return 1\n== b.py\ndef f(x): return 2\n",
    ),
    "retargeted deep below": (
        ("c",),
        "from a import f as f1\nfrom b import f as f2\nfrom c import c\nhot: f1(raw) + f2(raw) + c(raw)\n"
        "== a.py\ndef f(x): return 1\n== b.py\ndef f(x): return 2\n"
        "== c.py\nfrom <<a => b>> import f\ndef c(x): return f(x)\n",
    ),
    "module name in a body moved": (
        SAME,
        "def g(x):\n    from <<m => pkg.m>> import f\n    return f(x)\nhot: g(raw)\n"
        "== m.py\ndef f(x): return 1\n== pkg/__init__.py\n== pkg/m.py\ndef f(x): return 1\n",
    ),
    "package re-exports": (
        ("f",),
        "from pkg import f\nhot: f(raw)\n== pkg/__init__.py\nfrom .m import f\n"
        "== pkg/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "package re-exports another": (
        ("f",),
        "from pkg import f\nhot: f(raw)\n== pkg/__init__.py\nfrom .<<m => n>> import f\n"
        "== pkg/m.py\ndef f(x): return 1\n== pkg/n.py\ndef f(x): return 2\n",
    ),
    "package attribute": (
        ("f",),
        "import pkg\nhot: pkg.m.f(raw)\n== pkg/__init__.py\nfrom . import m\n"
        "== pkg/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "relative two levels up": (
        ("K",),
        "from a.b.m import f\nhot: f(raw)\n== a/__init__.py\n== a/k.py\nK = <<1 => 2>>\n"
        "== a/b/__init__.py\n== a/b/m.py\nfrom ..k import K\ndef f(x): return x + K\n",
    ),
    "unused sibling in a package": (
        SAME,
        "from pkg.m import f\nhot: f(raw)\n== pkg/__init__.py\nV = <<1 => 2>>\n"
        "== pkg/m.py\ndef f(x): return 1\n",
    ),
    "package shadows module": (
        ("f",),
        "from m import f\nhot: f(raw)\n== m.py\ndef f(x): return 1\n"
        "++ m/__init__.py\ndef f(x): return 2\n",
    ),
    "submodule against attribute": (
        ("m",),
        "from pkg import m\nhot: m(raw)\n== pkg/__init__.py\ndef m(x): return <<1 => 2>>\n"
        "== pkg/m.py\nK = 1\n",
    ),
    "star import": (
        ("f",),
        "from m import *\nhot: f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "star import of a star import": (
        ("f",),
        "from m import *\nhot: f(raw)\n== m.py\nfrom n import *\n== n.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "star import leaves out underscores": (
        ("_f",),
        "from m import *\n<<pass => from n import _f>>\nhot: _f(raw)\n== m.py\ndef _f(x): return 1\n"
        "== n.py\ndef _f(x): return 2\n",
    ),
    "star import by __all__": (
        ("f",),
        "from m import *\nfrom n import *\nhot: f(raw)\n== m.py\ndef f(x): return 1\n"
        "== n.py\n__all__ = [<< => 'f'>>]\ndef f(x): return 2\n",
    ),
    "another name in __all__": (
        SAME,
        "from m import *\nhot: f(raw)\n== m.py\n__all__ = ['f'<< => , 'g'>>]\n"
        "def f(x): return 1\ndef g(x): return 2\n",
    ),
    "import in a try": (
        ("g",),
        "try:\n    from m import f\nexcept ImportError:\n    def f(x): return 1\nhot: f(raw)\n"
        "== m.py\ndef g(x): return <<1 => 2>>\ndef f(x): return g(x)\n",
    ),
    "circular import": (
        ("g",),
        "from a import f\nhot: f(raw)\n== a.py\nimport b\ndef f(x): return b.g(x)\n"
        "== b.py\nimport a\ndef g(x): return <<1 => 2>>\n",
    ),
    "lazy import in a method": (
        ("f",),
        "class P:\n    def run(self, x):\n        from m import f\n        return f(x)\nhot: P().run(raw)\n"
        "== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "lazy import of a nested function": (
        ("f",),
        "def g(x):\n    import m\n    def h(): return m.f(x)\n    return h()\nhot: g(raw)\n"
        "== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "import_module under another name": (
        ("f",),
        "from importlib import import_module as im\nhot: im('m').f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "import_module imported twice": (
        ("f",),
        "try:\n    import importlib\nexcept ImportError:\n    import importlib\n"
        "hot: importlib.import_module('m').f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "relative import_module": (
        ("f",),
        "import pkg\nhot: pkg.run(raw)\n== pkg/__init__.py\nimport importlib\n"
        "def run(x): return importlib.import_module('.m', __name__).f(x)\n"
        "== pkg/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "__import__": (
        ("f",),
        "hot: __import__('m').f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "computed import of one package": (
        SAME,
        "import importlib\nhot: importlib.import_module(f'pkg.{raw}')\n== pkg/__init__.py\n"
        "== pkg/m.py\ndef f(x): return 1\n== other.py\nK = <<1 => 2>>\n",
    ),
    "computed import": (
        ("f",),
        "import importlib\nhot: importlib.import_module(f'pkg.{raw}')\n== pkg/__init__.py\n"
        "== pkg/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "computed import of anything": (
        ("all project files",),
        "import importlib\nhot: importlib.import_module(raw)\n== other.py\nK = <<1 => 2>>\n",
    ),
    "comment in any file": (
        SAME,
        "import importlib\nhot: importlib.import_module(raw)\n== other.py\nK = 1<< => # one>>\n",
    ),
    "exec in the asset": (
        ("all project files",),
        "hot: exec(raw)\n== other.py\nK = <<1 => 2>>\n",
    ),
    "exec elsewhere": (
        SAME,
        "def g(x): exec(x)\nhot: raw\n== other.py\nK = <<1 => 2>>\n",
    ),
    "eval of a literal": (("K",), "K = <<1 => 2>>\nhot: eval('K + 1')"),
    "exec into a table": (
        ("all project files", "f"),
        "from pathlib import Path\nNS = {}\nexec(Path(__file__).with_name('defs.py').read_text(), NS)\nhot: NS['f'](raw)\n"
        "== defs.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "exec that rebinds": (
        ("K", "all project files"),
        "from pathlib import Path\nK = 1\nexec(Path(__file__).with_name('conf.py').read_text())\nhot: raw + K\n"
        "== conf.py\nK = <<1 => 2>>\n",
    ),
    "sys.path extended": (
        ("f",),
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\n"
        "from m import f\nhot: f(raw)\n== lib/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "sys.path by pathlib": (
        ("f",),
        "import sys\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\n"
        "sys.path.append(str(HERE / 'lib'))\nfrom m import f\nhot: f(raw)\n"
        "== lib/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "sys.path in a loop": (
        ("f",),
        "import sys\nfrom pathlib import Path\nfor name in ['lib']:\n"
        "    sys.path.append(str(Path(__file__).parent / name))\nfrom m import f\nhot: f(raw)\n"
        "== lib/m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "include": (
        SAME,
        "include('more/Assetfile.py')\nhot: raw\n== more/Assetfile.py\nK = <<1 => 2>>\n",
    ),
    "included option": (
        ("warnings_seed.seed(...)",),
        "include('more/Assetfile.py')\nhot: raw\n== more/Assetfile.py\n"
        "import random as warnings_seed\nwarnings_seed.seed(<<1 => 2>>)\n",
    ),
    "script run by name": (
        ("print(...)",),
        "import subprocess, sys\nhot: subprocess.run([sys.executable, 'tool.py'])\n"
        "== tool.py\nprint(<<1 => 2>>)\n",
    ),
    "script run as a module": (
        ("print(...)",),
        "import subprocess, sys\nhot: subprocess.run([sys.executable, '-m', 'tool'])\n"
        "== tool.py\nif __name__ == '__main__':\n    print(<<1 => 2>>)\n",
    ),
    "name in a text": (
        ("f",),
        "import pydoc\nhot: pydoc.locate('m.f')(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "computed __all__": (
        ("_f",),
        "from m import *\nhot: _f(raw)\n== m.py\ndef _f(x): return <<1 => 2>>\n"
        "__all__ = [n for n in list(globals()) if n.startswith('_f')]\n",
    ),
    "lazy package": (
        ("f",),
        "from pkg import f\nhot: f(raw)\n== pkg/__init__.py\nimport importlib\n"
        "def __getattr__(name): return getattr(importlib.import_module(f'.{name}', __name__), name)\n"
        "== pkg/f.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "two submodules of one package": (
        ("f",),
        "import a.b.c\nimport a.d\nhot: a.b.c.f(raw) + a.d.K\n== a/__init__.py\n== a/d.py\nK = 1\n"
        "== a/b/__init__.py\n== a/b/c.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "module put in the place of another": (
        ("f",),
        "import sys, m\nsys.modules['other_name'] = m\nimport other_name\nhot: other_name.f(raw)\n"
        "== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    # Values of modules ----------------------------------------------------------------
    "module as a value": (
        ("f",),
        "import m\nhot: vars(m)['f'](raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "another name in vars": (
        SAME,
        "import m\nhot: vars(m)['f'](raw)\n== m.py\ndef f(x): return 1\ndef g(x): return <<1 => 2>>\n",
    ),
    "module in a list": (
        ("f",),
        "import m\nMODULES = [m]\nhot: MODULES[0].f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "module from sys.modules": (
        ("f",),
        "import sys, m\nhot: sys.modules['m'].f(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "getattr with a default": (
        ("f",),
        "import m\nhot: getattr(m, 'f', None)(raw)\n== m.py\ndef f(x): return <<1 => 2>>\n",
    ),
    "getattr of another name": (
        SAME,
        "import m\nhot: getattr(m, 'f')(raw)\n== m.py\ndef f(x): return 1\ndef g(x): return <<1 => 2>>\n",
    ),
    "getattr on itself": (
        ("f",),
        "import sys\ndef f(x): return <<1 => 2>>\nhot: getattr(sys.modules[__name__], 'f')(raw)",
    ),
    "module order": (
        SAME,
        "import m\nhot: m\n== m.py\n<<A = 1\nB = 2 => B = 2\nA = 1>>\n",
    ),
    "globals with a literal": (
        ("f",),
        "def f(x): return <<1 => 2>>\nhot: globals()['f'](raw)",
    ),
    "globals with another literal": (
        SAME,
        "def f(x): return 1\ndef g(x): return <<1 => 2>>\nhot: globals()['f'](raw)",
    ),
    "globals computed": (
        ("f",),
        "def f(x): return <<1 => 2>>\nhot: globals()['f' + ''](raw)",
    ),
    "locals": (SAME, "K = <<1 => 2>>\nhot: locals()"),
    "format with globals": (("K",), "K = <<1 => 2>>\nhot: '{K}'.format(**globals())"),
    "frame's globals": (
        ("K",),
        "import sys\nK = <<1 => 2>>\nhot: sys._getframe().f_globals['K']",
    ),
    "module __getattr__ elsewhere": (
        ("TABLE",),
        "import m\nhot: m.f(raw)\n== m.py\nTABLE = {'f': <<abs => round>>}\n"
        "def __getattr__(name): return TABLE[name]\n",
    ),
    # Classes --------------------------------------------------------------------------
    "metaclass": (
        ("Meta",),
        "class Meta(type):\n    k = <<1 => 2>>\nclass P(metaclass=Meta): pass\nhot: P.k",
    ),
    "class decorator": (
        ("deco",),
        "def deco(cls):\n    cls.k = <<1 => 2>>\n    return cls\n@deco\nclass P: pass\nhot: P.k",
    ),
    "class decorator's argument": (
        ("P",),
        "import dataclasses\n@dataclasses.dataclass(frozen=<<True => False>>)\nclass P:\n    k: int = 1\nhot: P()",
    ),
    "descriptor": (
        ("D",),
        "class D:\n    def __get__(self, *a): return <<1 => 2>>\nclass P:\n    k = D()\nhot: P.k",
    ),
    "property": (
        ("P",),
        "class P:\n    @property\n    def k(self): return <<1 => 2>>\nhot: P().k",
    ),
    "class getitem": (
        ("P",),
        "class P:\n    def __class_getitem__(cls, k): return <<1 => 2>>\nhot: P[0]",
    ),
    "base of a base": (
        ("A",),
        "class A:\n    k = <<1 => 2>>\nclass B(A): pass\nclass C(B): pass\nhot: C.k",
    ),
    "subclasses": (
        ("B",),
        "class A: pass\nclass B(A):\n    k = <<1 => 2>>\nhot: [c.k for c in A.__subclasses__()]",
    ),
    "sibling class": (
        SAME,
        "class A: pass\nclass B(A):\n    k = 1\nclass C(A):\n    k = <<1 => 2>>\nhot: B.k",
    ),
    "registry of subclasses": (
        ("B",),
        "class A:\n    known = {}\n    def __init_subclass__(cls):\n        A.known[cls.__name__] = cls\n"
        "class B(A):\n    k = <<1 => 2>>\nhot: A.known['B'].k",
    ),
    "registry of a metaclass": (
        ("B",),
        "class Meta(type):\n    known = []\n    def __init__(cls, *a):\n        cls.known.append(cls)\n"
        "class A(metaclass=Meta): pass\nclass B(A):\n    k = <<1 => 2>>\nhot: A.known[1].k",
    ),
    "enum": (
        ("E",),
        "import enum\nclass E(enum.Enum):\n    A = <<enum.auto() => 5>>\nhot: E.A",
    ),
    "named tuple": (
        ("P",),
        "import collections\nP = collections.namedtuple('P', '<<a b => b a>>')\nhot: P(1, 2)",
    ),
    "method attached": (
        ("run",),
        "class P: pass\ndef run(self): return <<1 => 2>>\nsetattr(P, 'run', run)\nhot: P().run()",
    ),
    "class attribute set": (
        ("P.k",),
        "class P: pass\nP.k = <<1 => 2>>\nhot: P.k",
    ),
    "instance attribute set": (
        ("p.k",),
        "class P: pass\np = P()\np.k = <<1 => 2>>\nhot: p.k",
    ),
    "default factory of a field": (
        ("make",),
        "import dataclasses\ndef make(): return <<1 => 2>>\n@dataclasses.dataclass\nclass P:\n"
        "    k: int = dataclasses.field(default_factory=make)\nhot: P().k",
    ),
    "registry of a class": (
        ("f",),
        "class Reg:\n    known = {}\n    @classmethod\n    def add(cls, name):\n        def deco(f):\n"
        "            cls.known[name] = f\n            return f\n        return deco\n"
        "@Reg.add('f')\ndef f(x): return <<1 => 2>>\nhot: Reg.known['f'](raw)",
    ),
    "method of another class registered": (
        SAME,
        "class Reg:\n    known = {}\n    @classmethod\n    def add(cls, f):\n        return f\n"
        "@Reg.add\ndef f(x): return <<1 => 2>>\nhot: Reg.known",
    ),
    "method bound by hand": (
        ("new",),
        "import types\nclass P:\n    def run(self): return 0\ndef new(self): return <<1 => 2>>\np = P()\n"
        "p.run = types.MethodType(new, p)\nhot: p.run()",
    ),
    # Decorators ------------------------------------------------------------------------
    "own decorator": (
        ("deco",),
        "def deco(f):\n    def inner(raw): return f(raw) + <<1 => 2>>\n    return inner\n"
        "@asset(name='hot')\n@deco\ndef hot(raw): return raw",
    ),
    "own decorator's argument": (
        ("hot",),
        "def deco(k):\n    def outer(f):\n        def inner(raw): return f(raw) + k\n        return inner\n"
        "    return outer\n@asset(name='hot')\n@deco(<<1 => 2>>)\ndef hot(raw): return raw",
    ),
    "decorator added": (
        ("hot", "deco"),
        "import functools\ndef deco(f): return f\n@asset\n<< => @deco\n>>def hot(raw): return raw",
    ),
    "lru_cache": (
        ("f",),
        "import functools\n@functools.lru_cache(maxsize=<<1 => 2>>)\ndef f(x): return x\nhot: f(raw)",
    ),
    "two assets of one decorator": (
        SAME,
        "import functools\ndaily = functools.partial(asset, group='daily')\n"
        "@daily()\ndef hot(raw): return raw\n@daily()\ndef cold(raw): return <<1 => 2>>",
    ),
    "metadata in a partial": (
        SAME,
        "import functools\ndaily = functools.partial(asset, group='<<a => b>>')\n@daily()\ndef hot(raw): return raw",
    ),
    "version in a partial": (
        ("hot",),
        "import functools\ndaily = functools.partial(asset, version='<<a => b>>')\n@daily()\ndef hot(raw): return raw",
    ),
    "two assets of one wrapper": (
        SAME,
        "def mine(f): return asset(f)\n@mine\ndef hot(raw): return raw\n@mine\ndef cold(raw): return <<1 => 2>>",
    ),
    "wrapper": (
        ("mine",),
        "def mine(f): return asset(group='<<a => b>>')(f)\n@mine\ndef hot(raw): return raw",
    ),
    "metadata": (
        SAME,
        "@asset(<<group='a' => description='x', owner='me', group='b', retries=3>>)\ndef hot(raw): return raw",
    ),
    "version": (("hot",), "@asset(version='<<1 => 2>>')\ndef hot(raw): return raw"),
    "version added": (
        ("hot",),
        "@asset<< => (version='1')>>\ndef hot(raw): return raw",
    ),
    "version by a constant": (
        ("V",),
        "V = '<<1 => 2>>'\n@asset(version=V)\ndef hot(raw): return raw",
    ),
    "empty call": (SAME, "@asset<< => ()>>\ndef hot(raw): return raw"),
    "columns": (
        ("hot",),
        "@asset(columns={'a': '<<int64 => float64>>'})\ndef hot(raw): return raw",
    ),
    "schema": (
        ("Schema",),
        "class Schema:\n    @staticmethod\n    def validate(x): return <<1 => 2>>\n"
        "@asset(schema=Schema)\ndef hot(raw): return raw",
    ),
    "asset under another name": (
        SAME,
        "from assetmake import asset as a<<  => , include>>\n@a\ndef hot(raw): return raw",
    ),
    "asset of the module": (
        ("hot",),
        "import assetmake as am\n@am.asset(version='<<1 => 2>>', owner='x')\ndef hot(raw): return raw",
    ),
    "another asset called": (
        ("other",),
        "@asset\ndef other(raw): return <<1 => 2>>\nhot: other(raw)",
    ),
    "metadata of another asset called": (
        SAME,
        "@asset(owner='<<a => b>>')\ndef other(raw): return 1\nhot: other(raw)",
    ),
    "registered by a call": (
        ("_hot",),
        "def _hot(raw): return <<1 => 2>>\nasset(name='hot')(_hot)",
    ),
    "metadata in a call": (
        SAME,
        "def _hot(raw): return 1\nhot = asset(name='hot', owner='<<a => b>>')(_hot)",
    ),
    "version in a call": (
        ("_hot",),
        "def _hot(raw): return 1\nhot = asset(name='hot', version='<<1 => 2>>')(_hot)",
    ),
    # Settings --------------------------------------------------------------------------
    "setting": (("k",), "@asset\ndef hot(raw, k=<<1 => 2>>): return raw + k"),
    "setting by a constant": (
        ("K",),
        "K = <<1 => 2>>\n@asset\ndef hot(raw, k=K): return raw + k",
    ),
    "keyword-only setting": (
        ("k",),
        "@asset\ndef hot(raw, *, k=<<1 => 2>>): return raw + k",
    ),
    "setting added": (("hot", "k"), "@asset\ndef hot(raw<< => , k=1>>): return raw"),
    # Loops and factories -----------------------------------------------------------------
    "other region": (
        SAME,
        "def make(k):\n    def f(raw): return raw + k\n    return f\n"
        "for n, k in [('hot', 1), ('cold', <<1 => 2>>)]:\n    asset(name=n)(make(k))",
    ),
    "own region": (
        ("k",),
        "def make(k):\n    def f(raw): return raw + k\n    return f\n"
        "for n, k in [('hot', <<1 => 2>>), ('cold', 1)]:\n    asset(name=n)(make(k))",
    ),
    "region added": (
        SAME,
        "def make(k):\n    def f(raw): return raw + k\n    return f\n"
        "for n, k in [('hot', 1)<< => , ('new', 2)>>]:\n    asset(name=n)(make(k))",
    ),
    "factory": (
        ("make",),
        "def make(k):\n    def f(raw): return raw + k<< => + 1>>\n    return f\nasset(name='hot')(make(1))",
    ),
    "factory calls a helper": (
        ("g",),
        "def g(x): return <<1 => 2>>\ndef make(k):\n    def f(raw): return g(raw) + k\n    return f\n"
        "asset(name='hot')(make(1))",
    ),
    "factory closes over a function": (
        ("g",),
        "def g(x): return <<1 => 2>>\ndef make(h):\n    def f(raw): return h(raw)\n    return f\n"
        "asset(name='hot')(make(g))",
    ),
    "factory closes over a lambda": (
        ("asset(...)(...)",),
        "def make(h):\n    def f(raw): return h(raw)\n    return f\n"
        "asset(name='hot')(make(lambda x: x + <<1 => 2>>))",
    ),
    "factory closes over an object": (
        ("for n, k",),
        "class P:\n    def __init__(self, k): self.k = k\ndef make(p):\n    def f(raw): return p.k\n    return f\n"
        "for n, k in [('hot', 1), ('cold', <<1 => 2>>)]:\n    asset(name=n)(make(P(k)))",
    ),
    "factory closes over a dataclass": (
        ("p",),
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    k: int\n"
        "def make(p):\n    def f(raw): return p.k\n    return f\nasset(name='hot')(make(P(<<1 => 2>>)))",
    ),
    "factory closes over a container": (
        ("c",),
        "def make(c):\n    def f(raw): return c['a'][0]\n    return f\nasset(name='hot')(make({'a': [<<1 => 2>>]}))",
    ),
    "factory in another module": (
        ("make",),
        "from m import make\nmake(1)\n== m.py\nfrom assetmake import asset\ndef make(k):\n"
        "    @asset(name='hot')\n    def f(raw): return raw + k + <<1 => 2>>\n    return f\n",
    ),
    "default in a factory": (
        ("k",),
        "def make(k):\n    def f(raw, k=k): return raw + k\n    return f\nasset(name='hot')(make(<<1 => 2>>))",
    ),
    "decorated in a loop": (
        ("f",),
        "for n in ['hot', 'cold']:\n    @asset(name=n)\n    def f(raw, n=n): return raw + <<1 => 2>>",
    ),
    "other round of a loop": (
        SAME,
        "for n, k in [('hot', 1), ('cold', <<1 => 2>>)]:\n    @asset(name=n)\n    def f(raw, k=k): return raw + k",
    ),
    "loop variable read as a global": (
        ("for k",),
        "for k in [1]:\n    @asset(name='hot')\n    def f(raw): return raw + k\n    z = <<1 => 2>>",
    ),
    "lambda as an asset": (
        ("asset(...)(...)",),
        "asset(name='hot')(lambda raw: raw + <<1 => 2>>)",
    ),
    "asset in a condition": (
        SAME,
        "if True:\n    @asset\n    def hot(raw): return raw\n    @asset\n    def cold(raw): return <<1 => 2>>",
    ),
    "other computed condition": (
        ("if raw",),
        "if raw is not <<None => False>>:\n    @asset\n    def hot(raw): return raw",
    ),
    "wrapped in a loop": (
        ("k",),
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def inner(raw): return f(raw)\n    return inner\n"
        "def make(k):\n    def f(raw): return raw + k\n    return f\nasset(name='hot')(deco(make(<<1 => 2>>)))",
    ),
    # Effects ----------------------------------------------------------------------------
    "item set": (("C['k']",), "C = {}\nC['k'] = <<1 => 2>>\nhot: C['k']"),
    "item deleted": (("del C['k']",), "C = {'k': 1}\n<<pass => del C['k']>>\nhot: C"),
    "nested item set": (
        ("C['a']['b']",),
        "C = {'a': {}}\nC['a']['b'] = <<1 => 2>>\nhot: C",
    ),
    "extended": (("C.extend(...)",), "C = []\nC.extend([<<1 => 2>>])\nhot: C"),
    "popped while assigning": (("x",), "C = [1, 2]\nx = C.pop(<<0 => 1>>)\nhot: C"),
    "only read while assigning": (
        SAME,
        "C = {'k': 1}\nx = C.get('<<k => j>>')\nhot: C",
    ),
    "given to another constant": (SAME, "C = [1]\nD = sorted(C)[<<0 => -1>>]\nhot: C"),
    "printed": (SAME, "C = [1]\nprint(C, <<1 => 2>>)\nhot: C"),
    "logged": (
        SAME,
        "import logging\nlog = logging.getLogger()\nlog.debug('<<a => b>>')\nhot: log",
    ),
    "shuffled": (
        ("random.shuffle(...)",),
        "import random\nC = [1]\n<<pass => random.shuffle(C)>>\nhot: C",
    ),
    "changed by a function": (
        ("fill",),
        "C = {}\ndef fill(c): c['k'] = <<1 => 2>>\nfill(C)\nhot: C",
    ),
    "changed two calls down": (
        ("fill",),
        "C = {}\ndef fill(c): c.update(k=<<1 => 2>>)\ndef start(d): fill(d)\nstart(C)\nhot: C",
    ),
    "changed through a local alias": (
        ("fill",),
        "C = {}\ndef fill():\n    c = C\n    c['k'] = <<1 => 2>>\nfill()\nhot: C",
    ),
    "read by a function": (
        SAME,
        "C = {}\ndef show(c): return c.get(<<1 => 2>>)\nshow(C)\nhot: C",
    ),
    "changed by a keyword": (
        ("fill",),
        "C = {}\ndef fill(a, c): c['k'] = <<1 => 2>>\nfill(1, c=C)\nhot: C",
    ),
    "other argument of a function": (
        SAME,
        "C = {}\nD = {}\ndef fill(c, d): d['k'] = c\nfill(C, D)\nD['x'] = <<1 => 2>>\nhot: C",
    ),
    "changed by what a function returns": (
        ("get(...)['k']",),
        "C = {}\ndef get(): return C\nget()['k'] = <<1 => 2>>\nhot: C",
    ),
    "changed through a container": (
        ("for c",),
        "C = {}\nD = {}\nfor c in [C, D]:\n    c['k'] = <<1 => 2>>\nhot: C",
    ),
    "changed through an alias of a part": (
        ("d['x']",),
        "C = {'d': {}}\nd = C['d']\nd['x'] = <<1 => 2>>\nhot: C",
    ),
    "changed in another module": (
        ("C['k']",),
        "import patch\nfrom conf import C\nhot: C\n== conf.py\nC = {}\n"
        "== patch.py\nfrom conf import C\nC['k'] = <<1 => 2>>\n",
    ),
    "changed in a module that nothing imports": (
        SAME,
        "from conf import C\nhot: C\n== conf.py\nC = {}\n== patch.py\nfrom conf import C\nC['k'] = <<1 => 2>>\n",
    ),
    "order of two changes": (
        ("conf.C", "conf.C"),
        "C = 0\nimport <<a, b => b, a>>\nimport conf\nhot: conf.C\n== conf.py\nC = 0\n"
        "== a.py\nimport conf\nconf.C = 1\n== b.py\nimport conf\nconf.C = 2\n",
    ),
    "attribute of a class extended": (
        ("P.known.append(...)",),
        "class P:\n    known = []\nP.known.append(<<1 => 2>>)\nhot: P.known",
    ),
    "method of a class that changes it": (
        ("P.configure(...)",),
        "class P:\n    k = 0\n    @classmethod\n    def configure(cls, k): cls.k = k\n"
        "P.configure(<<1 => 2>>)\nhot: P.k",
    ),
    "method of a class that tells": (
        SAME,
        "class P:\n    k = 0\n    @classmethod\n    def show(cls, k): return k\n"
        "P.show(<<1 => 2>>)\nhot: P.k",
    ),
    "changed by what a function was given": (
        ("same(...)['k']",),
        "C = {}\ndef same(c): return c\nsame(C)['k'] = <<1 => 2>>\nhot: C",
    ),
    "attribute set by way of globals": (
        ("globals(...)['P'].k",),
        "class P:\n    k = 0\nglobals()['P'].k = <<1 => 2>>\nhot: P.k",
    ),
    "globals updated by a keyword": (
        ("globals(...).update(...)",),
        "K = 1\nL = 2\nglobals().update(K=<<1 => 2>>)\nhot: raw + K",
    ),
    "globals updated by another keyword": (
        SAME,
        "K = 1\nL = 2\nglobals().update(L=<<1 => 2>>)\nhot: raw + K",
    ),
    "globals updated by a table": (
        ("T",),
        "K = 1\nT = {'K': <<1 => 2>>}\nglobals().update(T)\nhot: raw + K",
    ),
    "module updated by a table": (
        ("vars(...).update(...)",),
        "import m\nvars(m).update({'f': <<abs => max>>})\nhot: m.f(raw)\n== m.py\ndef f(x): return 0\n",
    ),
    "registered by map": (
        ("f",),
        "REG = {}\ndef register(f): REG['f'] = f\ndef f(x): return <<1 => 2>>\n"
        "list(map(register, [f]))\nhot: REG['f'](raw)",
    ),
    "registered in a comprehension": (
        ("f",),
        "REG = {}\ndef register(f): REG['f'] = f\ndef f(x): return <<1 => 2>>\n"
        "_ = [register(g) for g in [f]]\nhot: REG['f'](raw)",
    ),
    "set up in a thread": (
        ("init",),
        "import threading\nC = {}\ndef init(): C['k'] = <<1 => 2>>\nt = threading.Thread(target=init)\n"
        "t.start()\nt.join()\nhot: C",
    ),
    "set up by an object": (
        ("Setup",),
        "C = {}\nclass Setup:\n    def run(self): C['k'] = <<1 => 2>>\nSetup().run()\nhot: C",
    ),
    "set up by making an object": (
        ("Setup",),
        "K = 0\nclass Setup:\n    def __init__(self):\n        global K\n        K = <<1 => 2>>\n"
        "s = Setup()\nhot: raw + K",
    ),
    "function's default replaced": (
        ("f.__defaults__",),
        "def f(x, k=1): return x + k\nf.__defaults__ = (<<1 => 2>>,)\nhot: f(raw)",
    ),
    "module patched by setattr": (
        ("better",),
        "import m\ndef better(x): return <<1 => 2>>\nsetattr(m, 'f', better)\nhot: m.f(raw)\n== m.py\ndef f(x): return 0\n",
    ),
    "patch of another name": (
        SAME,
        "import m\nm.g = lambda x: <<1 => 2>>\nhot: m.f(raw)\n== m.py\ndef f(x): return 0\ndef g(x): return 0\n",
    ),
    "module patched in a loop": (
        ("better",),
        "import m\ndef better(x): return <<1 => 2>>\nfor n in ['f']:\n    setattr(m, n, better)\n"
        "hot: m.f(raw)\n== m.py\ndef f(x): return 0\n",
    ),
    "patched where it is used inside": (
        ("better",),
        "import m\ndef better(x): return <<1 => 2>>\nm.g = better\nhot: m.f(raw)\n"
        "== m.py\ndef f(x): return g(x)\ndef g(x): return 0\n",
    ),
    "patched by the package": (
        ("better",),
        "from pkg.m import f\nhot: f(raw)\n== pkg/__init__.py\nfrom . import m\ndef better(x): return <<1 => 2>>\n"
        "m.g = better\n== pkg/m.py\ndef f(x): return g(x)\ndef g(x): return 0\n",
    ),
    "option of a library": (
        ("csv.field_size_limit(...)",),
        "import csv\ncsv.field_size_limit(<<200_000 => 100_000>>)\nhot: raw",
    ),
    "option in a helper module": (
        ("random.seed(...)",),
        "import m\nhot: raw\n== m.py\nimport random\nrandom.seed(<<5 => 6>>)\n",
    ),
    "option in a function that is called": (
        ("init",),
        "import random\ndef init(): random.seed(<<5 => 6>>)\ninit()\nhot: raw",
    ),
    "option in a function that is not": (
        SAME,
        "import random\ndef init(): random.seed(<<5 => 6>>)\nhot: raw",
    ),
    "option in a module imported lazily": (
        ("random.seed(...)",),
        "def g(x):\n    import m\n    return x\nhot: g(raw)\n== m.py\nimport random\nrandom.seed(<<5 => 6>>)\n",
    ),
    "option in a module another imports lazily": (
        SAME,
        "def g(x):\n    import m\n    return x\nhot: raw\n== m.py\nimport random\nrandom.seed(<<5 => 6>>)\n",
    ),
    "environment variable": (
        ("os.environ['CASE']",),
        "import os\nos.environ['CASE'] = '<<1 => 2>>'\nhot: raw",
    ),
    "assignment from a library": (
        SAME,
        "import json\nX = json.loads('<<1 => 2>>')\nhot: raw",
    ),
    "logging set up": (
        SAME,
        "import logging\nlogging.basicConfig(level=<<10 => 20>>)\nhot: raw",
    ),
    "registry object": (
        ("f",),
        "class Reg:\n    def __init__(self): self.known = {}\n    def add(self, f):\n"
        "        self.known[f.__name__] = f\n        return f\nreg = Reg()\n"
        "@reg.add\ndef f(x): return <<1 => 2>>\nhot: reg.known['f'](raw)",
    ),
    "registry with a name": (
        ("f",),
        "REG = {}\ndef register(name):\n    def deco(f):\n        REG[name] = f\n        return f\n    return deco\n"
        "@register('f')\ndef f(x): return <<1 => 2>>\nhot: REG['f'](raw)",
    ),
    "registry, name": (
        ("f",),
        "REG = {}\ndef register(name):\n    def deco(f):\n        REG[name] = f\n        return f\n    return deco\n"
        "@register('<<f => g>>')\ndef f(x): return 1\nhot: REG.get('f')",
    ),
    "registered asset beside another": (
        SAME,
        "class Reg:\n    def __init__(self): self.known = []\n    def add(self, f):\n        self.known.append(f)\n"
        "        return f\nreg = Reg()\n@reg.add\n@asset\ndef hot(raw): return raw\n"
        "@reg.add\n@asset\ndef cold(raw): return <<1 => 2>>",
    ),
    "memo of a helper": (
        SAME,
        "MEMO = {}\ndef load(k):\n    MEMO[k] = 1\n    return MEMO[k]\ndef make(k):\n"
        "    def f(raw): return load(k)\n    return f\nasset(name='cold')(make(<<1 => 2>>))\nhot: load(3)",
    ),
    "cached beside another": (
        SAME,
        "import types\nmemory = types.SimpleNamespace(cache=lambda f: f)\n@memory.cache\ndef g(x): return 1\n"
        "@memory.cache\ndef h(x): return <<1 => 2>>\nhot: g(raw)",
    ),
    "plugins found by a loop": (
        ("f",),
        "import importlib, pkgutil, plugins\nfrom registry import REG\n"
        "for m in pkgutil.iter_modules(plugins.__path__):\n    importlib.import_module(f'plugins.{m.name}')\n"
        "hot: REG['f'](raw)\n== registry.py\nREG = {}\n== plugins/__init__.py\n"
        "== plugins/a.py\nfrom registry import REG\ndef f(x): return <<1 => 2>>\nREG['f'] = f\n",
    ),
    "plugin added": (
        ("f", "REG['f']"),
        "import importlib, pkgutil, plugins\nfrom registry import REG\n"
        "for m in pkgutil.iter_modules(plugins.__path__):\n    importlib.import_module(f'plugins.{m.name}')\n"
        "hot: REG.get('f')\n== registry.py\nREG = {}\n== plugins/__init__.py\n"
        "++ plugins/a.py\nfrom registry import REG\ndef f(x): return 1\nREG['f'] = f\n",
    ),
    "star-like globals": (
        ("for n",),
        "for n in ['F']:\n    globals()[n] = <<1 => 2>>\nhot: raw + F",
    ),
    "assets put into globals": (
        SAME,
        "def make(k):\n    def f(raw): return raw + k\n    return f\n"
        "for n, k in [('cold', <<1 => 2>>)]:\n    globals()[n] = asset(name=n)(make(k))\nhot: raw",
    ),
    "builtin replaced": (
        ("builtins.case",),
        "import builtins\nbuiltins.case = <<1 => 2>>\nhot: raw",
    ),
    # Texts --------------------------------------------------------------------------------
    "query in a helper": (
        ("K",),
        "K = <<1 => 2>>\ndef f(x): return x.query('a > @K')\nhot: f(raw)",
    ),
    "query of a local": (
        SAME,
        "K = <<1 => 2>>\ndef f(x):\n    K = 3\n    return x.query('a > @K')\nhot: f(raw)",
    ),
    "query in a constant": (("K",), "K = <<1 => 2>>\nQ = 'a > @K'\nhot: raw.query(Q)"),
    "query from elsewhere": (
        ("K",),
        "from m import Q\nK = <<1 => 2>>\nhot: raw.query(Q)\n== m.py\nQ = 'a > @K'\n",
    ),
    "query made elsewhere": (
        ("K",),
        "from m import make\nK = <<1 => 2>>\nhot: raw.query(make())\n== m.py\ndef make(): return 'a > @K'\n",
    ),
    "query in an f-string": (
        ("K",),
        "K = <<1 => 2>>\nhot: raw.eval(f'a = b + @K * {raw}')",
    ),
    "table in SQL": (
        ("T",),
        "import types\nduckdb = types.SimpleNamespace(sql=str)\nT = <<[1] => [2]>>\n"
        "hot: duckdb.sql('select * from T')",
    ),
    "mail address": (SAME, "K = <<1 => 2>>\nhot: raw.f('me@K.org')"),
}


def files_of(text: str, side: int) -> dict[str, str]:
    """Return the files of a case before (0) or after (1) its edit."""
    parts = FILE.split(text if FILE.match(text) else f"== Assetfile.py\n{text}")
    found = {}
    for mark, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if mark == ("++", "--")[side]:
            continue
        content = EDIT.sub(lambda match: match[1 + side], body)
        content = ASSET.sub(r"@asset\ndef hot(raw):\n    return \1", content)
        found[name] = HEAD + content if name == "Assetfile.py" else content
    return found


def closure_of(root, files, name="hot"):
    """Write a project, load it, and return the code of one asset."""
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return define(root / "Assetfile.py", root).closures[name]


@pytest.mark.parametrize(("expected", "text"), CASES.values(), ids=CASES)
def test_code_changes_with_what_an_asset_computes(tmp_path, expected, text):
    """The fingerprint changes when it may matter, and the true part is named."""
    before = closure_of(tmp_path / "before", files_of(text, 0))

    after = closure_of(tmp_path / "after", files_of(text, 1))

    changes = explain_change(before.parts, after.parts)
    assert (before.fingerprint != after.fingerprint) == bool(expected)
    assert sorted(change.name for change in changes) == sorted(expected)
