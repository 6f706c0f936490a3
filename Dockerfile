# syntax=docker/dockerfile:1
#
# The service as an image: small, without a root user, and able to run on a read-only file system.
#
#   docker build -t quiver .                              with the default model inside
#   docker build -t quiver --target runtime .             without a model: mount one at /model
#   docker run --rm -p 8080:8080 --read-only --cap-drop ALL --security-opt no-new-privileges quiver
#   docker run --rm -p 8080:8080 -v "$PWD/my-model:/model:ro" quiver

# --- The build ------------------------------------------------------------------------------------
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libssl-dev libyaml-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The manifest names the test targets, so their folders must be there, though they are not built.
COPY Package.swift ./
COPY Tests ./Tests
COPY Sources ./Sources
# The standard library goes into the binary, so that the last stage needs no Swift.
RUN swift build -c release --product quiver --static-swift-stdlib \
    && strip --strip-unneeded .build/release/quiver \
    && install -D .build/release/quiver /install/usr/local/bin/quiver

# --- The default model ----------------------------------------------------------------------------
FROM python:3.11-slim-bookworm AS model
COPY scripts/lib /source/scripts/lib
# The scripts' own way, with its check of the weights' digest.
RUN bash -c 'set -euo pipefail; export QUIVER_CACHE=/cache; cd /source/scripts/lib; \
        . ./common.sh; . ./packages.sh; . ./model.sh; provide_model; mv "$default_model" /model' \
    && chmod -R a+rX /model

# --- The service without a model ------------------------------------------------------------------
FROM debian:12-slim AS runtime
# What the binary links to.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libssl3 libstdc++6 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /install /
# No account of this number exists in the image, and none is needed.
USER 65532:65532
# In a container "this machine only" would mean that nobody can reach it. Kubernetes and balancers
# hear of the end late, so connections are taken for some seconds more.
ENV QUIVER_HOST=0.0.0.0 \
    QUIVER_PORT=8080 \
    QUIVER_MODEL=/model \
    QUIVER_DRAIN_DELAY=5 \
    QUIVER_SHUTDOWN_GRACE=25
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["quiver", "healthcheck", "http://127.0.0.1:8080/health/ready"]
ENTRYPOINT ["quiver"]
CMD ["serve"]

# --- The service with the default model -----------------------------------------------------------
FROM runtime
COPY --from=model /model /model
ENV QUIVER_SERVED_MODEL_NAME=all-MiniLM-L6-v2,sentence-transformers/all-MiniLM-L6-v2
