#!/usr/bin/env python3
"""Opens the pages of `plan`, `show` and `migrate` with `--format html` in Chromium, uses them as a person
would, and asserts what is then seen. See `tests/browser/run` for how it is started.

usage: run.py BROWSER PROFORMA
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from chrome import Chrome

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Which of the rows are seen: shown, and neither they nor what they stand in is hidden.
SEEN = """Array.from(document.querySelectorAll('details.quote'))
    .filter((row) => row.offsetParent !== null && row.getBoundingClientRect().height > 0)
    .map((row) => row.id)"""


def check(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"FAILED: {what}\n  found  {found!r}\n  wanted {wanted!r}")
    print(f"ok: {what}")


class World:
    """A workspace against an embedded sandbox."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="proforma-pages-"))
        shutil.copytree(REPOSITORY / "quotes", self.folder, dirs_exist_ok=True)
        self.sandbox = subprocess.Popen(
            [binary, "sandbox", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        words = self.sandbox.stdout.readline().split()
        self.url = next(w for w in words if w.startswith("http://"))

    def run(self, *args, codes=(0,)):
        ended = subprocess.run(
            [self.binary, "--sandbox", self.url, "-C", str(self.folder), *args],
            capture_output=True, text=True, check=False, timeout=120)
        if ended.returncode not in codes:
            raise SystemExit(f"FAILED: {args}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def edit(self, file, before, after):
        path = self.folder / file
        text = path.read_text()
        assert before in text, (file, before)
        path.write_text(text.replace(before, after, 1))

    def page(self, name, *args, codes=(0,)):
        path = self.folder / name
        path.write_text(self.run(*args, codes=codes))
        return path.as_uri()

    def colleague(self, id, properties):
        body = {"upstream": "hubspot", "object": "quotes", "id": id, "properties": properties}
        request = urllib.request.Request(
            f"{self.url}/_sandbox/edit", json.dumps(body).encode(),
            {"content-type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def close(self):
        self.sandbox.terminate()
        self.sandbox.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def story(world):
    """A plan with something of everything."""
    world.run("apply", "--auto-approve", "--allow", "all", "-q")
    plan = json.loads(world.run("lock", "list", "--format", "json"))
    rows = next(v for v in plan.values() if isinstance(v, list) and v and "quote" in v[0])
    ids = {row["quote"]: row["id"] for row in rows}
    world.edit("quotes/acme.yaml", "quantity: 1", "quantity: 2")
    world.edit("quotes/acme.yaml", "price: 750.00", "price: 800.00")
    world.colleague(ids["globex-reporting-2027"], {"hs_title": "</summary><script>document.title='owned'</script>"})
    (world.folder / "quotes/wonka.yaml").unlink()
    (world.folder / "quotes/late.yaml").write_text(
        "quote: hooli-editors-2027\ntitle: 'Hooli: <b>editors</b>'\nexpires: 2027-11-30\nstate: published\n"
        "customer: { email: buyer@hooli.example, first_name: Hal, last_name: Oo }\ndeal: Hooli SEO 2027\n"
        "items:\n  - { key: training, name: Training day, quantity: 3, price: 1450.00, discount: 5% }\n")


def look_at_plan(chrome, address):
    asked = chrome.open(address)
    check("the plan asks for nothing but itself", asked, [address])
    check("nothing is refused and nothing fails", chrome.complaints(), [])
    check("foreign text runs nothing", chrome.run("document.title"), "Plan for northlight-sales")
    check("the toolbar is there", chrome.run("document.querySelector('[data-toolbar]').offsetHeight > 0"), True)
    everything = chrome.run(SEEN)
    check("all quotes with something to say are seen", sorted(everything), [
        "q-acme-local-2027", "q-acme-seo-2027", "q-globex-reporting-2027", "q-hooli-editors-2027",
        "q-wonka-lokal-2027"])

    chrome.click("[data-filter='create']")
    check("a click on `create` leaves the new quote", chrome.run(SEEN), ["q-hooli-editors-2027"])
    check("the address says so", chrome.run("location.hash"), "#filter=create")
    check("the chip says so", chrome.run("document.querySelector('[data-filter=create]').ariaPressed"), "true")
    check("the count says so", chrome.run("document.querySelector('[data-seen]').textContent"), "1 of 5 shown")

    chrome.click("[data-filter='drift']")
    check("a click on `changed upstream`", chrome.run(SEEN), ["q-globex-reporting-2027"])
    chrome.click("[data-filter='all']")
    check("a click on `all` brings all back", chrome.run(SEEN), everything)

    chrome.click("input[type=search]")
    chrome.type("training day")
    check("the search looks into folded details", chrome.run(SEEN), ["q-hooli-editors-2027"])

    # A step away, so that the page is loaded anew.
    chrome.open("about:blank")
    chrome.open(address + "#filter=blocked")
    check("a link leads to a filtered view", chrome.run(SEEN), ["q-acme-seo-2027"])
    chrome.open("about:blank")
    chrome.open(address + "#q-wonka-lokal-2027")
    check("a link leads to a quote", chrome.run("document.querySelector(':target').id"), "q-wonka-lokal-2027")

    for width in [360, 800, 1400]:
        chrome.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        wide = chrome.run("document.documentElement.scrollWidth")
        check(f"the page fits {width} pixels", wide <= width, True)
    chrome.call("Emulation.clearDeviceMetricsOverride")

    before = chrome.run("getComputedStyle(document.body).backgroundColor")
    chrome.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    check("there is a dark side", chrome.run("getComputedStyle(document.body).backgroundColor") != before, True)
    chrome.call("Emulation.setEmulatedMedia", media="print", features=[])
    check("on paper there is no toolbar", chrome.run("document.querySelector('[data-toolbar]').offsetHeight"), 0)
    chrome.call("Emulation.setEmulatedMedia", media="", features=[])

    chrome.call("Emulation.setScriptExecutionDisabled", value=True)
    chrome.open("about:blank")
    chrome.open(address)
    chrome.call("Emulation.setScriptExecutionDisabled", value=False)
    check("without scripts all quotes are seen", sorted(chrome.run(SEEN)), sorted(everything))
    check("without scripts there is no dead toolbar",
          chrome.run("document.querySelector('[data-toolbar]').offsetHeight"), 0)


def look_at_quote(chrome, address):
    asked = chrome.open(address)
    check("the quote asks for nothing but itself", asked, [address])
    check("nothing of it is refused", chrome.complaints(), [])
    text = chrome.run("document.body.innerText")
    for wanted in ["Umbrella: SEO for the group", "Group SEO retainer", "14,498.96 EUR", "VAT (19%)", "2,314.96"]:
        check(f"the customer reads `{wanted}`", wanted in text, True)
    chrome.call("Emulation.setDeviceMetricsOverride", width=360, height=900, deviceScaleFactor=1, mobile=False)
    check("the quote fits a telephone", chrome.run("document.documentElement.scrollWidth") <= 360, True)
    chrome.call("Emulation.clearDeviceMetricsOverride")


def look_at_migration(chrome, address):
    asked = chrome.open(address)
    check("the loss report asks for nothing but itself", asked, [address])
    check("nothing of it is refused", chrome.complaints(), [])
    check("foreign text runs nothing there", chrome.run("document.title"), "Migration from crm to shop")
    everything = chrome.run(SEEN)
    check("every quote is there", len(everything), 16)
    check("the count is of quotes", chrome.run("document.querySelector('[data-seen]').textContent"), "16 shown")
    chrome.click("[data-filter='lost']")
    lost = chrome.run(SEEN)
    check("a click on `lost` leaves those that lose something", lost, ["q-acme-seo-2027", "q-hooli-editors-2027"])
    check("as many as the chip says",
          chrome.run("document.querySelector('[data-filter=lost] b').textContent"), str(len(lost)))
    chrome.click("#q-acme-seo-2027 summary")
    text = chrome.run("document.getElementById('q-acme-seo-2027').innerText")
    for wanted in ["acme-seo-2027.shop", "notes.terms", "at the end of `notes.public`", "lost"]:
        check(f"the reader finds `{wanted}`", wanted in text, True)
    chrome.click("[data-filter='all']")
    chrome.click("input[type=search]")
    chrome.type("<b>editors</b>")
    check("hostile titles are text to search for", chrome.run(SEEN), ["q-hooli-editors-2027"])
    chrome.call("Emulation.setDeviceMetricsOverride", width=360, height=900, deviceScaleFactor=1, mobile=False)
    check("the loss report fits a telephone", chrome.run("document.documentElement.scrollWidth") <= 360, True)
    chrome.call("Emulation.clearDeviceMetricsOverride")


def main():
    browser, binary = sys.argv[1:]
    world = World(os.path.abspath(binary))
    try:
        story(world)
        plan = world.page("plan.html", "plan", "--format", "html", codes=(3, 5))
        quote = world.page("quote.html", "show", "umbrella-group-2027", "--format", "html")
        world.edit("proforma.yaml", "connections:\n",
                   "connections:\n  shop: { provider: quickquote, token: { env: T }, currency: USD }\n")
        loss = world.page("loss.html", "migrate", "--from", "crm", "--to", "shop", "--format", "html")
        chrome = Chrome(browser)
        try:
            look_at_plan(chrome, plan)
            look_at_quote(chrome, quote)
            look_at_migration(chrome, loss)
        finally:
            chrome.close()
    finally:
        world.close()
    print("browser: all well")


if __name__ == "__main__":
    main()
