# Image for kuberay.yaml: Ray's image plus this project and its pinned dependencies. Build it from the
# project's folder: docker build --file cluster/kuberay.Dockerfile .
FROM rayproject/ray:2.60.0-py311
WORKDIR /home/ray/sparsest
COPY --chown=ray:users pyproject.toml constraints.txt README.md LICENSE sparsest.py ./
COPY --chown=ray:users analysis analysis
COPY --chown=ray:users orchestrator orchestrator
COPY --chown=ray:users pruning pruning
COPY --chown=ray:users search search
COPY --chown=ray:users storage storage
COPY --chown=ray:users workers workers
RUN pip install --no-cache-dir --upgrade --constraint constraints.txt pip setuptools \
    && pip install --no-cache-dir --constraint constraints.txt --no-build-isolation --editable '.[cluster]'
