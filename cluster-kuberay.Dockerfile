# The image of cluster-kuberay.yaml: Ray's own, with this project and its pinned dependencies.
FROM rayproject/ray:2.60.0-py311
WORKDIR /home/ray/sparsest
COPY --chown=ray:users pyproject.toml constraints.txt README.md LICENSE sparsest.py sparsest_rooms.py ./
COPY --chown=ray:users analysis analysis
COPY --chown=ray:users orchestrator orchestrator
COPY --chown=ray:users pruning pruning
COPY --chown=ray:users search search
COPY --chown=ray:users storage storage
COPY --chown=ray:users workers workers
RUN pip install --no-cache-dir --upgrade --constraint constraints.txt pip setuptools \
    && pip install --no-cache-dir --constraint constraints.txt --no-build-isolation --editable '.[cluster]'
