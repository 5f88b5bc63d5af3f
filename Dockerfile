# One image, many commands: every service of Shownotes runs from it, as plain JavaScript on plain
# Node, without a package manager, a compiler or a development dependency. And another one for what
# stands in front of them, which has nothing in it but Node, the libraries that Node is linked to, and
# the sidecar: no shell, no package manager, no root.
#
#   docker build --tag compendium/shownotes .
#   docker run --rm compendium/shownotes --help
#   docker build --tag compendium/sidecar --target sidecar .
#   docker run --rm compendium/sidecar --help
#
# Left out: a registry. Whoever builds behind a mirror passes their own configuration for the time of
# the build only, and it stays out of every layer: docker build --secret id=npmrc,src=$HOME/.npmrc .

FROM node:24-bookworm-slim AS base
WORKDIR /app

# The manifests alone. What follows is built anew only when their text changes, not their sources'.
FROM base AS manifests
COPY . .
RUN mkdir /manifests && \
    find . -name package.json -exec cp --parents {} /manifests ';' && \
    cp pnpm-lock.yaml pnpm-workspace.yaml /manifests

FROM base AS build
COPY --from=manifests /manifests ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm install --global --no-fund --no-audit --no-update-notifier --loglevel=error \
    "$(node -p "require('./package.json').packageManager")"
# The root brings the compiler; "..." is everything that the demo needs.
RUN --mount=type=cache,target=/store --mount=type=secret,id=npmrc,target=/root/.npmrc \
    pnpm install --frozen-lockfile --store-dir=/store \
    --filter=compendium-of-distributed-systems --filter=@compendium/shownotes...
COPY . .
RUN node_modules/.bin/tsc -b examples/shownotes
# Their own folders: copies instead of links, production dependencies only, as the lockfile has them.
# pnpm's notes about the installation name the registry; nothing reads them any more.
RUN --mount=type=cache,target=/store --mount=type=secret,id=npmrc,target=/root/.npmrc \
    for package in shownotes sidecar; do \
      pnpm --filter=@compendium/$package deploy --prod --no-optional --store-dir=/store \
      --config.inject-workspace-packages=true /deployed/$package && \
      rm /deployed/$package/node_modules/.modules.yaml \
      /deployed/$package/node_modules/.pnpm/lock.yaml || exit 1; \
    done

# What an image needs that is made from nothing: who runs there, how names are looked up, whom to
# trust, and Node with its libraries, wherever this machine's kind of processor has them.
FROM base AS bare
RUN mkdir -p /bare/tmp /bare/usr/local/bin && chmod 1777 /bare/tmp && \
    cp --parents /etc/nsswitch.conf /bare && \
    echo 'node:x:1000:1000::/:' >/bare/etc/passwd && echo 'node:x:1000:' >/bare/etc/group && \
    if [ -d /etc/ssl/certs ]; then cp --parents -rL /etc/ssl/certs /bare; fi && \
    cp "$(command -v node)" /bare/usr/local/bin/node && \
    ldd "$(command -v node)" | grep -o '/[^ ]*' | xargs -I FILE cp --parents -L FILE /bare

FROM scratch AS sidecar
COPY --from=bare /bare /
COPY --from=build /deployed/sidecar/node_modules /sidecar/node_modules
COPY --from=build /deployed/sidecar/dist /sidecar/dist
COPY --from=build /deployed/sidecar/package.json /sidecar/package.json
ENV NODE_ENV=production PATH=/usr/local/bin
USER 1000:1000
# As the package's own command: `compendium-sidecar --config-path …`. Whoever gives it a
# configuration gives it a health check as well, since that says where its admin interface is.
ENTRYPOINT ["node", "/sidecar/dist/bin.js"]
CMD ["--help"]

FROM base
ENV NODE_ENV=production
COPY --from=build /deployed/shownotes/node_modules ./node_modules
COPY --from=build /deployed/shownotes/dist ./dist
COPY --from=build /deployed/shownotes/package.json /deployed/shownotes/page.html ./
# A volume that is mounted there belongs to whom the folder belongs to.
RUN mkdir /data && chown node:node /data
USER node
ENTRYPOINT ["node", "dist/main.js"]
CMD ["--help"]
