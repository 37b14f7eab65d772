# syntax=docker/dockerfile:1
#
# Build:  docker build --build-arg VERSION="$(git describe --tags --always)" -t swarmcall .
# Run:    docker run --read-only -v swarmcall:/data -p 127.0.0.1:8080:8080 swarmcall --insecure-no-auth
#
# docs/howto/containers.md has the rest. In a container the server listens on every address, otherwise -p could not
# reach it. It does so with an auth file and TLS (docs/security.md), or with --insecure-no-auth, as above, which the image
# does not pass for you: anyone who reaches the port commands the swarm. Publish it on loopback, or on a network of
# drivers and controllers you trust.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev TARGETOS TARGETARCH
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    for name in server:swarmcall-server swarmcall:swarmcall; do \
      GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" \
        -o "/out/${name#*:}" "./cmd/${name%%:*}" || exit 1; \
    done \
 && mkdir /out/data

FROM scratch
LABEL org.opencontainers.image.title="swarmcall" \
      org.opencontainers.image.description="Live control for load-test swarms" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/swarmcall-server /out/swarmcall /
# The log lives in /data and nothing is written elsewhere. It belongs to the user below, and so does a volume made from it; a
# directory of the host must be made so: chown 65532:65532 DIR.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
EXPOSE 8080
# No shell is in the image: the command-line client asks GET /readyz, at http://127.0.0.1:8080 unless SWARMCALL_URL names
# another address. A server with TLS needs that, and SWARMCALL_CA_FILE.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/swarmcall", "health"]
ENTRYPOINT ["/swarmcall-server", "--listen", "0.0.0.0:8080", "--data-dir", "/data"]
