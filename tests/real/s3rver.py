"""s3rver, a small S3 server for Node, on loopback. `tools/packages install real` gets it from npm into
a folder of the user's cache, if there is npm."""

import os
import shutil

import daemons

VERSION = "3.7.1"


def program():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "sluice", f"s3rver-{VERSION}", "node_modules", "s3rver", "bin",
                        "s3rver.js")


def missing():
    """Why it cannot run here, or None."""
    if shutil.which("node") is None:
        return "no node"
    return None if os.path.exists(program()) else "no s3rver (tools/packages install real, with npm)"


class Server(daemons.Daemons):
    access_key = secret_key = "S3RVER"

    def __init__(self):
        super().__init__("s3rver")

    def start(self):
        port = daemons.free_port()
        self.spawn("s3rver", port, "node", program(), "--directory",
                   os.path.join(self.folder, "data"), "--address", "127.0.0.1", "--port", str(port),
                   "--no-vhost-buckets")
        self.wait()
        self.url = f"http://127.0.0.1:{port}"
