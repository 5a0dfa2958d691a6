"""Man page and completions, as the package installs them: bash and zsh offer every flag that --help lists."""

import os
import pty
import re
import subprocess

import pytest
from harness import wait_until

from support import ROOT, run

COMMANDS = ["serve", "list", "describe", "tracepoint", "top", "check"]

# compadd is what every completion ends in: this one also writes what matches into a file. The key asks for the completion of
# what was typed, and says when it is done.
ZSH = r"""
PS1='' ; unsetopt zle_bracketed_paste ; zmodload zsh/complist
autoload -Uz compinit && compinit -u -D
compadd() {
  local -a found
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    builtin compadd -A found "$@"
    print -rl -- $found >>$FOUND
  fi
  builtin compadd "$@"
}
capture() { zle expand-or-complete; print DONE >>$FOUND }
zle -C expand-or-complete complete-word _main_complete
zle -N capture
bindkey '^X^O' capture
print READY >$FOUND
"""

BASH = r"""
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_tracepoint_exporter
printf '%s\n' "${COMPREPLY[@]}"
"""


def environment(unpacked, **more):
    return {"PATH": f"{unpacked}/usr/bin:{os.environ['PATH']}", "HOME": str(unpacked), "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}


def in_bash(unpacked, *words):
    file = unpacked / "usr/share/bash-completion/completions/tracepoint_exporter"
    said = run("bash", "--norc", "-c", BASH, "bash", file, *words, env=environment(unpacked))
    return set(said.split())


def in_zsh(unpacked, *words):
    """What an interactive zsh offers after `words`, typed at a terminal."""
    found = unpacked / "found"
    setup = unpacked / "setup.zsh"
    setup.write_text(f"fpath=({unpacked}/usr/share/zsh/vendor-completions $fpath)\n{ZSH}")
    found.write_text("")
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, cwd=unpacked,
        env=environment(unpacked, FOUND=str(found)),
    ) as shell:  # fmt: skip
        os.close(terminal)
        try:
            os.set_blocking(controller, False)
            screen = []

            def wait_for(word):
                def seen():
                    try:
                        screen.append(os.read(controller, 65536))  # a full terminal would stop the shell
                    except BlockingIOError:
                        pass
                    return word in found.read_text().split()

                try:
                    wait_until(seen, word, 30)
                except AssertionError as error:
                    raise AssertionError(f"{error}\n{b''.join(screen).decode(errors='replace')}\n{found.read_text()}") from None

            os.write(controller, f"source {setup}\n".encode())
            wait_for("READY")
            os.write(controller, " ".join(words).encode() + b"\x18\x0f")
            wait_for("DONE")
        finally:
            shell.kill()
            os.close(controller)
    return {line for line in found.read_text().splitlines() if line not in ("READY", "DONE")}


@pytest.fixture(params=[in_bash, in_zsh], ids=["bash", "zsh"])
def offered(request, unpacked):
    return lambda *words: request.param(unpacked, *words)


def flags_of(unpacked, command):
    """The long flags in its --help."""
    said = run(unpacked / "usr/bin/tracepoint_exporter", command, "--help")
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z.-]+)", said, re.MULTILINE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_is_offered(unpacked, offered, command):
    wanted = flags_of(unpacked, command)
    assert "--help" in wanted
    got = {word for word in offered("tracepoint_exporter", command, "--") if word.startswith("--")}
    # Flags of the program itself, such as --version, may come along.
    assert wanted <= got and got - wanted <= {"--version"}


def test_subcommands_are_offered(offered):
    assert set(COMMANDS) <= offered("tracepoint_exporter", "")


def test_tracepoints_are_offered(offered):
    assert "sched/sched_switch" in offered("tracepoint_exporter", "describe", "sched/sched_sw")
    assert "sched" in offered("tracepoint_exporter", "tracepoint", "sch")
    assert "sched_switch" in offered("tracepoint_exporter", "tracepoint", "sched", "sched_sw")


def test_values_are_offered(offered):
    assert {"rate", "p99"} <= offered("tracepoint_exporter", "top", "--sort", "")


def test_zsh_finds_it_where_the_package_puts_it(unpacked):
    directory = "/usr/share/zsh/vendor-completions"
    assert (unpacked / directory.lstrip("/") / "_tracepoint_exporter").is_file()
    assert directory in run("zsh", "-f", "-c", "print -l $fpath").split()


def test_bash_finds_it_by_the_name_of_the_command(unpacked):
    said = run("bash", "--norc", "-c", f"source {unpacked}/usr/share/bash-completion/completions/tracepoint_exporter; complete -p")
    assert said.strip().endswith("-F _tracepoint_exporter tracepoint_exporter")


@pytest.mark.parametrize("section, text", [(1, "Reloads the configuration"), (5, "retire_on_exit")])
def test_man_page_is_clean(unpacked, section, text):
    page = unpacked / f"usr/share/man/man{section}/tracepoint_exporter.{section}.gz"
    assert list(page.parent.iterdir()) == [page]
    source = run("gzip", "-dc", page)
    plain = unpacked / f"page.{section}"
    plain.write_text(source)
    run("mandoc", "-T", "lint", "-W", "warning", plain)
    done = subprocess.run(
        ["man", "--warnings", "--encoding=UTF-8", "--local-file", plain],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == ""
    assert text in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_man_page_has_every_flag(unpacked, command):
    text = (unpacked / "usr/share/man/man1/tracepoint_exporter.1.gz")
    source = run("gzip", "-dc", text).replace("\\-", "-")
    assert [flag for flag in flags_of(unpacked, command) if flag not in source] == []


UNKNOWN_KEYS = """
unknown_key: 1
metrics:
  - unknown_key: 1
  - {name: b_seconds, from: {unknown_key: 1}, to: {unknown_key: 1}, buckets: {unknown_key: 1}}
"""


def test_page_of_the_configuration_has_every_key(unpacked, tmp_path):
    """The keys that the exporter offers instead of an unknown one: those of a metric are the terms of its section."""
    run("/usr/bin/python3", ROOT / "tools/man_page.py", "--check")
    (tmp_path / "wrong.yaml").write_text(UNKNOWN_KEYS)
    done = subprocess.run([unpacked / "usr/bin/tracepoint_exporter", "check", tmp_path / "wrong.yaml"], capture_output=True, text=True, check=False)
    offered = re.findall(r'error: (.*) has no key "unknown_key"; it may have (.*)', done.stdout + done.stderr)
    known = {place: keys.split(", ") for place, keys in offered}
    assert set(known) == {"the file", "a metric", "from", "to", "buckets"}
    page = run("gzip", "-dc", unpacked / "usr/share/man/man5/tracepoint_exporter.5.gz").replace("\\%", "")
    (section,) = re.findall(r"^\.SH METRIC\n(.*?)^\.S", page, re.MULTILINE | re.DOTALL)
    terms = [term for line in re.findall(r"^\.TP\n(.*)", section, re.MULTILINE) for term in re.findall(r"\\fB(\w+)\\fR", line)]
    assert sorted(terms) == sorted(known["a metric"])
    words = set(re.findall(r"\w+", re.sub(r"\\f[BR]", " ", page)))
    assert {key for keys in known.values() for key in keys} <= words
