#!/usr/bin/env python3
"""Whole-process comparison: sluice beside curl and rclone, on the origin, in one run.

    bench/versus/versus.py [--build build] [--runs 3] [--rows small,large] [--scale 1.0]

Figures are CPU seconds (user + system) of the client process, wall seconds and peak memory: medians.
Only ratios within one row of one run mean anything. Data and destinations live on tmpfs; the server
is pinned to the last processor and the clients to the first. A tool that is not installed is left out.
"""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROWS = {
    "small": (20_000, 4096),
    "large": (4, 1 << 30),
}


def make_bucket(path, count, size):
    """Nested folders of incompressible files."""
    block = os.urandom(min(size, 1 << 20))
    for i in range(count):
        folder = os.path.join(path, f"d{i % 100:02}", f"e{i % 7}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"f{i:06}"), "wb") as out:
            for at in range(0, size, len(block)):
                # Every file and every block differs in its first bytes.
                piece = (b"%d %d " % (i, at) + block)[:min(len(block), size - at)]
                out.write(piece)


def client_environment():
    """Only our own AWS settings: none of the user's may send a client elsewhere."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return dict(environment, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)


class Origin:
    def __init__(self, build, root, bucket_dir, tls):
        self.port_file = os.path.join(root, "port")
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        command = [os.path.join(build, "tools/origin/sluice-origin"), "--dir", bucket_dir,
                   "--bucket", "bench", "--listen", "127.0.0.1:0", "--port-file", self.port_file,
                   "--anonymous"]
        self.ca = ""
        if tls:
            command += ["--tls-self-signed", root]
            self.ca = os.path.join(root, "ca.pem")
        environment = client_environment()
        last = str(os.cpu_count() - 1)
        self.process = subprocess.Popen(["taskset", "-c", last] + command, env=environment,
                                        stdout=subprocess.DEVNULL)
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None:
                sys.exit("the origin did not start")
            time.sleep(0.05)
        port = open(self.port_file).read().strip()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def measure(command, environment):
    """(cpu seconds, wall seconds, peak MiB) of one run; ends the comparison if it fails."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {0})
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.execvpe(command[0], command, environment)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"failed ({status}): {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024


def tools(build, origin, bucket_dir, out, work):
    """Name and command of each client; `out` is an empty directory."""
    sluice = [os.path.join(build, "tools/sluice/sluice"), "sync", "s3://bench", out, "-q",
              "--endpoint-url", origin.url, "--region", "us-east-1", "--durability", "none"]
    if origin.ca:
        sluice += ["--ca-bundle", origin.ca]
    yield "sluice", sluice
    yield "sluice --verify length", sluice + ["--verify", "length"]
    if shutil.which("rclone"):
        rclone = ["rclone", "copy", ":s3:bench", out, "--s3-provider", "Other", "--s3-endpoint",
                  origin.url, "--s3-access-key-id", KEY, "--s3-secret-access-key", SECRET,
                  "--s3-region", "us-east-1", "--s3-force-path-style", "--s3-list-version", "2",
                  "--config", "/dev/null", "-q", "--transfers", "64", "--checkers", "64",
                  "--s3-no-check-bucket", "--fast-list"]
        if origin.ca:
            rclone += ["--ca-cert", origin.ca]
        yield "rclone", rclone
        yield "rclone, no MD5", rclone + ["--ignore-checksum", "--s3-disable-checksum"]
    if shutil.which("curl"):
        config = os.path.join(work, "curl.txt")
        with open(config, "w") as text:
            for folder, _, names in os.walk(bucket_dir):
                for name in names:
                    key = os.path.relpath(os.path.join(folder, name), bucket_dir)
                    text.write(f'url = "{origin.url}/bench/{key}"\noutput = "{out}/{key}"\n')
        curl = ["curl", "-s", "--no-progress-meter", "--parallel", "--parallel-max", "64",
                "--create-dirs", "-K", config]
        if origin.ca:
            curl += ["--cacert", origin.ca]
        yield "curl --parallel (no listing, no check)", curl


def run_row(build, work, row, scale, runs, tls):
    count, size = ROWS[row]
    count = max(1, int(count * scale))
    bucket_dir = os.path.join(work, row)
    if not os.path.isdir(bucket_dir):
        make_bucket(bucket_dir, count, size)
    origin = Origin(build, work, bucket_dir, tls)
    environment = client_environment()
    out = os.path.join(work, "out")
    names = [name for name, _ in tools(build, origin, bucket_dir, out, work)]
    figures = {name: [] for name in names}
    try:
        for turn in range(runs + 1):  # the first turn warms up
            for name, command in tools(build, origin, bucket_dir, out, work):
                shutil.rmtree(out, ignore_errors=True)
                os.mkdir(out)
                figure = measure(command, environment)
                if turn > 0:
                    figures[name].append(figure)
        shutil.rmtree(out, ignore_errors=True)
    finally:
        origin.stop()
    print(f"\n{count:,} x {size:,} bytes over {'HTTPS' if tls else 'HTTP'}")
    print(f"{'':40} {'CPU s':>8} {'ratio':>6} {'wall s':>8} {'MiB':>6}")
    reference = statistics.median(f[0] for f in figures["sluice"])
    for name in names:
        cpu, wall, memory = (statistics.median(f[i] for f in figures[name]) for i in range(3))
        print(f"{name:40} {cpu:8.2f} {cpu / reference:6.2f} {wall:8.2f} {memory:6.0f}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build", help="the release build directory")
    arguments.add_argument("--runs", type=int, default=3, help="counted runs of each tool")
    arguments.add_argument("--rows", default="small,large", help="which of: " + ",".join(ROWS))
    arguments.add_argument("--scale", type=float, default=1.0, help="of the number of objects")
    arguments.add_argument("--work", default="/dev/shm", help="where the data goes: a tmpfs")
    options = arguments.parse_args()
    build = os.path.abspath(options.build)
    with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-versus-") as work:
        for row in options.rows.split(","):
            for tls in (False, True):
                run_row(build, work, row, options.scale, options.runs, tls)
            shutil.rmtree(os.path.join(work, row))


if __name__ == "__main__":
    main()
