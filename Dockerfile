# syntax=docker/dockerfile:1
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production PONDER_TELEMETRY_DISABLED=1
# The signer is a user of its own, so that no other process reads its folders where they are mounted by mistake.
RUN useradd --system --uid 999 --create-home --home-dir /var/lib/tocsin tocsin \
  && useradd --uid 10002 --user-group --create-home --home-dir /var/lib/tocsin-signer tocsin-signer \
  && chmod 700 /var/lib/tocsin /var/lib/tocsin-signer
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The indexer's sources are read by Ponder as they are; SQL migrations, runbooks and policies are data.
COPY --from=build /app/src ./src
COPY --from=build /app/abis ./abis
COPY --from=build /app/bots ./bots
COPY --from=build /app/actions ./actions
COPY --from=build /app/core/store ./core/store
COPY --from=build /app/ponder.config.ts /app/ponder.schema.ts /app/tsconfig.json /app/vite.config.js ./
# Ponder writes its type declarations beside its configuration at every start.
COPY --from=build --chown=tocsin /app/ponder-env.d.ts ./
USER tocsin
VOLUME ["/var/lib/tocsin", "/var/lib/tocsin-signer"]
ENTRYPOINT ["node", "dist/core/cli/main.js"]
CMD ["--help"]
