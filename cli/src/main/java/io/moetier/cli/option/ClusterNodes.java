package io.moetier.cli.option;

import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.drive.ClusterDrive;
import io.moetier.cluster.drive.Judge;
import io.moetier.cluster.membership.Belonging;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.lab.cluster.TokenTimeJudge;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.AvailableMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.OptionalDouble;

/// Makes an engine the driver of the cluster that options name.
///
/// @param asked of them
record ClusterNodes(Belonging belonging, Asked asked, Surroundings surroundings, Streams streams)
        implements ExpertNodesFactory {
    private static final double USUAL_DISK = 1e9; // bytes/s

    /// What is asked of a driver.
    ///
    /// @param mixed whether nodes may compute other bits
    /// @param threads that compute here; 0 for one per core
    /// @param isJudged whether nodes compute only where that is predicted to be faster: of a driver without a GPU
    /// @param io how experts are read here
    record Asked(boolean mixed, int threads, boolean isJudged, IoMode io) {}

    @Override
    public ExpertNodes open(Driven engine) {
        try {
            int numThreads = PhysicalCores.threads(asked.threads());
            OptionalDouble disk = diskBytesPerSecond(engine.store().manifest().totalBytes());
            ClusterDrive.How how = new ClusterDrive.How(
                    ProgramVersion.get(),
                    asked.mixed(),
                    numThreads,
                    MemoryBandwidth.roughly(numThreads),
                    disk.orElse(USUAL_DISK),
                    Optional.empty(),
                    Optional.of(surroundings.cacheDirectory().resolve("placements")));
            ClusterDrive drive = new ClusterDrive(belonging, "driver", how, streams::note);
            boolean isJudged = asked.isJudged() && engine.onProcessor();
            ClusterDrive judged = isJudged ? drive.judgedBy(judge(engine, disk.isPresent())) : drive;
            return ClusterOptions.joined(belonging.settings(), () -> judged.open(engine));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns what missing experts come at, as far as that was measured here.
    private OptionalDouble diskBytesPerSecond(long weightBytes) {
        Optional<MachineProfile> kept = MachineProfile.kept(surroundings.cacheDirectory());
        boolean cached = asked.io().isCached(weightBytes, AvailableMemory.bytes());
        return kept.map(machine -> cached ? machine.withCachedFiles() : machine)
                .map(MachineProfile::diskBytesPerSecond)
                .orElse(OptionalDouble.empty());
    }

    private static Judge judge(Driven engine, boolean diskIsMeasured) {
        TokenTimeJudge judge = new TokenTimeJudge(engine.spec(), engine.store().manifest(), diskIsMeasured);
        return proposal -> {
            NodesVerdict verdict = judge.judge(proposal);
            return verdict.nodesCompute()
                    ? verdict
                    : new NodesVerdict(false, verdict.sentence() + "; --nodes always asks them all the same");
        };
    }
}
