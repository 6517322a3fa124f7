#!/usr/bin/env python3
"""The units that meson installs are sound: `systemd-analyze verify`, and their hardening.

    systemd_units_test.py PROGRAM UNIT…

PROGRAM stands in for the installed one, root for the user `sluice`, which this system need not have.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# How exposed `systemd-analyze security` calls a unit: 10 is worst. A service without any hardening
# has 9.6.
MOST_EXPOSURE = 3.0


def verify(program: str, unit: pathlib.Path, folder: pathlib.Path) -> list[str]:
    text = unit.read_text()
    text, count = re.subn(r"^ExecStart=\S+", f"ExecStart={program}", text, flags=re.M)
    if count != 1:
        return [f"{unit.name} has {count} lines ExecStart="]
    text = re.sub(r"^(User|Group)=.*", r"\1=root", text, flags=re.M)
    copy = folder / unit.name.replace("@.", "@photos.")
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in done.stderr.splitlines() if copy.name in line]
    if done.returncode != 0 and not complaints:
        complaints = [done.stderr.strip() or f"exit status {done.returncode}"]
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(copy)],
        capture_output=True, text=True, timeout=60, check=False)
    level = re.search(r"Overall exposure level.*?: ([0-9.]+)", rated.stdout)
    if level is None:
        print(f"  {unit.name}: this systemd-analyze rates no files: {rated.stderr.strip()}")
    elif float(level[1]) > MOST_EXPOSURE:
        complaints.append(f"{unit.name}: exposure {level[1]}, more than {MOST_EXPOSURE}")
    else:
        print(f"  {unit.name}: exposure {level[1]}")
    return complaints


def main() -> int:
    program, *units = sys.argv[1:]
    program = str(pathlib.Path(program).resolve())
    complaints = []
    with tempfile.TemporaryDirectory(prefix="sluice-units-") as folder:
        for unit in units:
            complaints += verify(program, pathlib.Path(unit), pathlib.Path(folder))
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    print(f"{len(units)} units, {len(complaints)} complaints")
    return 1 if complaints or not units else 0


if __name__ == "__main__":
    sys.exit(main())
