"""OpenStack Swift with its S3 API (s3api, tempauth) on loopback: one server of each kind, one device,
which is a folder. Debian packages swift-proxy, swift-account, swift-container, swift-object and
memcached, without which tempauth lets nobody in.

The folder's file system must have extended attributes of users: in those Swift keeps what it knows of
an object. ext4, XFS and Btrfs do; tmpfs does since Linux 6.6.
"""

import os
import pwd
import shutil
import subprocess

import daemons

KINDS = ("account", "container", "object")
PROGRAMS = tuple(f"swift-{kind}-server" for kind in (*KINDS, "proxy")) + ("memcached",)

SWIFT = """\
[swift-hash]
swift_hash_path_prefix = a
swift_hash_path_suffix = b
[swift-constraints]
[storage-policy:0]
name = only
default = yes
"""
COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
devices = {folder}/devices
mount_check = false
swift_dir = {folder}
disable_fallocate = true
"""
STORAGE = """\
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """\
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth bulk slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_lab_user = {secret_key} .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""
FILTERS = ("catch_errors", "gatekeeper", "listing_formats", "bulk", "slo", "dlo", "symlink")


# By swift-ring-builder it would be nine starts of Python.
DEBIANS_PYTHON = "/usr/bin/python3"
RINGS = """
import sys
from swift.common.ring import RingBuilder
for word in sys.argv[1:]:
    kind, port = word.split("=")
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
                  "replication_ip": "127.0.0.1", "replication_port": int(port), "device": "d1",
                  "weight": 1.0, "meta": ""})
    ring.rebalance()
    ring.get_ring().save(f"{kind}.ring.gz")
"""


def missing():
    """Why it cannot run here, or None."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"no {', '.join(absent)} (tools/packages install real)" if absent else None


def user_name():
    return pwd.getpwuid(os.getuid()).pw_name


class Server(daemons.Daemons):
    access_key = "lab:user"
    secret_key = "labsecret"

    def __init__(self):
        super().__init__("swift")

    def start(self):
        os.makedirs(os.path.join(self.folder, "devices", "d1"))
        os.setxattr(self.folder, "user.sluice", b"")
        self.write("swift.conf", SWIFT)
        ports = {kind: daemons.free_port() for kind in KINDS}
        subprocess.run([DEBIANS_PYTHON, "-c", RINGS, *(f"{kind}={port}"
                                                       for kind, port in ports.items())],
                       cwd=self.folder, stdin=subprocess.DEVNULL, check=True)
        for kind, port in ports.items():
            self.serve(kind, port, STORAGE.format(kind=kind))
        cache_port = daemons.free_port()
        self.spawn("memcached", cache_port, "memcached", "-l", "127.0.0.1", "-p", str(cache_port),
                   "-u", user_name())
        port = daemons.free_port()
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in FILTERS)
        self.serve("proxy", port, PROXY.format(
            secret_key=self.secret_key, cache_port=cache_port) + filters)
        self.wait()
        self.url = f"http://127.0.0.1:{port}"

    def serve(self, kind, port, configuration):
        path = self.write(f"{kind}.conf", COMMON.format(
            port=port, user=user_name(), folder=self.folder) + configuration)
        self.spawn(kind, port, f"swift-{kind}-server", path)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
