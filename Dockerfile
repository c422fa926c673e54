# The service in one image; compose.yaml runs it beside PostgreSQL.
FROM python:3.13-slim
WORKDIR /srv
COPY requirements-setup.lock requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir --require-hashes -r requirements-setup.lock \
 && uv pip install --system --no-cache --require-hashes -r requirements.lock
COPY policies policies
COPY catalog catalog
COPY connectors connectors
COPY registry registry
RUN uv pip install --system --no-cache --no-deps --no-build-isolation . \
 && useradd --create-home --uid 10001 vrijgave && install -d -o vrijgave /var/lib/vrijgave
USER vrijgave
ENV VRIJGAVE_HOME=/var/lib/vrijgave
EXPOSE 8000
CMD ["vrijgave", "serve", "--host", "0.0.0.0"]
