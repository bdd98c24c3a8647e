# The image of the web application: Node.js and the standalone build, no shell, not root.
#
#   docker build -f deploy/docker/web.Dockerfile --build-arg VERSION=0.1.0 -t web:0.1.0 .
#
# BASE       what it runs on: Node.js as the entry point. scripts/images makes one where no registry is reached.
# BUILD      build, or prebuilt: then the context is a directory with the standalone build

ARG NODE=docker.io/library/node:24-bookworm-slim
ARG BASE=gcr.io/distroless/nodejs24-debian12:nonroot
ARG BUILD=build

# hadolint ignore=DL3006
FROM ${NODE} AS build
ENV NEXT_TELEMETRY_DISABLED=1
WORKDIR /src
# Packages are in the cache until the lock changes.
COPY services/web/package.json services/web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY services/web ./
RUN npm run build && cp -r .next/static .next/standalone/.next/static && mkdir -p .next/standalone/.next/cache

FROM scratch AS prebuilt
COPY standalone /src/.next/standalone

# hadolint ignore=DL3006
FROM ${BUILD} AS built

# hadolint ignore=DL3006
FROM ${BASE}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="haushavn web" \
  org.opencontainers.image.description="The web application of Haushavn" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOSTNAME=0.0.0.0 PORT=8080
WORKDIR /app
COPY --from=built /src/.next/standalone ./
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
  CMD ["/nodejs/bin/node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["server.js"]
