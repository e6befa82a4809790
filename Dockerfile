# One process, no root, no shell, nothing to write but its state; the key of the store is given to it: docs/operations.md.
FROM debian:trixie-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      binutils ca-certificates gcc libc6-dev libpq-dev python3-dev python3-pip python3-venv
# What Python and its extensions need of the system. What is known of the packages stays for scanners of images.
WORKDIR /root-of-image
RUN apt-get download base-files libbz2-1.0 libc6 libcom-err2 libexpat1 libffi8 libgcc-s1 libgssapi-krb5-2 libk5crypto3 \
      libkeyutils1 libkrb5-3 libkrb5support0 libldap2 liblzma5 libpq5 libpython3.13-minimal libpython3.13-stdlib \
      libsasl2-2 libsqlite3-0 libssl3t64 libuuid1 libzstd1 python3.13-minimal tzdata zlib1g \
 && install -d var/lib/dpkg/status.d opt \
 && for package in *.deb; do \
      dpkg-deb -x "$package" . \
      && dpkg-deb -f "$package" > "var/lib/dpkg/status.d/$(dpkg-deb -f "$package" Package)" || exit; \
    done \
 && rm *.deb \
 && install -D -m 0644 -t etc/ssl/certs /etc/ssl/certs/ca-certificates.crt \
 && ln -s python3.13 usr/bin/python3 \
 && install -d -m 1777 tmp \
 && install -d -m 0700 -o 10001 -g 10001 var/lib/descope-mcp var/lib/descope-mcp-key
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY scripts/build_catalog.py scripts/
COPY tool_specs tool_specs
COPY descope_mcp descope_mcp
# The driver of PostgreSQL is compiled against the system's libpq: its wheel brings another OpenSSL along.
RUN python3.13 -m venv --without-pip /opt/descope-mcp \
 && pip --python /opt/descope-mcp/bin/python install --no-cache-dir --no-compile -c constraints.txt \
      ".[telemetry]" "psycopg[c]" \
 && mv /opt/descope-mcp /root-of-image/opt/
# Left out: what nothing reads when the server runs. Modules are compiled, so that their sources are not needed; only
# Alembic looks for those of migrations.
WORKDIR /root-of-image
RUN packages=opt/descope-mcp/lib/python3.13/site-packages library=usr/lib/python3.13 \
 && rm -rf usr/lib/*-linux-gnu/gconv usr/lib/*-linux-gnu/libmvec.so.* usr/share/lintian usr/share/man \
      $library/_pyrepl $library/pydoc_data $library/test $library/unittest $library/venv \
      $library/lib-dynload/_codecs_* $library/lib-dynload/_test* $library/lib-dynload/*xx* \
      $packages/jsonschema/benchmarks \
      $packages/sqlalchemy/dialects/mssql $packages/sqlalchemy/dialects/mysql $packages/sqlalchemy/dialects/oracle \
 && find usr/share/doc -type f ! -name copyright -delete \
 && find $packages -type d \( -name testing -o -name tests \) -prune -exec rm -r {} + \
 && find $packages/pygments/lexers -name "*.py" ! -name __init__.py ! -name _mapping.py ! -name python.py -delete \
 && find $packages -name "*.so" -exec strip --strip-unneeded {} + \
 && python3.13 -m compileall -q -b -s /root-of-image /root-of-image/$library /root-of-image/$packages \
 && find $library $packages -name "*.py" ! -path "*/migrations/*" -delete \
 && find $packages \( -name "*.pyi" -o -name "*.pyx" -o -name "*.pxd" \) -delete

FROM scratch AS base
COPY --from=build /root-of-image /
# Modules are compiled already; the file system need not be written to.
ENV PATH=/opt/descope-mcp/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    DESCOPE_MCP_STATE=/var/lib/descope-mcp
# By this the MCP registry knows whose image it is.
LABEL io.modelcontextprotocol.server.name="io.github.descope-mcp/descope-mcp"
USER 10001:10001
RUN ["descope-mcp", "--version"]
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
