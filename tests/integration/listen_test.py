"""What `sluice watch --listen` serves: SLUICE ORIGIN as arguments."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url):
    try:
        with OPENER.open(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(check, what):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def value(metrics, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", metrics, re.M)[1])


def watch_a_transfer(url, home):
    """An object that takes eight seconds at the rate allowed."""
    (home / "bucket" / "slow<i>").write_bytes(bytes(4 << 20))

    def seen():
        status = json.loads(get(url + "/status")[1])
        page = get(url + "/")[1]
        shown = [one for one in status["transfers"] if one["received_bytes"] > 0]
        return (status, page, shown[0]) if shown and "slow&lt;i&gt;" in page else None

    status, page, transfer = wait_for(seen, "a transfer under way")
    assert transfer["key"] == "slow<i>" and transfer["size"] == 4 << 20, transfer
    assert transfer["received_bytes"] <= transfer["size"], transfer
    assert status["transfers_running"] == 1, status
    assert status["queues"]["parts"] == {"waiting": 0, "limit": 1024}, status
    assert status["polling"]["list_requests_a_pass"] == 1, status
    assert "slow<i>" not in page
    assert value(get(url + "/metrics")[1], "sluice_active_transfers") == 1


def main(sluice, origin, home):
    (home / "bucket").mkdir()
    (home / "bucket" / "a<b>").write_text("one")
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_ACCESS_KEY_ID": "demo",
           "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    programs = [subprocess.Popen([origin, "--dir", home / "bucket", "--bucket", "photos",
                                  "--listen", "127.0.0.1:0", "--port-file", home / "port"],
                                 env=env)]
    try:
        wait_for((home / "port").exists, "the origin")
        env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{(home / 'port').read_text().strip()}"
        log = home / "log"
        with log.open("w") as err:
            programs.append(subprocess.Popen(
                [sluice, "watch", "s3://photos", home / "mirror", "--interval", "200ms",
                 "--bwlimit", "512KiB", "--listen", "127.0.0.1:0"], env=env, stderr=err, stdout=subprocess.DEVNULL))
        url = wait_for(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()), "a URL")[0]
        wait_for(lambda: get(url + "/readyz")[0] == 200, "readiness")
        assert get(url + "/healthz") == (200, "ok\n")
        before = get(url + "/metrics")[1]
        assert value(before, 'sluice_objects_total{outcome="fetched"}') == 1
        (home / "bucket" / "new").write_text("two!")
        fetched = 'sluice_objects_total{outcome="fetched"}'
        wait_for(lambda: value(get(url + "/metrics")[1], fetched) == 2, "the second object")
        after = get(url + "/metrics")[1]
        assert value(after, "sluice_received_bytes_total") == 7
        for line in before.splitlines():
            if re.match(r"sluice_\w+_(total|count|bucket)\b", line):
                name, number = line.rsplit(" ", 1)
                assert value(after, name) >= float(number), name
        status = json.loads(get(url + "/status")[1])
        assert status["total"]["objects"]["fetched"] == 2, status
        assert {change["key"] for change in status["last_changes"]} == {"a<b>", "new"}, status
        page = get(url + "/")[1]
        assert "a&lt;b&gt;" in page and "a<b>" not in page
        assert get(url + "/no")[0] == 404
        watch_a_transfer(url, home)
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "metrics"], input=after, text=True, check=True)
        else:
            print("SKIPPED: promtool is not installed (Debian: prometheus)")
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(10)


with tempfile.TemporaryDirectory() as folder:
    main(sys.argv[1], sys.argv[2], pathlib.Path(folder))
