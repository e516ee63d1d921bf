# fastbench in an image, built from the directory of its sources:
#
#   docker build -t registry.example.org/fastbench:0.1.0 .
#
# The image runs as root, which is what Linux's SYS_NICE needs to be of use to the client: see docs/distributed.md.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY . /src
RUN python -m venv /opt/fastbench && /opt/fastbench/bin/pip install --no-cache-dir /src

FROM python:3.12-slim
COPY --from=build /opt/fastbench /opt/fastbench
ENV PATH=/opt/fastbench/bin:$PATH
ENTRYPOINT []
CMD ["fastbench", "--help"]
