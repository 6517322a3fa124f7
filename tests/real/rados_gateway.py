#!/usr/bin/env python3
"""A Ceph cluster with its S3 server (RADOS Gateway) on loopback: one monitor, one OSD that keeps its
objects in memory, any number of gateways. Debian packages radosgw, ceph-mon, ceph-osd, ceph-common.

    with Cluster() as cluster:
        gateway = cluster.start_gateway()        # gateway.url
        access_key, secret_key = cluster.add_user("lab")

As a program it serves until it is stopped: rados_gateway.py [PORT]. It needs no root. Everything is
in a temporary folder, which goes with it; the daemons are its children and die with it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

from daemons import START_SECONDS_MAX, accepts, die_with_parent, free_port, tail

PROGRAMS = ("monmaptool", "ceph-mon", "ceph", "ceph-osd", "radosgw", "radosgw-admin")

CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = v1:127.0.0.1:{mon_port}
public_network = 127.0.0.0/8
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_allow_insecure_global_id_reclaim = true
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 10000
osd_objectstore = memstore
memstore_device_bytes = 4294967296
mon_data = {folder}/mon
osd_data = {folder}/osd
run_dir = {folder}/run
admin_socket =
log_file = {folder}/log/$name.log
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_thread_pool_size = 64
"""


def missing_programs():
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Gateway:
    """One S3 endpoint of the cluster."""

    def __init__(self, name, process, port, log_path, tls):
        self.name = name
        self.process = process
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.log_path = log_path

    def requests(self):
        """What it was asked so far: (method, target, status), in the order of the answers."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            text = log.read()
        return [(method, target, int(status)) for method, target, status in re.findall(
            r' beast: .* "([A-Z]+) (\S+) HTTP/1\.[01]" (\d+) ', text)]


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-rgw-")
        self.children = []
        self.gateways = 0
        self.environment = dict(os.environ, CEPH_CONF=os.path.join(self.folder, "ceph.conf"))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("mon", "osd", "run", "log"):
            os.mkdir(os.path.join(self.folder, name))
        fsid, port = str(uuid.uuid4()), free_port()
        with open(self.environment["CEPH_CONF"], "w", encoding="utf-8") as text:
            text.write(CONFIGURATION.format(fsid=fsid, folder=self.folder, mon_port=port))
        monmap = os.path.join(self.folder, "monmap")
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                 f"[v1:127.0.0.1:{port}]", monmap)
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        self.spawn("ceph-mon", "-f", "-i", "a")
        osd = str(uuid.uuid4())
        self.run("ceph", "osd", "new", osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.start_osd()

    def start_osd(self):
        """Until it is up: it gives up where its first word to the monitor comes too early."""
        deadline = time.monotonic() + START_SECONDS_MAX
        process = self.spawn("ceph-osd", "-f", "-i", "0")
        while json.loads(self.run("ceph", "osd", "stat", "--format", "json"))["num_up_osds"] == 0:
            if time.monotonic() > deadline:
                log = os.path.join(self.folder, "log", "osd.0.log")
                raise RuntimeError(f"ceph-osd did not start: {tail(log)}")
            if process.poll() is not None:
                self.children.remove(process)
                process = self.spawn("ceph-osd", "-f", "-i", "0")
            time.sleep(0.1)

    def stop(self):
        # In the order of who needs whom. Their data is not wanted any more: no need to be gentle.
        for child in reversed(self.children):
            child.kill()
            child.wait()
        self.children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command):
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=START_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
        return done.stdout

    def spawn(self, *command):
        child = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 preexec_fn=die_with_parent)
        self.children.append(child)
        return child

    def start_gateway(self, port=None, page_keys=1000, certificate=None):
        """`page_keys` is the most that a list page holds; `certificate` a PEM file with its key."""
        port = port or free_port()
        self.gateways += 1
        name = f"client.rgw{self.gateways}"
        frontend = f"beast endpoint=127.0.0.1:{port}"
        if certificate is not None:
            frontend = f"beast ssl_endpoint=127.0.0.1:{port} ssl_certificate={certificate}"
        process = self.spawn("radosgw", "-f", "-n", name, f"--rgw_frontends={frontend}",
                             f"--rgw_max_listing_results={page_keys}")
        gateway = Gateway(name, process, port, os.path.join(self.folder, "log", f"{name}.log"),
                          certificate is not None)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"radosgw did not start: {tail(gateway.log_path)}")
            time.sleep(0.1)
        return gateway

    def add_user(self, name):
        """(access key, secret key) of a new user."""
        answer = self.run("radosgw-admin", "user", "create", f"--uid={name}",
                          f"--display-name={name}")
        keys = json.loads(answer)["keys"][0]
        return keys["access_key"], keys["secret_key"]


def main():
    missing = missing_programs()
    if missing:
        sys.exit("not installed: " + ", ".join(missing))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Cluster() as cluster:
        gateway = cluster.start_gateway(int(sys.argv[1]) if len(sys.argv) > 1 else None)
        access_key, secret_key = cluster.add_user("lab")
        print(f"export AWS_ENDPOINT_URL={gateway.url}\nexport AWS_ACCESS_KEY_ID={access_key}\n"
              f"export AWS_SECRET_ACCESS_KEY={secret_key}\nexport AWS_REGION=us-east-1", flush=True)
        try:
            gateway.process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
