#!/usr/bin/env python3
"""Whole-process comparison: sluice beside rclone, aws and curl, and beside what the kernel costs.

    bench/versus/versus.py [--build build] [--rows S-http,L-https] [--out FOLDER]

nginx serves, pinned to the last processor; the clients run on the first. Data and destinations are
on tmpfs. Each client runs once to warm up (that run's requests are counted) and three times measured,
always into a fresh destination (aws, which takes longest, once). Figures are CPU seconds (user + system) of
the client process, wall seconds, peak memory: medians, and of the CPU seconds the least too. Where other
machines share the processors, a loop that does nothing else takes twice as long now and then: then the least
of several runs says what a program needs. Only ratios within one row of one run mean anything.

Needs nginx-light, libnginx-mod-http-headers-more-filter, time, and a build with -Dbench=true; clients
that are not installed are left out. --out gets results.json, table.md and plot.svg.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import clients
import nginx_bucket
import plot
from ballast import Ballast
from nginx_bucket import Shape


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    shape: Shape
    tls: bool
    unchanged: bool = False  # the destination is a finished mirror already
    only_sluice: bool = False


GIB = 1 << 30
ROWS = [
    Row(f"{name}-{'https' if tls else 'http'}", f"{title}, {'HTTPS' if tls else 'HTTP'}", shape, tls)
    for name, title, shape, tls in (
        ("S", "S: 20,000 × 4 KiB", Shape(20_000, 4096), False),
        ("S", "S: 20,000 × 4 KiB", Shape(20_000, 4096), True),
        ("M", "M: 2,000 × 1 MiB", Shape(2_000, 1 << 20), False),
        ("M", "M: 2,000 × 1 MiB", Shape(2_000, 1 << 20), True),
        ("L", "L: 4 × 1 GiB, uploaded in parts", Shape(4, GIB, "parts"), False),
        ("L", "L: 4 × 1 GiB, uploaded in parts", Shape(4, GIB, "parts"), True),
        ("L5", "L: 4 × 1 GiB, uploaded whole", Shape(4, GIB), False),
        ("L64", "L: 4 × 1 GiB, with a CRC64NVME of the whole", Shape(4, GIB, "crc64nvme"), False),
        ("L64", "L: 4 × 1 GiB, with a CRC64NVME of the whole", Shape(4, GIB, "crc64nvme"), True),
    )
] + [
    Row("K-http", "K: 200,000 keys, nothing changed, HTTP", Shape(200_000, 0), False, True),
    Row("million-http", "1,000,000 keys, nothing changed, HTTP", Shape(1_000_000, 0), False, True,
        True),
]


def measure(command, brings=0):
    """CPU seconds, wall seconds and peak MiB of one run that brings so many bytes; ends the comparison
    if it fails."""
    with tempfile.NamedTemporaryFile("r") as figures:
        # Not wait4 from here: a child's peak memory begins with that of the process it comes from.
        timed = ["taskset", "-c", "0", "/usr/bin/time", "-f", "%U %S %e %M", "-o", figures.name]
        with Ballast(brings):
            done = subprocess.run(timed + command, env=clients.environment(), check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"failed ({done.returncode}): {' '.join(command)}")
        user, system, wall, kib = (float(figure) for figure in figures.read().split())
    return {"cpu": user + system, "wall": wall, "mib": kib / 1024}


class Bench:
    """One row: its bucket, its server, its clients."""

    def __init__(self, row, work, build, wanted):
        self.row = row
        self.work = work
        self.bucket = nginx_bucket.Bucket(os.path.join(work, "bucket"), "bench", row.shape)
        self.server = nginx_bucket.Nginx(self.bucket, os.cpu_count() - 1)
        self.out = os.path.join(work, "out")
        self.brings = 0 if row.unchanged else row.shape.count * row.shape.size
        self.clients = [client for client in clients.all_clients(build)
                        if (not wanted or client.name in wanted)
                        and not (client.only_plain and row.tls)
                        and (client.lists or not row.unchanged)
                        and not (client.only_md5 and row.shape.etag != "md5")
                        and (not row.only_sluice or client.name == "sluice")]
        with open(os.path.join(work, "keys"), "w", encoding="ascii") as lines:
            lines.writelines(key + "\n" for key in self.bucket.keys)

    def job(self, logged):
        url = self.server.url(self.row.tls, logged)
        curl_file = os.path.join(self.work, "curl")
        if not self.row.unchanged:
            with open(curl_file, "w", encoding="ascii") as lines:
                lines.writelines(f'url = "{url}/bench/{key}"\noutput = "{self.out}/{key}"\n'
                                 for key in self.bucket.keys)
        return clients.Job(self.bucket, url, self.server.port(self.row.tls, logged), self.row.tls,
                           self.server.authority, self.out, os.path.join(self.work, "keys"),
                           curl_file)

    def renew_destination(self):
        if self.row.unchanged and os.path.isdir(self.out):
            return
        shutil.rmtree(self.out, ignore_errors=True)
        os.mkdir(self.out)
        if self.row.unchanged:
            sluice = next(client for client in self.clients if client.name == "sluice")
            measure(sluice.command(self.job(False)))

    def check_destination(self, client):
        """The files are there, and have their sizes."""
        for key in self.bucket.keys[:: max(1, len(self.bucket.keys) // 500)]:
            if os.stat(os.path.join(self.out, key)).st_size != self.row.shape.size:
                sys.exit(f"{client.name} did not fetch {key}")

    def warm_up(self, client):
        """One run against the ports that log: what was asked, and how content was checked."""
        self.renew_destination()
        self.server.take_requests(self.bucket)
        command = client.command(self.job(True))
        facts = {}
        check = client.check and client.check(self.row.shape.etag)
        if check is None:
            told = subprocess.run([word for word in command if word != "-q"],
                                  env=clients.environment(), stdout=subprocess.PIPE, text=True,
                                  check=True)
            check = clients.proofs(told.stdout)
        else:
            facts["measured"] = measure(command, self.brings)
        lists, objects = self.server.take_requests(self.bucket)
        self.check_destination(client)
        return dict(facts, check="" if self.row.unchanged else check, lists=lists, objects=objects)

    def run(self, runs):
        facts = {client.name: self.warm_up(client) for client in self.clients}
        warm = {name: fact.pop("measured", None) for name, fact in facts.items()}
        figures = {client.name: [warm[client.name]] if client.slow else []
                   for client in self.clients}
        for _ in range(runs):
            for client in self.clients:
                if client.slow:
                    continue
                self.renew_destination()
                figures[client.name].append(measure(client.command(self.job(False)), self.brings))
        return {name: dict(facts[name], least=min(figure["cpu"] for figure in measured), **{
            what: statistics.median(figure[what] for figure in measured)
            for what in ("cpu", "wall", "mib")}) for name, measured in figures.items()}

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.bucket.folder, ignore_errors=True)
        shutil.rmtree(self.out, ignore_errors=True)


def table(row, results):
    etag = "MD5" if row.shape.etag == "md5" else "MD5 of parts"
    lines = [f"**{row.title}** (ETag: {etag})", "",
             "| | CPU s: least | ratio | median | wall s | peak MiB | requests | content checked by |",
             "|---|---|---|---|---|---|---|---|"]
    reference = results["sluice"]["least"] if "sluice" in results else float("nan")
    for name, got in results.items():
        asked = " + ".join(f"{number:,} {kind}" for number, kind in (
            (got["lists"], "LIST"), (got["objects"], "object")) if number)
        lines.append(f"| {name} | {got['least']:.2f} | {got['least'] / reference:.2f} | "
                     f"{got['cpu']:.2f} | {got['wall']:.2f} | {got['mib']:.0f} | {asked} | {got['check']} |")
    return "\n".join(lines) + "\n"


def save(folder, rows, tables):
    figures = {"rows": rows}
    plot.save(folder, {"results.json": json.dumps(figures, indent=1), "table.md": "\n".join(tables),
                       "plot.svg": plot.draw(figures)})


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build", help="the release build directory")
    arguments.add_argument("--runs", type=int, default=3, help="measured runs of each client")
    arguments.add_argument("--rows", default=",".join(row.name for row in ROWS),
                           help="of: " + ", ".join(row.name for row in ROWS))
    arguments.add_argument("--clients", default="", help="names, comma-separated; default all")
    arguments.add_argument("--work", default="/dev/shm", help="where the data goes: a tmpfs, 9 GiB")
    arguments.add_argument("--out", help="folder for results.json, table.md and plot.svg")
    options = arguments.parse_args()
    lacking = nginx_bucket.missing()
    if lacking:
        sys.exit("not installed: " + ", ".join(lacking))
    wanted = [name for name in options.clients.split(",") if name]
    rows, tables = [], []
    with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-versus-") as work:
        for row in (row for row in ROWS if row.name in options.rows.split(",")):
            bench = Bench(row, work, os.path.abspath(options.build), wanted)
            try:
                results = bench.run(options.runs)
            finally:
                bench.stop()
            rows.append({"name": row.name, "title": row.title, "clients": results})
            tables.append(table(row, results))
            print(tables[-1], flush=True)
            if options.out:
                save(options.out, rows, tables)


if __name__ == "__main__":
    main()
