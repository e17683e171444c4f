"""Writes each shell block of the pipelines that are named into a file of a folder, for shellcheck:
`shell_blocks.py FOLDER FILE...`. A block that holds an expression fails: what GitHub puts in the place of `${{ }}`, or
Azure Pipelines in that of `$(name)`, is not shell, and somebody else may have written it. Blocks get theirs by `env`."""

import re
import sys
from pathlib import Path

from ruamel.yaml import YAML

# Keys whose text is shell: of GitHub, of Azure Pipelines, of GitLab.
SHELL = {"run", "bash", "inlineScript", "script", "before_script"}
EXPRESSION = re.compile(r"\$\{\{")
AZURE_EXPRESSION = re.compile(r"\$\{\{|\$\([A-Za-z][\w.]*\)")


def blocks(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in SHELL:
                yield from value if isinstance(value, list) else [value]
            else:
                yield from blocks(value)
    elif isinstance(node, list):
        for value in node:
            yield from blocks(value)


def main(folder, files):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.sh"):
        old.unlink()
    count = 0
    for file in files:
        is_azure = "azure" in file
        expression = AZURE_EXPRESSION if is_azure else EXPRESSION
        for at, block in enumerate(blocks(YAML(typ="safe").load(Path(file)))):
            if found := expression.search(block):
                sys.exit(f"{file}: `{found[0]}` in a shell block: pass it by env\n{block}")
            name = file.strip("./").replace("/", "-")
            # GitHub and GitLab stop at the first failure, AzureCLI@2 does not.
            stops = "" if is_azure else "set -e\n"
            (folder / f"{name}-{at:02}.sh").write_text(f"#!/usr/bin/env bash\n{stops}{block}\n")
            count += 1
    if count < 2 * len(files):
        sys.exit(f"only {count} shell blocks in {len(files)} files: is one looked for at the wrong place?")
    print(f"{count} shell blocks in {len(files)} files")


main(sys.argv[1], sys.argv[2:])
