# proforma in a small image that runs as nobody: `docker build -t proforma .`
#
#   docker run --rm -v "$PWD:/workspace" -e HUBSPOT_TOKEN proforma plan
#
# `--target ci` has a shell, git, curl and jq beside it, for pipelines.
FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist --bin proforma

FROM debian:trixie-slim AS ci
RUN apt-get update \
    && apt-get install -y --no-install-recommends bash ca-certificates curl git jq \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 65532 --no-create-home --shell /usr/sbin/nologin proforma
COPY --from=build /src/target/dist/proforma /usr/local/bin/proforma
USER 65532:65532
WORKDIR /workspace

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /src/target/dist/proforma /usr/local/bin/proforma
WORKDIR /workspace
ENTRYPOINT ["/usr/local/bin/proforma"]
