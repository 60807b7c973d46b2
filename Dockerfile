# City Lifeline: one image, one command line. Built with what uv.lock pins, run as a user without rights.
FROM python:3.11.13-slim-bookworm AS build
ARG UV_VERSION=0.8.17
# For sites with a package index of their own: docker compose build --build-arg PIP_INDEX_URL=… --build-arg UV_INDEX_URL=…
ARG PIP_INDEX_URL
ARG UV_INDEX_URL
# The simulators of the county town with their engines, 500 MB more: docker compose build --build-arg EXTRAS="--extra sim"
ARG EXTRAS=""
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/lifeline
RUN pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}"
WORKDIR /source
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --frozen --no-dev ${EXTRAS} --no-install-project
COPY lifeline.py ./
COPY api api
COPY benchmarks benchmarks
COPY commands commands
COPY dashboards dashboards
COPY domain domain
COPY ingest ingest
COPY notify notify
COPY rules rules
COPY runtime runtime
COPY simulators simulators
COPY storage storage
RUN uv sync --frozen --no-dev ${EXTRAS} --no-editable

FROM python:3.11.13-slim-bookworm
LABEL org.opencontainers.image.title="City Lifeline" \
      org.opencontainers.image.licenses="Apache-2.0"
# The image has its own packages in /opt/lifeline; pip and its kin are not needed any more.
RUN groupadd --gid 10001 lifeline \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin lifeline \
 && python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip
COPY --from=build /opt/lifeline /opt/lifeline
ENV PATH=/opt/lifeline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1
USER 10001:10001
WORKDIR /tmp
# As the stages are run in docker-compose.yml, with LIFELINE_METRICS_PORT=9100.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9100/healthz', timeout=3)"]
ENTRYPOINT ["lifeline"]
CMD ["--help"]
