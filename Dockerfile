# fastbench in an image, built from the directory of its sources:
#
#   docker build -t registry.example.org/fastbench:0.2.0 .
#   docker run --rm --read-only --tmpfs /tmp registry.example.org/fastbench:0.2.0      # the quick start
#
# With `--build-arg PACKAGE=/src/dist/NAME.whl` a wheel that lies in dist/ is installed and nothing compiled. The image runs as
# a user of its own, on a read-only root too; what it writes goes to /work. Linux gives SYS_NICE to root alone: for
# real-time priority start it with `--user 0 --cap-drop ALL --cap-add SYS_NICE`, or with `--ulimit rtprio=1` as any user
# (docs/performance.md, "On a crowded machine").
FROM debian:trixie-slim AS build
ARG PACKAGE=/src
RUN apt-get update && apt-get install -y --no-install-recommends python3-dev python3-venv gcc libc6-dev
COPY . /src
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /opt/fastbench
RUN /opt/build/bin/pip --python /opt/fastbench/bin/python install --no-cache-dir "$PACKAGE"
RUN cp /src/examples/quickstart.py /opt/fastbench/quickstart.py

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /work fastbench
COPY --from=build /opt/fastbench /opt/fastbench
ENV PATH=/opt/fastbench/bin:/usr/local/bin:/usr/bin:/bin
USER 10001
WORKDIR /work
VOLUME /work
ENTRYPOINT []
CMD ["fastbench", "perf", "--config", "/opt/fastbench/quickstart.py"]
