# One image, many commands: every service of Shownotes runs from it, as plain JavaScript on plain
# Node, without a package manager, a compiler or a development dependency.
#
#   docker build --tag compendium/shownotes .
#   docker run --rm compendium/shownotes --help
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
# Its own folder: copies instead of links, production dependencies only, as the lockfile has them.
# pnpm's notes about the installation name the registry; nothing reads them any more.
RUN --mount=type=cache,target=/store --mount=type=secret,id=npmrc,target=/root/.npmrc \
    pnpm --filter=@compendium/shownotes deploy --prod --no-optional --store-dir=/store \
    --config.inject-workspace-packages=true /deployed && \
    rm /deployed/node_modules/.modules.yaml /deployed/node_modules/.pnpm/lock.yaml

FROM base
ENV NODE_ENV=production
COPY --from=build /deployed/node_modules ./node_modules
COPY --from=build /deployed/dist ./dist
COPY --from=build /deployed/package.json /deployed/page.html ./
# A volume that is mounted there belongs to whom the folder belongs to.
RUN mkdir /data && chown node:node /data
USER node
ENTRYPOINT ["node", "dist/main.js"]
CMD ["--help"]
