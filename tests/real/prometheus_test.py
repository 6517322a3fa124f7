#!/usr/bin/env python3
"""A real Prometheus scrapes a watch: SLUICE_BINARY=… SLUICE_ORIGIN=… prometheus_test.py [-v]

Skipped (exit status 77) where prometheus is not installed: `tools/packages install real`.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse

import daemons
import watching

SKIPPED = 77
OPERATIONS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "operations.md"
# These are of the moment at which they are asked for.
OF_THE_MOMENT = {"sluice_resident_memory_bytes", "sluice_open_descriptors", "sluice_open_sockets",
                 "sluice_freshness_seconds"}
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

if not shutil.which("prometheus") or not shutil.which("promtool"):
    print("skipped: no prometheus (Debian package prometheus)")
    sys.exit(SKIPPED)


def samples_of(metrics):
    """(name, labels) -> value, of the text format."""
    return {(name, frozenset(LABEL.findall(labels or ""))): float(value)
            for name, labels, value in SAMPLE.findall(metrics)}


def alerts():
    """The rules that the documentation recommends."""
    return re.search(r"```yaml\n(groups:.*?)```", OPERATIONS.read_text(encoding="utf-8"), re.S)[1]


class Scraped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.watching = watching.Watching()
        cls.addClassCleanup(cls.watching.stop)
        for number in range(5):
            cls.watching.put(f"object-{number}", b"x" * 1000)
        cls.watching.start()
        cls.prometheus = daemons.Daemons("prometheus")
        cls.addClassCleanup(cls.prometheus.stop)
        folder = pathlib.Path(cls.prometheus.folder)
        target = cls.watching.status_url.removeprefix("http://")
        (folder / "rules.yml").write_text(alerts())
        (folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
- job_name: sluice
  static_configs: [{{targets: ["{target}"]}}]
""")
        port = daemons.free_port()
        cls.url = f"http://127.0.0.1:{port}"
        cls.prometheus.spawn("prometheus", port, "prometheus",
                             f"--config.file={folder}/prometheus.yml",
                             f"--storage.tsdb.path={folder}/data",
                             f"--web.listen-address=127.0.0.1:{port}")
        cls.prometheus.wait()
        cls.wait_for(lambda: cls.value("up") == 1, "up")

    @classmethod
    def wait_for(cls, check, what):
        return daemons.wait_for(check, what, watching.WAIT_SECONDS_MAX,
                                cls.prometheus.children + cls.watching.children)

    @classmethod
    def ask(cls, path, **parameters):
        status, text = watching.get(f"{cls.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(text) if status == 200 else {}
        return answer["data"] if answer.get("status") == "success" else None

    @classmethod
    def samples(cls, selector):
        """As samples_of; nothing while Prometheus is not ready."""
        found = {}
        for series in (cls.ask("query", query=selector) or {}).get("result", ()):
            labels = dict(series["metric"])
            name = labels.pop("__name__")
            labels = {key: value for key, value in labels.items() if key not in ("job", "instance")}
            found[name, frozenset(labels.items())] = float(series["value"][1])
        return found

    @classmethod
    def value(cls, selector):
        values = list(cls.samples(selector).values())
        return values[0] if len(values) == 1 else None

    def test_1_has_every_sample_as_the_watch_gives_it(self):
        wanted = samples_of(self.watching.metrics())
        self.assertGreater(len(wanted), 80)
        self.assertEqual(wanted["sluice_objects_total", frozenset({("outcome", "fetched")})], 5)
        found = self.samples('{job="sluice", __name__=~"sluice_.*"}')
        self.assertEqual(set(found), set(wanted))
        for (name, labels), value in wanted.items():
            if name not in OF_THE_MOMENT:
                self.assertEqual(found[name, labels], value, (name, labels))
        for name in OF_THE_MOMENT - {"sluice_freshness_seconds"}:
            self.assertGreater(found[name, frozenset()], 0, name)

    def test_2_has_types_and_help(self):
        told = self.ask("targets/metadata", match_target='{job="sluice"}')
        known = {entry["metric"]: entry for entry in told if entry["metric"].startswith("sluice_")}
        names = {re.sub(r"_(bucket|sum|count)$", "", name) if "first_byte" in name else name
                 for name, _ in samples_of(self.watching.metrics())}
        self.assertEqual(set(known), names)
        for name, entry in known.items():
            self.assertTrue(entry["help"], name)
            kind = ("histogram" if "first_byte" in name
                    else "counter" if name.endswith("_total") else "gauge")
            self.assertEqual(entry["type"], kind, name)
        subprocess.run(["promtool", "check", "metrics"], input=self.watching.metrics(), text=True,
                       check=True)

    def test_3_follows(self):
        self.watching.put("one-more", b"y" * 500)
        self.watching.pass_now()
        fetched = 'sluice_objects_total{outcome="fetched"}'
        self.wait_for(lambda: self.value(fetched) == 6, "the sixth object")
        self.assertEqual(self.value("sluice_received_bytes_total"), 5500)
        self.assertEqual(self.value('sluice_passes_total{outcome="complete"}'), 2)
        quantile = ("label_replace(histogram_quantile(0.9, sum by (le) ("
                    'sluice_request_first_byte_seconds_bucket{kind="list"})),'
                    '"__name__", "p90", "", "")')
        self.assertGreater(self.value(quantile), 0)

    def test_4_knows_the_alerts_of_the_documentation(self):
        subprocess.run(["promtool", "check", "rules",
                        os.path.join(self.prometheus.folder, "rules.yml")], check=True)
        names = {name for name, _ in samples_of(self.watching.metrics())} | {"up"}
        rules = self.ask("rules")["groups"][0]["rules"]
        self.assertGreater(len(rules), 4)
        for rule in rules:
            self.assertEqual(rule["health"], "ok", rule)
            for name in re.findall(r"\b(?:sluice_\w+|up)\b", re.sub(r'".*?"', "", rule["query"])):
                self.assertIn(name, names, rule["name"])
            self.assertEqual(rule["state"], "inactive", rule)

    def test_5_sees_that_it_has_gone(self):
        self.watching.stop_watch()
        self.wait_for(lambda: self.value("up") == 0, "the end")
        self.wait_for(lambda: "MirrorDown" in [alert["labels"]["alertname"] for alert
                                               in self.ask("alerts")["alerts"]], "the alert")


if __name__ == "__main__":
    unittest.main()
