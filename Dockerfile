# One file, one image per service: docker build --build-arg SERVICE=imaging -t careloop-imaging:0.1.0 .
# torch comes as its CUDA build, which needs nothing but the NVIDIA container runtime on the host and also runs on the CPU (5 GB).
# CPU images a fifth of that size: --build-arg TORCH_INDEX=URL, an index of CPU wheels of yours
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
ARG SERVICE
ARG TORCH_INDEX=
RUN test -n "$SERVICE" || { echo "name the service: --build-arg SERVICE=imaging" >&2; exit 1; }
# a wheel may be missing for this Python or CPU
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/careloop
ENV PATH=/opt/careloop/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# what the service requires, in a layer of its own: a change of our code does not install torch again
COPY pyproject.toml ./
RUN python -c 'import sys, tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
print(*p["dependencies"], *p["optional-dependencies"].get(sys.argv[1], []), sep="\n")' "$SERVICE" > requirements.txt \
 && if [ -n "$TORCH_INDEX" ] && grep -q '^torch' requirements.txt; then pip install --index-url "$TORCH_INDEX" "$(grep '^torch' requirements.txt)"; fi \
 && pip install -r requirements.txt
COPY README.md LICENSE NOTICE ./
COPY shared shared
COPY services services
RUN pip install --no-deps .

FROM python:${PYTHON_VERSION}-slim
ARG SERVICE
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp careloop && install -d -o 10001 -g 10001 /var/lib/careloop
COPY --from=build /opt/careloop /opt/careloop
# the root file system may be read-only: state goes to its volume, everything else to /tmp; nothing is fetched at run time
ENV PATH=/opt/careloop/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HF_HUB_OFFLINE=1 \
    SERVICE=${SERVICE} \
    CARELOOP_HTTP_HOST=0.0.0.0 \
    CARELOOP_HTTP_PORT=8420 \
    CARELOOP_STATE_DIR=/var/lib/careloop
USER 10001:10001
WORKDIR /tmp
VOLUME /var/lib/careloop
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --retries=6 \
  CMD ["python", "-c", "from os import environ; from urllib.request import urlopen; urlopen('http://127.0.0.1:' + environ['CARELOOP_HTTP_PORT'] + '/healthz', timeout=8)"]
# exec: the service is process 1 and gets SIGTERM itself
CMD ["sh", "-c", "exec careloop run \"$SERVICE\""]
