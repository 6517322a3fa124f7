"""A `sluice watch --listen` over the origin, for tests of what it serves."""

import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

import daemons

KEYS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "secret"}
WAIT_SECONDS_MAX = 60

# No proxy, whatever the environment says.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url):
    """(status, text) of an answer."""
    try:
        with OPENER.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Watching(daemons.Daemons):
    """Serves the folder `bucket`, and watches it with an interval of an hour: passes come when they
    are asked for, and between two of them nothing changes."""

    def __init__(self):
        super().__init__("watching")
        self.home = pathlib.Path(self.folder)
        self.bucket = self.home / "bucket"
        self.bucket.mkdir()
        self.watch = None
        self.status_url = None

    def put(self, key, content):
        """`key` may be any bytes but NUL, as far as it is a path."""
        key = key if isinstance(key, bytes) else key.encode()
        path = os.path.join(os.fsencode(self.bucket), key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + b".new", "wb") as file:
            file.write(content)
        os.rename(path + b".new", path)

    def spawn_in(self, environment, name, *command):
        with open(self.home / f"{name}.log", "wb") as log:
            child = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, env=environment,
                                     preexec_fn=daemons.die_with_parent)
        self.children.append((child, None, str(self.home / f"{name}.log")))
        return child

    def start(self, *flags, faults=None):
        """Until the first pass is over."""
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder,
                       "AWS_EC2_METADATA_DISABLED": "true", **KEYS}
        port_file = self.home / "port"
        script = self.home / "faults.json"
        script.write_text(json.dumps({"rules": faults or []}))
        self.spawn_in(environment, "origin", os.environ["SLUICE_ORIGIN"], "--dir", self.bucket,
                      "--bucket", "photos", "--listen", "127.0.0.1:0", "--port-file", port_file,
                      "--faults", script)
        self.wait_for(port_file.exists, "the origin")
        environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port_file.read_text().strip()}"
        self.watch = self.spawn_in(
            environment, "watch", os.environ["SLUICE_BINARY"], "watch", "s3://photos",
            self.home / "mirror", "--interval", "1h", "--listen", "127.0.0.1:0", *flags)
        log = self.home / "watch.log"
        self.status_url = self.wait_for(
            lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace")),
            "a URL")[0]
        self.wait_for(lambda: self.passes() == 1, "the first pass")

    def wait_for(self, check, what):
        return daemons.wait_for(check, what, WAIT_SECONDS_MAX, self.children)

    def status(self):
        return json.loads(get(self.status_url + "/status")[1])

    def metrics(self):
        return get(self.status_url + "/metrics")[1]

    def passes(self):
        """Those that have ended."""
        return sum(self.status()["passes"].values())

    def pass_now(self):
        before = self.passes()
        self.watch.send_signal(signal.SIGUSR1)
        self.wait_for(lambda: self.passes() > before, "a pass")

    def stop_watch(self):
        self.watch.terminate()
        self.watch.wait(WAIT_SECONDS_MAX)
        self.children = [entry for entry in self.children if entry[0] is not self.watch]
