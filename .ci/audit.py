"""Ask pip-audit for known faults of installed packages; exit 1 if there are any.

    python .ci/audit.py SITE-PACKAGES

A registry that does not answer such questions is no failure, and is told.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(place: str) -> int:
    """Audit the packages in a directory and print what was found."""
    command = [sys.executable, "-m", "pip_audit", "--path", place]
    ran = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = ran.stderr.strip().splitlines()[-1:]
        print(f"audit: not possible here: {' '.join(last)}")
        return 0
    audited = [package for package in packages if "vulns" in package]
    faulty = [package for package in audited if package["vulns"]]
    for package in faulty:
        for fault in package["vulns"]:
            fixed = ", ".join(fault["fix_versions"]) or "none"
            print(f"{package['name']} {package['version']}: {fault['id']}")
            print(f"  mended in: {fixed}")
    unknown = len(packages) - len(audited)
    print(
        f"audit: {len(audited)} packages, {len(faulty)} with known faults; "
        f"the registry tells nothing of {unknown} more"
    )
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
