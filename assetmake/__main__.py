"""``python -m assetmake``: the command, for where it is not on the path."""

from __future__ import annotations

from assetmake.quick import main

if __name__ == "__main__":
    main()
