# The image of every job: docker build -t batchlab:latest .
# One image for launchers and workers: two versions of Open MPI do not talk to each other. Experiments are those of this tree.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
    gcc libc6-dev cmake ninja-build pkg-config libopenmpi-dev openmpi-bin libopenblas-openmp-dev libdnnl-dev \
    ocl-icd-opencl-dev libhdf5-dev zlib1g-dev libcjson-dev libcmocka-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr/local \
    && cmake --build /build --target batchlab && cmake --install /build

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    bash openmpi-bin libopenmpi3 libopenblas0-openmp libdnnl2 libhdf5-103-1 libcjson1 zlib1g libgomp1 gnuplot-nox \
    openssh-server openssh-client \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local /usr/local
# SageMaker starts the program `train`. sshd serves one user on port 2222 and needs no root.
RUN printf '#!/bin/sh\nexec batchlab-ranks train\n' >/usr/local/bin/train && chmod +x /usr/local/bin/train \
    && useradd --create-home --uid 1000 mpiuser && mkdir -p /run/sshd /results && chown mpiuser /results
USER mpiuser
WORKDIR /home/mpiuser
# Containers of one image trust each other by its key; whoever can read the image can read the key, so keep it private.
# The MPI operator brings keys of its own. StrictModes is off because it mounts them for a group.
RUN mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519 && cp .ssh/id_ed25519.pub .ssh/authorized_keys \
    && ssh-keygen -q -t ed25519 -N '' -f .ssh_host_key \
    && printf 'Port 2222\nHostKey /home/mpiuser/.ssh_host_key\nPidFile /home/mpiuser/sshd.pid\nStrictModes no\nAuthorizedKeysFile .ssh/authorized_keys\nPasswordAuthentication no\nUsePAM no\n' >.sshd_config \
    && printf 'Host *\n  Port 2222\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n' >.ssh_config \
    && cp .ssh_config .ssh/config
USER root
RUN cp /home/mpiuser/.ssh_config /etc/ssh/ssh_config.d/batchlab.conf
USER mpiuser
EXPOSE 2222
CMD ["batchlab", "doctor"]
