"""Finds words in comments and documents for which plain English has a clearer one: see .github/docs/glossary.md.

Usage: words.py REPOSITORY

Reads the committed *.rs, *.proto, *.sql, *.sh, *.py and *.md files, and scripts without a suffix. Code, strings, and
what is in backticks or fenced blocks are not read: identifiers and quotations may have any name.
"""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

WORDS = re.compile(r"\b(told|tells?|heard|anew|whoever|errands?|stands?(?!-in)|laid aside|away)\b", re.IGNORECASE)
SUFFIXES = {".rs", ".proto", ".sql", ".sh", ".py", ".md"}
RUST = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|b?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\])'""",
    re.DOTALL,
)
SQL = re.compile(r"""(?P<comment>--[^\n]*|/\*.*?\*/)|'(?:''|[^'])*'|"[^"]*\"""", re.DOTALL)
SHELL = re.compile(r"(?:^|(?<=\s))(?P<comment>#[^\n]*)", re.MULTILINE)


def matched_comments(pattern, text):
    for match in pattern.finditer(text):
        if match["comment"]:
            yield text.count("\n", 0, match.start()) + 1, match["comment"]


def python_comments(text):
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        statement = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and statement):
            yield token.start[0], token.string
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type


def prose(path, text):
    """Pairs of a line number and the text that starts there."""
    suffix = path.suffix
    if suffix in (".rs", ".proto"):
        return matched_comments(RUST, text)
    if suffix == ".sql":
        return matched_comments(SQL, text)
    if suffix == ".py" or re.match(r"#!.*python", text):
        return python_comments(text)
    if suffix == ".md":
        return [(1, text)]
    return matched_comments(SHELL, text)


def without_code(text):
    """Blanks fenced blocks and backticks, and keeps every line where it is."""
    return re.sub(r"```.*?```|`[^`]*`", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.DOTALL)


def files(repository):
    listed = subprocess.run(["git", "-C", repository, "ls-files", "-z"], check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = Path(repository, name)
        script = not path.suffix and name.startswith(("scripts/", "deploy/", ".ci/"))
        if (path.suffix in SUFFIXES or script) and path.is_file():
            yield name, path


def main(repository):
    found = 0
    for name, path in files(repository):
        for start, text in prose(path, path.read_text()):
            lines = without_code(text).split("\n")
            for number, (line, shown) in enumerate(zip(lines, text.split("\n"), strict=True), start):
                for word in WORDS.findall(line):
                    print(f"{name}:{number}: '{word}' in: {shown.strip()}")
                    found += 1
    if found:
        sys.exit(f"{found} words to replace: .github/docs/glossary.md has the terms, and what to write instead")


if __name__ == "__main__":
    main(*sys.argv[1:])
