"""The other commands: embed, inspect, healthcheck, bench."""

import io
import json

import numpy
import pytest

import program
from embeddings import cosines, embed, vectors_of


def test_embed_writes_an_array(binary, model, client, texts):
    lines = texts[:300]
    finished = program.run(
        binary, "embed", "--model", model, input="\n".join(lines).encode() + b"\n")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == b""
    got = numpy.load(io.BytesIO(finished.stdout))
    assert got.dtype == numpy.float32 and got.shape == (len(lines), 384)
    assert (got == vectors_of(embed(client, lines, encoding_format="base64"))).all()


def test_embed_writes_json_lines(binary, model, texts, vectors):
    finished = program.run(
        binary, "embed", "--model", model, "--dtype", "float32", "--output", "jsonl",
        input="\n".join(texts).encode())
    assert finished.returncode == 0, finished.stderr
    rows = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [row["index"] for row in rows] == list(range(len(texts)))
    got = numpy.array([row["embedding"] for row in rows], numpy.float32)
    assert numpy.abs(got - vectors).max() <= 2e-6


def test_embed_puts_a_prompt_before_each_line(binary, model):
    options = ["--model", model, "--output", "jsonl"]
    prompted = program.run(
        binary, "embed", *options, "--prompt", "query: ", input=b"a\nthe bank\n")
    plain = program.run(binary, "embed", *options, input=b"query: a\nquery: the bank\n")
    assert prompted.returncode == 0
    assert prompted.stdout == plain.stdout
    unknown = program.run(binary, "embed", *options, "--prompt-name", "nobody", input=b"a\n")
    assert unknown.returncode == 2
    assert b"no prompt 'nobody'" in unknown.stderr


def test_embed_takes_no_text_and_empty_lines(binary, model):
    nothing = program.run(binary, "embed", "--model", model, input=b"")
    assert nothing.returncode == 0
    assert numpy.load(io.BytesIO(nothing.stdout)).shape == (0, 384)
    empty = program.run(binary, "embed", "--model", model, input=b"a\n\nb\n")
    assert empty.returncode == 0, empty.stderr
    assert numpy.load(io.BytesIO(empty.stdout)).shape == (3, 384)


def test_embed_reads_more_than_a_buffer(binary, model):
    texts = [f"text number {number}" for number in range(3000)]
    finished = program.run(binary, "embed", "--model", model, input="\n".join(texts).encode())
    got = numpy.load(io.BytesIO(finished.stdout))
    assert got.shape == (3000, 384)
    one = program.run(binary, "embed", "--model", model, input=texts[2500].encode())
    assert (numpy.load(io.BytesIO(one.stdout))[0] == got[2500]).all()
    assert cosines(got[:1], got[1:2])[0] < 1


def test_inspect_tells_what_the_folder_holds(binary, model):
    finished = program.run(binary, "inspect", model)
    assert finished.returncode == 0, finished.stderr
    text = finished.stdout.decode()
    for word in ("bert", "384", "mean", "30522", "256", "12", "6", "WordPiece"):
        assert word.lower() in text.lower(), text


@pytest.mark.parametrize("command", ["inspect", "embed"])
def test_a_missing_folder_is_said(binary, tmp_path, command):
    flags = ["--model"] if command == "embed" else []
    finished = program.run(binary, command, *flags, tmp_path / "nowhere", input=b"a\n")
    assert finished.returncode == 2
    [line] = finished.stderr.decode().splitlines()
    assert "nowhere" in line


def test_healthcheck(binary, server, start):
    good = program.run(binary, "healthcheck", server.url + "/health/ready")
    assert (good.returncode, good.stderr) == (0, b"")
    assert program.run(binary, "healthcheck", server.url).returncode == 0
    assert program.run(binary, "healthcheck", server.url + "/nowhere").returncode == 1
    gone = start().wait_until_ready()
    gone.stop()
    assert program.run(binary, "healthcheck", gone.url).returncode == 1
    assert program.run(binary, "healthcheck", "ftp://nowhere").returncode == 2


def test_bench_measures(binary, model):
    finished = program.run(
        binary, "bench", "--model", model, "--seconds", "0.05", "--json")
    assert finished.returncode == 0, finished.stderr
    rows = [json.loads(line) for line in finished.stdout.splitlines()]
    assert rows
    table = program.run(binary, "bench", "--model", model, "--seconds", "0.05")
    assert table.returncode == 0 and b"tokens" in table.stdout


def test_version_and_help(binary):
    version = program.run(binary, "--version")
    assert version.returncode == 0 and version.stdout.decode().strip()
    for command in ([], ["serve"], ["embed"], ["bench"], ["inspect"], ["healthcheck"]):
        helped = program.run(binary, *command, "--help")
        assert helped.returncode == 0
        assert b"USAGE" in helped.stdout
    assert program.run(binary, "nonsense").returncode == 2
