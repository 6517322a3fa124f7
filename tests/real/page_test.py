#!/usr/bin/env python3
"""The page of a watch in a real browser: SLUICE_BINARY=… SLUICE_ORIGIN=… page_test.py [-v] [TEST…]

At the widths of a phone and of a desk, light and dark: nothing is cut off, the numbers are those of
`/status`, and keys that would be markup are text. SLUICE_PICTURES=FOLDER keeps pictures.

Skipped (exit status 77) where chromium is not installed: `tools/packages install real`.
"""

import itertools
import os
import pathlib
import sys
import unittest

import chromium
import watching

SKIPPED = 77
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
# WCAG 2.1, level AA, for text of any size.
LEAST_CONTRAST = 4.5

# Key -> how it is shown; as many as the page shows of the last changes. A slash makes folders, as
# everywhere.
HOSTILE = {
    b"<script>window.broken=1</script>": "<script>window.broken=1</script>",
    b"<img src=x onerror=window.broken=2>": "<img src=x onerror=window.broken=2>",
    b"\"onmouseover='window.broken=3'": "\"onmouseover='window.broken=3'",
    b"&lt;b&gt; &amp; ${1} {{2}}": "&lt;b&gt; &amp; ${1} {{2}}",
    b"two\nlines\ttab": "two\\x0alines\\x09tab",
    "\u202egnp.exe".encode(): "\\xe2\\x80\\xaegnp.exe",
    "\u05d0\u05d1\u05d2 \u0645\u0644\u0641".encode(): "\u05d0\u05d1\u05d2 \u0645\u0644\u0641",
    b"\xff\xfe not utf-8": "\\xff\\xfe not utf-8",
    b"w" * 250: "w" * 250,
    "\u6587\u4ef6".encode() * 40: "\u6587\u4ef6" * 40,
    "\U0001f4f7 photo.jpg".encode(): "\U0001f4f7 photo.jpg",
    b"deep/" * 30 + b"file": "deep/" * 30 + "file",
}
FAILING = {
    b"failing/</td></table><script>window.broken=4</script>":
        "failing/</td></table><script>window.broken=4</script>",
    "failing/\u05d0\u05d1\u05d2".encode(): "failing/\u05d0\u05d1\u05d2",
    b"failing/" + b"v" * 240: "failing/" + "v" * 240,
}
DENY = {"match": {"operation": "get", "key": "failing/*"},
        "action": {"kind": "status", "code": "AccessDenied"}}

# What is seen: of the text in each element, its colour and what is behind it.
CONTRASTS = """
(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = parts(colour).slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255,255,255)';
  };
  return [...document.body.querySelectorAll('*')]
    .filter(element => element.checkVisibility()
      && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => {
      const style = getComputedStyle(element);
      const [low, high] = [luminance(style.color), luminance(background(element))].sort();
      return {tag: element.tagName, class: element.className,
              text: element.textContent.slice(0, 40), size: parseFloat(style.fontSize),
              contrast: (Math.max(low, high) + 0.05) / (Math.min(low, high) + 0.05)};
    });
})()
"""
FACTS = """Object.fromEntries([...document.querySelectorAll('.facts .card')].map(
    card => [card.querySelector('span').innerText, card.querySelector('b').innerText]))"""
KEYS = "[...document.querySelectorAll('.key')].map(key => key.textContent)"
# Of what reaches beyond the window, or what holds it, and is not scrolled there.
CUT_OFF = """[...document.querySelectorAll('main *')].filter(element => element.checkVisibility()
    && !element.closest('svg') && !element.closest('.scroll')
    && element.getBoundingClientRect().right > innerWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 200))"""

if not chromium.find():
    print("skipped: no chromium (Debian package chromium)")
    sys.exit(SKIPPED)


def grouped(number):
    return f"{number:,}"


def bytes_of(text):
    """Of "1.52 KiB", which is rounded to three digits."""
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]


class OfAPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.watching = watching.Watching()
        cls.addClassCleanup(cls.watching.stop)
        for number in range(1200):
            cls.watching.put(f"plain/{number:04}", b"%d" % number)
        for number, key in enumerate((*HOSTILE, *FAILING)):
            cls.watching.put(key, b"x" * (1 + 5000 * number))
        cls.watching.start("--delete", faults=[DENY])
        # Last, so that they are among the last changes.
        for number, key in enumerate(HOSTILE):
            cls.watching.put(key, b"y" * (1 + 7000 * number))
        cls.watching.pass_now()
        cls.browser = chromium.Chromium()
        cls.addClassCleanup(cls.browser.stop)

    def open_other(self, **options):
        """A page of another watch, which may be changed, and that watch."""
        other = watching.Watching()
        self.addCleanup(other.stop)
        other.put("a", b"a")
        other.start()
        page = self.browser.open(other.status_url + "/", **options)
        self.addCleanup(page.close)
        return page, other

    def open(self, **options):
        page = self.browser.open(self.watching.status_url + "/", **options)
        self.addCleanup(page.close)
        return page

    def keep_picture(self, page, name):
        folder = os.environ.get("SLUICE_PICTURES")
        if folder:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            page.picture(os.path.join(folder, f"{name}.png"))

    def assert_numbers_of(self, page, status):
        facts = page.value(FACTS)
        total = status["total"]
        self.assertEqual(facts["objects fetched"], grouped(total["objects"]["fetched"]))
        self.assertEqual(facts["objects in the listing"], grouped(status["pass"]["listed"]))
        self.assertEqual(facts["requests tried again"], grouped(total["retries"]))
        self.assertAlmostEqual(bytes_of(facts["received"]), total["fetched_bytes"],
                               delta=total["fetched_bytes"] * 0.006)
        passes = page.value("""[...document.querySelectorAll('#passes tr')].slice(1).map(
            row => [...row.cells].map(cell => cell.innerText))""")
        self.assertEqual(len(passes), len(status["last_passes"]))
        for row, wanted in zip(passes, status["last_passes"]):
            progress = wanted["progress"]
            self.assertIn(row[0], wanted["ended"].replace("T", " "))
            self.assertEqual(row[1].split("\n")[0], wanted["outcome"])
            self.assertEqual(row[3], grouped(progress["objects"]["fetched"]))
            self.assertEqual(row[5:8], [grouped(progress["objects"][what])
                                        for what in ("deleted", "failed", "kept")])
        failures = page.value(
            "[...document.querySelectorAll('#failures .key')].map(key => key.textContent)")
        self.assertEqual(len(failures), len(status["failures"]))

    def test_fits_and_can_be_read_everywhere(self):
        for width, scheme in itertools.product(WIDTHS, SCHEMES):
            with self.subTest(width=width, scheme=scheme):
                page = self.open(width=width, scheme=scheme)
                self.keep_picture(page, f"{width}-{scheme}")
                self.assertEqual(page.value("innerWidth"), width)
                self.assertLessEqual(page.value("document.documentElement.scrollWidth"), width)
                self.assertEqual(page.value(CUT_OFF), [])
                # Not in a table that has to be scrolled either.
                self.assertEqual(page.value("""[...document.querySelectorAll('.scroll')].filter(
                    box => box.scrollWidth > box.clientWidth).map(box => box.innerText)"""), [])
                for text in page.value(CONTRASTS):
                    self.assertGreaterEqual(text["contrast"], LEAST_CONTRAST, text)
                    self.assertGreaterEqual(text["size"], 13, text)
                is_dark = page.value("getComputedStyle(document.body).backgroundColor") != (
                    "rgb(246, 247, 248)")
                self.assertEqual(is_dark, scheme == "dark")
                self.assert_numbers_of(page, self.watching.status())
                self.assertEqual(page.complaints(), [])
                # As after a long time.
                self.assertEqual(page.value("""[...document.querySelectorAll('.facts b')].filter(
                    number => { number.textContent = '123,456,789';
                                return number.clientHeight > 30
                                  || number.scrollWidth > number.clientWidth; }).length"""), 0)

    def test_keys_are_text(self):
        page = self.open()
        self.assertIsNone(page.value("window.broken ?? null"))
        self.assertEqual(set(page.value(KEYS)), {*HOSTILE.values(), *FAILING.values()})
        self.assertEqual(page.value("document.querySelectorAll('script').length"), 1)
        self.assertEqual(page.value("document.querySelectorAll('main img').length"), 0)
        # A key that is written from right to left does not take what follows it along.
        self.assertEqual(page.value("""[...document.querySelectorAll('td .key')].filter(key => {
            const last = [...key.getClientRects()].at(-1);
            const next = key.nextElementSibling.getClientRects()[0];
            return next.top < last.bottom - 4 && next.left < last.right - 1;
        }).map(key => key.textContent)"""), [])

    def test_needs_nobody_else(self):
        page = self.open()
        own = self.watching.status_url + "/"
        for url in page.asked_for():
            self.assertTrue(url.startswith((own, "data:")), url)
        self.assertEqual(page.complaints(), [])

    def test_needs_no_script(self):
        page = self.open(script=False)
        self.keep_picture(page, "without-script")
        self.assert_numbers_of(page, self.watching.status())
        # It asks to be loaded again now and then, which a script would do better.
        self.assertEqual(page.value("document.querySelectorAll('meta[http-equiv=refresh]').length"),
                         1)
        self.assertEqual(self.open().value(
            "document.querySelectorAll('meta[http-equiv=refresh]').length"), 0)

    def test_changes_in_place(self):
        page, other = self.open_other()
        page.value("window.same = 1")
        other.put("new", b"new")
        other.pass_now()
        page.wait_for(f"({FACTS})['objects fetched'] === '2'")
        self.assertEqual(page.value("window.same"), 1)
        self.assert_numbers_of(page, other.status())
        self.assertEqual(page.complaints(), [])

    def test_says_when_it_is_not_current(self):
        page, other = self.open_other(width=390)
        self.assertFalse(page.value("document.getElementById('offline').checkVisibility()"))
        other.stop_watch()
        page.wait_for("document.getElementById('offline').checkVisibility()")
        self.keep_picture(page, "offline")


if __name__ == "__main__":
    unittest.main()
