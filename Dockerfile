# syntax=docker/dockerfile:1
# Two stages: packages as locked, with hashes; then a small image that runs as nobody on a read-only file system.
# glibc, not musl: the PromQL parser needs the larger thread stacks.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/holdfast
COPY requirements.lock .
RUN /opt/holdfast/bin/pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
# The build back end is not part of the image: build the wheel beside it.
RUN python3 -m venv /tmp/wheel \
 && /tmp/wheel/bin/pip wheel --quiet --no-deps --wheel-dir /tmp/dist . \
 && /opt/holdfast/bin/pip install --quiet --no-deps /tmp/dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="holdfast" \
      org.opencontainers.image.description="Ship fast; hold when the budget is gone" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/holdfast/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/holdfast /opt/holdfast
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["holdfast"]
CMD ["run", "--config", "/etc/holdfast/config.yaml"]
