package io.moetier.cli.option;

import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.drive.ClusterDrive;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.session.PhysicalCores;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/// Makes an engine the driver of the cluster that options name.
///
/// @param mixed whether nodes may compute other bits
/// @param threads that compute here; 0 for one per core
record ClusterNodes(ClusterSettings settings, boolean mixed, int threads, Surroundings surroundings, Streams streams)
        implements ExpertNodesFactory {
    private static final double USUAL_DISK = 1e9; // bytes/s

    @Override
    public ExpertNodes open(Driven engine) {
        try {
            Belonging belonging = Belonging.read(settings, surroundings.secretsDirectory());
            int numThreads = PhysicalCores.threads(threads);
            ClusterDrive.How how = new ClusterDrive.How(
                    ProgramVersion.get(),
                    mixed,
                    numThreads,
                    MemoryBandwidth.roughly(numThreads),
                    USUAL_DISK,
                    Optional.empty(),
                    Optional.of(surroundings.cacheDirectory().resolve("placements")));
            return ClusterOptions.named(() -> new ClusterDrive(belonging, "driver", how, streams::note).open(engine));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
