# An image that answers from one folder of documents: its index is built into it, and it
# needs no network when it runs.
#
#   docker build -t ketqa .                              the documents in corpus/
#   docker build -t ketqa --build-arg CORPUS=FOLDER .    your own, in a folder beside this file
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:7860:7860 ketqa
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/ketqa
ENV PATH=/opt/ketqa/bin:$PATH
WORKDIR /build
COPY constraints.txt ./
# The exact version first: anything looser can pull gigabytes of GPU libraries.
RUN pip install --no-cache-dir torch==2.13.0 -c constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir '.[app,formats]' -c constraints.txt
ARG CORPUS=corpus
COPY ${CORPUS} /srv/ketqa/corpus
# Whoever runs it must be able to read what it wrote.
RUN ketqa index --corpus /srv/ketqa/corpus --index /srv/ketqa/index && chmod -R a+rX /srv/ketqa

FROM python:3.11-slim-bookworm
COPY --from=build /opt/ketqa /opt/ketqa
COPY --from=build /srv/ketqa /srv/ketqa
ENV PATH=/opt/ketqa/bin:$PATH \
    HOME=/tmp \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/ketqa
USER 1000:1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
ENTRYPOINT ["ketqa"]
CMD ["serve", "--host", "0.0.0.0"]
