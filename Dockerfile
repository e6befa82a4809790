# One process, no root, nothing to write but its state; the key of the store is given to it: docs/operations.md.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY scripts/build_catalog.py scripts/
COPY tool_specs tool_specs
COPY descope_mcp descope_mcp
RUN python -m venv --without-pip /opt/descope-mcp \
 && pip --python /opt/descope-mcp/bin/python install --no-cache-dir -c constraints.txt ".[postgres,telemetry]"

FROM python:3.13-slim AS base
# Installed packages are compiled by pip; the file system need not be written to.
ENV PATH=/opt/descope-mcp/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DESCOPE_MCP_STATE=/var/lib/descope-mcp
COPY --from=build /opt/descope-mcp /opt/descope-mcp
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/descope-mcp /etc/descope-mcp
# By this the MCP registry knows whose image it is.
LABEL io.modelcontextprotocol.server.name="io.github.descope-mcp/descope-mcp"
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["descope-mcp"]

# A local Descope for tests, with new keys at every start: docker build --target sandbox .
FROM base AS sandbox
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s --retries=5 \
  CMD ["descope-mcp", "sandbox", "wait", "http://127.0.0.1:8080", "--timeout", "2"]
CMD ["sandbox", "--address", "0.0.0.0", "--port", "8080", "--name", "descope"]

# The server; what is built without a target.
FROM base
CMD ["serve", "--http", "0.0.0.0:8080"]
