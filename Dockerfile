# syntax=docker/dockerfile:1
# Built in two steps, so that the image that runs has neither Node nor a compiler.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make wheel && mkdir /wheel && cp dist/*.whl /wheel/

FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 callboard
COPY requirements.lock /tmp/requirements.lock
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel \
    pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock \
    && pip install --no-cache-dir --no-deps /wheel/*.whl
USER callboard
WORKDIR /home/callboard
ENV CALLBOARD_DATA_DIR=/home/callboard/data CALLBOARD_SERVER__HOST=0.0.0.0
VOLUME /home/callboard/data
EXPOSE 7007
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7007/.backstage/health/v1/readiness', timeout=2)"]
ENTRYPOINT ["callboard"]
CMD ["up"]
