"""Chromium without a window, driven over the pipe of its DevTools protocol."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import daemons

NAMES = ("chromium", "chromium-browser", "google-chrome")
ANSWER_SECONDS_MAX = 60


def find():
    """The path of the program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser; `open` makes pages. Ends with the test."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-chromium-")
        self.numbers = 0
        self.events = []
        self.received = b""
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()

        def prepare():
            # The protocol is at descriptors 3 and 4; these may be in each other's way.
            low, high = os.dup2(to_read, 98), os.dup2(to_write, 99)
            os.dup2(low, 3)
            os.dup2(high, 4)
            daemons.die_with_parent()

        with open(os.path.join(self.folder, "log"), "wb") as log:
            # The sandbox needs rights that root in a container has not; all pages are ours.
            self.process = subprocess.Popen(
                [find(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox",
                 "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
                 "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--hide-scrollbars", f"--user-data-dir={self.folder}/profile"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, close_fds=False,
                preexec_fn=prepare, start_new_session=True,
                env={**os.environ, "HOME": self.folder})
        os.close(to_read)
        os.close(to_write)

    def stop(self):
        # Its own group: with its children.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.to)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        """The result of one command."""
        self.numbers += 1
        number = self.numbers
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        answer = self.wait_for(lambda message: message.get("id") == number, method)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_for(self, is_wanted, what):
        """The message that is; others, if they are events, go to `events`."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            message = self.next_message(deadline, what)
            if "id" not in message:
                self.events.append(message)
            if is_wanted(message):
                return message

    def next_message(self, deadline, what):
        while b"\0" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise RuntimeError(f"no answer to {what}")
            piece = os.read(self.answers, 1 << 16)
            if not piece:
                raise RuntimeError("chromium has ended: "
                                   + daemons.tail(os.path.join(self.folder, "log")))
            self.received += piece
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def open(self, url, **options):
        return Page(self, url, **options)


class Page:
    """A page in a window of so many CSS pixels, loaded."""

    def __init__(self, browser, url, width=1280, height=900, scheme="light", script=True):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target,
                                    flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=url)
        self.browser.wait_for(lambda message: message.get("method") == "Page.loadEventFired"
                              and message.get("sessionId") == self.session, url)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def value(self, expression):
        """Of JavaScript, as JSON has it."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def wait_for(self, expression):
        daemons.wait_for(lambda: self.value(expression), expression, ANSWER_SECONDS_MAX)

    def picture(self, path):
        """The whole of the page, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                               "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def happened(self, method):
        """The parameters of all such events of this page."""
        return [event["params"] for event in self.browser.events
                if event.get("method") == method and event.get("sessionId") == self.session]

    def complaints(self):
        """What went wrong in it: exceptions, what its policy forbade, what could not be loaded."""
        return ([entry["exceptionDetails"] for entry in self.happened("Runtime.exceptionThrown")]
                + [entry["entry"]["text"] for entry in self.happened("Log.entryAdded")
                   if entry["entry"]["level"] == "error"])

    def asked_for(self):
        return [entry["request"]["url"] for entry in self.happened("Network.requestWillBeSent")]

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
