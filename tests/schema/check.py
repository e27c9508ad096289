#!/usr/bin/env python3
"""Holds documents and manifests against the published schemas, with a validator of another make.

    check.py PROGRAM

Runs PROGRAM (a built `proforma`) against its own sandbox on a free port: what it prints must be
valid by `docs/schema/*.json`, what it writes (`init`, `fmt`) and what the repository holds must be
valid by the schemas of manifests, and must mean the same to a reader of YAML 1.1.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml
from jsonschema import Draft202012Validator, FormatChecker

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
problems = []


class Core(yaml.SafeLoader):
    """Scalars as YAML 1.2 reads them, which is how editors do: a date is a text."""


Core.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":bool", ":int", ":float"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False|TRUE|FALSE)$"), "tTfF")
Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), "-+0123456789")
Core.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), "-+.0123456789")


class Written(yaml.SafeLoader):
    """Every scalar as it is written."""


Written.yaml_implicit_resolvers = {}


def validator(name):
    schema = json.loads((ROOT / "docs/schema" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


VALIDATORS = {
    name: validator(name)
    for name in ["quote", "product", "workspace", "plan", "apply", "migrate", "validate", "status"]
}


def check(name, document, where):
    for error in list(VALIDATORS[name].iter_errors(document))[:5]:
        path = "/".join(str(p) for p in error.absolute_path)
        problems.append(f"{where}: {path}: {error.message[:300]}")


def run(*args, cwd, text=None):
    done = subprocess.run([PROGRAM, *args], cwd=cwd, input=text, capture_output=True, text=True, timeout=300)
    return done


def manifests(folder):
    """Every manifest of a workspace, valid by its schema."""
    count = 0
    for path in sorted(folder.rglob("*.yaml")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        for document in yaml.load_all(path.read_text(), Loader=Core):
            if document is None:
                continue
            for name, key in [("workspace", "proforma"), ("quote", "quote"), ("product", "product")]:
                if key in document:
                    check(name, document, str(path))
                    count += 1
                    break
    return count


def same_to_others(path, cwd):
    """`fmt` changes no value, to a reader of YAML 1.1 and as written."""
    before = path.read_text()
    after = run("fmt", "-", cwd=cwd, text=before)
    if after.returncode != 0:
        problems.append(f"{path}: fmt ended in {after.returncode}: {after.stderr[:300]}")
        return
    for loader in [yaml.SafeLoader, Written]:
        try:
            old = list(yaml.load_all(before, Loader=loader))
        except (yaml.YAMLError, ValueError):
            continue
        if old != list(yaml.load_all(after.stdout, Loader=loader)):
            problems.append(f"{path}: fmt changed what {loader.__name__} reads")


def main():
    count = 0
    for folder in [ROOT / "quotes", *sorted(p.parent for p in (ROOT / "examples").glob("*/proforma.yaml"))]:
        count += manifests(folder)
        for path in sorted(folder.rglob("*.yaml")):
            same_to_others(path, folder)
    sandbox = subprocess.Popen(
        [PROGRAM, "sandbox", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = sandbox.stdout.readline().split()[1]
        for provider in ["hubspot", "quickquote", "salesbyte", "dealhub"]:
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                run("init", "--provider", provider, "--name", f"w-{provider}", cwd=folder)
                count += manifests(folder)
                for path in sorted(folder.glob("**/*.yaml")):
                    same_to_others(path, folder)
                story = [
                    ("validate",),
                    ("plan",),
                    ("status",),
                    ("apply", "--auto-approve", "--allow", "all"),
                    ("status",),
                    ("plan",),
                ]
                for args in story:
                    done = run(*args, "--sandbox", url, "--format", "json", cwd=folder)
                    check(args[0], json.loads(done.stdout), f"{provider}: {' '.join(args)}")
                (folder / "quotes/broken.yaml").write_text("quote: Not A Name\nzzz: 1\n")
                for args in story[:4]:
                    done = run(*args, "--sandbox", url, "--format", "json", cwd=folder)
                    check(args[0], json.loads(done.stdout), f"{provider}, broken: {' '.join(args)}")
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=30)
    # A validator that finds nothing anywhere would be no check.
    if not list(VALIDATORS["quote"].iter_errors({"quote": "a", "tilte": "x"})):
        problems.append("the quote schema takes an unknown key")
    if not list(VALIDATORS["plan"].iter_errors({"format": 1, "kind": "plan"})):
        problems.append("the plan schema takes a document without its keys")
    print("\n".join(problems) or f"{count} manifests and the documents of 4 providers are valid")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
