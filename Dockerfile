# docker build .                     the gateway: no torch, no compiler, no pip; user 10001; its root may be read-only
# docker build --target training .   what makes and proves checkpoints
# The base is pinned by its exact tag. Where you build, pin it by digest: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m pip install --quiet setuptools==80.9.0 \
 && python -m venv --without-pip /opt/preceptor
# What it needs changes seldom and has a layer of its own. The list is complete: nothing else is let in.
COPY constraints/gateway.txt constraints/
RUN python -m pip --python /opt/preceptor/bin/python install --quiet --no-deps --only-binary :all: \
    --requirement constraints/gateway.txt
COPY pyproject.toml LICENSE ./
COPY principles principles
COPY models models
COPY service service
# The gateway never holds weights: the bundled model is the engine's. Without training its command would only fail.
RUN rm -r models/bundled \
 && python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/preceptor/bin/python install --quiet --constraint constraints/gateway.txt /wheels/*.whl \
 && python -m pip --python /opt/preceptor/bin/python check \
 && rm /opt/preceptor/bin/preceptor-eval

FROM ${PYTHON_IMAGE} AS training
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 PATH=/opt/training/bin:$PATH
WORKDIR /src
RUN python -m venv /opt/training \
 && pip install --quiet setuptools==80.9.0
COPY constraints/dev.txt constraints/
COPY pyproject.toml LICENSE ./
COPY principles principles
COPY models models
COPY service service
COPY training training
COPY loadtest loadtest
# torch stands in the same command as whatever needs it, or pip may choose another build of it.
RUN pip install --quiet --no-build-isolation --constraint constraints/dev.txt torch==2.13.0 --editable '.[training]'
LABEL org.opencontainers.image.title="preceptor-training" \
      org.opencontainers.image.description="Makes and proves the checkpoints that Preceptor serves" \
      org.opencontainers.image.licenses="Apache-2.0"
# Mount a volume there that user 10001 may write to: runs, checkpoints and caches go to it.
ENV HOME=/data
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["python", "-m", "training"]

FROM ${PYTHON_IMAGE} AS gateway
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="preceptor" \
      org.opencontainers.image.description="Has a model's medical answers checked against clinical principles and revised" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/preceptor /opt/preceptor
ENV PATH=/opt/preceptor/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PRECEPTOR_HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PRECEPTOR_PORT', '8000')}/readyz\", timeout=4)"]
ENTRYPOINT ["preceptor"]
CMD ["serve"]
